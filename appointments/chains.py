"""Several services in one visit, back to back: a plan for all of them or none.

Each begins when the one before ends. Where the same employee goes on, or the same chair is needed, the buffers
between the two are kept. The first begins on the grid; the others begin when they can.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from appointments.availability import Calendar, FreeSlot, one_per_instant
from appointments.booking import Circumstances, Wish, candidates_for, keys_for, write
from appointments.claims import Claim, answer, claim, digest
from appointments.customers import Contact, check, customer_of
from appointments.errors import Invalid, NotBookable, refusal
from appointments.extras import check_add_ons
from appointments.intervals import as_utc
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import AddOn, Appointment, Employee, Resource, Service
from appointments.seats import resources_of
from appointments.slots import Reason
from appointments.wallclock import wall_time
from tenants.models import Tenant

LONGEST_CHAIN = 8
ALTERNATIVES = 4
_TRIED_FOR_ALTERNATIVES = 12


@dataclass(frozen=True, slots=True)
class Stop:
    """One service of a visit; without an employee, with whoever is free."""

    service: Service
    employee: Employee | None = None
    add_ons: tuple[AddOn, ...] = ()


@dataclass(frozen=True, slots=True)
class Leg:
    stop: Stop
    employee: Employee
    start: datetime.datetime
    end: datetime.datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """A leg for every stop; or as many as fit, and what stands against the next."""

    legs: tuple[Leg, ...]
    objections: tuple[Reason, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.objections


@dataclass(frozen=True, slots=True)
class Visit:
    """`created` is False when the same visit had been booked before: a repeated request."""

    id: UUID
    appointments: tuple[Appointment, ...]
    created: bool


def plan(
    tenant: Tenant,
    services: Sequence[Service | Stop],
    start: datetime.datetime,
    *,
    now: datetime.datetime | None = None,
    holder: str = "",
) -> Plan:
    """Who serves when, if the visit begins at `start`; the same employee goes on where possible."""
    return _Itinerary(tenant, services, now, holder).plan(start)


def first_start(
    tenant: Tenant,
    services: Sequence[Service | Stop],
    day: datetime.date,
    *,
    now: datetime.datetime | None = None,
    holder: str = "",
) -> Plan | None:
    """The plan for the first start on a local date at which the whole visit fits."""
    itinerary = _Itinerary(tenant, services, now, holder)
    plans = (itinerary.plan(slot.start) for slot in itinerary.starts_on(day))
    return next((found for found in plans if found.fits), None)


def other_starts(
    tenant: Tenant,
    services: Sequence[Service | Stop],
    start: datetime.datetime,
    *,
    now: datetime.datetime | None = None,
    holder: str = "",
) -> list[FreeSlot]:
    """Starts of the same date, near `start`, at which the whole visit fits; each lasts as long as the visit."""
    return _Itinerary(tenant, services, now, holder).alternatives(start)


def book_visit(
    tenant: Tenant,
    services: Sequence[Service | Stop],
    start: datetime.datetime,
    contact: Contact,
    *,
    notes: str = "",
    source: str = Appointment.Source.STAFF,
    actor: str = "",
    holder: str = "",
    idempotency_key: str = "",
    now: datetime.datetime | None = None,
) -> Visit:
    """Book all services or none. The same wish or key again gives the same visit. Needs the tenant's scope.

    Raises SlotTaken or NotBookable, whose `nearest` are starts of that day at which the whole visit fits;
    IdempotencyConflict, NotFound or Invalid.
    """
    check(contact)
    start = as_utc(start)
    itinerary = _Itinerary(tenant, services, now, holder)
    try:
        with transaction.atomic():
            limit_waiting()
            request = _claim(tenant, itinerary.stops, start, contact, notes, idempotency_key)
            repeated = _answered(request, for_good=bool(idempotency_key))
            if repeated is not None:
                return repeated
            lock_calendars(itinerary.keys)
            found = itinerary.plan(start)
            if not found.fits:
                raise refusal(found.objections, [])
            visit = uuid.uuid4()
            customer = customer_of(tenant, contact)
            how = Circumstances(customer, source, actor or source, notes, holder, visit=visit)
            appointments = tuple(itinerary.write(index, leg, how) for index, leg in enumerate(found.legs))
            answer(request, {"visit": str(visit), "appointments": [str(one.pk) for one in appointments]})
            return Visit(visit, appointments, created=True)
    except NotBookable as refused:
        refused.nearest = itinerary.alternatives(start)
        raise


# --- The request ---------------------------------------------------------------------------------


def _claim(
    tenant: Tenant,
    stops: Iterable[Stop],
    start: datetime.datetime,
    contact: Contact,
    notes: str,
    idempotency_key: str,
) -> Claim:
    wishes = [
        [
            str(stop.service.pk),
            str(stop.employee.pk) if stop.employee else "any",
            sorted(str(add_on.pk) for add_on in stop.add_ons),
        ]
        for stop in stops
    ]
    body: list[Any] = [wishes, start.isoformat(), contact.identity]
    if idempotency_key:
        body += [contact.name, contact.email, notes]
        return claim(tenant, "visit", idempotency_key, digest(body))
    key = digest(body)
    return claim(tenant, "visit wish", key, key)


def _answered(request: Claim, *, for_good: bool) -> Visit | None:
    """What the same request got before; a wish is a new one when any of it was cancelled since."""
    if request.answer is None:
        return None
    pks = request.answer["appointments"]
    rows = Appointment.objects.select_related("employee", "service", "customer").filter(pk__in=pks)
    if not for_good:
        rows = rows.exclude(status=Appointment.Status.CANCELLED)
    found = {str(row.pk): row for row in rows}
    if len(found) < len(pks):
        return None
    return Visit(UUID(request.answer["visit"]), tuple(found[pk] for pk in pks), created=False)


# --- The plan ------------------------------------------------------------------------------------


class _Itinerary:
    """Stops, with what is asked about them again and again."""

    def __init__(
        self,
        tenant: Tenant,
        services: Sequence[Service | Stop],
        now: datetime.datetime | None,
        holder: str,
    ) -> None:
        if not 1 <= len(services) <= LONGEST_CHAIN:
            raise Invalid("services", f"a visit has 1 to {LONGEST_CHAIN} services")
        self.tenant, self.holder = tenant, holder
        self.stops = [_checked(one if isinstance(one, Stop) else Stop(one)) for one in services]
        now = now or timezone.now()
        self._calendars = [
            Calendar(tenant, stop.service, add_ons=stop.add_ons, now=now, holder=holder)
            for stop in self.stops
        ]
        self._needs: list[list[Resource]] = [resources_of([stop.service]) for stop in self.stops]
        self._candidates = [
            candidates_for(calendar, Wish(stop.service, now, stop.employee))
            for calendar, stop in zip(self._calendars, self.stops, strict=True)
        ]

    @property
    def keys(self) -> list[UUID | str]:
        """What to lock before the plan is made that will be booked."""
        employees = [one for candidates in self._candidates for one in candidates]
        needs = [one for each in self._needs for one in each]
        return keys_for(employees, needs, self.holder, self.tenant)

    def starts_on(self, day: datetime.date) -> list[FreeSlot]:
        return one_per_instant(self._calendars[0].free_slots(day, self.stops[0].employee))

    def plan(self, start: datetime.datetime) -> Plan:
        start = as_utc(start)
        fair = self._calendars[0].fair_order(start)
        order = {one.pk: place for place, one in enumerate(fair)}
        return self._go_on((), start, order)

    def alternatives(self, start: datetime.datetime) -> list[FreeSlot]:
        """Other starts of the same date at which the whole visit fits, those near `start` first found."""
        slots = self.starts_on(wall_time(start, self.tenant.zone).date())
        near = sorted(slots, key=lambda slot: abs(slot.start - start))[:_TRIED_FOR_ALTERNATIVES]
        found = []
        for slot in near:
            other = self.plan(slot.start)
            if other.fits:
                first, last = other.legs[0], other.legs[-1]
                found.append(FreeSlot(first.employee, first.start, last.end))
            if len(found) == ALTERNATIVES:
                break
        return sorted(found, key=lambda slot: slot.start)

    def write(self, index: int, leg: Leg, how: Circumstances) -> Appointment:
        wish = Wish(leg.stop.service, leg.start, leg.employee, leg.stop.add_ons)
        return write(self._calendars[index], wish, leg.employee, self._needs[index], how)

    def _go_on(self, legs: tuple[Leg, ...], start: datetime.datetime, order: dict[UUID, int]) -> Plan:
        """The first way through behind the legs that are settled, or the one that gets furthest."""
        index = len(legs)
        if index == len(self.stops):
            return Plan(legs)
        furthest = Plan(legs)
        for employee, begins, reasons in self._ways(legs, start, order):
            if reasons:
                way = Plan(legs, tuple(reasons))
            else:
                ends = begins + self._calendars[index].terms(employee).length
                way = self._go_on((*legs, Leg(self.stops[index], employee, begins, ends)), start, order)
            if way.fits:
                return way
            if not furthest.objections or _gets_further(way, furthest):
                furthest = way
        return furthest

    def _ways(
        self, legs: tuple[Leg, ...], start: datetime.datetime, order: dict[UUID, int]
    ) -> Iterable[tuple[Employee, datetime.datetime, list[Reason]]]:
        """Who could serve the next stop, when, and what stands against it: whoever served last goes first."""
        index = len(legs)
        last = legs[-1].employee.pk if legs else None
        candidates = sorted(
            self._candidates[index], key=lambda one: (one.pk != last, order.get(one.pk, len(order)))
        )
        told: dict[datetime.datetime, dict[UUID, list[Reason]]] = {}
        for one in candidates:
            begins = self._begins(legs, one, start)
            if begins not in told:
                told[begins] = self._calendars[index].objections_of(candidates, begins)
            reasons = told[begins][one.pk]
            if index:
                reasons = [reason for reason in reasons if reason is not Reason.OFF_GRID]
            yield one, begins, reasons

    def _begins(
        self, legs: tuple[Leg, ...], employee: Employee, start: datetime.datetime
    ) -> datetime.datetime:
        """When the stop behind the legs can begin: at once, or behind the buffers of what it shares with them."""
        if not legs:
            return start
        index = len(legs)
        needs = {one.pk for one in self._needs[index]}
        before = self._calendars[index].terms(employee).before
        earliest = [legs[-1].end]
        for place, leg in enumerate(legs):
            shares = leg.employee.pk == employee.pk or needs & {one.pk for one in self._needs[place]}
            if shares:
                earliest.append(leg.end + self._calendars[place].terms(leg.employee).after + before)
        return max(earliest)


def _checked(stop: Stop) -> Stop:
    return Stop(stop.service, stop.employee, check_add_ons(stop.service, stop.add_ons))


def _gets_further(one: Plan, other: Plan) -> bool:
    if len(one.legs) != len(other.legs):
        return len(one.legs) > len(other.legs)
    return len(one.objections) < len(other.objections)
