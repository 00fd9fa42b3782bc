"""Appointments, as staff would write them down one by one: any free minute, nobody twice, by the same verbs and locks.

To look, each row is tried against the calendar and undone at once, so that no call waits behind a preview. Rows that
stand in each other's way are found beside it. To write, the calendars are locked once and for no longer than a caller
waits anyhow.
"""

import copy
import datetime
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from appointments import booking, lifecycle
from appointments.admin.second_thoughts import of_collision
from appointments.customers import Contact, check, customer_of
from appointments.day_sheet import AsTyped
from appointments.errors import BookingError, Invalid, SlotTaken
from appointments.importing.catalog import ID
from appointments.importing.cells import Misread
from appointments.importing.customers import EMAIL, NAME, PHONE, CustomerImporter
from appointments.importing.rows import Importer
from appointments.importing.sheets import Heading, Row
from appointments.importing.verdicts import Change, Fate, Problem, Refused, Verdict
from appointments.locks import lock_calendars
from appointments.models import Appointment, Customer, Employee, EmployeeService, OutboxMessage, Service
from appointments.seats import resources_of
from appointments.wallclock import NonexistentTime, instants_of, resolve, wall_time
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time

LONGEST_LOCK_S = 2.0
"""Callers who book wait for the calendars, and are told to try again after three seconds."""
DAY = datetime.timedelta(days=1)
Status = Appointment.Status
_STATUSES = {
    "": Status.SCHEDULED,
    **{_name: one for one in Status for _name in (one.value, one.label.lower())},
}


class TooBusy(Exception):
    """It would keep the calendars from callers for too long."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row asks for. Without a contact, for a customer who is there."""

    row: Row
    appointment: Appointment
    contact: Contact | None
    changes: list[Change]

    @property
    def essence(self) -> tuple[Any, ...]:
        """Who, what, with whom and when."""
        row = self.appointment
        whom = row.customer_id if self.contact is None else (self.contact.identity, self.contact.name.lower())
        return whom, row.service_id, row.employee_id, row.starts_at


