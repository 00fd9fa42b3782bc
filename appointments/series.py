"""The same appointment again every so many weeks, at the same time of the tenant's clock.

Every occurrence is checked on its own. What cannot be booked is told one by one, with what is free instead.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments.availability import Calendar, FreeSlot
from appointments.booking import (
    Circumstances,
    Wish,
    calendar_for,
    candidates_for,
    in_fair_order,
    keys_for,
    write,
)
from appointments.claims import Claim, answer, claim, digest, forget
from appointments.customers import Contact, check, customer_of
from appointments.day_sheet import FOR_CALLERS, LOOKED_AHEAD_DAYS
from appointments.errors import Invalid
from appointments.extras import check_add_ons
from appointments.intervals import as_utc
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import AddOn, Appointment, Employee, Resource, Series, Service
from appointments.seats import resources_of
from appointments.slots import BookingWindow, Reason
from appointments.wallclock import NonexistentTime, resolve, wall_time
from tenants.models import Tenant

MOST = 200
MOST_WEEKS_APART = 52


@dataclass(frozen=True, slots=True)
class Conflict:
    """An occurrence that was not booked: the wall time at which it was due, why, and what is free instead."""

    local: datetime.datetime
    reasons: tuple[Reason, ...]
    nearest: tuple[FreeSlot, ...]


@dataclass(frozen=True, slots=True)
class SeriesBooked:
    """`series` is None when nothing was booked; `created` is False for a repeated request."""

    series: Series | None
    booked: tuple[Appointment, ...]
    conflicts: tuple[Conflict, ...]
    created: bool


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What would be booked as things stand, all with `employee`, and what could not be."""

    employee: Employee
    starts: tuple[datetime.datetime, ...]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """One time that is due. Where the clock skips it, it is at the first instant after, and cannot be booked."""

    local: datetime.datetime
    start: datetime.datetime
    is_skipped: bool = False


def plan_series(
    tenant: Tenant,
    service: Service,
    first: datetime.datetime,
    *,
    employee: Employee | None = None,
    add_ons: Sequence[AddOn] = (),
    every_weeks: int = 1,
    count: int | None = None,
    until: datetime.date | None = None,
    source: str = Appointment.Source.STAFF,
    now: datetime.datetime | None = None,
) -> SeriesPlan:
    """What `book_series` would do now; nothing is written, and nothing is kept. Raises NotFound or Invalid."""
    wish = Wish(service, as_utc(first), employee, check_add_ons(service, add_ons))
    due = _due(tenant, wish.starts_at, every_weeks, count, until)
    calendar = _calendar(tenant, wish, due, source, now)
    chosen, reasons = _choose(calendar, candidates_for(calendar, wish), wish, due, source)
    return SeriesPlan(
        chosen,
        tuple(each.start for index, each in enumerate(due) if index not in reasons),
        tuple(_conflict(calendar, due[index], reasons[index], employee) for index in sorted(reasons)),
    )


def book_series(
    tenant: Tenant,
    service: Service,
    first: datetime.datetime,
    contact: Contact,
    *,
    employee: Employee | None = None,
    add_ons: Sequence[AddOn] = (),
    every_weeks: int = 1,
    count: int | None = None,
    until: datetime.date | None = None,
    all_or_nothing: bool = False,
    notes: str = "",
    source: str = Appointment.Source.STAFF,
    actor: str = "",
    idempotency_key: str = "",
    now: datetime.datetime | None = None,
) -> SeriesBooked:
    """Book the occurrences that can be booked, all with one employee; with `all_or_nothing`, all or none.

    It ends after `count` or with the local date `until`. Without an employee the one who can serve most takes it.
    Notice, window and grid do not bind staff. Raises IdempotencyConflict, NotFound or Invalid.
    """
    check(contact)
    wish = Wish(service, as_utc(first), employee, check_add_ons(service, add_ons))
    due = _due(tenant, wish.starts_at, every_weeks, count, until)
    calendar = _calendar(tenant, wish, due, source, now)
    candidates = candidates_for(calendar, wish)
    needs = resources_of([service])
    with transaction.atomic():
        limit_waiting()
        rhythm = [every_weeks, len(due), all_or_nothing, source]
        request = _claim(tenant, wish, contact, rhythm, notes, idempotency_key)
        repeated = _answered(tenant, request, candidates, for_good=bool(idempotency_key))
        if repeated is not None:
            return repeated
        lock_calendars(keys_for(candidates, needs, "", tenant))
        chosen, reasons = _choose(calendar, candidates, wish, due, source)
        conflicts = [_conflict(calendar, due[index], reasons[index], employee) for index in sorted(reasons)]
        free = [each for index, each in enumerate(due) if index not in reasons]
        if not free or (all_or_nothing and conflicts):
            forget(request)  # nothing was booked: who asks again is asking anew
            return SeriesBooked(None, (), tuple(conflicts), created=True)
        series = Series.objects.create(
            tenant=tenant,
            employee=chosen,
            service=service,
            customer=customer_of(tenant, contact),
            first_local=wish.starts_at,
            interval_weeks=every_weeks,
            occurrences=len(due),
        )
        booked = _write(
            calendar,
            wish,
            chosen,
            free,
            needs,
            Circumstances(series.customer, source, actor or source, notes, series=series),
        )
        answer(request, {"series": str(series.pk), "conflicts": [_as_json(each) for each in conflicts]})
        return SeriesBooked(series, booked, tuple(conflicts), created=True)


# --- When ----------------------------------------------------------------------------------------


