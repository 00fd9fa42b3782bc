"""Booking: one synchronous transaction holds all of an appointment or none of it.

1. claim the request (a twin waits here until we commit, then gets our answer)
2. lock the employees who could serve and the resources, in one order for everybody
3. ask the rules, insert; the exclusion constraints have the last word

    booking.py    one appointment         chains.py    several back to back    series.py   one again and again
    lifecycle.py  what becomes of it      holds.py     a slot kept for a call  waitlist.py who comes if one is freed
    by_hand.py    what staff enter        claims, customers, extras, seats, locks, history: the steps
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from appointments import history
from appointments.availability import Calendar
from appointments.by_hand import change, collision, place
from appointments.claims import Claim, answer, claim, digest, peek
from appointments.customers import Contact, check, customer_of, sounds_like
from appointments.errors import NotBookable, NotFound, refusal
from appointments.extras import check_add_ons, price_of, write_add_ons
from appointments.holds import consume, holder_key
from appointments.intervals import as_utc
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import (
    AddOn,
    Appointment,
    Customer,
    Employee,
    Resource,
    Series,
    Service,
    buffered,
)
from appointments.seats import is_double_booking, last_words, resources_of, take_seat, take_units
from tenants.models import Tenant

__all__ = [
    "Booked",
    "Contact",
    "Wish",
    "book",
    "booked_before",
    "change",
    "collision",
    "is_double_booking",
    "lock_calendars",
    "place",
]

_WISH = "wish"
"""The scope of the claims of wishes that came without a key."""


@dataclass(frozen=True, slots=True)
class Booked:
    """`created` is False when the same appointment had been made before: a repeated request."""

    appointment: Appointment
    created: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """One service at one start; without an employee, with whoever is free."""

    service: Service
    starts_at: datetime.datetime
    employee: Employee | None = None
    add_ons: tuple[AddOn, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How appointments come to be made: what is written beside each of them."""

    customer: Customer
    source: str
    actor: str
    notes: str = ""
    holder: str = ""
    visit: UUID | None = None
    series: Series | None = None


def book(
    tenant: Tenant,
    service: Service,
    starts_at: datetime.datetime,
    contact: Contact,
    *,
    employee: Employee | None = None,
    add_ons: Sequence[AddOn] = (),
    notes: str = "",
    source: str = Appointment.Source.STAFF,
    actor: str = "",
    holder: str = "",
    idempotency_key: str = "",
    now: datetime.datetime | None = None,
) -> Booked:
    """Book one appointment, with anybody who is free when `employee` is None. Needs the tenant's scope.

    The same wish of the same contact again gives the same appointment; so does the same `idempotency_key`, and
    with another body it raises IdempotencyConflict. A slot that is held for `holder` is free for it. Raises
    SlotTaken, NotBookable (each with the nearest free slots), NotFound or Invalid.
    """
    check(contact)
    wish = Wish(service, as_utc(starts_at), employee, check_add_ons(service, add_ons))
    calendar = calendar_for(tenant, wish, now=now, holder=holder)
    candidates = candidates_for(calendar, wish)
    needs = resources_of([service]) if calendar.needs_resources else []
    pk = uuid4()
    try:
        with transaction.atomic():
            limit_waiting()
            request = _claim(tenant, wish, contact, notes, idempotency_key, pk)
            repeated = _answered(request, wish, contact, for_good=bool(idempotency_key))
            if repeated is not None:
                return Booked(repeated, created=False)
            lock_calendars(keys_for(candidates, needs, holder, tenant))
            chosen = choose(calendar, candidates, wish)
            how = Circumstances(customer_of(tenant, contact), source, actor or source, notes, holder)
            appointment = write(calendar, wish, chosen, needs, how, pk)
            remember(request, pk)
            return Booked(appointment, created=True)
    except NotBookable as refused:  # what else is free is looked up behind the locks: others wait for them
        refused.nearest = calendar.nearest(wish.starts_at, employee)
        raise


# --- The request ---------------------------------------------------------------------------------


def _claim(tenant: Tenant, wish: Wish, contact: Contact, notes: str, idempotency_key: str, pk: UUID) -> Claim:
    """By the caller's own key, or by the wish: who is asked again may name an employee, or be heard differently.

    `pk` is the appointment's that a new request will get.
    """
    facts = {"appointments": [str(pk)]}
    body = _told(wish, contact)
    if idempotency_key:
        employee = str(wish.employee.pk) if wish.employee else "any"
        whole = digest([*body, employee, contact.name, contact.email, notes])
        return claim(tenant, "book", idempotency_key, whole, facts)
    key = digest(body)
    return claim(tenant, _WISH, key, key, facts)


def _told(wish: Wish, contact: Contact) -> list[Any]:
    return [
        str(wish.service.pk),
        wish.starts_at.isoformat(),
        sorted(str(add_on.pk) for add_on in wish.add_ons),
        contact.identity,
    ]


def claim_wish(tenant: Tenant, wish: Wish, contact: Contact, pk: UUID) -> Claim:
    """For an appointment that is not made by `book`: the same wish gets it, too. Before the locks, as there."""
    return _claim(tenant, wish, contact, "", "", pk)


