"""A row of an appointment: who is meant, what, with whom and when. Reads names and clocks; asks no calendar."""

import copy
import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from appointments.customers import Contact
from appointments.importing.catalog import ID
from appointments.importing.cells import Manner, Misread
from appointments.importing.customers import EMAIL, NAME, PHONE, CustomerImporter
from appointments.importing.sheets import Heading, Row
from appointments.importing.verdicts import Change, Refused
from appointments.lifecycle import is_early_no_show
from appointments.models import Appointment, Customer, Employee, EmployeeService, Service
from appointments.wallclock import NonexistentTime, instants_of, resolve, wall_time
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time

DAY = datetime.timedelta(days=1)
MOST = 99_999_999
"""The dearest price that has a place in the calendar."""
Status = Appointment.Status
_STATUSES = {
    "": Status.SCHEDULED,
    **{_name: one for one in Status for _name in (one.value, one.label.lower())},
}

HEADINGS = (
    Heading("starts", "Starts", "Date and time on your clock: 2030-03-04 10:00.", True, ("Start", "Beginn")),
    Heading("starts_utc", "Starts (UTC)", "Tells the two passes of an hour that comes twice apart."),
    Heading("ends", "Ends", "Empty: as long as the employee takes for the service.", others=("End", "Ende")),
    Heading("status", "Status", "scheduled, confirmed, completed or no-show; empty: scheduled."),
    Heading("name", "Customer", NAME.help, True, ("Name", "Kunde", "Kundin", "Customer name")),
    Heading("phone", "Phone", PHONE.help, others=PHONE.others),
    Heading("email", "E-mail", "For customers who leave no number.", others=EMAIL.others),
    Heading("service", "Service", "By its name.", True, ("Leistung",)),
    Heading("employee", "Employee", "By name.", True, ("Mitarbeiter", "Mitarbeiterin", "With")),
    Heading("price", "Price", "Empty: what the employee takes for the service.", others=("Preis",)),
    Heading("notes", "Notes", "For the team.", others=("Notizen",)),
    ID,
)  # fmt: skip


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


class VisitReader:
    """Of one business. Needs its scope. Locks nothing: calendars are locked before any row."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.manner = Manner.of(tenant)
        self._services = _by_name(Service.objects.for_tenant(tenant))
        self._employees = _by_name(Employee.objects.for_tenant(tenant))
        performed = EmployeeService.objects.for_tenant(tenant)
        self._performed = {(one.employee_id, one.service_id): one for one in performed}
        self._customers = CustomerImporter(tenant)

    def read(self, row: Row) -> Wanted:
        """Raises Refused."""
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
        price = self._cell("price", row.text("price"), self._amount) if row.text("price") else None
        if known is not None:
            return self._edited(row, known, service, employee, starts_at, ends_at, price)
        customer, contact = self._customer(row)
        appointment = Appointment(
            tenant=self.tenant,
            service=service,
            employee=employee,
            customer=customer,
            starts_at=starts_at,
            ends_at=ends_at or starts_at + self._length(service, employee),
            status=status,
            price=self._price(service, employee) if price is None else price,
            currency=service.currency,
            notes=row.text("notes"),
            source=Appointment.Source.STAFF,
        )
        self._check_status(appointment)
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
        length, usual = known.ends_at - known.starts_at, known.price
        if known.service_id != service.pk:
            length, usual = self._length(service, employee), self._price(service, employee)
            after.currency = service.currency
        after.ends_at = ends_at or starts_at + length
        if after.starts_at != known.starts_at:
            self._check_status(after)
        after.price = usual if price is None else price
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

    def _length(self, service: Service, employee: Employee) -> datetime.timedelta:
        """As long as this employee takes."""
        own = self._performed.get((employee.pk, service.pk))
        minutes = own.duration_minutes if own else None
        return service.duration if minutes is None else datetime.timedelta(minutes=minutes)

    def _price(self, service: Service, employee: Employee) -> Decimal:
        own = self._performed.get((employee.pk, service.pk))
        return service.price if own is None or own.price is None else own.price

    def _status(self, row: Row) -> str:
        told = row.text("status").lower()
        if told not in _STATUSES:
            raise Refused("Status", f"“{row.text('status')}” is not a status such as scheduled or completed.")
        return str(_STATUSES[told])

    def _check_status(self, appointment: Appointment) -> None:
        if is_early_no_show(appointment):
            raise Refused("Status", "It is still to come, so it cannot be a no-show.")

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

    def _cell(self, key: str, text: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(text)
        except Misread as error:
            title = next(one.title for one in HEADINGS if one.key == key)
            raise Refused(title, str(error)) from None

    def _amount(self, text: str) -> Decimal:
        """What an appointment may cost. Raises Misread."""
        amount = self.manner.decimal(text)
        if not 0 <= amount <= MOST:
            raise Misread(f"“{text}” is not a price: it is 0 to {MOST:,}.")
        return amount

    def _customer(self, row: Row) -> tuple[Customer | None, Contact | None]:
        """A customer who is there, or whom to make."""
        name, email, phone = row.text("name"), row.text("email"), ""
        if not name:
            raise Refused("Customer", "The cell is empty.")
        if row.text("phone"):
            phone = self._cell("phone", row.text("phone"), self.manner.phone)
        values = {key: value for key, value in (("name", name), ("phone", phone), ("email", email)) if value}
        try:
            known = self._customers.find(values)
        except Refused:
            told = f"More than one of your customers is called {name}: write the telephone number, too."
            raise Refused("Customer", told) from None
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
