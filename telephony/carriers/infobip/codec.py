"""An Infobip `WEBSOCKET` endpoint's messages to and from frames: PCM as binary, all else as JSON text.

Source: Infobip, "Use WebSocket streaming"; audio is 16-bit little-endian mono without a header.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from agents.audio import AudioFormat
from agents.fast_lane.pump.words import Pattern
from telephony.codec import identifier, json_event
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, Frame, StreamStarted

CLEAR = '{"action":"clear"}'

_RATE = re.compile(r"\s*rate\s*=\s*(\d{4,6})\s*", re.IGNORECASE)


class InfobipCodec:
    """One leg's codec, at the sample rate that its media-stream config was made with."""

    confirms_playback = False
    """Nothing comes back: what has been played is known from our own pace alone."""

    def __init__(self, rate_hz: int) -> None:
        self.audio_format = AudioFormat("pcm16", rate_hz)
        self.declared = ""
        """The content type that the leg announced."""

    @property
    def is_as_agreed(self) -> bool:
        """Whether the leg speaks at our rate. One that does not say speaks as it was configured."""
        kind, *parameters = self.declared.split(";")
        told = [int(rate[1]) for rate in map(_RATE.fullmatch, parameters) if rate]
        is_pcm = kind.strip().lower() == "audio/l16"
        return not self.declared or (is_pcm and told == [self.audio_format.rate_hz])

    around_audio = b"", b""

    def plain_audio(self, message: bytes) -> bytes | None:
        """Binary audio has no lane yet: the agents' one takes base64."""
        return None

    def pattern(self, message: bytes) -> Pattern | None:
        return None

    def decode(self, message: str | bytes) -> Frame | None:
        """None for a message that we have no use for. Raises BadFrame for what Infobip never sends."""
        if isinstance(message, bytes):
            if len(message) % 2:
                raise BadFrame("half a sample")
            return CallerAudio(message) if message else None
        event = json_event(message)
        match event.get("event"):
            case "websocket:connected":
                return self._connected(event)
            case "websocket:dtmf":
                digit = event.get("digit")
                return Digit(digit) if isinstance(digit, str) and len(digit) == 1 else None
        return None  # whatever Infobip may add

    def _connected(self, event: Mapping[str, Any]) -> StreamStarted:
        """The custom data of the leg stands flat beside the content type; on some accounts in an object."""
        nested = event.get("customData")
        custom = {**event, **(nested if isinstance(nested, dict) else {})}
        self.declared = identifier(event.get("content-type"))
        names = ("token", "callId")
        parameters = {name: identifier(custom.get(name)) for name in names if name in custom}
        return StreamStarted(
            stream_id="", carrier_call_id=parameters.get("callId", ""), parameters=parameters
        )

    def encode_audio(self, audio: bytes) -> bytes:
        return audio

    def encode_plain_audio(self, audio: bytes) -> bytes:
        return b64decode(audio)

    def encode_mark(self, name: str) -> str:
        raise NotImplementedError("Infobip confirms nothing: ask the pacer")

    def encode_clear(self) -> str:
        """Drop what is queued at Infobip."""
        return CLEAR
