"""Media Streams JSON to and from frames.  Source: Twilio, "Media Streams - WebSocket Messages"."""

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, NamedTuple

from agents.audio import MULAW_8K
from agents.base64_audio import KINDS
from agents.fast_lane.pump.words import DIGIT, LETTER_OR_DIGIT, LIKE_BASE64, Pattern
from telephony.codec import identifier, json_event
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, Frame, Mark, StreamStarted, StreamStopped

_WORDS = {
    b"number": rb'"[0-9]*+"',
    b"name": rb'"[0-9A-Za-z_]*+"',
    b"base64": rb'"([A-Za-z0-9+/]*+={0,2})"',
}
_usual = re.compile(  # as Twilio writes it
    rb'\{"event":"media","sequenceNumber":%(number)b,"media":\{"track":"inbound","chunk":%(number)b,'
    rb'"timestamp":%(number)b,"payload":%(base64)b\},"streamSid":%(name)b\}' % _WORDS
)
_usual_media = _usual.fullmatch
_other_media = re.compile(  # with spaces, in another order, or less of it
    rb'\{"event": ?"media", ?(?:"sequenceNumber": ?%(number)b, ?)?(?:"streamSid": ?%(name)b, ?)?"media": ?'
    rb'\{(?:"track": ?"inbound", ?)?(?:"chunk": ?%(number)b, ?)?(?:"timestamp": ?%(number)b, ?)?'
    rb'"payload": ?%(base64)b\}(?:, ?"streamSid": ?%(name)b)?\}' % _WORDS
).fullmatch

_ZEROS = bytes(ord("0") if chr(code).isdigit() else code for code in range(128)) + bytes(range(128, 256))
"""For `translate`: every digit is a zero."""
_BEFORE_NAME, _AFTER_NAME = b'"},"streamSid":"', b'"}'
_MOST_SHAPES, _LONGEST_SHAPE = 64, 2048


class _Shape(NamedTuple):
    """What a usual message of one length is like, but for its digits, its audio and its stream's name."""

    head: slice
    zeros: bytes
    audio: slice
    kinds: bytes
    before_name: slice
    name: slice


_shapes: dict[int, _Shape] = {}
"""By the length of the message, for all streams: to see that one is like the last is cheaper than to read it."""


def _audio_by_shape(message: bytes) -> bytes | None:
    shape = _shapes.get(len(message))
    if shape is None:
        return None
    head, zeros, content, kinds, before_name, name = shape
    if (
        message[head].translate(_ZEROS) == zeros
        and (audio := message[content]).translate(KINDS) == kinds
        and message[before_name] == _BEFORE_NAME
        and message[name].isalnum()
        and message.endswith(_AFTER_NAME)
    ):
        return audio
    return None


def _learn(message: bytes, begin: int, end: int) -> None:
    """From a usual message, whose audio stands from `begin` to `end`."""
    size, named = len(message), end + len(_BEFORE_NAME)
    if size <= _LONGEST_SHAPE:
        if len(_shapes) >= _MOST_SHAPES and size not in _shapes:
            del _shapes[next(iter(_shapes))]  # the oldest: nobody's messages keep those of others out
        head, content, name = slice(0, begin), slice(begin, end), slice(named, size - len(_AFTER_NAME))
        zeros, kinds = message[head].translate(_ZEROS), message[content].translate(KINDS)
        _shapes[size] = _Shape(head, zeros, content, kinds, slice(end, named), name)


_LIKE_DIGITS = _ZEROS.replace(b"0", bytes([DIGIT]))
_LIKE_NAME = bytes(LETTER_OR_DIGIT if chr(code).isalnum() else code for code in range(128)) + bytes(128)


_MEDIA_TAIL = b'"}}'


class TwilioCodec:
    """One stream's codec: what it sends names the stream that `start` announced."""

    audio_format = MULAW_8K
    confirms_playback = True
    """Marks come back when what was sent before them has been played."""

    def __init__(self) -> None:
        self._name_stream("")

    @staticmethod
    def plain_audio(message: bytes) -> bytes | None:
        """The base64 of a media message that holds nothing unexpected. None: `decode` it.

        Where the whole message has one of the shapes above, JSON could not read it in any other way.
        """
        if audio := _audio_by_shape(message):
            return audio
        media = _usual_media(message) or _other_media(message)
        if media is None or len(media[1]) % 4:
            return None
        if media.re is _usual:
            _learn(message, *media.span(1))
        found: bytes = media[1]
        return found

    @staticmethod
    def pattern(message: bytes) -> Pattern | None:
        """Of what `_audio_by_shape` knows again."""
        shape = _shapes.get(len(message))
        if shape is None or not _audio_by_shape(message):
            return None
        return Pattern(
            message[shape.head].translate(_LIKE_DIGITS)
            + message[shape.audio].translate(LIKE_BASE64)
            + _BEFORE_NAME
            + message[shape.name].translate(_LIKE_NAME)
            + _AFTER_NAME,
            shape.audio,
        )

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
        self._clear = json.dumps({"event": "clear", "streamSid": stream_id})
        self._media_head = b'{"event":"media","streamSid":' + quoted + b',"media":{"payload":"'

    def encode_audio(self, audio: bytes) -> str:
        return self.encode_plain_audio(b64encode(audio)).decode("ascii")

    def encode_plain_audio(self, audio: bytes) -> bytes:
        """The same of audio that is base64 already."""
        return self._media_head + audio + _MEDIA_TAIL

    @property
    def around_audio(self) -> tuple[bytes, bytes]:
        return self._media_head, _MEDIA_TAIL

    def encode_mark(self, name: str) -> str:
        return json.dumps({"event": "mark", "streamSid": self._stream_id, "mark": {"name": name}})

    def encode_clear(self) -> str:
        """Drop what is queued. Twilio then echoes every mark that is still pending."""
        return self._clear


def _section(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = event.get(name)
    if not isinstance(section, dict):
        raise BadFrame(f"{name} without its {name} object")
    return section


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    return value if isinstance(value, str) else ""
