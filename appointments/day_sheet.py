"""A day of one service as a sheet, employee by time: what is free, and what stands against the rest.

The rules are those of the calendar, so that what is free here can be booked. A sheet of any length of day
takes as many statements as there are employees, and a few more. Needs the tenant's scope.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.utils import timezone

from appointments.availability import Calendar, FreeSlot, Objection
from appointments.explanations import Case, explain, not_offered
from appointments.intervals import Interval, overlaps
from appointments.models import Appointment, Employee
from appointments.reading import Reading
from appointments.slots import Reason, Terms
from appointments.taken import Neighbour, load_neighbours

MINUTE = timedelta(minutes=1)
LOOKED_AHEAD_DAYS = 31
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00Z")
FOR_CALLERS = frozenset({Reason.TOO_SOON, Reason.TOO_FAR, Reason.OFF_GRID})
"""What does not bind staff."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One employee at one start: free when nothing stands against it."""

    employee: Employee
    start: datetime
    end: datetime
    objections: Sequence[Objection]

    @property
    def is_free(self) -> bool:
        return not self.objections

    @property
    def staff_may(self) -> bool:
        """Whether nothing but the rules for callers stands against it."""
        return only_for_callers(self.objections)


def only_for_callers(objections: Sequence[Objection]) -> bool:
    return all(each.reason in FOR_CALLERS for each in objections)


class DayCalendar(Calendar):
    """The calendar, asked about a whole day at once."""

    def sheet(self, day: date, employees: Sequence[Employee]) -> list[list[Cell]]:
        """A row for each start of the grid, and in it a cell for each employee; no rows where nothing opens."""
        if not employees:
            return []
        reading = self._read(day, day, employees)
        terms = {one.pk: self.terms(one) for one in employees}
        starts = sorted({start for each in terms.values() for start in reading.offer(day, each).grid})
        if not starts:
            return []
        span = Interval(starts[0], starts[-1] + max(each.length for each in terms.values()))
        near = {one.pk: self._neighbours(one.pk, terms[one.pk], span) for one in employees}
        return [[self._cell(reading, one, start, near[one.pk]) for one in employees] for start in starts]

    def _neighbours(self, pk: UUID, terms: Terms, span: Interval) -> list[Neighbour]:
        return load_neighbours(
            self.tenant,
            self.service,
            pk,
            _LONG_AGO,  # no group begins then: groups come along, too
            span.widened(terms.before, terms.after),
            now=self.now,
            holder=self.holder,
        )

    def _cell(self, reading: Reading, employee: Employee, start: datetime, near: Sequence[Neighbour]) -> Cell:
        offer, diary = reading.offer_at(employee.pk, start), reading.diary(employee.pk)
        slot = offer.slot_at(start)
        barred = [not_offered(reason, employee, self.service) for reason in self._barred(employee)]
        reasons = reading.why_not(employee.pk, start)
        if not reasons:
            return Cell(employee, slot.start, slot.end, barred)
        blocked = offer.terms.blocked(start)
        case = Case(
            service=self.service,
            who=employee.name,
            offer=offer,
            slot=slot,
            notes=reading.rules.notes,
            neighbours=[each for each in near if _in_the_way(each, blocked, start)],
            joining=diary.group_at(start),
            group_is_full=any(
                group.start == start and group.taken >= self.service.seats
                for group in reading.taken.groups.get(employee.pk, ())
            ),
        )
        told = [objection for reason in reasons for objection in explain(case, reason)]
        return Cell(employee, slot.start, slot.end, [*barred, *told])


class AsTyped(Calendar):
    """The calendar for an appointment as staff made it: of any length, whoever serves, at short notice or far ahead."""

    def __init__(self, appointment: Appointment) -> None:
        now = timezone.now()
        as_long = copy.copy(appointment.service)
        as_long.duration_minutes = max((appointment.ends_at - appointment.starts_at) // MINUTE, 1)
        as_long.minimum_notice_minutes = 0
        as_long.booking_window_days = max((appointment.starts_at - now).days, 0) + LOOKED_AHEAD_DAYS
        super().__init__(appointment.tenant, as_long, now=now)

    def terms(self, employee: Employee) -> Terms:
        return self._usual_terms

    def against(self, appointment: Appointment) -> list[Objection]:
        """What stands against its time, but for the grid: staff may choose any minute."""
        objections = self.why_not(appointment.employee, appointment.starts_at, ignoring=appointment)
        return [each for each in objections if each.reason not in FOR_CALLERS]

    def nearest_to(self, appointment: Appointment) -> list[FreeSlot]:
        """Free times near its own, with the same employee or failing that with anybody; not where it was."""
        before = Appointment.objects.filter(pk=appointment.pk).first()
        nearest = partial(self.nearest, appointment.starts_at, ignoring=before)
        return nearest(appointment.employee) or nearest()


def _in_the_way(other: Neighbour, blocked: Interval, start: datetime) -> bool:
    its_own_group = other.in_group and other.times.start == start
    return not its_own_group and overlaps((other.blocked,), blocked)
