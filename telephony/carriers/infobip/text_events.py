"""Infobip's words about text messages: one came in, one of ours got on. Pure.

Source: Infobip, "Receive inbound SMS", "Receive delivery reports"; both are lists of `results`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telephony.carriers.infobip.events import BadEvent
from tenants.phone import e164_or_blank

Json = Mapping[str, Any]

MOST = 1000
LONGEST_TEXT = 1600
LONGEST_ID = 64
_STATUS = {
    "ACCEPTED": "sent",
    "PENDING": "sent",
    "DELIVERED": "delivered",
    "UNDELIVERABLE": "undelivered",
    "EXPIRED": "undelivered",
    "REJECTED": "undelivered",
}
"""Infobip's group of a status, and ours."""


@dataclass(frozen=True, slots=True)
class TextIn:
    message_id: str
    from_e164: str
    """"" for a sender that is no number: nobody can answer it."""
    to_e164: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    message_id: str
    """Ours, as we sent it along."""
    status: str
    """"" for one that we do not know."""
    error: str


def texts_in(body: Json) -> list[TextIn]:
    """Raises BadEvent. Older and newer versions name the two ends differently."""
    return [
        TextIn(
            message_id=_id(one),
            from_e164=_e164(_text(one, "from") or _text(one, "sender")),
            to_e164=_e164(_text(one, "to") or _text(one, "destination")),
            text=_text(one, "text")[:LONGEST_TEXT],
        )
        for one in _results(body)
    ]


def reports_in(body: Json) -> list[Report]:
    """Raises BadEvent."""
    return [
        Report(_id(one), _STATUS.get(_text(_part(one, "status"), "groupName").upper(), ""), _error(one))
        for one in _results(body)
    ]


def _results(body: Json) -> list[Json]:
    results = body.get("results")
    if not isinstance(results, list) or not all(isinstance(one, Mapping) for one in results):
        raise BadEvent("results: must be a list of objects")
    if len(results) > MOST:
        raise BadEvent(f"results: at most {MOST} at once")
    return results


def _id(one: Json) -> str:
    """What is longer than we keep is told apart by its digest."""
    told = _text(one, "messageId")
    if not told:
        raise BadEvent("results: messageId is required")
    return told if len(told) <= LONGEST_ID else hashlib.sha256(told.encode()).hexdigest()


def _error(one: Json) -> str:
    error = _part(one, "error")
    fine = _text(error, "groupName") in {"OK", ""} and _text(error, "name") in {"NO_ERROR", ""}
    return "" if fine else _text(error, "name")


def _e164(number: str) -> str:
    digits = number.removeprefix("+")
    return e164_or_blank(f"+{digits}") if digits.isascii() and digits.isdecimal() else ""


def _part(tree: Json, name: str) -> Json:
    value = tree.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(tree: Json, name: str) -> str:
    value = tree.get(name)
    return value if isinstance(value, str) else ""
