"""What can be booked, when and with whom: the only reader of the calendar. Needs the tenant's scope.

    rules.py               who performs the service, and when everybody is there     rows -> values
    holidays_calendar.py   public holidays
    taken.py               appointments, holds, resources in use                     rows -> values
    reading.py             some dates of the calendar, as the rules want them
    slots.py               what is left                                              pure
    explanations.py        why something is not, for staff                           values -> words
    fairness.py            whose turn it is

A month of fifty employees takes as many statements as a day of one: the performers, the add-ons when they are
given by id, the rules, and what is taken.
"""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from operator import attrgetter
from uuid import UUID

from django.utils import timezone

from appointments.explanations import Case, Objection, explain, nonexistent, not_offered
from appointments.fairness import least_booked_first, local_week
from appointments.intervals import Interval, as_utc
from appointments.models import Appointment, Employee, Service
from appointments.reading import FreeSlot, Reading
from appointments.rules import (
    MINUTE,
    Adds,
    UnknownAddOn,
    load_extra_minutes,
    load_rules,
    load_team,
    terms_of,
)
from appointments.slots import BookingWindow, Reason, Terms, dates_near, instants_of_dates
from appointments.taken import load_neighbours, load_taken
from appointments.wallclock import DAY, NonexistentTime, instants_of, resolve, wall_time
from tenants.models import Tenant

__all__ = ["Calendar", "FreeSlot", "Objection", "UnknownAddOn", "free_slots", "one_per_instant"]


def free_slots(
    tenant: Tenant,
    service: Service,
    day: datetime.date,
    employee: Employee | None = None,
    add_ons: Sequence[Adds | UUID | str] = (),
    now: datetime.datetime | None = None,
) -> list[FreeSlot]:
    """Every slot that can be booked on a local date: (employee, start, end) in UTC order."""
    return Calendar(tenant, service, employee=employee, add_ons=add_ons, now=now).free_slots(day, employee)


MONTH_DAYS = 31


