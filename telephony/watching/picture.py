"""What goes on at this moment: a tenant's calls with what has been said, read from the rows that calls leave.

The rows are the truth and arrive within a fraction of a second; there is no second channel that could lose
something, and nothing of it touches the audio path.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from agents.admin import said_in, shortened
from agents.models import ToolInvocation, Turn
from appointments.models import Customer
from telephony import words
from telephony.models import Call, CallEvent, Carrier
from tenants.scoping import tenant_scope

Card = dict[str, Any]
"""One call as a page shows it; JSON."""

STILL_SHOWN = datetime.timedelta(seconds=20)
"""A call that has just ended stays for a moment: whoever reads it sees how it ended."""
OLDEST = datetime.timedelta(hours=6)
"""An open row that is older is a call whose end nobody told us, until the reaper closes it."""
MOST_CALLS = 50
MOST_LINES = 200
MOST_OF_ANSWER = 160
"""Characters."""


def picture(tenant_id: UUID) -> dict[str, Card]:
    """By the call's id, oldest first. At most five statements, and one where nothing goes on."""
    with tenant_scope(tenant_id):
        calls = _calls()
        if not calls:
            return {}
        said = _said(calls)
        names = _names({call.their_e164 for call in calls} - {""})
        return {str(call.pk): _card(call, said[call.conversation_id], names) for call in calls}


def _calls() -> list[Call]:
    now = timezone.now()
    under_way = Q(ended_at=None, created_at__gt=now - OLDEST)
    just_over = Q(ended_at__gt=now - STILL_SHOWN, created_at__gt=now - OLDEST)
    newest = Call.objects.filter(under_way | just_over).order_by("-created_at")[:MOST_CALLS]
    return sorted(newest, key=lambda call: call.created_at)


def _said(calls: list[Call]) -> defaultdict[UUID | None, list[dict[str, Any]]]:
    """What was spoken, done, and told to the agent from the desk, in order; by conversation."""
    conversations = [call.conversation_id for call in calls if call.conversation_id]
    lines: defaultdict[UUID | None, list[dict[str, Any]]] = defaultdict(list)
    turns = Turn.objects.filter(conversation__in=conversations).order_by("conversation", "position")
    for turn in turns:
        cut = turn.heard_text is not None and turn.heard_text != turn.text
        line = {"who": turn.speaker, "text": turn.heard_text if cut else turn.text, "cut": cut}
        lines[turn.conversation_id].append({**line, "at": _iso(turn.occurred_at)})
    for done in ToolInvocation.objects.filter(conversation__in=conversations):
        line = {"who": "tool", "text": done.tool, "failed": not done.succeeded, "at": _iso(done.occurred_at)}
        lines[done.conversation_id].append(
            {**line, "answer": shortened(said_in(done.answer), MOST_OF_ANSWER)}
        )
    for told in CallEvent.objects.filter(kind=words.WHISPER, call__in=calls).select_related("call"):
        line = {"who": "desk", "text": told.detail.get("text", ""), "at": _iso(told.occurred_at)}
        lines[told.call.conversation_id].append(line)
    for story in lines.values():
        story.sort(key=lambda line: str(line["at"]))
        del story[:-MOST_LINES]
    return lines


def _names(numbers: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Whose number it is, where exactly one customer has it: name and id."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for customer in Customer.objects.filter(phone_e164__in=numbers).only("phone_e164", "name"):
        found[customer.phone_e164].append((customer.name, str(customer.pk)))
    return {number: whose[0] for number, whose in found.items() if len(whose) == 1}


def _card(call: Call, said: list[dict[str, Any]], names: dict[str, tuple[str, str]]) -> Card:
    number = call.their_e164
    name, customer = names.get(number, ("", ""))
    return {
        "id": str(call.pk),
        "direction": call.direction,
        "state": call.state,
        "talking": call.stream_started_at is not None and call.stream_ended_at is None,
        "outcome": words.outcome(call.outcome),
        "number": number,
        "name": name,
        "customer": customer,
        "test": call.carrier == Carrier.BROWSER,
        "startedAt": _iso(call.created_at),
        "endedAt": _iso(call.ended_at),
        "said": said,
    }


def _iso(instant: datetime.datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
