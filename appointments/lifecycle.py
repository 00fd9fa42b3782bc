"""What becomes of an appointment once it is booked: one table of moves, and a verb for each.

    scheduled --> confirmed, completed, cancelled, no_show
    confirmed --> completed, cancelled, no_show
    completed --> no_show             (staff correct what they entered)
    no_show   --> completed
    cancelled --> scheduled           (when its time is still free)

Every verb locks the calendars and then the row, may be repeated, and leaves its mark in the history. With `seen`,
the `updated_at` on which somebody decided, it raises ChangedMeanwhile where the row is another by now.
"""

import copy
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments import history, waitlist
from appointments.availability import Calendar
from appointments.booking import keys_for
from appointments.by_hand import change, collision, reseat, settle, takes_other_time
from appointments.errors import ChangedMeanwhile, NotAllowed, NotFound, SlotTaken, TooLate, refusal
from appointments.extras import booked_add_ons, price_of
from appointments.holds import consume
from appointments.intervals import as_utc
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import Appointment, Employee, WaitlistEntry
from appointments.seats import last_words, resources_of
from appointments.slots import Reason
from appointments.waitlist import Freed
from tenants.models import Tenant
from tenants.scoping import tenant_scope

Status = Appointment.Status

MOVES: dict[str, frozenset[str]] = {
    Status.SCHEDULED: frozenset({Status.CONFIRMED, Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW}),
    Status.CONFIRMED: frozenset({Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW}),
    Status.COMPLETED: frozenset({Status.NO_SHOW}),
    Status.NO_SHOW: frozenset({Status.COMPLETED}),
    Status.CANCELLED: frozenset({Status.SCHEDULED}),
}
COMING = frozenset({Status.SCHEDULED, Status.CONFIRMED})


@dataclass(frozen=True, slots=True)
class Changed:
    """`changed` is False when it was so already: a repeated request."""

    appointment: Appointment
    changed: bool


# --- The verbs -----------------------------------------------------------------------------------


def confirm(
    tenant: Tenant, appointment_id: UUID, *, actor: str = "", seen: datetime.datetime | None = None
) -> Changed:
    """The customer says that they will come."""
    return _set_status(tenant, appointment_id, Status.CONFIRMED, actor=actor, seen=seen)


def complete(
    tenant: Tenant, appointment_id: UUID, *, actor: str = "", seen: datetime.datetime | None = None
) -> Changed:
    return _set_status(tenant, appointment_id, Status.COMPLETED, actor=actor, seen=seen)


def no_show(
    tenant: Tenant,
    appointment_id: UUID,
    *,
    actor: str = "",
    seen: datetime.datetime | None = None,
    now: datetime.datetime | None = None,
) -> Changed:
    """Nobody came. Raises NotAllowed before the appointment has begun."""
    now = now or timezone.now()
    return _set_status(tenant, appointment_id, Status.NO_SHOW, actor=actor, seen=seen, begun_by=now)


def cancel(
    tenant: Tenant,
    appointment_id: UUID,
    *,
    reason: str = "",
    actor: str = "",
    by_customer: bool = False,
    seen: datetime.datetime | None = None,
    now: datetime.datetime | None = None,
) -> Changed:
    """Free its time, and offer it to those who wait. Raises TooLate (customers only), NotAllowed or NotFound."""
    now = now or timezone.now()
    with _locked(tenant, appointment_id, frees_at=now) as (appointment, waiting):
        if appointment.status == Status.CANCELLED:
            return Changed(appointment, changed=False)
        _check_seen(appointment, seen)
        _check_move(appointment, Status.CANCELLED)
        if by_customer:
            _check_notice(appointment, now)
        before = copy.copy(appointment)
        appointment.status = Status.CANCELLED
        reseat(appointment, before)
        history.record(appointment, "cancelled", actor=actor, before=history.facts(before), reason=reason)
        waitlist.offer_freed(tenant, Freed.by(before), waiting, now=now)
        return Changed(appointment, changed=True)


