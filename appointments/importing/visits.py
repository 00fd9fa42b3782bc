"""Appointments, as staff would write them down one by one: any free minute, nobody twice, by the same verbs and locks.

To look, each row is tried against the calendar and undone at once, so that no call waits behind a preview. Rows that
stand in each other's way are found beside it. To write, the calendars are locked once and for no longer than a caller
waits anyhow.
"""

import time
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from appointments import booking, lifecycle
from appointments.admin.second_thoughts import of_collision
from appointments.customers import check, customer_of
from appointments.day_sheet import AsTyped
from appointments.errors import BookingError, Invalid, SlotTaken
from appointments.importing.rows import Importer
from appointments.importing.sheets import Row
from appointments.importing.verdicts import Fate, Problem, Refused, Verdict
from appointments.importing.visit_rows import HEADINGS, VisitReader, Wanted
from appointments.locks import lock_calendars
from appointments.models import Appointment, OutboxMessage
from appointments.seats import resources_of
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time

LONGEST_LOCK_S = 2.5
"""Callers who book wait for the calendars, and are told to try again after three seconds."""
Status = Appointment.Status


class TooBusy(Exception):
    """It would keep the calendars from callers for too long."""


class VisitImporter(Importer):
    headings = HEADINGS

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        super().__init__(tenant, writes=writes, actor=actor)
        self._reader = VisitReader(tenant)
        self._accepted: list[Wanted] = []

    # --- Judging and writing ---

    def judge(self, rows: Sequence[Row]) -> list[Verdict]:
        wanted = [self._wanted(row) for row in rows]
        if not self.writes:
            return [one if isinstance(one, Verdict) else self._tried(one) for one in wanted]
        self._lock([one for one in wanted if isinstance(one, Wanted)])
        until = time.monotonic() + LONGEST_LOCK_S
        wanted = [self._wanted(row) for row in rows]  # as they stand now that nobody else changes them
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

    def _wanted(self, row: Row) -> Wanted | Verdict:
        try:
            return self._reader.read(row)
        except Refused as refused:
            return self._refused(row, refused.problem)


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
