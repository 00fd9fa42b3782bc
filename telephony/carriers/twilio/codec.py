"""Media Streams JSON to and from frames.  Source: Twilio, "Media Streams - WebSocket Messages"."""

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from agents.audio import MULAW_8K
from telephony.codec import identifier, json_event
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, Frame, Mark, StreamStarted, StreamStopped

_WORDS = {
    b"number": rb'"[0-9]*+"',
    b"name": rb'"[0-9A-Za-z_]*+"',
    b"base64": rb'"([A-Za-z0-9+/]*+={0,2})"',
}
_usual_media = re.compile(  # as Twilio writes it
    rb'\{"event":"media","sequenceNumber":%(number)b,"media":\{"track":"inbound","chunk":%(number)b,'
    rb'"timestamp":%(number)b,"payload":%(base64)b\},"streamSid":%(name)b\}' % _WORDS
).fullmatch
_other_media = re.compile(  # with spaces, in another order, or less of it
    rb'\{"event": ?"media", ?(?:"sequenceNumber": ?%(number)b, ?)?(?:"streamSid": ?%(name)b, ?)?"media": ?'
    rb'\{(?:"track": ?"inbound", ?)?(?:"chunk": ?%(number)b, ?)?(?:"timestamp": ?%(number)b, ?)?'
    rb'"payload": ?%(base64)b\}(?:, ?"streamSid": ?%(name)b)?\}' % _WORDS
).fullmatch


class TwilioCodec:
    """One stream's codec: what it sends names the stream that `start` announced."""

    carrier = "twilio"
    audio_format = MULAW_8K
    confirms_playback = True
    """Marks come back when what was sent before them has been played."""

    def __init__(self) -> None:
        self._name_stream("")

    def plain_audio(self, message: bytes) -> bytes | None:
        """The base64 of a media message that holds nothing unexpected. None: `decode` it.

        Where the whole message has one of the shapes above, JSON could not read it in any other way.
        """
        media = _usual_media(message) or _other_media(message)
        audio: bytes | None = media and media[1]
        return audio if audio is not None and len(audio) % 4 == 0 else None

    def decode(self, message: str | bytes) -> Frame | None:
        """None for a message that we have no use for. Raises BadFrame for what Twilio never sends."""
        if isinstance(message, bytes):
            raise BadFrame("Media Streams are text", close_code=1003)
        event = json_event(message)
        match event.get("event"):
            case "media":
                return self._audio(event)
            case "start":
                return self._start(event)
            case "mark":
                return Mark(_text(_section(event, "mark"), "name"))
            case "dtmf":
                return Digit(_text(_section(event, "dtmf"), "digit"))
            case "stop":
                return StreamStopped()
        return None  # `connected`, and whatever Twilio may add

    def _audio(self, event: Mapping[str, Any]) -> CallerAudio:
        payload = _section(event, "media").get("payload")
        if not isinstance(payload, str):
            raise BadFrame("media without a payload")
        try:
            return CallerAudio(b64decode(payload, validate=True))
        except (Base64Error, ValueError):
            raise BadFrame("payload is not base64") from None

    def _start(self, event: Mapping[str, Any]) -> StreamStarted:
        start = _section(event, "start")
        parameters = start.get("customParameters") or {}
        if not isinstance(parameters, dict):
            raise BadFrame("customParameters is not an object")
        self._name_stream(identifier(event.get("streamSid") or start.get("streamSid")))
        return StreamStarted(
            stream_id=self._stream_id,
            carrier_call_id=identifier(start.get("callSid")),
            parameters={identifier(name): identifier(value) for name, value in parameters.items()},
        )

    def _name_stream(self, stream_id: str) -> None:
        self._stream_id = stream_id
        quoted = json.dumps(stream_id).encode()
        self._media_head = b'{"event":"media","streamSid":' + quoted + b',"media":{"payload":"'

    def encode_audio(self, audio: bytes) -> str:
        return self.encode_plain_audio(b64encode(audio)).decode("ascii")

    def encode_plain_audio(self, audio: bytes) -> bytes:
        """The same of audio that is base64 already."""
        return self._media_head + audio + b'"}}'

    def encode_mark(self, name: str) -> str:
        return json.dumps({"event": "mark", "streamSid": self._stream_id, "mark": {"name": name}})

    def encode_clear(self) -> str:
        """Drop what is queued. Twilio then echoes every mark that is still pending."""
        return json.dumps({"event": "clear", "streamSid": self._stream_id})


def _section(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = event.get(name)
    if not isinstance(section, dict):
        raise BadFrame(f"{name} without its {name} object")
    return section


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    return value if isinstance(value, str) else ""
