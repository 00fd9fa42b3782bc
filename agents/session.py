"""What every agent provider promises. The bridge knows a session by this and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from agents.audio import AudioFormat
from agents.events import AgentEvent, Spent
from agents.so_far import Resumption


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything that a provider needs to open a session for one call; loaded before the call begins."""

    tenant_id: UUID
    conversation_id: UUID
    provider: str
    agent_id: str
    api_key: str = field(repr=False)
    initiation_json: str = field(repr=False, default="{}")
    """What the provider's `initiation` says: as text, for it is there as long as the call."""
    session_url: str = field(repr=False, default="")
    """Where the session waits, if that was asked for beforehand. A secret, and good for one session."""
    resumption: Resumption | None = None
    """For the agent that goes on with a call whose own agent has failed."""


@dataclass(frozen=True, slots=True)
class Closing:
    """How a session ended. `code` is the WebSocket close code, 1006 when there was no close frame."""

    code: int
    reason: str = ""
    spent: Spent | None = None


class AgentSession(Protocol):
    """One agent on the line. Open it, feed it the caller's audio, follow its events, close it."""

    provider: str
    name: str
    """The provider's name as people write it."""
    agent_id: str
    external_id: str
    """The provider's id of this session; known once it is open."""
    input_format: AudioFormat
    """Caller to agent; known once it is open."""
    output_format: AudioFormat
    """Agent to caller; known once it is open."""
    overrides_refused: bool
    """The agent's settings forbid the overrides that it was sent; it goes on without."""
    closing: Closing | None
    """Set when the session has ended."""

    @property
    def last_message_at(self) -> float:
        """When the provider last sent anything; `time.monotonic()` seconds."""
        ...

    async def open(self) -> None:
        """Connect and agree on formats. Raises AgentRefused, AgentUnreachable or UnsupportedAudio."""
        ...

    async def send_audio(self, audio: bytes) -> None:
        """The caller's audio, in `input_format`, any length."""
        ...

    async def send_digit(self, digit: str) -> None:
        """A key that the caller pressed."""
        ...

    async def answer_tool(self, call_id: str, answer: dict[str, Any]) -> None: ...

    async def tell(self, fact: str, *, aloud: bool = False) -> None:
        """A fact for the agent, in words that the caller does not hear.

        `aloud`: it should speak of it as soon as it may, where the provider has a way to ask for that.
        """
        ...

    async def was_cut(self, item: str, heard_ms: int) -> None:
        """Of a Speech's `item` the caller heard that much, and will hear no more. Only where Speech names one."""
        ...

    def events(self) -> AsyncIterator[AgentEvent]:
        """Until the session ends; raises AgentLost when it broke instead of ending."""
        ...

    async def close(self) -> None:
        """End the session from our side. Never raises, returns within a second."""
        ...
