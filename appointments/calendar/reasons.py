"""What stands against a time, for staff: all of it in sentences, what of it binds them, and the nearest free times.

Grid, notice and window are for callers. Hours, closures, time off, what is held and what has passed are said, and
staff may go on all the same. Whom nobody may wave aside is somebody else: see BINDING.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from appointments.availability import Calendar, FreeSlot, Objection
from appointments.calendar.picture import minute
from appointments.day_sheet import FOR_CALLERS, AsTyped
from appointments.models import AddOn, Appointment, Employee, Service
from appointments.slots import Reason
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time

BINDING = frozenset(
    {Reason.INACTIVE, Reason.NOT_PERFORMED, Reason.NONEXISTENT, Reason.BUSY, Reason.RESOURCE_FULL}
)
"""What stands against it whatever staff say: another customer's time, or nobody who could serve."""


class Opposed(Exception):
    """Something stands against a time that nobody has waved aside, or that nobody can."""

    def __init__(self, objections: Sequence[Objection], nearest: Sequence[FreeSlot]) -> None:
        super().__init__(" ".join(each.sentence for each in objections))
        self.objections, self.nearest = objections, nearest


@dataclass(frozen=True, slots=True)
class Question:
    """May this service begin at `start` with this employee? With an `end` other than the service's own."""

    service: Service
    employee: Employee
    start: datetime.datetime
    add_ons: Sequence[AddOn] = ()
    end: datetime.datetime | None = None


def all_against(tenant: Tenant, question: Question) -> tuple[list[Objection], list[FreeSlot]]:
    """Everything, what binds callers alone included; and the nearest times that callers could book."""
    calendar = Calendar(tenant, question.service, add_ons=question.add_ons)
    objections = calendar.why_not(question.employee, question.start)
    if question.end is not None:
        typed = AsTyped(as_appointment(tenant, question, calendar))
        of_callers = [each for each in objections if each.reason in FOR_CALLERS]
        objections = [*typed.why_not(question.employee, question.start), *of_callers]
        objections = list(dict.fromkeys(objections))
    nearest = calendar.nearest(question.start, question.employee) or calendar.nearest(question.start)
    return objections, nearest


def as_appointment(tenant: Tenant, question: Question, calendar: Calendar) -> Appointment:
    """Not saved, and nobody's yet."""
    end = question.end or question.start + calendar.terms(question.employee).length
    return Appointment(
        tenant=tenant,
        service=question.service,
        employee=question.employee,
        starts_at=question.start,
        ends_at=end,
        currency=question.service.currency,
    )


def check(appointment: Appointment, despite: Iterable[str], *, keeps: bool = False) -> None:
    """Raise Opposed, unless staff know of all that stands against the time and may go on. Needs the locks.

    `despite` are the codes that they have read. `keeps`: what is no longer offered may stay with whom it was.
    """
    calendar = AsTyped(appointment)
    against = calendar.against(appointment)
    if keeps:
        against = [each for each in against if each.reason not in {Reason.INACTIVE, Reason.NOT_PERFORMED}]
    known = set(despite)
    if all(each.reason not in BINDING and each.code in known for each in against):
        return
    raise Opposed(against, calendar.nearest_to(appointment))


def told(objections: Iterable[Objection], nearest: Iterable[FreeSlot], tenant: Tenant) -> dict[str, Any]:
    """In JSON. `mayGoOn`: whether nothing of it binds staff."""
    against = list(objections)
    return {
        "objections": [
            {
                "code": each.code,
                "sentence": each.sentence,
                "binds": each.reason in BINDING,
                "forCallers": each.reason in FOR_CALLERS,
            }
            for each in against
        ],
        "mayGoOn": not any(each.reason in BINDING for each in against),
        "nearest": [
            {
                "start": minute(slot.start),
                "employee": str(slot.employee.pk),
                "label": f"{tenant_time(slot.start, tenant, 'D j M, H:i')} {slot.employee.name}",
            }
            for slot in nearest
        ],
    }
