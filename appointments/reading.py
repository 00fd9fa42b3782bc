"""Some dates of the calendar, read for some employees: what the pure rules need, put in their hands."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from appointments.intervals import Intervals
from appointments.models import Employee, Service
from appointments.rules import Rules
from appointments.slots import (
    BookingWindow,
    Diary,
    Offer,
    Pool,
    Reason,
    Terms,
    WeeklyHours,
    free_slots,
    why_not,
    worked_instants,
)
from appointments.taken import Taken
from appointments.wallclock import wall_time


class FreeSlot(NamedTuple):
    """An appointment that could be made now; times in UTC."""

    employee: Employee
    start: datetime
    end: datetime


class Reading:
    """One offer per day and length of the service, one diary per employee; each made once, when it is asked."""

    def __init__(
        self,
        service: Service,
        window: BookingWindow,
        employees: Mapping[UUID, tuple[Employee, Terms]],
        dates: Sequence[date],
        rules: Rules,
        taken: Taken,
    ) -> None:
        self.service, self.window, self.employees = service, window, employees
        self.dates, self.rules, self.taken = dates, rules, taken
        self._offers: dict[tuple[date, Terms], Offer] = {}
        self._diaries: dict[UUID, Diary] = {}
        self._worked: dict[tuple[WeeklyHours, ...], Intervals] = {}

    def free_slots(self, day: date) -> list[FreeSlot]:
        """All of a date, in order of time; at one time in the order of the employees."""
        found = [
            FreeSlot(employee, slot.start, slot.end)
            for pk, (employee, terms) in self.employees.items()
            for slot in free_slots(self.offer(day, terms), self.diary(pk))
        ]
        return sorted(found, key=itemgetter(1))

    def why_not(self, pk: UUID, start: datetime) -> list[Reason]:
        return why_not(self.offer_at(pk, start), self.diary(pk), start)

    def offer_at(self, pk: UUID, start: datetime) -> Offer:
        return self.offer(wall_time(start, self.rules.hours.zone).date(), self.employees[pk][1])

    def offer(self, day: date, terms: Terms) -> Offer:
        offer = self._offers.get((day, terms))
        if offer is None:
            offer = Offer(day, self.rules.hours, terms, self.window, tuple(self.pools.values()))
            self._offers[day, terms] = offer
        return offer

    def diary(self, pk: UUID) -> Diary:
        diary = self._diaries.get(pk)
        if diary is None:
            diary = self._diaries[pk] = Diary.opened(
                self.employees[pk][1],
                worked=self._worked_by(pk),
                time_off=self.rules.time_off.get(pk, ()),
                busy=self.taken.busy.get(pk, ()),
                held=self.taken.held.get(pk, ()),
                groups=self.taken.groups.get(pk, ()),
                seats=self.service.seats,
                whose=pk,
            )
        return diary

    @cached_property
    def pools(self) -> dict[UUID, Pool]:
        """The resources that the service needs, by id."""
        return {
            pk: Pool.opened(name, capacity, self._any_terms, self.taken.uses.get(pk, ()))
            for pk, (name, capacity) in self.rules.needs.items()
        }

    @property
    def _any_terms(self) -> Terms:
        """Employees differ in how long they take, never in the buffers."""
        return next(terms for _, terms in self.employees.values())

    def _worked_by(self, pk: UUID) -> Intervals | None:
        weekly = self.rules.own.get(pk)
        if weekly is None:
            return None
        week = tuple(weekly)  # many keep the same hours
        if week not in self._worked:
            self._worked[week] = worked_instants(week, self.dates, self.rules.hours.zone)
        return self._worked[week]
