"""What can keep a caller from the agent, and the sentence that each hears.

CallRefused             answered with a spoken sentence
├── NumberNotInService  nobody's number, or a suspended tenant's
├── AgentNotConfigured  no credentials for the agent's provider
├── AgentNotChosen      no agent id
└── CallFailed          anything else

BadFrame                what came over a media socket is not the carrier's protocol
StreamRefused           a media socket without a valid token
"""


class CallRefused(Exception):
    spoken = "We encountered an error. Please try again later."
    outcome = "error"


class NumberNotInService(CallRefused):
    spoken = "This number is not in service."
    outcome = "not_in_service"


class AgentNotConfigured(CallRefused):
    spoken = "Our AI assistant is temporarily unavailable."
    outcome = "agent_not_configured"


class AgentNotChosen(CallRefused):
    spoken = "Our AI assistant is not properly configured."
    outcome = "agent_not_chosen"


class CallFailed(CallRefused):
    pass


class BadFrame(Exception):
    """`close_code` is the WebSocket close code that tells the peer why (RFC 6455, 7.4.1)."""

    def __init__(self, reason: str, close_code: int = 1007) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


class StreamRefused(Exception):
    """Missing, unknown, used or expired token, or one of another call. Closed with 1008."""
