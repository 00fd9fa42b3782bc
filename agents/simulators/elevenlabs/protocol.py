"""The vendor's messages, from the vendor's side: builders of what the server sends, and a strict reader of
what a client sends.  Source: the AsyncAPI schema in elevenlabs/packages."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
AUDIO = "user_audio_chunk"
INITIATION = "conversation_initiation_client_data"


class InvalidMessageError(Exception):
    """The client broke the protocol, and the session ends: close code 1008."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True)
class ClientMessage:
    type: str
    fields: Json
    remarks: tuple[str, ...] = field(default=())  # breaches that the vendor would overlook


_TEXT = {"text": str}
_REQUIRED: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    AUDIO: {AUDIO: str},
    INITIATION: {},
    "pong": {"event_id": int},
    "client_tool_result": {"tool_call_id": str, "result": str},
    "contextual_update": _TEXT,
    "user_message": _TEXT,
    "user_activity": {},
    "feedback": {"event_id": int},
    "mcp_tool_approval_result": {"tool_call_id": str, "is_approved": bool},
    "multimodal_message": {},
}
_OPTIONAL: Mapping[str, frozenset[str]] = {
    INITIATION: frozenset(
        {
            "conversation_config_override",
            "custom_llm_extra_body",
            "dynamic_variables",
            "user_id",
            "source_info",
            "tool_mock_config",
            "branch_id",
            "environment",
            "starting_workflow_node_id",
            "procedure_ids",
            "start_procedure_ids",
        }
    ),
    "client_tool_result": frozenset({"is_error", "error_type"}),
    "contextual_update": frozenset({"context_id"}),
    "feedback": frozenset({"score"}),
    "multimodal_message": frozenset({"text", "file", "files"}),
}


def read_client_message(text: str) -> ClientMessage:
    """One text frame, or InvalidMessageError."""
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise InvalidMessageError("invalid_message", "the message is not JSON") from error
    if not isinstance(fields, dict):
        raise InvalidMessageError("invalid_message", "the message is not a JSON object")
    kind = fields.get("type", AUDIO if AUDIO in fields else None)
    if not isinstance(kind, str) or kind not in _REQUIRED:
        raise InvalidMessageError("invalid_message", f"no such message type: {kind!r}")
    for name, wanted in _REQUIRED[kind].items():
        if name not in fields:
            raise InvalidMessageError("missing_fields", f"{kind} lacks {name}")
        if not isinstance(fields[name], wanted) or (wanted is int and isinstance(fields[name], bool)):
            raise InvalidMessageError("value_error", f"{kind}.{name} has the wrong type")
    known = {"type", *_REQUIRED[kind], *_OPTIONAL.get(kind, frozenset())}
    remarks = [f"{kind} has an unknown field {name!r}" for name in fields if name not in known]
    if kind == AUDIO and "type" in fields:
        remarks.append("user_audio_chunk has a type")
    return ClientMessage(kind, fields, tuple(remarks))


def read_audio(message: ClientMessage) -> bytes:
    try:
        return base64.b64decode(message.fields[AUDIO], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidMessageError("value_error", "user_audio_chunk is not base64") from error


def metadata(conversation_id: str, output_format: str, input_format: str) -> Json:
    return {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {
            "conversation_id": conversation_id,
            "agent_output_audio_format": output_format,
            "user_input_audio_format": input_format,
        },
    }


def audio(payload: bytes, event_id: int) -> Json:
    event = {"audio_base_64": base64.b64encode(payload).decode("ascii"), "event_id": event_id}
    return {"type": "audio", "audio_event": event}


def alignment(letters: str, duration_ms: float) -> Json:
    """When each letter sounds, from the beginning of its chunk."""
    each = duration_ms / max(len(letters), 1)
    return {
        "chars": list(letters),
        "char_start_times_ms": [round(number * each) for number in range(len(letters))],
        "char_durations_ms": [round(each)] * len(letters),
    }


def ping(event_id: int, ping_ms: int | None) -> Json:
    return {"type": "ping", "ping_event": {"event_id": event_id, "ping_ms": ping_ms}}


def interruption(event_id: int) -> Json:
    return {"type": "interruption", "interruption_event": {"event_id": event_id}}


def user_transcript(text: str, event_id: int) -> Json:
    return {
        "type": "user_transcript",
        "user_transcription_event": {"user_transcript": text, "event_id": event_id},
    }


def agent_response(text: str, event_id: int) -> Json:
    return {"type": "agent_response", "agent_response_event": {"agent_response": text, "event_id": event_id}}


def agent_response_complete(event_id: int) -> Json:
    return {"type": "agent_response_complete", "agent_response_complete_event": {"event_id": event_id}}


def correction(original: str, corrected: str, event_id: int) -> Json:
    return {
        "type": "agent_response_correction",
        "agent_response_correction_event": {
            "original_agent_response": original,
            "corrected_agent_response": corrected,
            "event_id": event_id,
        },
    }


def client_tool_call(
    tool: str, call_id: str, parameters: Mapping[str, Any], event_id: int, *, expects_response: bool
) -> Json:
    return {
        "type": "client_tool_call",
        "client_tool_call": {
            "tool_name": tool,
            "tool_call_id": call_id,
            "parameters": dict(parameters),
            "event_id": event_id,
            "expects_response": expects_response,
        },
    }


def tool_request(tool: str, call_id: str, tool_type: str, event_id: int) -> Json:
    return {
        "type": "agent_tool_request",
        "agent_tool_request": {
            "tool_name": tool,
            "tool_call_id": call_id,
            "tool_type": tool_type,
            "event_id": event_id,
        },
    }


def tool_response(tool: str, call_id: str, tool_type: str, event_id: int, *, is_error: bool = False) -> Json:
    return {
        "type": "agent_tool_response",
        "agent_tool_response": {
            "tool_name": tool,
            "tool_call_id": call_id,
            "tool_type": tool_type,
            "is_error": is_error,
            "is_called": True,
            "is_blocked": False,
            "status": "error" if is_error else "success",
            "event_id": event_id,
        },
    }


def error(code: int, error_type: str, message: str) -> Json:
    return {
        "type": "error",
        "error_event": {
            "code": code,
            "error_type": error_type,
            "message": message,
            "reason": error_type,
            "debug_message": message,
            "details": {},
        },
    }
