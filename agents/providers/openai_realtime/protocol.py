"""OpenAI Realtime's server events to values, and its client events as JSON.  Source: OpenAI, "Realtime API", GA shapes.

The vendor adds events and fields often: what we do not know is ignored, and what is missing is empty.
"""

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.audio import MULAW_8K, PCM16_24K, AudioFormat
from tenants.json_body import NotAnObject, clean, parse_object

Json = dict[str, Any]

FORMATS: dict[AudioFormat, Json] = {
    MULAW_8K: {"type": "audio/pcmu"},
    PCM16_24K: {"type": "audio/pcm", "rate": 24000},
}
"""What OpenAI speaks, as we ask for it."""


@dataclass(frozen=True, slots=True)
class SessionTold:
    """`session.created` and `session.updated`: what is in force. A format that we do not know is None."""

    updated: bool
    session_id: str
    expires_at: float | None
    input_format: AudioFormat | None
    output_format: AudioFormat | None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller speaks; the server has cancelled whatever response was under way."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    pass


@dataclass(frozen=True, slots=True)
class IdleTimeout:
    """The caller has said nothing for so long that the server lets the model ask."""


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """An item stands in the conversation. `speaker` is "caller", "agent" or "" for what is nobody's words."""

    item_id: str
    speaker: str


@dataclass(frozen=True, slots=True)
class CallerText:
    """What the caller said; "" when it could not be made out."""

    item_id: str
    text: str
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplyText:
    """All of an item's words; none where the item was cut short meanwhile."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplyWords:
    """Some of an item's words, as they come."""

    response_id: str
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    response_id: str
    item_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    response_id: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`arguments` is None where they are no JSON object."""

    call_id: str
    name: str
    arguments: Json | None


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """Always a response's last event. `texts` are the words of its messages, by item."""

    response_id: str
    status: str
    calls: tuple[FunctionCall, ...] = ()
    texts: tuple[ReplyText, ...] = ()
    failure: "Failure | None" = None
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """An `error`, or why a response failed."""

    code: str
    message: str
    event_id: str = ""
    kind: str = ""
    param: str = ""

    @property
    def is_fatal(self) -> bool:
        """Nothing that this session does will work any more."""
        return self.code in FATAL or self.kind in FATAL

    @property
    def is_benign(self) -> bool:
        """Two ends that spoke at once; both go on."""
        return self.code in BENIGN or self.message.startswith("Cancellation failed")

    @property
    def actual_ms(self) -> int | None:
        """How long an item's audio is, of a truncation that was refused for being longer."""
        found = _TOO_LONG.search(self.message)
        return int(found[1]) if found else None


FATAL = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "invalid_api_key",
        "account_deactivated",
        "beta_api_shape_disabled",
        "session_expired",
        "model_not_found",
    }
)
BENIGN = frozenset(
    {
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "invalid_tool_call_id",
        "item_not_found",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
    }
)
_TOO_LONG = re.compile(r"Audio content of (\d{1,9})\s?ms is already shorter than")

ServerEvent = (
    SessionTold
    | SpeechStarted
    | SpeechStopped
    | IdleTimeout
    | ItemAdded
    | CallerText
    | ReplyText
    | ReplyWords
    | ReplyAudio
    | ResponseCreated
    | ResponseDone
    | Failure
)


def decode(text: str | bytes) -> ServerEvent | None:
    """None for what we have no use for. Raises ValueError for what is no server event."""
    try:
        event = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(event, dict):
        raise ValueError("a server event is a JSON object")
    if event.get("type") == "response.output_audio.delta":
        return _audio(event)
    return _decode_rest(clean(event))


def _audio(event: Mapping[str, Any]) -> ReplyAudio:
    try:
        audio = b64decode(event.get("delta") or "", validate=True)
    except (Base64Error, TypeError, ValueError):
        raise ValueError("audio is not base64") from None
    return ReplyAudio(_text(event, "response_id"), _text(event, "item_id"), audio)


def _decode_rest(event: Json) -> ServerEvent | None:
    kind = str(event.get("type"))
    if kind.startswith("response."):
        return _reply(kind, event)
    match kind:
        case "session.created" | "session.updated":
            return _session(_object(event, "session"), updated=kind == "session.updated")
        case "input_audio_buffer.speech_started":
            return SpeechStarted()
        case "input_audio_buffer.speech_stopped":
            return SpeechStopped()
        case "input_audio_buffer.timeout_triggered":
            return IdleTimeout()
        case "input_audio_buffer.committed":
            return ItemAdded(_text(event, "item_id"), "caller")
        case "conversation.item.added":
            return _item(_object(event, "item"))
        case "conversation.item.input_audio_transcription.completed":
            return CallerText(
                _text(event, "item_id"), _text(event, "transcript").strip(), _object(event, "usage")
            )
        case "conversation.item.input_audio_transcription.failed":
            return CallerText(_text(event, "item_id"), "")
        case "error":
            return _failure(_object(event, "error"))
    return None


