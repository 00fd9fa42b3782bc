"""What staff do on the page: book, move, resize, note. Written by the writers that everybody uses (`booking.place`,
`lifecycle.edit`), any feasible minute; here stand the locks and the questions before them. Needs a transaction.
"""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from appointments import booking, lifecycle
from appointments.availability import Calendar
from appointments.by_hand import settle
from appointments.calendar.reasons import Question, as_appointment, check
from appointments.customers import Contact, customer_of
from appointments.customers import check as check_contact
from appointments.errors import ChangedMeanwhile, Invalid, NotAllowed, NotFound
from appointments.extras import check_add_ons, price_of, write_add_ons
from appointments.lifecycle import COMING
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import Appointment, Employee
from appointments.seats import resources_of
from appointments.usual import handed_over
from tenants.models import Tenant


def book(
    tenant: Tenant, question: Question, contact: Contact, *, notes: str, despite: Iterable[str], actor: str
) -> Appointment:
    """Book what was asked about. Raises Opposed, SlotTaken, NotFound or Invalid."""
    check_contact(contact)
    add_ons = check_add_ons(question.service, question.add_ons)
    if question.end is not None and question.end <= question.start:
        raise Invalid("end", "An appointment ends after it starts.")
    calendar = Calendar(tenant, question.service, employee=question.employee, add_ons=add_ons)
    needs = resources_of([question.service])
    limit_waiting()
    lock_calendars([question.employee.pk, *(one.pk for one in needs)])
    appointment = as_appointment(tenant, question, calendar)
    settle(appointment)
    check(appointment, despite)
    appointment.price = calendar.price(question.employee) + price_of(add_ons)
    appointment.notes = notes
    appointment.customer = customer_of(tenant, contact)
    booking.place(appointment, actor=actor)
    if add_ons:
        write_add_ons(appointment, add_ons)
    return appointment


def move(
    tenant: Tenant,
    appointment_id: UUID,
    *,
    seen: datetime.datetime,
    start: datetime.datetime,
    end: datetime.datetime | None = None,
    employee: Employee | None = None,
    despite: Iterable[str] = (),
    actor: str,
) -> Appointment:
    """To another time, another employee or another end; without one it stays as long as it was.

    With another employee it takes their length and price, where it had those of the one before.
    Raises Opposed, ChangedMeanwhile, NotAllowed, SlotTaken, NotFound or Invalid.
    """
    row = _locked(appointment_id, employee)
    if row.updated_at != seen:
        raise ChangedMeanwhile
    if row.status not in COMING:
        raise NotAllowed(row.get_status_display(), "moved")
    before = (row.starts_at, row.ends_at, row.employee_id)
    ends_at = end or start + _length(row, employee)
    if ends_at <= start:
        raise Invalid("end", "An appointment ends after it starts.")
    row.starts_at, row.ends_at = start, ends_at
    if employee is not None:
        row.employee = employee
    if before == (row.starts_at, row.ends_at, row.employee_id):
        return row
    settle(row)
    check(row, despite, keeps=row.employee_id == before[2])
    lifecycle.edit(row, actor=actor)
    return row


def note(appointment_id: UUID, notes: str, *, seen: datetime.datetime, actor: str) -> Appointment:
    """Raises ChangedMeanwhile or NotFound."""
    limit_waiting()
    row = _rows().select_for_update(of=("self",)).filter(pk=appointment_id).first()
    if row is None:
        raise NotFound("There is no such appointment.")
    if row.updated_at != seen:
        raise ChangedMeanwhile
    if row.notes != notes:
        row.notes = notes
        lifecycle.edit(row, actor=actor)
    return row


def _rows() -> QuerySet[Appointment]:
    return Appointment.objects.select_related("employee", "service", "customer", "tenant")


def _locked(appointment_id: UUID, to: Employee | None) -> Appointment:
    """The appointment, behind the locks of both calendars. Raises NotFound or ChangedMeanwhile."""
    seen = _rows().filter(pk=appointment_id).first()
    if seen is None:
        raise NotFound("There is no such appointment.")
    needs = resources_of([seen.service])
    limit_waiting()
    lock_calendars([seen.employee_id, *([to.pk] if to else []), *(one.pk for one in needs)])
    row = _rows().select_for_update(of=("self",)).get(pk=appointment_id)
    if (row.employee_id, row.service_id) != (seen.employee_id, seen.service_id):
        raise ChangedMeanwhile  # and the locks are those of another calendar
    return row


def _length(row: Appointment, to: Employee | None) -> datetime.timedelta:
    """As long as it was; with somebody else, as long as they take. Their price comes with it."""
    if to is None or to.pk == row.employee_id:
        length: datetime.timedelta = row.ends_at - row.starts_at
        return length
    taken = handed_over(row, to)
    row.price = taken.price
    return taken.length
