"""What happens in an agent's session, in words that every provider shares."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Speech:
    """Audio for the caller, in the session's output format."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller spoke over the agent: what has not been played must not be."""


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
class Reopened:
    """The provider ended the session at once, and another was opened in its place, asking for less."""

    external_id: str
    """Of the session that ended."""
    close_code: int
    close_reason: str


AgentEvent = Speech | Interrupted | CallerSaid | AgentSaid | AgentCorrected | ToolCall | HangUp | Reopened
