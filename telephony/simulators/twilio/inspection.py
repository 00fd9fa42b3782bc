"""What we may send on a media stream, read as strictly as the carrier reads it.
Source: Twilio, "Media Streams - WebSocket Messages" and error pages 31950 and 31951."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


class MisuseError(Exception):
    """The message is lost, and the account's debugger shows a warning with this code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Media:
    audio: bytes


@dataclass(frozen=True)
class Mark:
    name: str


@dataclass(frozen=True)
class Clear:
    pass


_FIELDS = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


def read_server_message(message: str | bytes, stream_sid: str) -> Media | Mark | Clear:
    if isinstance(message, bytes):
        raise MisuseError(31950, "a binary frame")
    try:
        fields = json.loads(message)
    except ValueError:
        raise MisuseError(31951, "not JSON") from None
    if not isinstance(fields, dict) or fields.get("event") not in _FIELDS:
        raise MisuseError(31951, f"unknown event: {message[:80]}")
    event = fields["event"]
    if fields.keys() != _FIELDS[event]:
        odd = ", ".join(sorted(fields.keys() ^ _FIELDS[event]))
        raise MisuseError(31951, f"{event} with missing or unexpected fields: {odd}")
    if fields["streamSid"] != stream_sid:
        raise MisuseError(31951, f"{event} for another stream: {fields['streamSid']}")
    if event == "media":
        return Media(_audio(_only_string(fields["media"], "payload", event)))
    if event == "mark":
        return Mark(_only_string(fields["mark"], "name", event))
    return Clear()


def _only_string(value: Any, name: str, event: str) -> str:
    if not isinstance(value, dict) or value.keys() != {name} or not isinstance(value[name], str):
        raise MisuseError(31951, f"{event}.{event} must hold {name} and nothing else")
    return str(value[name])


def _audio(payload: str) -> bytes:
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise MisuseError(31951, "media.payload is not base64") from None
