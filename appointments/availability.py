"""Rows in, `slots` asked, free slots out: the only reader of the calendar. Needs the tenant's scope.

A day takes four queries, however many employees there are: the performers, everybody's hours, and the
appointments that come near the day.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from appointments.intervals import Interval
from appointments.models import Appointment, Employee, OpeningHours, Service
from appointments.slots import BookingWindow, BusinessHours, Diary, Offer, Reason, Terms, WeeklyHours, why_not
from appointments.slots import free_slots as slots_of
from appointments.wallclock import WallInterval, wall_time
from tenants.models import Tenant

MINUTE = datetime.timedelta(minutes=1)


class FreeSlot(NamedTuple):
    """An appointment that could be made now; times in UTC."""

    employee: Employee
    start: datetime.datetime
    end: datetime.datetime


@dataclass(frozen=True, slots=True)
class Week:
    """Weekly hours of a tenant: the business's own, and those of employees who keep their own."""

    business: Sequence[WeeklyHours]
    own: dict[UUID, list[WeeklyHours]]


def free_slots(
    tenant: Tenant,
    service: Service,
    day: datetime.date,
    employee: Employee | None = None,
    add_ons: Sequence[Any] = (),
    now: datetime.datetime | None = None,
) -> list[FreeSlot]:
    """Every slot that can be booked on a local date: (employee, start, end) in UTC order."""
    calendar = Calendar(tenant, service, now=now)
    return list(calendar.free_slots(day, employee))


class Calendar:
    """One question about one service, with what all its days share read once."""

    def __init__(self, tenant: Tenant, service: Service, *, now: datetime.datetime | None = None) -> None:
        self.tenant = tenant
        self.service = service
        self._now = now or timezone.now()
        self._week = load_week(tenant)
        self._performers = load_performers(tenant, service)
        self.window = BookingWindow.at(
            self._now,
            tenant.zone,
            notice=service.minimum_notice_minutes * MINUTE,
            days=service.booking_window_days,
        )

    @property
    def today(self) -> datetime.date:
        return wall_time(self._now, self.tenant.zone).date()

    def free_slots(self, day: datetime.date, employee: Employee | None = None) -> Iterator[FreeSlot]:
        if not self.today <= day <= self.window.last_day:
            return  # and dates so absurd that arithmetic on them overflows are not worked on
        offer = self.offer(day)
        if offer.reach is None:
            return
        employees = [one for one in self._performers if employee is None or one.pk == employee.pk]
        busy = load_busy(self.tenant, [one.pk for one in employees], offer.reach)
        found = [
            FreeSlot(one, slot.start, slot.end)
            for one in employees
            for slot in slots_of(offer, self._diary(offer, one, busy[one.pk]))
        ]
        yield from sorted(found, key=lambda slot: (slot.start, slot.employee.name, slot.employee.pk))

    def first_free_day(
        self, since: datetime.date, employee: Employee | None = None, *, days: int = 31
    ) -> tuple[datetime.date, list[FreeSlot]] | None:
        """The first date from `since` on with anything free, and what is free on it."""
        ahead_at_most = min(days, (self.window.last_day - since).days + 1)
        for ahead in range(ahead_at_most):
            day = since + datetime.timedelta(days=ahead)
            slots = list(self.free_slots(day, employee))
            if slots:
                return day, slots
        return None

    def nearest(
        self, start: datetime.datetime, employee: Employee | None = None, *, most: int = 4
    ) -> list[FreeSlot]:
        """Free slots nearest to a wished start, one per instant, in order of time."""
        day = min(max(wall_time(start, self.tenant.zone).date(), self.today), self.window.last_day)
        near = [day + datetime.timedelta(days=off) for off in (0, 1, -1)]
        slots = one_per_instant(slot for each in near for slot in self.free_slots(each, employee))
        if not slots:
            found = self.first_free_day(day, employee) or self.first_free_day(self.today, employee)
            slots = one_per_instant(found[1]) if found else []
        return sorted(
            sorted(slots, key=lambda slot: abs(slot.start - start))[:most], key=lambda slot: slot.start
        )

    def objections(
        self, employee: Employee, start: datetime.datetime, *, ignoring: Appointment | None = None
    ) -> list[Reason]:
        """Why this employee cannot take an appointment that begins at `start`; empty when it can be booked."""
        offer = self.offer(wall_time(start, self.tenant.zone).date())
        slot = offer.slot_at(start)
        near = slot.widened(self._terms().before, self._terms().after)
        busy = load_busy(self.tenant, [employee.pk], near, ignoring=ignoring)
        return why_not(offer, self._diary(offer, employee, busy[employee.pk]), start)

    @property
    def performers(self) -> list[Employee]:
        """The employees who perform the service, by name."""
        return self._performers

    def offer(self, day: datetime.date) -> Offer:
        hours = BusinessHours(self.tenant.zone, self._week.business)
        return Offer(day, hours, self._terms(), self.window)

    def _terms(self) -> Terms:
        service = self.service
        return Terms(
            length=service.duration,
            before=service.buffer_before_minutes * MINUTE,
            after=service.buffer_after_minutes * MINUTE,
            step=service.slot_step_minutes * MINUTE,
        )

    def _diary(self, offer: Offer, employee: Employee, busy: Iterable[Interval]) -> Diary:
        return Diary.opened(offer, worked=self._week.own.get(employee.pk), busy=busy)


def load_week(tenant: Tenant) -> Week:
    business: list[WeeklyHours] = []
    own: dict[UUID, list[WeeklyHours]] = defaultdict(list)
    rows = OpeningHours.objects.for_tenant(tenant).values_list("employee_id", "weekday", "opens", "closes")
    for employee_id, weekday, opens, closes in rows:
        hours = WeeklyHours(weekday, WallInterval(opens, closes))
        (own[employee_id] if employee_id else business).append(hours)
    return Week(business, dict(own))


def load_performers(tenant: Tenant, service: Service) -> list[Employee]:
    performers = Employee.objects.for_tenant(tenant).filter(is_active=True, performs__service=service)
    return list(performers.order_by("name", "pk"))


def load_busy(
    tenant: Tenant, employees: Sequence[UUID], near: Interval, *, ignoring: Appointment | None = None
) -> dict[UUID, list[Interval]]:
    """The time, buffers included, that other appointments keep: those that meet `near`."""
    rows = Appointment.objects.for_tenant(tenant).filter(
        employee__in=employees,
        # No appointment with its buffers is longer than two days: a bound that lets the index be used.
        starts_at__lt=near.end + datetime.timedelta(days=2),
        starts_at__gt=near.start - datetime.timedelta(days=2),
        blocked_from__lt=near.end,
        blocked_until__gt=near.start,
    )
    rows = rows.exclude(status=Appointment.Status.CANCELLED)
    if ignoring is not None:
        rows = rows.exclude(pk=ignoring.pk)
    busy: dict[UUID, list[Interval]] = defaultdict(list)
    for employee_id, blocked_from, blocked_until in rows.values_list(
        "employee_id", "blocked_from", "blocked_until"
    ):
        busy[employee_id].append(Interval(blocked_from, blocked_until))
    return busy


def one_per_instant(slots: Iterable[FreeSlot]) -> list[FreeSlot]:
    """Each start once, with the first employee who is free then."""
    first: dict[datetime.datetime, FreeSlot] = {}
    for slot in slots:
        first.setdefault(slot.start, slot)
    return sorted(first.values(), key=lambda slot: slot.start)
