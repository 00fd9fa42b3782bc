"""What the bridge needs of a carrier."""

from typing import Protocol

from agents.audio import AudioFormat
from telephony.frames import Frame


class Codec(Protocol):
    """What a carrier's codec declares and does."""

    audio_format: AudioFormat
    confirms_playback: bool

    def decode(self, message: str | bytes) -> Frame | None: ...
    def encode_audio(self, audio: bytes) -> str | bytes: ...
    def encode_plain_audio(self, audio: bytes) -> bytes:
        """Of base64 audio, for the fast lane."""
        ...

    def encode_mark(self, name: str) -> str | bytes: ...
    def encode_clear(self) -> str | bytes: ...


class Playout(Protocol):
    """Who paces the agent's audio, where the carrier confirms nothing: it knows what has been played."""

    @property
    def played_seconds(self) -> float: ...
    async def drained(self) -> None:
        """Until everything that was sent has been played."""
        ...
