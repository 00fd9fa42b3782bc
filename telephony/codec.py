"""What the bridge needs of a carrier, and what every carrier's text frames share."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from agents.audio import AudioFormat
from telephony.errors import BadFrame
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
    def encode_clear(self) -> str: ...


class Playout(Protocol):
    """Who paces the agent's audio, where the carrier confirms nothing: it knows what has been played."""

    @property
    def played_seconds(self) -> float: ...
    async def drained(self) -> None:
        """Until everything that was sent has been played."""
        ...


def json_event(message: str) -> Mapping[str, Any]:
    """The JSON object of a text frame. Raises BadFrame for anything else."""
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None
    if not isinstance(event, dict):
        raise BadFrame("not a JSON object")
    return event


def identifier(value: object) -> str:
    """Ids and tokens are printable ASCII; anything else is nobody's."""
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""