def reschedule(
    tenant: Tenant,
    appointment_id: UUID,
    starts_at: datetime.datetime,
    *,
    employee: Employee | None = None,
    reason: str = "",
    actor: str = "",
    by_customer: bool = False,
    holder: str = "",
    now: datetime.datetime | None = None,
) -> Changed:
    """Move it to another start, with the same employee when none is named. The row keeps its id and its price.

    The rules of booking hold, but its own old time is no obstacle. It lasts as long as it did; with another
    employee their price and their length are taken.
    Raises SlotTaken, NotBookable (each with the nearest free slots), TooLate, NotAllowed or NotFound.
    """
    now, starts_at = now or timezone.now(), as_utc(starts_at)
    with _locked(tenant, appointment_id, to=employee, holder=holder, frees_at=now) as (appointment, waiting):
        chosen = employee or appointment.employee
        _check_coming(appointment, "moved")
        if is_at(appointment, starts_at, chosen):
            return Changed(appointment, changed=False)
        calendar = check_new_time(
            tenant, appointment, starts_at, chosen, by_customer=by_customer, holder=holder, now=now
        )
        before = copy.copy(appointment)
        if chosen.pk != appointment.employee_id:
            appointment.employee = chosen
            appointment.price = calendar.price(chosen) + price_of(booked_add_ons(appointment))
        appointment.starts_at, appointment.ends_at = starts_at, starts_at + calendar.terms(chosen).length
        settle(appointment)
        _save_moved(appointment, before, calendar)
        if holder:
            consume(appointment, holder)
        history.record(appointment, "moved", actor=actor, before=history.facts(before), reason=reason)
        waitlist.offer_freed(tenant, Freed.by(before), waiting, now=now)
        return Changed(appointment, changed=True)


def is_at(appointment: Appointment, starts_at: datetime.datetime, employee: Employee) -> bool:
    """Whether to move it there is to leave it where it is."""
    return (appointment.starts_at, appointment.employee_id) == (starts_at, employee.pk)


def check_new_time(
    tenant: Tenant,
    appointment: Appointment,
    starts_at: datetime.datetime,
    employee: Employee,
    *,
    by_customer: bool = False,
    holder: str = "",
    now: datetime.datetime,
) -> Calendar:
    """The calendar that it may be moved in. Raises what `reschedule` would, which asks again behind the locks."""
    _check_coming(appointment, "moved")
    if by_customer:
        _check_notice(appointment, now)
    calendar = calendar_to_move(tenant, appointment, employee, holder=holder, now=now)
    reasons = calendar.objections(employee, starts_at, ignoring=appointment)
    if reasons:
        raise refusal(reasons, calendar.nearest(starts_at, employee, ignoring=appointment))
    return calendar


def calendar_to_move(
    tenant: Tenant,
    appointment: Appointment,
    to: Employee,
    *,
    holder: str = "",
    now: datetime.datetime | None = None,
) -> Calendar:
    """Where it could be instead, with this employee: as long as it is, with another as long as they take."""
    stays = to.pk == appointment.employee_id
    alone = appointment.service.seats == 1  # a group ends together: whoever joins another takes its length
    return Calendar(
        tenant,
        appointment.service,
        employee=to,
        add_ons=booked_add_ons(appointment),
        length=appointment.ends_at - appointment.starts_at if stays and alone else None,
        holder=holder,
        now=now,
    )


def edit(appointment: Appointment, *, actor: str = "staff") -> None:
    """Save what staff changed by hand: any free minute will do, but statuses move by the table.

    Time that becomes free is offered to those who wait once this is committed: the form's own locks are held
    until then. Raises NotAllowed, SlotTaken or Invalid.
    """
    before = Appointment.objects.select_related("employee", "tenant").get(pk=appointment.pk)
    if appointment.status != before.status:
        _check_move(before, appointment.status)
    if is_early_no_show(appointment) and (appointment.status, appointment.starts_at) != (
        before.status,
        before.starts_at,
    ):
        raise NotAllowed("still to come", Status.NO_SHOW.label)
    change(appointment, actor=actor)
    if before.status in COMING and takes_other_time(appointment, before):
        transaction.on_commit(partial(_offer, before.tenant, Freed.by(before)))


def _offer(tenant: Tenant, freed: Freed) -> None:
    now = timezone.now()
    with tenant_scope(tenant):
        waiting = waitlist.who_waits(tenant, freed, now=now)
        needs = resources_of([one.service for one in waiting])
        lock_calendars([freed.employee.pk, *(one.pk for one in needs)])
        waitlist.offer_freed(tenant, freed, waiting, now=now)


def is_early_no_show(appointment: Appointment, now: datetime.datetime | None = None) -> bool:
    """Nobody has failed to come before the appointment has begun."""
    return appointment.status == Status.NO_SHOW and appointment.starts_at > (now or timezone.now())


def moves_from(status: str) -> list[str]:
    """Where an appointment may be, or go, from here: itself first."""
    return [status, *(one for one in Status.values if one in MOVES[status])]


