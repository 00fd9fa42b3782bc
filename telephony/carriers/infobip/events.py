"""Infobip's events: what they say.  Source: Infobip, "Calls API - events"; both legs of a dialog send them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenants.phone import as_dialled_at, e164_or_blank

Json = Mapping[str, Any]

LONGEST_ID = 128
"""Source: Infobip's SDK."""
MOST_KEYS = 40
REFERENCE = "outboundCall"
"""In the customData of a call that we place."""
PERSON = "person"
"""In that of one by which a person is rung."""
ENDED_STATES = {
    "FINISHED": "completed",
    "FAILED": "failed",
    "CANCELLED": "canceled",
    "NO_ANSWER": "no-answer",
    "BUSY": "busy",
}
"""Infobip's state of a call that is over, and ours."""


class BadEvent(ValueError):
    """Not an event of Infobip's; the message says which field."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One call of Infobip's: a caller's, or one of a dialog's other ends."""

    call_id: str = ""
    parent_id: str = ""
    endpoint: str = ""
    """PHONE, WEBSOCKET, …"""
    direction: str = ""
    state: str = ""
    from_e164: str = ""
    to_e164: str = ""
    duration_seconds: int | None = None
    reference: str = ""
    """Our own name of a call that we placed."""
    person: str = ""
    """Our own name of a person's leg."""


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    call_id: str = ""
    dialog_id: str = ""
    configuration_id: str = ""
    timestamp: str = ""
    leg: Leg = Leg()
    """Of events about a call."""
    parent: Leg = Leg()
    """Of events about a dialog: the caller."""
    child: Leg = Leg()
    """Of events about a dialog: whom the caller is put through to."""
    hangup_source: str = ""
    action: str = ""
    """Of an ERROR: which action failed."""
    problem: str = ""
    recording_id: str = ""
    keys: str = ""
    """That were pressed."""
    detected: str = ""
    """Of machine detection: HUMAN, MACHINE; of the end of its message: BEEP, SILENCE, TIMEOUT."""
    reference: str = ""
    """Our own name of the call, where the event itself brings it."""

    @property
    def caller_id(self) -> str:
        """The caller's call, whichever leg this is about."""
        return self.parent.call_id or self.leg.parent_id or self.call_id


def parse(body: Json) -> Event:
    """Raises BadEvent. What is missing is empty: fields come and go with the vendor's versions."""
    kind = _text(body, "type")
    if not kind:
        raise BadEvent("type: this field is required")
    properties = _section(body, "properties")
    dialog = _section(properties, "dialog")
    leg = _leg(_section(properties, "call") or _section(properties, "callLog"))
    error = _section(properties, "errorCode")
    return Event(
        type=kind[:48],
        call_id=_id(body, "callId") or leg.call_id,
        dialog_id=_id(body, "dialogId") or _id(dialog, "id"),
        configuration_id=_id(body, "callsConfigurationId") or _id(body, "applicationId"),
        timestamp=_text(body, "timestamp")[:40],
        leg=leg,
        parent=_leg(_section(dialog, "parentCall")),
        child=_leg(_section(dialog, "childCall")),
        hangup_source=_text(properties, "hangupSource"),
        action=_text(properties, "actionType"),
        problem=_text(error, "name") or _text(properties, "errorCode") or _text(properties, "reason"),
        recording_id=_recording(properties),
        keys=_text(properties, "dtmf")[:MOST_KEYS],
        detected=_text(properties, "detectionResult")[:24],
        reference=_reference(properties) or leg.reference,
    )


def _leg(call: Json) -> Leg:
    endpoint, duration = _section(call, "endpoint"), call.get("duration")
    caller, called = _text(call, "from") or _text(endpoint, "phoneNumber"), _e164(_text(call, "to"))
    return Leg(
        call_id=_id(call, "id") or _id(call, "callId"),
        parent_id=_id(call, "parentCallId"),
        endpoint=_text(endpoint, "type"),
        direction=_text(call, "direction"),
        state=_text(call, "state"),
        from_e164=_e164(caller) or as_dialled_at(called, caller),
        to_e164=called,
        duration_seconds=duration if type(duration) is int and 0 <= duration < 10**7 else None,
        reference=_reference(call),
        person=_reference(call, PERSON),
    )


def _reference(tree: Json, name: str = REFERENCE) -> str:
    return _text(_section(tree, "customData"), name)[:LONGEST_ID]


def _e164(number: str) -> str:
    """Infobip writes numbers without `+`; "" for a withheld one."""
    digits = number.removeprefix("+")
    return e164_or_blank(f"+{digits}") if digits.isascii() and digits.isdecimal() else ""


def _recording(properties: Json) -> str:
    """Where it is told varies: the id of the first file that is named at all."""
    recording = _section(properties, "recording") or properties
    files = recording.get("files")
    first = files[0] if isinstance(files, list) and files and isinstance(files[0], Mapping) else recording
    return _text(first, "id")[:LONGEST_ID] or _text(first, "fileId")[:LONGEST_ID]


def _section(tree: Json, name: str) -> Json:
    value = tree.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(tree: Json, name: str) -> str:
    value = tree.get(name)
    return value if isinstance(value, str) else ""


def _id(tree: Json, name: str) -> str:
    value = _text(tree, name)
    if len(value) > LONGEST_ID:
        raise BadEvent(f"{name}: longer than {LONGEST_ID} characters")
    return value
