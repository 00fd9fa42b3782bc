"""What staff enter by hand: any free minute will do, but nobody is booked twice.

Grid, notice, window, opening hours and holds do not bind staff; the admin tells them what the rules say.
"""

import datetime

from django.db import transaction

from appointments import history
from appointments.errors import Invalid, SlotTaken
from appointments.locks import lock_calendars
from appointments.models import Appointment, AppointmentAddOn, ResourceUse, buffered
from appointments.seats import (
    last_words,
    promote,
    resources_of,
    take_seat,
    take_units,
    users_of,
    vacate,
)

LONGEST_DAYS = 2
"""Readers look this far around a day for what may reach into it."""

_CANCELLED = Appointment.Status.CANCELLED


def place(appointment: Appointment, *, actor: str = "staff") -> None:
    """Insert an appointment that staff made. Raises SlotTaken or Invalid. Needs a scope."""
    if collision(appointment) is not None:
        raise SlotTaken([])
    _put(appointment, None)
    history.record(appointment, "booked", actor=actor)


def change(appointment: Appointment, *, actor: str = "staff") -> None:
    """Save what staff changed; time that it did not keep before must be free. Raises SlotTaken or Invalid."""
    if collision(appointment) is not None:
        raise SlotTaken([])
    before = Appointment.objects.select_for_update().get(pk=appointment.pk)
    _put(appointment, before)
    if appointment.service_id != before.service_id:  # they were the other service's
        AppointmentAddOn.objects.filter(appointment=appointment).delete()
    history.record(appointment, _kind(appointment, before), actor=actor, before=history.facts(before))


def collision(appointment: Appointment) -> Appointment | None:
    """Whose appointment stands in the way of this one as it is to be, buffers included. Raises Invalid.

    Settles its end and buffers, and locks the calendars: the answer holds until the transaction ends.
    """
    before = Appointment.objects.filter(pk=appointment.pk).first()
    if before is not None and not takes_other_time(appointment, before):
        return None
    settle(appointment)
    needs = resources_of([appointment.service])
    left = [before.employee_id] if before else []
    lock_calendars([appointment.employee_id, *left, *(one.pk for one in needs)])
    if appointment.status == _CANCELLED:
        return None
    return _in_the_way(appointment) or _at_its_resources(appointment)


def _in_the_way(appointment: Appointment) -> Appointment | None:
    others = Appointment.objects.for_tenant(appointment.tenant_id).filter(
        employee_id=appointment.employee_id,
        starts_at__gt=appointment.blocked_from - datetime.timedelta(days=LONGEST_DAYS),
        starts_at__lt=appointment.blocked_until + datetime.timedelta(days=LONGEST_DAYS),
        blocked_from__lt=appointment.blocked_until,
        blocked_until__gt=appointment.blocked_from,
    )
    others = others.exclude(status=_CANCELLED).exclude(pk=appointment.pk)
    group = others.filter(service_id=appointment.service_id, starts_at=appointment.starts_at)
    if group.count() < appointment.service.seats:
        others = others.exclude(service_id=appointment.service_id, starts_at=appointment.starts_at)
    return others.select_related("customer", "service").order_by("starts_at").first()


def _at_its_resources(appointment: Appointment) -> Appointment | None:
    """Somebody who uses a resource of which no unit is left."""
    for resource in resources_of([appointment.service]):
        uses = users_of(resource, appointment).exclude(
            appointment__employee_id=appointment.employee_id,
            appointment__service_id=appointment.service_id,
            appointment__starts_at=appointment.starts_at,
        )
        if len(set(uses.values_list("unit", flat=True))) >= resource.capacity:
            user: ResourceUse | None = (
                uses.select_related("appointment__customer", "appointment__service")
                .order_by("blocked_from")
                .first()
            )
            return user.appointment if user else None
    return None


def _put(appointment: Appointment, before: Appointment | None) -> None:
    moves = before is None or takes_other_time(appointment, before)
    with last_words(), transaction.atomic():
        if moves:
            reseat(appointment, before)
        else:
            appointment.seat = before.seat if before else 1  # another may have left it to this one since
            appointment.save(force_update=True)


def reseat(appointment: Appointment, before: Appointment | None) -> None:
    """Save an appointment whose time is another than `before`: seats, units and heirs follow. Raises Full."""
    comes, came = appointment.status != _CANCELLED, before is not None and before.status != _CANCELLED
    heir = None
    if before is not None and came and not (comes and _same_group(appointment, before)):
        heir = vacate(before)
    if comes:
        take_seat(appointment)
    appointment.save(force_insert=before is None, force_update=before is not None)
    promote(heir)
    if comes:
        ResourceUse.objects.filter(appointment=appointment).delete()  # of its time before
        take_units(appointment, resources_of([appointment.service]))


def _same_group(appointment: Appointment, before: Appointment) -> bool:
    return all(
        getattr(appointment, name) == getattr(before, name)
        for name in ("employee_id", "service_id", "starts_at")
    )


def takes_other_time(appointment: Appointment, before: Appointment) -> bool:
    if (appointment.status == _CANCELLED) != (before.status == _CANCELLED):
        return True
    return any(
        getattr(appointment, name) != getattr(before, name)
        for name in ("employee_id", "service_id", "starts_at", "ends_at")
    )


def settle(appointment: Appointment) -> None:
    """Its end, when none was given, and the time that it blocks. Raises Invalid."""
    ends_at: datetime.datetime | None = appointment.ends_at
    appointment.ends_at = ends_at or appointment.starts_at + appointment.service.duration
    kept = buffered(appointment.service, appointment.starts_at, appointment.ends_at)
    if kept["blocked_until"] - kept["blocked_from"] > datetime.timedelta(days=LONGEST_DAYS):
        raise Invalid("endsAt", f"an appointment with its buffers lasts {LONGEST_DAYS} days at most")
    appointment.blocked_from, appointment.blocked_until = kept["blocked_from"], kept["blocked_until"]


def _kind(appointment: Appointment, before: Appointment) -> str:
    """What staff did, in history's words."""
    if before.status != appointment.status:
        if before.status == _CANCELLED:
            return "restored"
        return str(appointment.status)
    return "moved" if takes_other_time(appointment, before) else "edited"