def uncancel(
    tenant: Tenant,
    appointment_id: UUID,
    *,
    reason: str = "",
    actor: str = "",
    seen: datetime.datetime | None = None,
    now: datetime.datetime | None = None,
) -> Changed:
    """Bring a cancelled appointment back to its old time. Raises SlotTaken when somebody has that by now."""
    now = now or timezone.now()
    with _locked(tenant, appointment_id) as (appointment, _):
        if appointment.status in COMING:
            return Changed(appointment, changed=False)
        _check_seen(appointment, seen)
        _check_move(appointment, Status.SCHEDULED)
        before = copy.copy(appointment)
        appointment.status = Status.SCHEDULED
        calendar = calendar_to_move(tenant, appointment, appointment.employee, now=now)
        reasons = calendar.objections(appointment.employee, appointment.starts_at)
        if collision(appointment) is not None or {Reason.HELD, Reason.RESOURCE_FULL} & set(reasons):
            raise SlotTaken(calendar.nearest(appointment.starts_at, appointment.employee))
        _save_moved(appointment, before, calendar)
        history.record(appointment, "restored", actor=actor, before=history.facts(before), reason=reason)
        return Changed(appointment, changed=True)


def _set_status(
    tenant: Tenant,
    appointment_id: UUID,
    status: str,
    *,
    actor: str,
    seen: datetime.datetime | None,
    begun_by: datetime.datetime | None = None,
) -> Changed:
    with _locked(tenant, appointment_id) as (appointment, _):
        if appointment.status == status:
            return Changed(appointment, changed=False)
        _check_seen(appointment, seen)
        _check_move(appointment, status)
        if begun_by is not None and begun_by < appointment.starts_at:
            raise NotAllowed("still to come", Status(status).label)
        before = history.facts(appointment)
        appointment.status = status
        appointment.save(update_fields=["status", "updated_at"])
        history.record(appointment, status, actor=actor, before=before)
        return Changed(appointment, changed=True)


def _save_moved(appointment: Appointment, before: Appointment, calendar: Calendar) -> None:
    """The constraints have the last word here too. Raises SlotTaken."""
    try:
        with last_words(), transaction.atomic():
            reseat(appointment, before)
    except SlotTaken as taken:
        taken.nearest = calendar.nearest(appointment.starts_at, appointment.employee, ignoring=before)
        raise


# --- One row, locked -----------------------------------------------------------------------------


class _Moved(Exception):
    """A signal to look again: between looking and locking, the appointment went to another employee."""


@contextmanager
def _locked(
    tenant: Tenant,
    appointment_id: UUID,
    *,
    to: Employee | None = None,
    holder: str = "",
    frees_at: datetime.datetime | None = None,
) -> Iterator[tuple[Appointment, list[WaitlistEntry]]]:
    """The appointment, its calendars and those of whoever waits for its time, locked until the end."""
    with transaction.atomic():
        limit_waiting()
        appointment, waiting = _lock(tenant, appointment_id, to, holder, frees_at)
        yield appointment, waiting


def _lock(
    tenant: Tenant, appointment_id: UUID, to: Employee | None, holder: str, now: datetime.datetime | None
) -> tuple[Appointment, list[WaitlistEntry]]:
    for _ in range(3):
        try:
            with transaction.atomic():  # its locks go with it, when we must look again
                return _lock_once(tenant, appointment_id, to, holder, now)
        except _Moved:
            continue
    raise SlotTaken([])


def _lock_once(
    tenant: Tenant, appointment_id: UUID, to: Employee | None, holder: str, now: datetime.datetime | None
) -> tuple[Appointment, list[WaitlistEntry]]:
    rows = Appointment.objects.for_tenant(tenant).select_related("employee", "service", "customer")
    seen = rows.filter(pk=appointment_id).first()
    if seen is None:
        raise NotFound("There is no such appointment")
    waiting = waitlist.who_waits(tenant, Freed.by(seen), now=now) if now else []
    needs = resources_of([seen.service, *(one.service for one in waiting)])
    employees = [seen.employee, *([to] if to else [])]
    lock_calendars(keys_for(employees, needs, holder, tenant))
    appointment = rows.select_for_update(of=("self",)).get(pk=appointment_id)
    if (appointment.employee_id, appointment.service_id) != (seen.employee_id, seen.service_id):
        raise _Moved
    return appointment, waiting


# --- Rules ---------------------------------------------------------------------------------------


def _check_move(appointment: Appointment, to: str) -> None:
    if to not in MOVES[appointment.status]:
        raise NotAllowed(appointment.get_status_display(), Status(to).label)


def _check_seen(appointment: Appointment, seen: datetime.datetime | None) -> None:
    if seen is not None and appointment.updated_at != seen:
        raise ChangedMeanwhile


def _check_coming(appointment: Appointment, verb: str) -> None:
    if appointment.status not in COMING:
        raise NotAllowed(appointment.get_status_display(), verb)


def _check_notice(appointment: Appointment, now: datetime.datetime) -> None:
    notice = appointment.service.cancel_notice_minutes
    if now > appointment.starts_at - datetime.timedelta(minutes=notice):
        raise TooLate(notice)
