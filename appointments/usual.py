"""How long an appointment lasts and what it costs where nobody says otherwise: as the employee does the service."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from appointments.availability import Calendar
from appointments.extras import booked_add_ons, price_of
from appointments.models import AddOn, Appointment, Employee, Service
from tenants.models import Tenant


class Usual(NamedTuple):
    length: datetime.timedelta
    price: Decimal


def usual_of(tenant: Tenant, service: Service, employee: Employee, add_ons: Sequence[AddOn] = ()) -> Usual:
    """With the employee's own minutes and price, where they have some."""
    return _asked(Calendar(tenant, service, employee=employee, add_ons=add_ons), employee, add_ons)


def handed_over(appointment: Appointment, to: Employee) -> Usual:
    """What it becomes with somebody else: their length and their price, where it had those of the one before."""
    add_ons = booked_add_ons(appointment)
    calendar = Calendar(appointment.tenant, appointment.service, add_ons=add_ons)
    theirs, was = _asked(calendar, to, add_ons), _asked(calendar, appointment.employee, add_ons)
    length = appointment.ends_at - appointment.starts_at
    return Usual(
        theirs.length if length == was.length else length,
        theirs.price if appointment.price == was.price else appointment.price,
    )


def _asked(calendar: Calendar, employee: Employee, add_ons: Sequence[AddOn]) -> Usual:
    return Usual(calendar.terms(employee).length, calendar.price(employee) + price_of(add_ons))
