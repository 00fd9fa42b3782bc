"""What became of one row, whoever did it: people at the admin, the agent in a call, a program by its key.

Two sources: the admin's own log, and the audit trail, which knows every way in and tells before and after. What both
have is told once, by the trail.
"""

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from tenants.audit.models import AuditDetail, AuditEntry

MOST = 200
TWINS = datetime.timedelta(seconds=10)
"""A page writes its log and the trail in one go."""


@dataclass(frozen=True, slots=True)
class Told:
    """One value that became another; "" where there was none, or is none any more."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Happening:
    at: datetime.datetime
    who: str
    what: str
    values: list[Told] = field(default_factory=list)


def happenings(row: Model, *, with_trail: bool) -> list[Happening]:
    """The latest first. Needs a scope."""
    trail, log = _trail(row) if with_trail else [], _log(row)
    by_person = [(entry.actor_id, entry.occurred_at) for entry in trail]
    own = [
        Happening(entry.action_time, entry.user.get_username(), entry.get_change_message() or str(entry))
        for entry in log
        if not any(who == str(entry.user_id) and abs(at - entry.action_time) < TWINS for who, at in by_person)
    ]
    found = [*own, *(_of_trail(entry, row) for entry in trail)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST]


def _log(row: Model) -> list[LogEntry]:
    kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    entries = LogEntry.objects.filter(object_id=str(row.pk), content_type=kind).select_related("user")
    return list(entries.order_by("-action_time")[:MOST])


def _trail(row: Model) -> list[AuditEntry]:
    """Entries of the row, and those of others that tell of the person who it is."""
    entries = AuditEntry.objects.select_related("detail")
    mine = entries.filter(subject_kind=row._meta.model_name, subject_id=str(row.pk)).order_by("-occurred_at")[
        :MOST
    ]
    found = {entry.pk: entry for entry in mine}
    if isinstance(row.pk, UUID):
        about = AuditDetail.objects.filter(about=row.pk).values_list("entry_id", flat=True)
        told = entries.filter(pk__in=list(about[: 5 * MOST])).order_by("-occurred_at")[:MOST]
        found |= {entry.pk: entry for entry in told}
    return list(found.values())


def _of_trail(entry: AuditEntry, row: Model) -> Happening:
    detail: AuditDetail | None = getattr(entry, "detail", None)
    content: dict[str, Any] = json.loads(detail.content) if detail is not None else {}
    who = content.get("by") or f"{entry.actor_kind.replace('_', ' ')} {entry.actor_id}".strip()
    subject, _, verb = entry.action.partition(".")
    what = verb.replace("_", " ").replace(".", " ").capitalize() or subject
    if entry.subject_id != str(row.pk) or subject == "operator":
        what = f"{subject.replace('_', ' ').capitalize()} {what.lower()}"
    values = list(_values(content.get("before", {}), content.get("after", {})))
    return Happening(
        entry.occurred_at, who, what if detail is not None else f"{what} (the rest was erased)", values
    )


def _values(before: dict[str, Any], after: dict[str, Any]) -> Iterable[Told]:
    """What differs; of values that hold others, those."""
    for name in {**before, **after}:
        then, now = before.get(name), after.get(name)
        if isinstance(then, dict) or isinstance(now, dict):
            yield from _values(_mapping(then), _mapping(now))
        elif then != now:
            yield Told(name, "" if then is None else then, "" if now is None else now)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