class VisitImporter(Importer):
    headings = (
        Heading("starts", "Starts", "Date and time on your clock: 2030-03-04 10:00.", True, ("Start", "Beginn")),
        Heading("starts_utc", "Starts (UTC)", "Tells the two passes of an hour that comes twice apart."),
        Heading("ends", "Ends", "Empty: as long as the service takes.", others=("End", "Ende")),
        Heading("status", "Status", "scheduled, confirmed, completed or no-show; empty: scheduled."),
        Heading("name", "Customer", NAME.help, True, ("Name", "Kunde", "Kundin", "Customer name")),
        Heading("phone", "Phone", PHONE.help, others=PHONE.others),
        Heading("email", "E-mail", "For customers who leave no number.", others=EMAIL.others),
        Heading("service", "Service", "By its name.", True, ("Leistung",)),
        Heading("employee", "Employee", "By name.", True, ("Mitarbeiter", "Mitarbeiterin", "With")),
        Heading("price", "Price", "Empty: the service's.", others=("Preis",)),
        Heading("notes", "Notes", "For the team.", others=("Notizen",)),
        ID,
    )  # fmt: skip

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        super().__init__(tenant, writes=writes, actor=actor)
        self._services = _by_name(Service.objects.for_tenant(tenant))
        self._employees = _by_name(Employee.objects.for_tenant(tenant))
        performed = EmployeeService.objects.for_tenant(tenant).values_list("employee_id", "service_id")
        self._performed: set[tuple[uuid.UUID, uuid.UUID]] = set(performed)
        self._customers = CustomerImporter(tenant)
        self._accepted: list[Wanted] = []

    # --- Judging and writing ---

    def judge(self, rows: Sequence[Row]) -> list[Verdict]:
        wanted = [self._wanted(row) for row in rows]
        if not self.writes:
            return [one if isinstance(one, Verdict) else self._tried(one) for one in wanted]
        self._lock([one for one in wanted if isinstance(one, Wanted)])
        until = time.monotonic() + LONGEST_LOCK_S
        verdicts = []
        for one in wanted:
            verdicts.append(one if isinstance(one, Verdict) else self._written(one))
            if time.monotonic() > until:
                raise TooBusy
        return verdicts

    def write(self) -> None:
        """They are written. Nobody is sent a confirmation of what was agreed upon long ago."""
        OutboxMessage.objects.filter(appointment__in=self.created, handled_at=None).update(
            handled_at=timezone.now()
        )

    def _tried(self, wanted: Wanted) -> Verdict:
        verdict = self._verdict(wanted)
        if verdict.fate is Fate.SAME:
            return verdict
        appointment = wanted.appointment
        try:
            with transaction.atomic():
                self._check_customer(wanted)
                taken = booking.collision(appointment)
                against = of_collision(appointment) if taken else []
                transaction.set_rollback(True)  # and with it goes the lock
        except BookingError as error:
            return self._refused(wanted.row, _problem(error))
        if taken is not None:
            return self._refused(
                wanted.row,
                Problem("Starts", f"{_who_has_it(taken, self.tenant)} {' '.join(against)}".strip()),
            )
        other = next((one for one in self._accepted if _meet(one.appointment, appointment)), None)
        if other is not None:
            told = f"Line {other.row.number} has {appointment.employee} for {other.row.text('name')} then."
            return self._refused(wanted.row, Problem("Starts", told))
        self._accepted.append(wanted)
        if appointment.starts_at > timezone.now():
            against_it = AsTyped(appointment).against(appointment)
            verdict.notes += [each.sentence for each in against_it]
        return verdict

    def _written(self, wanted: Wanted) -> Verdict:
        verdict = self._verdict(wanted)
        if verdict.fate is Fate.SAME:
            return verdict
        appointment = wanted.appointment
        try:
            with transaction.atomic():
                self._check_customer(wanted)
                if verdict.fate is Fate.CREATE:
                    if wanted.contact is not None:
                        appointment.customer = customer_of(self.tenant, wanted.contact)
                    booking.place(appointment, actor=self.actor)
                    self.created.append(appointment)
                else:
                    lifecycle.edit(appointment, actor=self.actor)
                    self.changed.append(appointment)
        except SlotTaken:
            return self._refused(wanted.row, Problem("Starts", "Somebody else has that time by now."))
        except BookingError as error:
            return self._refused(wanted.row, _problem(error))
        self._accepted.append(wanted)
        return verdict

    def _check_customer(self, wanted: Wanted) -> None:
        if wanted.contact is not None:
            check(wanted.contact)

    def _lock(self, wanted: Sequence[Wanted]) -> None:
        """All at once and in the one order: whoever locked row by row could wait for somebody who waits for them."""
        services = {one.appointment.service_id: one.appointment.service for one in wanted}
        employees = {one.appointment.employee_id for one in wanted}
        ids = [one.appointment.pk for one in wanted]
        before = Appointment.objects.filter(pk__in=ids).values_list("employee_id", flat=True)
        lock_calendars([*employees, *before, *(one.pk for one in resources_of(list(services.values())))])

    def _verdict(self, wanted: Wanted) -> Verdict:
        """Unless the calendar objects."""
        appointment, row = wanted.appointment, wanted.row
        fate = Fate.CREATE
        notes: list[str] = []
        twin = next((one for one in self._accepted if one.essence == wanted.essence), None)
        if not appointment._state.adding:
            fate = Fate.CHANGE if wanted.changes else Fate.SAME
        elif twin is not None:
            fate, notes = Fate.SAME, [f"Line {twin.row.number} says the same."]
        elif self._is_there(wanted):
            fate, notes = Fate.SAME, ["It is in your calendar already."]
        return Verdict(row.number, fate, self._label(row), wanted.changes, notes=notes)

    def _is_there(self, wanted: Wanted) -> bool:
        row = wanted.appointment
        if wanted.contact is not None:
            return False
        same = Appointment.objects.for_tenant(self.tenant).filter(
            customer_id=row.customer_id, service=row.service, starts_at=row.starts_at, employee=row.employee
        )
        return same.exclude(status=Status.CANCELLED).exists()

    def _refused(self, row: Row, *problems: Problem) -> Verdict:
        return Verdict(row.number, Fate.REFUSE, self._label(row), problems=list(problems))

    def _label(self, row: Row) -> str:
        told = [row.text("name"), row.text("service"), row.text("starts")]
        return ", ".join(filter(None, told)) or f"line {row.number}"

    # --- Reading ---

    def _wanted(self, row: Row) -> Wanted | Verdict:
        try:
            return self._read(row)
        except Refused as refused:
            return self._refused(row, refused.problem)

    def _read(self, row: Row) -> Wanted:
        known = self._known(row)
        status = self._status(row)
        if known is None and status == Status.CANCELLED:
            raise Refused("Status", "Cancelled appointments are not imported.")
        service = self._one(row, "service", "Service", self._services)
        employee = self._one(row, "employee", "Employee", self._employees)
        if known is None or (known.service_id, known.employee_id) != (service.pk, employee.pk):
            self._check_offered(service, employee)
        starts_at = self._instant(row)
        ends_at = self._end(row, starts_at)
        price = self._cell("price", row.text("price"), self.manner.decimal) if row.text("price") else None
        if known is not None:
            return self._edited(row, known, service, employee, starts_at, ends_at, price)
        customer, contact = self._customer(row)
        appointment = Appointment(
            tenant=self.tenant,
            service=service,
            employee=employee,
            customer=customer,
            starts_at=starts_at,
            ends_at=ends_at or starts_at + service.duration,
            status=status,
            price=service.price if price is None else price,
            currency=service.currency,
            notes=row.text("notes"),
            source=Appointment.Source.STAFF,
        )
        told = [("Starts", self._told(starts_at)), ("With", str(employee)), ("Service", str(service))]
        if customer is None and contact is not None:
            told.append(("New customer", f"{contact.name}, {contact.phone_e164 or contact.email}"))
        return Wanted(row, appointment, contact, [Change(title, "", after) for title, after in told])

    def _edited(
        self,
        row: Row,
        known: Appointment,
        service: Service,
        employee: Employee,
        starts_at: datetime.datetime,
        ends_at: datetime.datetime | None,
        price: Any,
    ) -> Wanted:
        """One that is there: its time, whom it is with, what it costs and the notes may be others."""
        if known.customer.name.lower() != row.text("name").lower():
            raise Refused("Customer", f"This appointment is {known.customer.name}'s, and stays with them.")
        if row.text("status") and self._status(row) != known.status:
            raise Refused("Status", f"It is {known.get_status_display()}: change that on its own page.")
        if known.status == Status.CANCELLED:
            return Wanted(row, known, None, [])
        after = copy.copy(known)
        after.service, after.employee, after.starts_at = service, employee, starts_at
        length = known.ends_at - known.starts_at if known.service_id == service.pk else service.duration
        after.ends_at = ends_at or starts_at + length
        after.price = known.price if price is None else price
        after.notes = row.text("notes") or known.notes
        compared = [
            ("Starts", self._told(known.starts_at), self._told(after.starts_at)),
            ("Ends", self._told(known.ends_at), self._told(after.ends_at)),
            ("Service", str(known.service), str(service)),
            ("Employee", str(known.employee), str(employee)),
            ("Price", f"{known.price:.2f}", f"{after.price:.2f}"),
            ("Notes", known.notes.strip(), after.notes.strip()),
        ]
        changes = [Change(title, was, now) for title, was, now in compared if was != now]
        return Wanted(row, after, None, changes)

    def _known(self, row: Row) -> Appointment | None:
        told = row.text("id")
        if not told:
            return None
        try:
            pk = uuid.UUID(told)
        except ValueError:
            pk = uuid.uuid4()
        rows = Appointment.objects.for_tenant(self.tenant).select_related(
            "customer", "service", "employee", "tenant"
        )
        if self.writes:
            rows = rows.select_for_update(of=("self",))
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Refused(
                "Id", "There is no appointment with this id. Leave the cell empty to add a new one."
            )
        known: Appointment = found
        return known

    def _one(self, row: Row, key: str, title: str, rows: dict[str, list[Any]]) -> Any:
        name = row.text(key)
        if not name:
            raise Refused(title, "The cell is empty.")
        found = rows.get(name.lower(), [])
        if not found:
            raise Refused(title, f"You have no {key} called “{name}”.")
        active = [one for one in found if one.is_active] or found
        if len(active) > 1:
            raise Refused(title, f"{len(active)} of them are called “{name}”: give one another name first.")
        return active[0]

    def _check_offered(self, service: Service, employee: Employee) -> None:
        for title, one in (("Service", service), ("Employee", employee)):
            if not one.is_active:
                raise Refused(title, f"{one} is not active.")
        if (employee.pk, service.pk) not in self._performed:
            raise Refused("Employee", f"{employee} does not perform {service}.")

    def _status(self, row: Row) -> str:
        told = row.text("status").lower()
        if told not in _STATUSES:
            raise Refused("Status", f"“{row.text('status')}” is not a status such as scheduled or completed.")
        return str(_STATUSES[told])

    def _instant(self, row: Row) -> datetime.datetime:
        """The first instant that the clock shows it at; the other one of two, where the column in UTC says so."""
        wall = self._cell("starts", row.text("starts"), self.manner.wall_time)
        both = instants_of(wall, self.tenant.zone)
        utc = row.text("starts_utc").removesuffix("Z")
        if len(both) > 1 and utc:
            told = self._cell("starts_utc", utc, self.manner.wall_time).replace(tzinfo=datetime.UTC)
            if told in both:
                return told
        return self._resolved(wall, "Starts")

    def _end(self, row: Row, starts_at: datetime.datetime) -> datetime.datetime | None:
        told = row.text("ends")
        if not told:
            return None
        local = wall_time(starts_at, self.tenant.zone)
        if " " in told.strip() or "T" in told:
            wall = self._cell("ends", told, self.manner.wall_time)
        else:
            wall = datetime.datetime.combine(local.date(), self._cell("ends", told, self.manner.clock))
        after = [one for one in instants_of(wall, self.tenant.zone) if one > starts_at]
        ends_at = after[0] if after else self._resolved(wall, "Ends")
        if not starts_at < ends_at <= starts_at + DAY:
            raise Refused("Ends", "An appointment ends after it starts, and within a day.")
        return ends_at

    def _resolved(self, wall: datetime.datetime, title: str) -> datetime.datetime:
        try:
            return resolve(wall, self.tenant.zone)
        except NonexistentTime as error:
            after = tenant_time(error.after, self.tenant, "H:i")
            told = f"On that day the clock in {self.tenant.timezone} skips this time and goes on at {after}."
            raise Refused(title, told) from None

    def _cell(self, key: str, text: str, read: Any) -> Any:
        try:
            return read(text)
        except Misread as error:
            raise Refused(self.title(key), str(error)) from None

    def _customer(self, row: Row) -> tuple[Customer | None, Contact | None]:
        """A customer who is there, or whom to make."""
        name, email, phone = row.text("name"), row.text("email"), ""
        if not name:
            raise Refused("Customer", "The cell is empty.")
        if row.text("phone"):
            phone = self._cell("phone", row.text("phone"), self.manner.phone)
        values = {key: value for key, value in (("name", name), ("phone", phone), ("email", email)) if value}
        known = self._customers.find(values)
        if known is None and not phone and not email:
            raise Refused(
                "Phone", f"{name} is no customer of yours yet: a new one needs a number or an address."
            )
        return known, None if known else Contact(name, phone, email)

    def _told(self, instant: datetime.datetime) -> str:
        return tenant_time(instant, self.tenant)


def _by_name(rows: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.name.lower(), []).append(row)
    return found


def _meet(one: Appointment, other: Appointment) -> bool:
    """Both of the file. A group's members share its time; that it is full the calendar says once they are written."""
    if one.employee_id != other.employee_id or Status.CANCELLED in {one.status, other.status}:
        return False
    if other.service.seats > 1 and (one.service_id, one.starts_at) == (other.service_id, other.starts_at):
        return False
    return one.blocked_from < other.blocked_until and other.blocked_from < one.blocked_until


def _who_has_it(other: Appointment, tenant: Tenant) -> str:
    since, until = (
        tenant_time(other.starts_at, tenant, "D j M Y, H:i"),
        tenant_time(other.ends_at, tenant, "H:i T"),
    )
    return f"Taken: {other.employee} has {other.customer} for {other.service} then, {since} to {until}."


_TITLES = {"customerName": "Customer", "customerPhone": "Phone", "customerEmail": "E-mail", "endsAt": "Ends"}


def _problem(error: BookingError) -> Problem:
    if isinstance(error, Invalid):
        _, _, told = str(error).partition(": ")
        return Problem(_TITLES.get(error.field, ""), f"{told[:1].upper()}{told[1:]}.".replace("..", "."))
    return Problem("", str(error))