def _reply(kind: str, event: Json) -> ServerEvent | None:
    match kind:
        case "response.output_audio_transcript.done":
            return ReplyText(_text(event, "item_id"), _text(event, "transcript").strip())
        case "response.output_audio_transcript.delta":
            ids = _text(event, "response_id"), _text(event, "item_id")
            return ReplyWords(*ids, _text(event, "delta"))
        case "response.created":
            return ResponseCreated(_text(_object(event, "response"), "id"))
        case "response.done":
            return _done(_object(event, "response"))
    return None


def _session(session: Json, *, updated: bool) -> SessionTold:
    audio = _object(session, "audio")
    expires_at = session.get("expires_at")
    return SessionTold(
        updated=updated,
        session_id=_text(session, "id"),
        expires_at=float(expires_at) if isinstance(expires_at, int | float) else None,
        input_format=_format(_object(audio, "input").get("format")),
        output_format=_format(_object(audio, "output").get("format")),
    )


def _format(told: Any) -> AudioFormat | None:
    """PCM without a rate is PCM at the only rate there is."""
    if isinstance(told, dict) and told.get("type") == "audio/pcm":
        told = {"rate": 24000, **told}
    return next((known for known, name in FORMATS.items() if name == told), None)


def _item(item: Json) -> ItemAdded:
    speakers = {"user": "caller", "assistant": "agent"} if item.get("type") == "message" else {}
    return ItemAdded(_text(item, "id"), speakers.get(_text(item, "role"), ""))


def _done(response: Json) -> ResponseDone:
    items: Any = response.get("output")
    output = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    status = _text(response, "status")
    error = _object(_object(response, "status_details"), "error")
    return ResponseDone(
        response_id=_text(response, "id"),
        status=status,
        calls=tuple(_call(one) for one in output if one.get("type") == "function_call"),
        texts=tuple(_words(one) for one in output if one.get("type") == "message"),
        failure=_failure(error) if status == "failed" else None,
        usage=_object(response, "usage"),
    )


def _call(item: Json) -> FunctionCall:
    try:
        arguments = parse_object(_text(item, "arguments") or "{}")
    except NotAnObject:
        arguments = None
    return FunctionCall(_text(item, "call_id"), _text(item, "name"), arguments)


def _words(item: Json) -> ReplyText:
    parts: Any = item.get("content")
    told = [one for one in parts if isinstance(one, dict)] if isinstance(parts, list) else []
    words = " ".join(_text(one, "transcript") or _text(one, "text") for one in told)
    return ReplyText(_text(item, "id"), words.strip())


def _failure(error: Json) -> Failure:
    message = _text(error, "message")
    return Failure(
        code=_text(error, "code"),
        message=message or _text(error, "code") or "error",
        event_id=_text(error, "event_id"),
        kind=_text(error, "type"),
        param=_text(error, "param"),
    )


def _object(value: Mapping[str, Any], name: str) -> Json:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    inner = value.get(name)
    return inner if isinstance(inner, str) else ""


# --- Client events -------------------------------------------------------------------------------


def audio(caller: bytes) -> str:
    """Without an id: it is never acknowledged, and fifty of them come each second."""
    payload = b64encode(caller).decode("ascii")
    return f'{{"type":"input_audio_buffer.append","audio":"{payload}"}}'


def session_update(session: Json) -> Json:
    return {"type": "session.update", "event_id": "tonris_0", "session": session}


def create_response(instructions: str = "", *, uses_tools: bool = False) -> Json:
    """`instructions` take the place of the session's, for this response alone; whether that may use tools."""
    if not instructions:
        return {"type": "response.create"}
    choice = "auto" if uses_tools else "none"
    return {"type": "response.create", "response": {"instructions": instructions, "tool_choice": choice}}


def tool_output(item_id: str, call_id: str, answer: Mapping[str, Any]) -> Json:
    """`output` is a string: JSON within JSON."""
    item = {
        "id": item_id,
        "type": "function_call_output",
        "call_id": call_id,
        "output": json.dumps(answer),
    }
    return {"type": "conversation.item.create", "item": item}


def message(role: str, text: str, item_id: str = "") -> Json:
    """Of `user`, `assistant` or `system`."""
    kind = "output_text" if role == "assistant" else "input_text"
    item: Json = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    if item_id:
        item["id"] = item_id
    return {"type": "conversation.item.create", "item": item}


def truncate(item_id: str, heard_ms: int) -> Json:
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": heard_ms,
    }


def delete(item_id: str) -> Json:
    return {"type": "conversation.item.delete", "item_id": item_id}


def seeds(history: Sequence[tuple[str, str]]) -> list[Json]:
    """A conversation so far, for a session that knows nothing of it: speaker and words, oldest first."""
    roles = {"caller": "user", "agent": "assistant", "tool": "system"}
    return [message(roles[speaker], text, f"seed_{n}") for n, (speaker, text) in enumerate(history)]
