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

from agents.models import ToolInvocation, Turn
from appointments.models import Customer
from telephony.models import Call
from tenants.scoping import tenant_scope

Card = dict[str, Any]
"""One call as a page shows it; JSON."""

STILL_SHOWN = datetime.timedelta(seconds=20)
"""A call that has just ended stays for a moment: whoever reads it sees how it ended."""
OLDEST = datetime.timedelta(hours=6)
"""An open row that is older is a call whose end nobody told us, until the reaper closes it."""
MOST_CALLS = 50
MOST_LINES = 200


def picture(tenant_id: UUID) -> dict[str, Card]:
    """By the call's id, oldest first. At most four statements, and one where nothing goes on."""
    with tenant_scope(tenant_id):
        calls = _calls()
        if not calls:
            return {}
        conversations = [call.conversation_id for call in calls if call.conversation_id]
        said = _said(conversations)
        names = _names({_other_side(call) for call in calls} - {""})
        return {str(call.pk): _card(call, said[call.conversation_id], names) for call in calls}


def _calls() -> list[Call]:
    now = timezone.now()
    under_way = Q(ended_at=None, created_at__gt=now - OLDEST)
    just_over = Q(ended_at__gt=now - STILL_SHOWN, created_at__gt=now - OLDEST)
    newest = Call.objects.filter(under_way | just_over).order_by("-created_at")[:MOST_CALLS]
    return sorted(newest, key=lambda call: call.created_at)


def _said(conversations: list[UUID]) -> defaultdict[UUID | None, list[dict[str, Any]]]:
    """What was spoken and what was done, in order."""
    lines: defaultdict[UUID | None, list[dict[str, Any]]] = defaultdict(list)
    turns = Turn.objects.filter(conversation__in=conversations).order_by("conversation", "position")
    for turn in turns:
        cut = turn.heard_text is not None and turn.heard_text != turn.text
        line = {"who": turn.speaker, "text": turn.heard_text if cut else turn.text, "cut": cut}
        lines[turn.conversation_id].append({**line, "at": _iso(turn.occurred_at)})
    for done in ToolInvocation.objects.filter(conversation__in=conversations):
        line = {"who": "tool", "text": done.tool, "failed": not done.succeeded, "at": _iso(done.occurred_at)}
        lines[done.conversation_id].append(line)
    for story in lines.values():
        story.sort(key=lambda line: str(line["at"]))
        del story[:-MOST_LINES]
    return lines


def _names(numbers: Iterable[str]) -> dict[str, str]:
    """Whose number it is, where exactly one customer has it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for number, name in Customer.objects.filter(phone_e164__in=numbers).values_list("phone_e164", "name"):
        found[number].add(name)
    return {number: names.pop() for number, names in found.items() if len(names) == 1}


def _other_side(call: Call) -> str:
    return call.to_e164 if call.direction == Call.Direction.OUTBOUND else call.from_e164


def _card(call: Call, said: list[dict[str, Any]], names: dict[str, str]) -> Card:
    number = _other_side(call)
    return {
        "id": str(call.pk),
        "direction": call.direction,
        "state": call.state,
        "talking": call.stream_started_at is not None and call.stream_ended_at is None,
        "outcome": call.outcome.replace("_", " "),
        "number": number,
        "name": names.get(number, ""),
        "startedAt": _iso(call.created_at),
        "endedAt": _iso(call.ended_at),
        "said": said,
    }


def _iso(instant: datetime.datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