class Calendar:
    """Questions about one service, with its add-ons, asked at one moment; of everybody, or of `employee` alone.

    Each question reads anew what is taken, so that what is asked behind a lock is true. The holds of `holder`
    are no obstacle. Add-ons are rows, as offered or as booked, or ids; an unknown id raises UnknownAddOn.
    What lasts as it was agreed on is given its `length`, add-ons included, whatever the service takes by now.
    """

    def __init__(
        self,
        tenant: Tenant,
        service: Service,
        *,
        employee: Employee | None = None,
        add_ons: Iterable[Adds | UUID | str] = (),
        length: datetime.timedelta | None = None,
        holder: str = "",
        now: datetime.datetime | None = None,
    ) -> None:
        self.tenant = tenant
        self.service = service
        self.holder = holder
        self.now = as_utc(now or timezone.now())
        self.window = BookingWindow.at(
            self.now,
            tenant.zone,
            notice=service.minimum_notice_minutes * MINUTE,
            days=service.booking_window_days,
        )
        extra_minutes = load_extra_minutes(tenant, service, add_ons)
        team = load_team(tenant, service, employee)
        self.needs_resources = team.needs_resources
        self._usual_terms = _lasting(length, terms_of(service, None, extra_minutes))
        self._terms = {
            one.employee.pk: _lasting(length, terms_of(service, one.minutes, extra_minutes))
            for one in team.performers
        }
        self._prices = {one.employee.pk: one.price for one in team.performers if one.price is not None}
        self._performers = [one.employee for one in team.performers if one.employee.is_active]

    @property
    def today(self) -> datetime.date:
        return wall_time(self.now, self.tenant.zone).date()

    @property
    def performers(self) -> list[Employee]:
        """The active employees who perform the service, by name."""
        return self._performers

    def terms(self, employee: Employee) -> Terms:
        """How this employee performs the service: its length with add-ons, and the buffers."""
        return self._terms.get(employee.pk, self._usual_terms)

    def price(self, employee: Employee) -> Decimal:
        """Without add-ons: the employee's own price goes before the service's."""
        return self._prices.get(employee.pk, self.service.price)

    # --- What is free ----------------------------------------------------------------------------

    def free_slots(self, day: datetime.date, employee: Employee | None = None) -> list[FreeSlot]:
        """All of a local date, in order of time, then of names."""
        return next((slots for _, slots in self.search(day, 1, employee)), [])

    def search(
        self,
        since: datetime.date,
        days: int = 30,
        employee: Employee | None = None,
        *,
        ignoring: Appointment | None = None,
    ) -> Iterator[tuple[datetime.date, list[FreeSlot]]]:
        """The dates with anything free, from `since` on, and what is free on them. All are read at once.

        What `ignoring`, which would move away, keeps is free; but to stay where it is would be no move.
        """
        # Dates so absurd that arithmetic on them overflows are cut off with those that cannot be booked.
        first = max(since, self.today)
        last = min(min(since, self.window.last_day) + (days - 1) * DAY, self.window.last_day)
        employees = [one for one in self.performers if employee is None or one.pk == employee.pk]
        if last < first or not employees or not self.service.is_active:
            return
        reading = self._read(first, last, employees, _ids(ignoring))
        for ahead in range((last - first).days + 1):
            day = first + ahead * DAY
            slots = [slot for slot in reading.free_slots(day) if not _stays(ignoring, slot)]
            if slots:
                yield day, slots

    def first_free_day(
        self,
        since: datetime.date,
        employee: Employee | None = None,
        *,
        ignoring: Appointment | None = None,
    ) -> tuple[datetime.date, list[FreeSlot]] | None:
        """The first date from `since` on with anything free, and what is free on it. A month is read at a time."""
        since = max(since, self.today)
        while since <= self.window.last_day:
            found = next(self.search(since, MONTH_DAYS, employee, ignoring=ignoring), None)
            if found is not None:
                return found
            since += MONTH_DAYS * DAY
        return None

    def nearest(
        self,
        start: datetime.datetime,
        employee: Employee | None = None,
        *,
        most: int = 4,
        ignoring: Appointment | None = None,
    ) -> list[FreeSlot]:
        """Free slots nearest to a wished start, one per instant, in order of time."""
        day = min(max(wall_time(start, self.tenant.zone).date(), self.today), self.window.last_day)
        around = self.search(day - DAY, 3, employee, ignoring=ignoring)
        slots = one_per_instant(slot for _, found in around for slot in found)
        if not slots:
            first_free_day = partial(self.first_free_day, employee=employee, ignoring=ignoring)
            later = first_free_day(day) or first_free_day(self.today)
            slots = one_per_instant(later[1]) if later else []
        nearest = sorted(slots, key=lambda slot: abs(slot.start - start))[:most]
        return sorted(nearest, key=attrgetter("start"))

    def fair_order(self, start: datetime.datetime) -> list[Employee]:
        """Who is asked, and in which order, when anybody will do: least booked first, in that local week."""
        return least_booked_first(self.tenant, self.performers, local_week(start, self.tenant.zone))

    # --- Why something is not --------------------------------------------------------------------

    def objections(
        self, employee: Employee, start: datetime.datetime, *, ignoring: Appointment | None = None
    ) -> list[Reason]:
        """Why this employee cannot take an appointment that begins at `start`; empty when it can be booked.

        A naive `start` is the tenant's local time. `ignoring` is an appointment that would move away.
        """
        return self.objections_of([employee], start, ignoring=ignoring)[employee.pk]

    def objections_of(
        self,
        employees: Sequence[Employee],
        start: datetime.datetime,
        *,
        ignoring: Appointment | None = None,
    ) -> dict[UUID, list[Reason]]:
        """The objections of many employees, for the price of one."""
        if not employees:
            return {}
        try:
            start = self._instant(start)
        except NonexistentTime:
            return {one.pk: [*self._barred(one), Reason.NONEXISTENT] for one in employees}
        reading = self._read_at(start, employees, ignoring)
        return {one.pk: [*self._barred(one), *reading.why_not(one.pk, start)] for one in employees}

    def why_not(
        self, employee: Employee, start: datetime.datetime, *, ignoring: Appointment | None = None
    ) -> list[Objection]:
        """All that stands against a start, in sentences for staff; empty exactly when it can be booked."""
        barred = [not_offered(reason, employee, self.service) for reason in self._barred(employee)]
        try:
            start = self._instant(start)
        except NonexistentTime as error:
            return [*barred, nonexistent(error, self.tenant.zone)]
        reading = self._read_at(start, [employee], ignoring)
        reasons = reading.why_not(employee.pk, start)
        if not reasons:
            return barred
        case = self._case(reading, employee, start, ignoring)
        return [*barred, *(objection for reason in reasons for objection in explain(case, reason))]

    def _barred(self, employee: Employee) -> list[Reason]:
        """What stands against this employee and this service at any time."""
        offered = self.service.is_active and employee.is_active
        return [
            *([] if offered else [Reason.INACTIVE]),
            *([] if employee.pk in self._terms else [Reason.NOT_PERFORMED]),
        ]

    def _instant(self, start: datetime.datetime) -> datetime.datetime:
        """In UTC. Raises NonexistentTime for what the tenant's clock never shows."""
        wall, zone = start.replace(tzinfo=None), self.tenant.zone
        if start.tzinfo is None or (start.tzinfo == zone and not instants_of(wall, zone)):
            return resolve(wall, zone)
        return as_utc(start)

    def _case(
        self, reading: Reading, employee: Employee, start: datetime.datetime, ignoring: Appointment | None
    ) -> Case:
        offer, diary = reading.offer_at(employee.pk, start), reading.diary(employee.pk)
        neighbours = load_neighbours(
            self.tenant,
            self.service,
            employee.pk,
            start,
            offer.terms.blocked(start),
            now=self.now,
            holder=self.holder,
            ignoring=_ids(ignoring),
        )
        return Case(
            service=self.service,
            who=employee.name,
            offer=offer,
            slot=offer.slot_at(start),
            notes=reading.rules.notes,
            neighbours=neighbours,
            joining=diary.group_at(start),
            group_is_full=any(
                group.start == start and group.taken >= self.service.seats
                for group in reading.taken.groups.get(employee.pk, ())
            ),
        )

    # --- What is read ----------------------------------------------------------------------------

    def _read_at(
        self, start: datetime.datetime, employees: Sequence[Employee], ignoring: Appointment | None
    ) -> Reading:
        day = wall_time(start, self.tenant.zone).date()
        return self._read(day, day, employees, _ids(ignoring))

    def _read(
        self,
        first: datetime.date,
        last: datetime.date,
        employees: Sequence[Employee],
        ignoring: Sequence[UUID] = (),
    ) -> Reading:
        """All that concerns slots which begin on a date from `first` to `last`."""
        terms = {one.pk: (one, self.terms(one)) for one in employees}
        length = max(each.length for _, each in terms.values())
        begun = instants_of_dates(first - DAY, last, self.tenant.zone)
        dates = dates_near(first, last, length)
        slots = Interval(begun[0].start, begun[-1].end + length)
        rules = load_rules(self.tenant, self.service, list(terms), dates, slots)
        taken = load_taken(
            self.tenant,
            self.service,
            list(terms),
            list(rules.needs),
            slots.widened(self._usual_terms.before, self._usual_terms.after),
            now=self.now,
            holder=self.holder,
            ignoring=ignoring,
        )
        return Reading(self.service, self.window, terms, dates, rules, taken)


def _lasting(length: datetime.timedelta | None, terms: Terms) -> Terms:
    return terms if length is None else replace(terms, length=length)


def _ids(ignoring: Appointment | None) -> list[UUID]:
    return [] if ignoring is None else [ignoring.pk]


def _stays(moving: Appointment | None, slot: FreeSlot) -> bool:
    return moving is not None and (slot.employee.pk, slot.start) == (moving.employee_id, moving.starts_at)


def one_per_instant(slots: Iterable[FreeSlot]) -> list[FreeSlot]:
    """Each start once, with the first employee who is free then."""
    first: dict[datetime.datetime, FreeSlot] = {}
    for slot in slots:
        first.setdefault(slot.start, slot)
    return sorted(first.values(), key=attrgetter("start"))
