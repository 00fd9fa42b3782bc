"""A strict reader of what a client sends: the GA shapes, and nothing else."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from agents.simulators.elevenlabs.schema import (
    Check,
    Invalid,
    Loc,
    anything,
    boolean,
    integer,
    listing,
    mapping,
    nullable,
    one_of,
    record,
    text,
)
from agents.simulators.openai_realtime.record import Json

MAX_AUDIO_BYTES = 15 * 1024 * 1024
VOICES = frozenset({"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"})


class Rejected(Exception):
    """One `error` event; the session goes on."""

    def __init__(
        self, code: str | None, message: str, param: str | None = None, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.error: Json = {"type": kind, "code": code, "message": message, "param": param}
        self.event_id: Any = None


def _number(lowest: float, highest: float) -> Check:
    def check(value: Any, loc: Loc) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(loc, "expected a number", "float_type")
        if not lowest <= value <= highest:
            raise Invalid(loc, f"expected a number from {lowest} to {highest}", "literal_error")

    return check


def _either(*checks: Check) -> Check:
    def check(value: Any, loc: Loc) -> None:
        problem = None
        for one in checks:
            try:
                one(value, loc)
            except Invalid as invalid:
                problem = problem or invalid
            else:
                return
        if problem is not None:
            raise problem

    return check


def _only(*choices: str) -> Check:
    return text(choices=choices)


_FORMAT = one_of(
    "type",
    {
        "audio/pcm": record(
            {"type": _only("audio/pcm"), "rate": integer(24000, 24000)}, required=["type", "rate"]
        ),
        "audio/pcmu": record({"type": _only("audio/pcmu")}),
        "audio/pcma": record({"type": _only("audio/pcma")}),
    },
)
_TURN_DETECTION = nullable(
    one_of(
        "type",
        {
            "server_vad": record(
                {
                    "type": text(),
                    "threshold": _number(0, 1),
                    "prefix_padding_ms": integer(0, 60_000),
                    "silence_duration_ms": integer(0, 60_000),
                    "create_response": boolean,
                    "interrupt_response": boolean,
                    "idle_timeout_ms": nullable(integer(5_000, 30_000)),
                }
            ),
            "semantic_vad": record(
                {
                    "type": text(),
                    "eagerness": _only("low", "medium", "high", "auto"),
                    "create_response": boolean,
                    "interrupt_response": boolean,
                }
            ),
        },
    )
)
_TRANSCRIPTION_MODELS = (
    "gpt-transcribe",
    "gpt-live-transcribe",
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
)
_TRANSCRIPTION = nullable(
    record(
        {
            "model": _only(*_TRANSCRIPTION_MODELS),
            "language": text(),
            "languages": listing(text()),
            "prompt": text(),
            "keywords": listing(text()),
        }
    )
)
_VOICE = _either(_only(*VOICES), record({"id": text(least=1)}, required=["id"]))
_TOOL = one_of(
    "type",
    {
        "function": record(
            {"type": text(), "name": text(least=1), "description": text(), "parameters": mapping(anything)},
            required=["name"],
        ),
        "mcp": mapping(anything),
    },
)
_TOOL_CHOICE = _either(
    _only("auto", "none", "required"),
    record({"type": _only("function", "mcp"), "name": text(least=1)}, required=["type", "name"]),
)
_MAX_TOKENS = _either(integer(1, 4096), _only("inf"))


def _modalities(value: Any, loc: Loc) -> None:
    listing(_only("audio", "text"))(value, loc)
    if value not in (["audio"], ["text"]):
        raise Invalid(loc, "Supported combinations are: ['text'] and ['audio'].", "literal_error")


_OUTPUT = record({"format": _FORMAT, "voice": _VOICE, "speed": _number(0.25, 1.5)})
_SHARED: dict[str, Check] = {
    "output_modalities": _modalities,
    "instructions": text(),
    "max_output_tokens": _MAX_TOKENS,
    "tools": listing(_TOOL),
    "tool_choice": _TOOL_CHOICE,
    "parallel_tool_calls": boolean,
    "reasoning": record({"effort": _only("minimal", "low", "medium", "high", "xhigh")}),
    "prompt": anything,
}
_SESSION = record(
    {
        **_SHARED,
        "type": _only("realtime"),
        "audio": record(
            {
                "input": record(
                    {
                        "format": _FORMAT,
                        "noise_reduction": nullable(
                            record(
                                {"type": _only("near_field", "far_field"), "strength": anything},
                                required=["type"],
                            )
                        ),
                        "transcription": _TRANSCRIPTION,
                        "turn_detection": _TURN_DETECTION,
                    }
                ),
                "output": _OUTPUT,
            }
        ),
        "truncation": _either(
            _only("auto", "disabled"),
            record(
                {
                    "type": _only("retention_ratio"),
                    "retention_ratio": _number(0, 1),
                    "token_limits": record({"post_instructions": integer(0, 10**6)}),
                },
                required=["type", "retention_ratio"],
            ),
        ),
        "include": listing(_only("item.input_audio_transcription.logprobs")),
        "tracing": anything,
    },
    required=["type"],
)
_RESPONSE = record(
    {
        **_SHARED,
        "audio": record({"output": _OUTPUT}),
        "conversation": _only("auto", "none"),
        "input": listing(anything),
        "metadata": nullable(mapping(text())),
    }
)


def _content(**kinds: Check) -> Check:
    return listing(one_of("type", kinds))


_TEXT_PART = record({"type": text(), "text": text()}, required=["text"])
_AUDIO_PART = record({"type": text(), "audio": text(), "transcript": text()}, required=["audio"])
_IMAGE_PART = record({"type": text(), "image_url": text(), "detail": text()}, required=["image_url"])
_ITEM_HEAD: dict[str, Check] = {"id": text(least=1), "type": text(), "object": text(), "status": text()}


def _message(role: str, content: Check) -> Check:
    return record({**_ITEM_HEAD, "role": _only(role), "content": content}, required=["role", "content"])


_ITEM = one_of(
    "type",
    {
        "message": one_of(
            "role",
            {
                "system": _message("system", _content(input_text=_TEXT_PART)),
                "user": _message(
                    "user",
                    _content(input_text=_TEXT_PART, input_audio=_AUDIO_PART, input_image=_IMAGE_PART),
                ),
                "assistant": _message("assistant", _content(output_text=_TEXT_PART)),
            },
        ),
        "function_call": record(
            {**_ITEM_HEAD, "call_id": text(least=1), "name": text(least=1), "arguments": text()},
            required=["name", "arguments"],
        ),
        "function_call_output": record(
            {**_ITEM_HEAD, "call_id": text(least=1), "output": text()}, required=["call_id", "output"]
        ),
    },
)
_HEAD: dict[str, Check] = {"type": text(), "event_id": text(least=1)}


def _event(required: Mapping[str, Check] | None = None, **optional: Check) -> Check:
    return record({**_HEAD, **(required or {}), **optional}, required=list(required or {}))


_EVENTS: dict[str, Check] = {
    "session.update": _event({"session": _SESSION}),
    "input_audio_buffer.append": _event({"audio": text()}),
    "input_audio_buffer.commit": _event(),
    "input_audio_buffer.clear": _event(),
    "conversation.item.create": _event({"item": _ITEM}, previous_item_id=nullable(text())),
    "conversation.item.truncate": _event(
        {"item_id": text(least=1), "content_index": integer(0, 0), "audio_end_ms": integer(0, 10**8)}
    ),
    "conversation.item.delete": _event({"item_id": text(least=1)}),
    "conversation.item.retrieve": _event({"item_id": text(least=1)}),
    "response.create": _event(response=_RESPONSE),
    "response.cancel": _event(response_id=text(least=1)),
}
_CODES = {
    "extra_forbidden": ("unknown_parameter", "Unknown parameter: '{}'."),
    "missing": ("missing_required_parameter", "Missing required parameter: '{}'."),
    "literal_error": ("invalid_value", "Invalid value for '{}': {}."),
    "union_tag_invalid": ("invalid_value", "Invalid value for '{}': {}."),
    "value_error": ("invalid_value", "Invalid value for '{}': {}."),
}


def read(frame: str) -> Json:
    """One text frame, or Rejected."""
    try:
        event = json.loads(frame)
    except ValueError:
        raise Rejected("invalid_json", "We could not parse the JSON body of your event.") from None
    if not isinstance(event, dict):
        raise Rejected("invalid_event", "The event is not a JSON object.")
    kind = event.get("type")
    if not isinstance(kind, str):
        raise Rejected("missing_required_parameter", "Missing required parameter: 'type'.", "type")
    if kind not in _EVENTS:
        supported = ", ".join(f"'{name}'" for name in _EVENTS)
        raise Rejected(
            "invalid_value", f"Invalid value: '{kind}'. Supported values are: {supported}.", "type"
        )
    try:
        _EVENTS[kind](event, ())
    except Invalid as invalid:
        rejected = _rejected(invalid)
        rejected.event_id = event.get("event_id")
        raise rejected from None
    return event


def _rejected(invalid: Invalid) -> Rejected:
    param = ""
    loc: Any = invalid.detail["loc"]
    for part in loc:
        param += f"[{part}]" if isinstance(part, int) else f".{part}" if param else part
    kind = str(invalid.detail["type"])
    code, words = _CODES.get(kind, ("invalid_type", "Invalid type for '{}': {}."))
    return Rejected(code, words.format(param, invalid.detail["msg"]), param)


def audio_of(event: Json) -> bytes:
    try:
        audio = base64.b64decode(event["audio"], validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(
            "invalid_value", "Invalid 'audio'. Expected base64-encoded audio bytes.", "audio"
        ) from None
    if len(audio) > MAX_AUDIO_BYTES:
        raise Rejected("string_above_max_length", "Invalid 'audio': more than 15 MiB.", "audio")
    return audio
