"""What happens in an agent's session, in words that every provider shares."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Speech:
    """Audio for the caller, in the session's output format."""

    audio: bytes
    item: str = ""
    """The reply that it is a part of, where the session has to be told how much of it was heard."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller spoke over the agent: what has not been played must not be."""


@dataclass(frozen=True, slots=True)
class CallerSpeaks:
    """The caller has begun to speak: if something is being played, it is interrupted, and the session is told."""


@dataclass(frozen=True, slots=True)
class CallerSaid:
    text: str


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """The whole reply, announced when its first audio comes: not yet what was heard."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentCorrected:
    """After an interruption: what the caller heard of the last reply."""

    heard: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent asks; the answer goes back under the same id."""

    call_id: str
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HangUp:
    """The agent has said goodbye; its last words may still have to be played."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a session used, in its provider's units, and what that costs, where the session itself can tell."""

    usage: dict[str, Any]
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reopened:
    """A session ended and another was opened in its place: its settings were refused, or its time was up."""

    external_id: str
    """Of the session that ended."""
    close_code: int
    close_reason: str
    spent: Spent | None = None


AgentEvent = (
    Speech
    | Interrupted
    | CallerSpeaks
    | CallerSaid
    | AgentSaid
    | AgentCorrected
    | ToolCall
    | HangUp
    | Reopened
)
