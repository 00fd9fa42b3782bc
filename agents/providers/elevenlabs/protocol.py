"""ElevenLabs' WebSocket messages to and from our events.  Source: ElevenLabs, "Agents WebSocket" reference.

The vendor adds fields and types often: what we do not know is ignored, an optional key may be missing.
"""

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.audio import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from agents.base64_audio import is_base64
from agents.events import (
    AgentCorrected,
    AgentEvent,
    AgentSaid,
    CallerSaid,
    HangUp,
    Interrupted,
    Speech,
    ToolCall,
)
from agents.fast_lane.pump.words import DIGIT, LIKE_BASE64, Pattern
from tenants.json_body import NotAnObject, TooDeep, clean, parse_object

MAX_WORDS = 64 * 1024
"""Of a message that is not audio, in characters. Audio may have megabytes."""
MAX_REASON = 240

FORMATS: dict[str, AudioFormat] = {
    "ulaw_8000": MULAW_8K,
    "pcm_8000": PCM16_8K,
    "pcm_16000": PCM16_16K,
    "pcm_22050": AudioFormat("pcm16", 22050),
    "pcm_24000": PCM16_24K,
    "pcm_44100": AudioFormat("pcm16", 44100),
    "pcm_48000": AudioFormat("pcm16", 48000),
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The first message of every session. Formats are the vendor's names, obeyed whatever we asked for."""

    conversation_id: str
    output_format: str
    input_format: str


@dataclass(frozen=True, slots=True)
class Ping:
    event_id: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An `error` message: the session is about to be closed."""

    reason: str
    code: int | None = None


ServerMessage = AgentEvent | Metadata | Ping | Refusal


_ID = rb"(0|[1-9][0-9]{0,15})"
_AUDIO_HEADS = (
    rb'\{"type": ?"audio", ?"audio_event": ?\{(?:"event_id": ?%b, ?)?"audio_base_64": ?"',
    rb'\{"audio_event": ?\{(?:"event_id": ?%b, ?)?"audio_base_64": ?"',
)
# Of which letter sounds when one reads nothing but where it ends: braces that are letters are left to JSON.
_ALIGNMENT = rb"(?:null|\{(?:[^{}\\]++|\\.)*+\})"
_MORE = rb', ?"is_final": ?(?:true|false)|, ?"alignment": ?' + _ALIGNMENT
_AUDIO_TAIL = rb'"(?:, ?"event_id": ?%b)?(?:%b)*+\}' % (_ID, _MORE)
_AUDIO_ENDS = (rb"\}", rb', ?"type": ?"audio"\}')
_audio_shapes = tuple(
    (re.compile(head % _ID).match, re.compile(_AUDIO_TAIL + end).fullmatch)
    for head, end in zip(_AUDIO_HEADS, _AUDIO_ENDS, strict=True)
)
_ping = re.compile(
    rb'\{"type": ?"ping", ?"ping_event": ?\{"event_id": ?%b(?:, ?"ping_ms": ?(?:null|0|[1-9][0-9]*))?\}\}'
    % _ID
).fullmatch


_END = 1024
"""Of a message that is too long to be read: so much of its beginning, and of its end."""
# What is quoted within a text has a backslash before it.
_call_id = re.compile(r'(?<!\\)"tool_call_id": ?"([^"\\]{1,200})"').search
_tool_name = re.compile(r'(?<!\\)"tool_name": ?"([\w-]{1,64})"').search


class Decoder:
    """Server messages of one session. Remembers the newest interruption: older audio is stale."""

    __slots__ = ("interrupted_at",)

    def __init__(self) -> None:
        self.interrupted_at = 0

    def least(self) -> int:
        """The id of the oldest audio that is not stale."""
        return self.interrupted_at

    def plain_audio(self, message: bytes) -> bytes | None:
        """The base64 of an audio message that holds nothing else, to be played. None: `decode` it.

        Where the whole message has one of the shapes above, JSON could not read it in any other way, but might refuse
        to read it at all.
        """
        for head, tail in _audio_shapes:
            if begin := head(message):
                end = message.find(b'"', begin.end())
                rest = tail(message, end) if end > begin.end() else None
                payload = message[begin.end() : end]
                if rest is None or not is_base64(payload) or (begin[1] and rest[1]):
                    return None
                event_id = begin[1] or rest[1]
                fresh = event_id is None or int(event_id) >= self.interrupted_at
                return payload if fresh else None
        return None

    def pattern(self, message: bytes) -> Pattern | None:
        """Of what is `plain_audio`, as this is, unless it is older than the newest interruption. None: no other will be
        quite like it."""
        for head, tail in _audio_shapes:
            if begin := head(message):
                audio = slice(begin.end(), message.index(b'"', begin.end()))
                rest = tail(message, audio.stop)
                if rest is None or b"{" in rest[0]:  # letters and when they sound
                    return None
                number = slice(*max(begin.span(1), rest.span(1), (0, 0)))
                like = bytearray(message)
                like[audio] = message[audio].translate(LIKE_BASE64)
                like[number] = bytes([DIGIT]) * (number.stop - number.start)
                return Pattern(bytes(like), audio, number)
        return None

    def decode(self, text: str | bytes) -> ServerMessage | None:
        """None for what we have no use for. Raises ValueError for what is not an ElevenLabs message."""
        # What is kept of words waits for the database, perhaps for a while; and reading them costs several times that.
        if len(text) > MAX_WORDS and not _may_be_audio(text):
            return _unread_call(text)
        try:
            return self._decode(text)
        except (RecursionError, TooDeep):
            if call := _unread_call(text):
                return call
            raise ValueError("nested too deeply") from None

    def _decode(self, text: str | bytes) -> ServerMessage | None:
        message = json.loads(text)
        if not isinstance(message, dict):
            raise ValueError("an ElevenLabs message is a JSON object")
        kind = message.get("type")
        match kind:
            case "audio":
                return self._audio(message)
            case "ping":
                return Ping(_event_id(_body(message, "ping_event")))
            case "interruption":
                event_id = _event_id(_body(message, "interruption_event"))
                self.interrupted_at = max(self.interrupted_at, event_id)
                return Interrupted()
            case _:
                return _decode_rest(str(kind), clean(message)) if len(text) <= MAX_WORDS else None

    def _audio(self, message: Mapping[str, Any]) -> Speech | None:
        event = _body(message, "audio_event")
        # Older than the interruption: the caller has talked over it. The same id may be the new reply.
        if "event_id" in event and _event_id(event) < self.interrupted_at:
            return None
        payload = event.get("audio_base_64") or _body(message, "audio").get("chunk") or ""
        try:
            audio = b64decode(payload, validate=True)
        except (Base64Error, TypeError, ValueError):
            raise ValueError("audio is not base64") from None
        return Speech(audio) if audio else None


def _unread_call(text: str | bytes) -> ToolCall | None:
    """A tool call that is not read is of no tool that there is: the agent waits for an answer, and gets that one.

    Its id stands before its parameters or behind them; what is in between may be megabytes.
    """
    head, tail = (
        end if isinstance(end, str) else end.decode(errors="replace") for end in (text[:_END], text[-_END:])
    )
    call_id = _call_id(head) or _call_id(tail)
    if '"client_tool_call"' not in head or call_id is None:
        return None
    name = _tool_name(head) or _tool_name(tail)
    return ToolCall(call_id[1], f"{name[1] if name else ''} (its parameters are too much to read)", {})


def _may_be_audio(text: str | bytes) -> bool:
    return b'"audio' in text if isinstance(text, bytes) else '"audio' in text


def _decode_rest(kind: str, message: Mapping[str, Any]) -> ServerMessage | None:
    match kind:
        case "conversation_initiation_metadata":
            event = _body(message, "conversation_initiation_metadata_event")
            return Metadata(
                conversation_id=str(event.get("conversation_id", "")),
                output_format=str(event.get("agent_output_audio_format") or "pcm_16000"),
                input_format=str(event.get("user_input_audio_format") or "pcm_16000"),
            )
        case "user_transcript":
            words = _words(message, "user_transcription_event", "user_transcript")
            return CallerSaid(words) if words else None
        case "agent_response":
            words = _words(message, "agent_response_event", "agent_response")
            return AgentSaid(words) if words else None
        case "agent_response_correction":
            words = _words(message, "agent_response_correction_event", "corrected_agent_response")
            return AgentCorrected(words) if words is not None else None  # none were heard, if it is empty
        case "client_tool_call":
            return _tool_call(_body(message, "client_tool_call"))
        case "agent_tool_response":
            return HangUp() if _body(message, kind).get("tool_name") == "end_call" else None
        case "error":
            return _refusal(message)
    return None


def _words(message: Mapping[str, Any], event: str, name: str) -> str | None:
    """Blank ones are empty: nobody has said them. None for what is no words at all."""
    words = _body(message, event).get(name)
    return (words if words.strip() else "") if isinstance(words, str) else None


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    return ToolCall(
        call_id=str(call.get("tool_call_id", "")),
        tool=str(call.get("tool_name", "")),
        arguments=_parameters(call.get("parameters")),
    )


def _parameters(given: Any) -> dict[str, Any]:
    """An object, which some models write as a string of JSON; none that can be read are none."""
    if isinstance(given, str):
        try:
            return parse_object(given)
        except NotAnObject:
            return {}
    return given if isinstance(given, dict) else {}


def _refusal(message: Mapping[str, Any]) -> Refusal:
    """Two shapes are in use: nested in `error_event`, and flat."""
    event = _body(message, "error_event") or message
    reason = str(event.get("message") or event.get("reason") or event.get("error_type") or "error")
    code = event.get("code")
    return Refusal(reason[:MAX_REASON], code if isinstance(code, int) else None)


def _body(message: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    body = message.get(key)
    return body if isinstance(body, dict) else {}


def _event_id(event: Mapping[str, Any]) -> int:
    try:
        return int(event.get("event_id", 0))
    except (TypeError, ValueError, OverflowError):
        return 0


# --- Client messages -----------------------------------------------------------------------------


AROUND_AUDIO = b'{"user_audio_chunk":"', b'"}'
"""What stands before and after audio in base64: the one message without a `type`."""


def audio_chunk(audio: bytes) -> str:
    head, tail = AROUND_AUDIO
    return (head + b64encode(audio) + tail).decode("ascii")


def plain_ping(message: bytes) -> int | None:
    """The id of a ping that holds nothing unexpected. None: decode it."""
    ping = _ping(message)
    return int(ping[1]) if ping else None


def pong(event_id: int) -> str:
    return f'{{"type": "pong", "event_id": {event_id}}}'


def tool_result(call_id: str, answer: Mapping[str, Any]) -> str:
    """`result` must be a string, or the agent waits for it in vain."""
    return json.dumps(
        {
            "type": "client_tool_result",
            "tool_call_id": call_id,
            "result": json.dumps(answer),
            "is_error": not answer.get("success", False),
        }
    )


def digit_pressed(digit: str) -> str:
    """There is no message for keys: the agent is told in words, without being interrupted."""
    return contextual_update(f"The caller pressed {digit} on the keypad.")


def contextual_update(text: str) -> str:
    """A fact that the agent takes into account and does not answer."""
    return json.dumps({"type": "contextual_update", "text": text})


_SPEAKERS = {"caller": "Caller", "agent": "You", "tool": "Tool"}


def resumed(history: Sequence[tuple[str, str]]) -> str:
    """A conversation so far, for an agent that knows nothing of it: speaker and words, oldest first."""
    lines = (f"{_SPEAKERS[speaker]}: {text}" for speaker, text in history)
    return contextual_update(
        "You go on with a call that is under way. Do not greet, and do not ask again for what you know. "
        "What was said and done so far:\n" + "\n".join(lines)
    )