def _due(
    tenant: Tenant,
    first: datetime.datetime,
    every_weeks: int,
    count: int | None,
    until: datetime.date | None,
) -> list[_Occurrence]:
    """Each time that the series comes round. Raises Invalid."""
    if (count is None) == (until is None):
        raise Invalid("count", "give either how many or until when")
    if not 1 <= every_weeks <= MOST_WEEKS_APART:
        raise Invalid("everyWeeks", f"must be from 1 to {MOST_WEEKS_APART}")
    local = wall_time(first, tenant.zone)
    stride = datetime.timedelta(weeks=every_weeks)
    if until is not None:
        count = (until - local.date()) // stride + 1
    if count is None or not 1 <= count <= MOST:
        raise Invalid("count" if until is None else "until", f"must make 1 to {MOST} appointments")
    later = [_occurrence(tenant, local + times * stride) for times in range(1, count)]
    return [_Occurrence(local, first), *later]  # the first may be the second pass of a repeated hour


def _occurrence(tenant: Tenant, local: datetime.datetime) -> _Occurrence:
    try:
        return _Occurrence(local, resolve(local, tenant.zone))
    except NonexistentTime as gap:
        return _Occurrence(local, gap.after, is_skipped=True)


# --- Who, and what stands against it -------------------------------------------------------------


def _choose(
    calendar: Calendar, candidates: list[Employee], wish: Wish, due: Sequence[_Occurrence], source: str
) -> tuple[Employee, dict[int, list[Reason]]]:
    """Who can serve most of the series, in fair order, and what stands against the other times."""
    told: dict[UUID, dict[int, list[Reason]]] = {one.pk: {} for one in candidates}
    for index, each in enumerate(due):
        reasons = calendar.objections_of(candidates, each.start)
        for one in candidates:
            against = [Reason.NONEXISTENT] if each.is_skipped else _binding(reasons[one.pk], source)
            if against:
                told[one.pk][index] = against
    ordered = in_fair_order(calendar, candidates, wish.starts_at)
    chosen = min(ordered, key=lambda one: len(told[one.pk]))
    return chosen, told[chosen.pk]


def _calendar(
    tenant: Tenant, wish: Wish, due: Sequence[_Occurrence], source: str, now: datetime.datetime | None
) -> Calendar:
    """For staff it is open as far ahead as the series goes, also to look for other times."""
    calendar = calendar_for(tenant, wish, now=now or timezone.now())
    if source == Appointment.Source.STAFF:
        days = max((due[-1].local.date() - calendar.today).days, 0) + LOOKED_AHEAD_DAYS
        calendar.window = BookingWindow.at(calendar.now, tenant.zone, notice=datetime.timedelta(), days=days)
    return calendar


def _binding(reasons: Sequence[Reason], source: str) -> list[Reason]:
    unbound = FOR_CALLERS if source == Appointment.Source.STAFF else frozenset()
    return [reason for reason in reasons if reason not in unbound]


def _conflict(
    calendar: Calendar, due: _Occurrence, reasons: Sequence[Reason], employee: Employee | None
) -> Conflict:
    return Conflict(due.local, tuple(reasons), tuple(calendar.nearest(due.start, employee)))


def _write(
    calendar: Calendar,
    wish: Wish,
    employee: Employee,
    due: Sequence[_Occurrence],
    needs: Sequence[Resource],
    how: Circumstances,
) -> tuple[Appointment, ...]:
    wishes = [Wish(wish.service, each.start, employee, wish.add_ons) for each in due]
    return tuple(write(calendar, each, employee, needs, how) for each in wishes)


# --- The request ---------------------------------------------------------------------------------


def _claim(
    tenant: Tenant,
    wish: Wish,
    contact: Contact,
    rhythm: list[Any],
    notes: str,
    idempotency_key: str,
) -> Claim:
    body: list[Any] = [
        str(wish.service.pk),
        wish.starts_at.isoformat(),
        str(wish.employee.pk) if wish.employee else "any",
        sorted(str(add_on.pk) for add_on in wish.add_ons),
        contact.identity,
        rhythm,
    ]
    if idempotency_key:
        body += [contact.name, contact.email, notes]
        return claim(tenant, "series", idempotency_key, digest(body))
    key = digest(body)
    return claim(tenant, "series wish", key, key)


def _answered(
    tenant: Tenant, request: Claim, employees: Sequence[Employee], *, for_good: bool
) -> SeriesBooked | None:
    """What the same request got before; a wish is a new one when all of it was cancelled since."""
    if request.answer is None:
        return None
    series = Series.objects.for_tenant(tenant).filter(pk=request.answer["series"]).first()
    rows = Appointment.objects.select_related("employee", "service", "customer").filter(series=series)
    if series is None or not (for_good or rows.exclude(status=Appointment.Status.CANCELLED).exists()):
        return None
    by_pk = {str(one.pk): one for one in employees}
    conflicts = tuple(_from_json(each, by_pk) for each in request.answer["conflicts"])
    return SeriesBooked(series, tuple(rows.order_by("starts_at")), conflicts, created=False)


def _as_json(conflict: Conflict) -> dict[str, Any]:
    return {
        "local": conflict.local.isoformat(),
        "reasons": list(conflict.reasons),
        "nearest": [
            [str(slot.employee.pk), slot.start.isoformat(), slot.end.isoformat()] for slot in conflict.nearest
        ],
    }


def _from_json(facts: dict[str, Any], employees: dict[str, Employee]) -> Conflict:
    read = datetime.datetime.fromisoformat
    return Conflict(
        read(facts["local"]),
        tuple(Reason(reason) for reason in facts["reasons"]),
        tuple(
            FreeSlot(employees[pk], read(start), read(end))
            for pk, start, end in facts["nearest"]
            if pk in employees
        ),
    )