def remember(request: Claim, pk: UUID) -> None:
    """What a wish has got."""
    if not request.is_new:
        answer(request, {"appointments": [*_made_before(request), str(pk)]})


def booked_before(tenant: Tenant, wish: Wish, contact: Contact) -> Appointment | None:
    """What `book` would give for this wish without booking anything: it is a repeated one."""
    wish = replace(wish, starts_at=as_utc(wish.starts_at))
    request = peek(tenant, _WISH, digest(_told(wish, contact)))
    return _answered(request, wish, contact, for_good=False) if request else None


def _made_before(request: Claim) -> list[str]:
    return request.answer["appointments"] if request.answer else []


def _answered(request: Claim, wish: Wish, contact: Contact, *, for_good: bool) -> Appointment | None:
    """What the same request got before.

    A wish is a new one when that was cancelled or moved since, or is somebody else's who shares the phone.
    """
    if not _made_before(request):
        return None
    before = Appointment.objects.select_related("employee", "service", "customer")
    before = before.filter(pk__in=_made_before(request))
    if for_good:
        return before.first()
    before = before.filter(starts_at=wish.starts_at).exclude(status=Appointment.Status.CANCELLED)
    if wish.employee is not None:
        before = before.filter(employee=wish.employee)
    return next((one for one in before if sounds_like(one.customer.name, contact.name)), None)


# --- The steps that chains and series share ------------------------------------------------------


def calendar_for(
    tenant: Tenant, wish: Wish, *, now: datetime.datetime | None = None, holder: str = ""
) -> Calendar:
    return Calendar(
        tenant,
        wish.service,
        employee=wish.employee,
        add_ons=wish.add_ons,
        now=now or timezone.now(),
        holder=holder,
    )


def candidates_for(calendar: Calendar, wish: Wish) -> list[Employee]:
    """Who may serve, whether free or not. Raises NotFound."""
    if not calendar.service.is_active:
        raise NotFound("The service is not offered at the moment")
    performers = list(calendar.performers)
    if wish.employee is None:
        if not performers:
            raise NotFound("Nobody performs this service at the moment")
        return performers
    if wish.employee.pk not in {one.pk for one in performers}:
        raise NotFound(f"{wish.employee.name} does not perform this service")
    return [wish.employee]


def keys_for(
    employees: Iterable[Employee], needs: Iterable[Resource], holder: str, tenant: Tenant
) -> list[UUID | str]:
    """What to lock for a booking."""
    keys: list[UUID | str] = [one.pk for one in (*employees, *needs)]
    return [*keys, holder_key(tenant, holder)] if holder else keys


def choose(calendar: Calendar, candidates: list[Employee], wish: Wish) -> Employee:
    """The first in fair order who is free. Raises SlotTaken or NotBookable, without alternatives. Needs the locks."""
    if wish.employee is None:
        candidates = in_fair_order(calendar, candidates, wish.starts_at)
        # The fairest is free most of the time, and one calendar is read in a third of the time of all.
        if not calendar.objections(candidates[0], wish.starts_at):
            return candidates[0]
    reasons = calendar.objections_of(candidates, wish.starts_at)
    for one in candidates:
        if not reasons[one.pk]:
            return one
    # Of several employees, the one who comes nearest explains.
    fewest = min((reasons[one.pk] for one in candidates), key=len)
    raise refusal(fewest, [])


def in_fair_order(
    calendar: Calendar, candidates: list[Employee], starts_at: datetime.datetime
) -> list[Employee]:
    """Those who have least to do that week first."""
    order = {one.pk: place for place, one in enumerate(calendar.fair_order(starts_at))}
    return sorted(candidates, key=lambda one: order.get(one.pk, len(order)))


def write(
    calendar: Calendar,
    wish: Wish,
    employee: Employee,
    needs: Sequence[Resource],
    how: Circumstances,
    pk: UUID | None = None,
) -> Appointment:
    """Insert the appointment and all that belongs to it. Needs the locks.

    Raises SlotTaken, without alternatives: the transaction has failed then, and nothing more can be asked in it.
    """
    service = wish.service
    ends_at = wish.starts_at + calendar.terms(employee).length
    appointment = Appointment(
        pk=pk or uuid4(),
        tenant=calendar.tenant,
        service=service,
        employee=employee,
        customer=how.customer,
        starts_at=wish.starts_at,
        ends_at=ends_at,
        **buffered(service, wish.starts_at, ends_at),
        price=calendar.price(employee) + price_of(wish.add_ons),
        currency=service.currency,
        notes=how.notes,
        source=how.source,
        visit=how.visit,
        series=how.series,
    )
    with last_words():
        take_seat(appointment)
        appointment.save(force_insert=True)
        take_units(appointment, needs)
    if wish.add_ons:
        write_add_ons(appointment, wish.add_ons)
    if how.holder:
        consume(appointment, how.holder)
    history.record(appointment, "booked", actor=how.actor)
    return appointment
