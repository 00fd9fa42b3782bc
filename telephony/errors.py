"""What can keep a caller from the agent, and the sentence that each hears.

CallRefused             answered with a spoken sentence
├── NumberNotInService  nobody's number, or a suspended tenant's
├── AgentMissing        there may be somebody or something else for the caller
│   ├── AgentNotConfigured  no credentials for the agent's provider
│   ├── AgentNotChosen      no agent id
│   └── BudgetSpent         no paid time is left for the business
│       └── CallerBudgetSpent   nor for this caller, today
├── OverLimit           a limit on calls that needs nobody's cooperation
│   ├── CallerBlocked       the business takes no calls from this number: turned away without a word
│   ├── LinesBusy           too many calls of the business at once
│   ├── CallerOnManyLines   too many of one caller at once
│   └── CallerCallsTooOften too many of one caller in a day
└── CallFailed          anything else

BadFrame                what came over a media socket is not the carrier's protocol
StreamRefused           a media socket without a valid token
"""

from agents.speech import Speech, speech_for

ENGLISH = speech_for("en")
"""For callers of whom no language is known."""


class CallRefused(Exception):
    outcome = "error"
    spoken = ENGLISH.call_failed

    def sentence(self, speech: Speech) -> str:
        return speech.call_failed


class NumberNotInService(CallRefused):
    outcome = "not_in_service"
    spoken = ENGLISH.not_in_service

    def sentence(self, speech: Speech) -> str:
        return speech.not_in_service


class AgentMissing(CallRefused):
    pass


class AgentNotConfigured(AgentMissing):
    outcome = "agent_not_configured"
    spoken = ENGLISH.assistant_unavailable

    def sentence(self, speech: Speech) -> str:
        return speech.assistant_unavailable


class AgentNotChosen(AgentMissing):
    outcome = "agent_not_chosen"
    spoken = ENGLISH.assistant_not_configured

    def sentence(self, speech: Speech) -> str:
        return speech.assistant_not_configured


class BudgetSpent(AgentMissing):
    outcome = "budget_spent"
    spoken = ENGLISH.assistant_unavailable

    def sentence(self, speech: Speech) -> str:
        return speech.assistant_unavailable


class CallerBudgetSpent(BudgetSpent):
    outcome = "caller_budget_spent"
    spoken = ENGLISH.called_too_often

    def sentence(self, speech: Speech) -> str:
        return speech.called_too_often


class OverLimit(CallRefused):
    pass


class CallerBlocked(OverLimit):
    outcome = "caller_blocked"
    spoken = ENGLISH.not_in_service

    def sentence(self, speech: Speech) -> str:
        return speech.not_in_service


class LinesBusy(OverLimit):
    outcome = "lines_busy"
    spoken = ENGLISH.lines_busy

    def sentence(self, speech: Speech) -> str:
        return speech.lines_busy


class CallerOnManyLines(LinesBusy):
    outcome = "caller_on_many_lines"


class CallerCallsTooOften(OverLimit):
    outcome = "caller_calls_too_often"
    spoken = ENGLISH.called_too_often

    def sentence(self, speech: Speech) -> str:
        return speech.called_too_often


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
