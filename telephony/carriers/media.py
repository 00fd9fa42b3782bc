"""What the media socket needs of a carrier: facts, and how its stream proves whose call it is."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from asgiref.typing import WebSocketScope

from agents.fast_lane.pump.words import Pattern
from telephony.codec import Codec, Playout
from telephony.frames import StreamStarted

Send = Callable[[str | bytes], Awaitable[None]]


class MediaCodec(Codec, Protocol):
    @property
    def around_audio(self) -> tuple[bytes, bytes]:
        """What stands before and after base64 in a message of the agent's audio that takes the fast lane."""
        ...

    def plain_audio(self, message: bytes) -> bytes | None:
        """The base64 of a message that can take the fast lane; None: `decode` it."""
        ...

    def pattern(self, message: bytes) -> Pattern | None:
        """What such a message is like, with all that are plain audio for the same reason; None: it is like no other."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How messages reach the carrier; with a `playout` where it is we who pace them."""

    send: Send
    playout: Playout | None = None


class MediaLeg(Protocol):
    """One accepted media socket."""

    carrier: str
    codec: MediaCodec
    has_lane: bool
    """Whether plain audio may go from socket to socket."""
    has_menu: bool
    """Whether a caller can go on by keys when the stream is over."""

    async def prove(self, started: StreamStarted) -> None:
        """Look at what the carrier proves beside the stream's token, and add what only its socket tells.

        Raises StreamRefused.
        """
        ...

    def mismatch(self) -> str:
        """Why the stream, though it is this call's, cannot be carried; or ""."""
        ...

    def sending(self, send: Send) -> AbstractAsyncContextManager[Way]: ...


OpenLeg = Callable[[WebSocketScope], MediaLeg | None]
"""None for a path that is nobody's: refused before the upgrade."""


def header(scope: WebSocketScope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
