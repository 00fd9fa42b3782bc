"""Why an agent's session could not begin or go on.

AgentError
├── AgentRefused        it said no: credentials, unknown agent, quota, a disallowed override
├── AgentUnreachable    nothing came back in time
├── AgentLost           an open session broke
└── UnsupportedAudio    it speaks a format that the carrier's leg cannot carry
"""


class AgentError(Exception):
    """`code` is the WebSocket close code or HTTP status where there was one."""

    outcome = "agent_failed"

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class AgentRefused(AgentError):
    outcome = "agent_refused"


class AgentUnreachable(AgentError):
    outcome = "agent_unreachable"


class AgentLost(AgentError):
    outcome = "agent_lost"


class UnsupportedAudio(AgentError):
    outcome = "unsupported_audio"


class AnotherTenants(Exception):
    """A provider's conversation that belongs to another tenant."""
