"""The places that an appointment takes beside the employee's time: a seat in a group, units of resources.

The first seat of a group keeps the employee's time and the resources for all of them: it alone stands in the
exclusion constraints. When its holder goes, another takes it over in the same transaction. Needs the locks.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import IntegrityError
from django.db.models import QuerySet

from appointments.errors import SlotTaken
from appointments.models import Appointment, Resource, ResourceUse, Service

LAST_WORDS = frozenset(
    {
        ("23P01", "appointment_no_double_booking"),
        ("23P01", "resource_unit_used_once"),
        ("23505", "appointment_seat_once"),
    }
)


class Full(Exception):
    """No seat, or no unit of a resource, is left."""


@contextmanager
def last_words() -> Iterator[None]:
    """What lacks a seat or a unit inside, or a constraint refuses, is SlotTaken outside, without alternatives."""
    try:
        yield
    except Full:
        raise SlotTaken([]) from None
    except IntegrityError as error:
        if is_double_booking(error):
            raise SlotTaken([]) from None
        raise


def is_double_booking(error: IntegrityError) -> bool:
    """By SQLSTATE and constraint, never by text: messages are translated."""
    cause = error.__cause__
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return (getattr(cause, "sqlstate", None), constraint) in LAST_WORDS


def resources_of(services: Iterable[Service]) -> list[Resource]:
    """What the services need one unit of, each resource once."""
    return list(Resource.objects.filter(needed_by__service__in=list(services)).distinct())


# --- Seats ---------------------------------------------------------------------------------------


def companions(appointment: Appointment) -> QuerySet[Appointment]:
    """The others of its group who are coming, in order of their seats."""
    others = Appointment.objects.filter(
        tenant_id=appointment.tenant_id,
        employee_id=appointment.employee_id,
        service_id=appointment.service_id,
        starts_at=appointment.starts_at,
    )
    others = others.exclude(status=Appointment.Status.CANCELLED).exclude(pk=appointment.pk)
    return others.order_by("seat")


def take_seat(appointment: Appointment) -> None:
    """Give it the lowest free seat at its start, and with others there their times. Raises Full."""
    if appointment.service.seats == 1:
        appointment.seat = 1
        return
    group = list(companions(appointment))
    taken = {other.seat for other in group}
    free = [seat for seat in range(1, appointment.service.seats + 1) if seat not in taken]
    if not free:
        raise Full
    appointment.seat = free[0]
    if group:  # a group begins and ends together, even when the service has become shorter since
        first = group[0]
        appointment.ends_at = first.ends_at
        appointment.blocked_from, appointment.blocked_until = first.blocked_from, first.blocked_until


def vacate(appointment: Appointment) -> Appointment | None:
    """Give up the seat and the units of an appointment, as it stands in the database.

    To be followed by the appointment's own save, then by `promote` of the companion who is returned here.
    """
    uses = ResourceUse.objects.filter(
        tenant_id=appointment.tenant_id, appointment=appointment, is_active=True
    )
    heir = companions(appointment).first() if appointment.seat == 1 else None
    if heir is None:
        uses.update(is_active=False)
    else:
        uses.update(appointment=heir)
    return heir


def promote(heir: Appointment | None) -> None:
    """Let a companion keep the time for the group, now that the first seat is empty."""
    if heir is not None:
        heir.seat = 1
        heir.save(update_fields=["seat", "updated_at"])


# --- Units of resources --------------------------------------------------------------------------


def take_units(appointment: Appointment, needs: Sequence[Resource]) -> None:
    """Keep the lowest free unit of each resource for a saved appointment. Raises Full."""
    if not needs or appointment.seat != 1:
        return
    ResourceUse.objects.bulk_create(
        ResourceUse(
            tenant_id=appointment.tenant_id,
            appointment=appointment,
            resource=resource,
            unit=free_unit(resource, appointment),
            blocked_from=appointment.blocked_from,
            blocked_until=appointment.blocked_until,
        )
        for resource in needs
    )


def free_unit(resource: Resource, appointment: Appointment) -> int:
    taken = set(users_of(resource, appointment).values_list("unit", flat=True))
    for unit in range(1, resource.capacity + 1):
        if unit not in taken:
            return unit
    raise Full


def users_of(resource: Resource, appointment: Appointment) -> QuerySet[ResourceUse]:
    """The units that others use while the appointment blocks its time."""
    uses = ResourceUse.objects.filter(
        tenant_id=appointment.tenant_id,
        resource=resource,
        is_active=True,
        blocked_from__lt=appointment.blocked_until,
        blocked_until__gt=appointment.blocked_from,
    )
    return uses.exclude(appointment=appointment)
