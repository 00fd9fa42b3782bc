"""What customers have with a service."""

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import QuerySet

from appointments.errors import Invalid
from appointments.models import AddOn, Appointment, AppointmentAddOn, Service


def check_add_ons(service: Service, add_ons: Sequence[AddOn]) -> tuple[AddOn, ...]:
    """Each once, and the service's own. Raises Invalid."""
    for add_on in add_ons:
        if add_on.service_id != service.pk or not add_on.is_active:
            raise Invalid("addOns", f"{add_on.name} does not go with {service.name}")
        if service.seats > 1 and add_on.minutes:
            raise Invalid("addOns", "a group ends together, so nobody can add time to it")
    return tuple({add_on.pk: add_on for add_on in add_ons}.values())


def price_of(add_ons: Sequence[AddOn]) -> Decimal:
    """What they cost together."""
    return sum((one.price for one in add_ons), Decimal(0))


def write_add_ons(appointment: Appointment, add_ons: Sequence[AddOn]) -> None:
    AppointmentAddOn.objects.bulk_create(
        AppointmentAddOn(
            tenant_id=appointment.tenant_id,
            appointment=appointment,
            add_on=add_on,
            minutes=add_on.minutes,
            price=add_on.price,
        )
        for add_on in add_ons
    )


def offered_add_ons(appointment: Appointment) -> QuerySet[AddOn]:
    """Those that it was booked with and that can still be booked. Not read before they are needed."""
    offered = AddOn.objects.for_tenant(appointment.tenant_id).filter(is_active=True)
    return offered.filter(pk__in=_rows_of(appointment).values("add_on_id"))


def booked_add_ons(appointment: Appointment) -> tuple[AddOn, ...]:
    """With the minutes and prices that were agreed, whatever they have become since. Not to be saved."""
    add_ons = []
    for row in _rows_of(appointment).select_related("add_on"):
        row.add_on.minutes, row.add_on.price = row.minutes, row.price
        add_ons.append(row.add_on)
    return tuple(add_ons)


def _rows_of(appointment: Appointment) -> QuerySet[AppointmentAddOn]:
    return AppointmentAddOn.objects.filter(tenant_id=appointment.tenant_id, appointment=appointment)
