"""Customers who would come if something became free, and what they are offered when it does.

    waiting --offer--> offered --accept--> booked
       ^                  |
       '---- lapse, decline ----> the next in line           waiting, offered --leave--> left

An offer is a hold with an hour on it, or as long as the tenant's settings say. Freed time is offered in the
transaction that frees it, to whoever has waited longest and can use it; to several when there is room. An offer that
lapses goes to those who joined later.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from appointments import history
from appointments.availability import Calendar, FreeSlot
from appointments.booking import (
    Booked,
    Circumstances,
    Wish,
    candidates_for,
    claim_wish,
    keys_for,
    remember,
    write,
)
from appointments.claims import answer, claim
from appointments.customers import Contact, check, customer_of
from appointments.errors import Invalid, NotFound, OfferExpired, refusal
from appointments.holds import OFFER_PREFIX, keep_slot
from appointments.intervals import Interval, as_utc
from appointments.keeping import WAITLIST_OFFER_MINUTES
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import Appointment, Employee, Hold, Service, WaitlistEntry
from appointments.seats import resources_of
from appointments.slots import instants_of_dates
from appointments.wallclock import DAY, wall_time
from tenants.models import Tenant

State = WaitlistEntry.State

OFFER_STANDS = datetime.timedelta(minutes=WAITLIST_OFFER_MINUTES.default)
"""At a business that has settled nothing else: `waitlistOfferMinutes`."""
ASKED_AT_ONCE = 20
"""So many in line are looked at when something is freed."""


@dataclass(frozen=True, slots=True)
class Joined:
    """`position` counts from 1, over all who wait for the service."""

    entry: WaitlistEntry
    position: int
    created: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """The earliest and the latest start as they were asked for, None where they were left open."""

    earliest: datetime.datetime | None
    latest: datetime.datetime | None

    def on(
        self, joined_at: datetime.datetime, service: Service, zone: ZoneInfo
    ) -> tuple[datetime.datetime, datetime.datetime]:
        """Open ones are those of whole days, so that they are the same all day long."""
        today = wall_time(joined_at, zone).date()
        bookable = instants_of_dates(today, today + service.booking_window_days * DAY, zone)
        return (
            as_utc(self.earliest) if self.earliest else bookable[0].start,
            as_utc(self.latest) if self.latest else bookable[-1].end,
        )

    def are_of(self, entry: WaitlistEntry, service: Service, zone: ZoneInfo) -> bool:
        """Whether the entry was made for these, on the day on which it was."""
        return self.on(entry.created_at, service, zone) == (entry.earliest, entry.latest)


@dataclass(frozen=True, slots=True)
class Freed:
    """Time that an employee has got back, and the appointment that had it."""

    employee: Employee
    time: Interval
    appointment: Appointment | None

    @classmethod
    def by(cls, appointment: Appointment) -> "Freed":
        """By an appointment, as it was before it went."""
        blocked = Interval(appointment.blocked_from, appointment.blocked_until)
        return cls(appointment.employee, blocked, appointment)


# --- Standing in line ----------------------------------------------------------------------------


def join(
    tenant: Tenant,
    service: Service,
    contact: Contact,
    *,
    earliest: datetime.datetime | None = None,
    latest: datetime.datetime | None = None,
    employee: Employee | None = None,
    now: datetime.datetime | None = None,
) -> Joined:
    """Wait for an appointment that begins from `earliest` to `latest`, with anybody when `employee` is None.

    Without bounds: from the day of joining on, as far ahead as can be booked then. The same customer who waits for
    the same already keeps the place. Raises Invalid or NotFound.
    """
    now, asked = now or timezone.now(), Bounds(earliest, latest)
    first, last = asked.on(now, service, tenant.zone)
    check(contact)
    if last < first:
        raise Invalid("to", "must not be before from")
    if last < now:
        raise Invalid("to", "has passed")
    candidates_for(Calendar(tenant, service, now=now), Wish(service, first, employee))
    with transaction.atomic():
        limit_waiting()
        lock_calendars([f"waitlist {service.pk}"])
        wish = {"customer": customer_of(tenant, contact), "service": service, "employee": employee}
        waiting = _in_line(tenant, now).filter(**wish)
        entry = next((one for one in waiting if asked.are_of(one, service, tenant.zone)), None)
        created = entry is None
        if entry is None:
            entry = WaitlistEntry.objects.create(tenant=tenant, earliest=first, latest=last, **wish)
        return Joined(entry, _position(tenant, entry, now), created)


def leave(tenant: Tenant, entry_id: UUID, *, now: datetime.datetime | None = None) -> None:
    """Wait no longer. What was offered goes to the next in line. Raises NotFound."""
    _give_back(tenant, entry_id, State.LEFT, now or timezone.now())


def decline(tenant: Tenant, entry_id: UUID, *, now: datetime.datetime | None = None) -> None:
    """Not this one: wait on, and let the next in line have it. Raises NotFound."""
    _give_back(tenant, entry_id, State.WAITING, now or timezone.now())


def _in_line(tenant: Tenant, now: datetime.datetime) -> QuerySet[WaitlistEntry]:
    entries = WaitlistEntry.objects.for_tenant(tenant).filter(state__in=[State.WAITING, State.OFFERED])
    return entries.filter(latest__gte=now).order_by("created_at", "pk")


def _position(tenant: Tenant, entry: WaitlistEntry, now: datetime.datetime) -> int:
    ahead = Q(created_at__lt=entry.created_at) | Q(created_at=entry.created_at, pk__lt=entry.pk)
    return _in_line(tenant, now).filter(ahead, service_id=entry.service_id).count() + 1


# --- Offers --------------------------------------------------------------------------------------


def who_waits(
    tenant: Tenant, freed: Freed, *, now: datetime.datetime, after: WaitlistEntry | None = None
) -> list[WaitlistEntry]:
    """Those whom freed time may concern, in order; asked before the locks, because it tells what to lock."""
    entries = _in_line(tenant, now).filter(
        Q(employee=None) | Q(employee=freed.employee),
        state=State.WAITING,
        service__is_active=True,
        service__performed_by__employee=freed.employee,
        earliest__lt=freed.time.end,
        # A start somewhat before the freed time may reach into it.
        latest__gt=freed.time.start - DAY,
    )
    if after is not None:
        entries = entries.filter(created_at__gt=after.created_at)
    return list(entries.select_related("service", "customer")[:ASKED_AT_ONCE])


def offer_freed(
    tenant: Tenant, freed: Freed, waiting: Iterable[WaitlistEntry], *, now: datetime.datetime
) -> list[WaitlistEntry]:
    """Offer freed time to those who wait, in order. Needs the locks of all their services' calendars."""
    if freed.time.end <= now:
        return []
    return [entry for entry in waiting if _offer(tenant, freed, entry, now)]


def _offer(tenant: Tenant, freed: Freed, entry: WaitlistEntry, now: datetime.datetime) -> bool:
    # Whoever is locked is being offered something else, or is leaving, at this moment.
    rows = WaitlistEntry.objects.select_for_update(skip_locked=True)
    if not rows.filter(pk=entry.pk, state=State.WAITING).exists():
        return False
    slot = _slot_within(Calendar(tenant, entry.service, now=now), freed, entry)
    if slot is None:
        return False
    offered = Hold(
        tenant=tenant,
        employee=freed.employee,
        service=entry.service,
        starts_at=slot.start,
        holder=_holder(freed, entry),
        caller_e164=entry.customer.phone_e164,
        expires_at=now + datetime.timedelta(minutes=WAITLIST_OFFER_MINUTES.of(tenant.settings)),
    )
    entry.hold, entry.state = keep_slot(offered, slot.end - slot.start), State.OFFERED
    entry.save(update_fields=["hold", "state"])
    if freed.appointment is not None:
        facts = {
            "waitlistEntry": str(entry.pk),
            "service": str(entry.service_id),
            "employee": str(freed.employee.pk),
            "startsAt": slot.start.isoformat(),
            "expiresAt": offered.expires_at.isoformat(),
        }
        history.tell(freed.appointment, "offered", facts)
    return True


def _slot_within(calendar: Calendar, freed: Freed, entry: WaitlistEntry) -> FreeSlot | None:
    """The first free slot in the entry's window that uses any of the freed time."""
    zone, terms = calendar.tenant.zone, calendar.terms(freed.employee)
    first = wall_time(freed.time.start - terms.length - terms.after, zone).date()
    days = (wall_time(freed.time.end + terms.before, zone).date() - first).days + 1
    for _, slots in calendar.search(first, days, freed.employee):
        for slot in slots:
            blocked = terms.blocked(slot.start)
            touches = blocked.start < freed.time.end and freed.time.start < blocked.end
            if touches and entry.earliest <= slot.start <= entry.latest:
                return slot
    return None


def _holder(freed: Freed, entry: WaitlistEntry) -> str:
    """Names the appointment that made room, for whoever is next in line."""
    return f"{OFFER_PREFIX}{freed.appointment.pk if freed.appointment else ''}:{entry.pk.hex[:16]}"


def _freed_by(tenant: Tenant, offered: Hold) -> Freed:
    """The freed time of an offer that comes back."""
    made_room = offered.holder.removeprefix(OFFER_PREFIX).partition(":")[0]
    appointment = Appointment.objects.for_tenant(tenant).filter(pk=made_room or None).first()
    return Freed(offered.employee, Interval(offered.blocked_from, offered.blocked_until), appointment)


# --- What becomes of an offer --------------------------------------------------------------------


def accept(
    tenant: Tenant,
    entry_id: UUID,
    *,
    source: str = Appointment.Source.STAFF,
    actor: str = "",
    now: datetime.datetime | None = None,
) -> Booked:
    """Book what was offered. Accepted already, it answers the same. Raises OfferExpired or NotFound."""
    now = now or timezone.now()
    entry = _entry(tenant, entry_id)
    with transaction.atomic():
        limit_waiting()
        request = claim(tenant, "waitlist", str(entry.pk), str(entry.pk))
        if request.answer is not None:
            return Booked(_appointment(request.answer["appointment"]), created=False)
        if entry.hold is None:
            raise OfferExpired
        offered, customer, pk = entry.hold, entry.customer, uuid4()
        wish = Wish(entry.service, offered.starts_at, offered.employee)
        contact = Contact(customer.name, customer.phone_e164, customer.email)
        asked = claim_wish(tenant, wish, contact, pk)
        needs = resources_of([entry.service])
        lock_calendars(keys_for([offered.employee], needs, offered.holder, tenant))
        if not _stands(entry, offered, now):
            raise OfferExpired
        calendar = Calendar(tenant, entry.service, now=now, holder=offered.holder)
        reasons = calendar.objections(offered.employee, offered.starts_at)
        if reasons:  # the business has closed for that day, say
            raise refusal(reasons, calendar.nearest(offered.starts_at, entry.employee))
        how = Circumstances(customer, source, actor or source, holder=offered.holder)
        appointment = write(calendar, wish, offered.employee, needs, how, pk)
        remember(asked, pk)
        WaitlistEntry.objects.filter(pk=entry.pk).update(state=State.BOOKED, hold=None)
        answer(request, {"appointment": str(appointment.pk)})
        return Booked(appointment, created=True)


def offer_to(
    tenant: Tenant,
    phone_e164: str,
    service: Service,
    starts_at: datetime.datetime,
    employee: Employee | None = None,
    *,
    now: datetime.datetime,
) -> WaitlistEntry | None:
    """Who waits under this number and is offered this very time: theirs to `accept`."""
    if not phone_e164:
        return None
    offered = WaitlistEntry.objects.for_tenant(tenant).filter(
        state=State.OFFERED,
        service=service,
        customer__phone_e164=phone_e164,
        hold__starts_at=starts_at,
        hold__expires_at__gt=now,
    )
    if employee is not None:
        offered = offered.filter(hold__employee=employee)
    return offered.select_related("customer", "hold__employee").order_by("created_at", "pk").first()


def advance_offers(tenant: Tenant, *, now: datetime.datetime | None = None) -> int:
    """Let offers lapse that nobody took, and offer their time to the next in line. How many lapsed."""
    now = now or timezone.now()
    offered = WaitlistEntry.objects.for_tenant(tenant).filter(state=State.OFFERED)
    lapsed = offered.filter(Q(hold=None) | Q(hold__expires_at__lte=now)).order_by("created_at")
    return sum(_pass_on(tenant, pk, State.WAITING, now, lapsed_only=True) for pk in _ids(lapsed))


def _give_back(tenant: Tenant, entry_id: UUID, state: str, now: datetime.datetime) -> None:
    entry = _entry(tenant, entry_id)
    if entry.state == State.OFFERED:
        _pass_on(tenant, entry_id, state, now)
    rows = WaitlistEntry.objects.for_tenant(tenant).filter(pk=entry_id, state=State.WAITING)
    rows.update(state=state)


def _pass_on(
    tenant: Tenant, entry_id: UUID, state: str, now: datetime.datetime, *, lapsed_only: bool = False
) -> bool:
    """Take an offer back and give it to the next in line. False when it was taken in the meantime."""
    entry = _entry(tenant, entry_id)
    offered = entry.hold
    with transaction.atomic():
        limit_waiting()
        if offered is None:
            rows = WaitlistEntry.objects.filter(pk=entry_id, state=State.OFFERED, hold=None)
            return bool(rows.update(state=state))
        freed = _freed_by(tenant, offered)
        waiting = who_waits(tenant, freed, now=now, after=entry)
        needs = resources_of([entry.service, *(one.service for one in waiting)])
        lock_calendars(keys_for([offered.employee], needs, offered.holder, tenant))
        if not _is_offered(entry, offered) or (lapsed_only and offered.expires_at > now):
            return False
        WaitlistEntry.objects.filter(pk=entry_id).update(state=state, hold=None)
        offered.delete()
        offer_freed(tenant, freed, waiting, now=now)
        return True


def _stands(entry: WaitlistEntry, offered: Hold, now: datetime.datetime) -> bool:
    return offered.expires_at > now and _is_offered(entry, offered)


def _is_offered(entry: WaitlistEntry, offered: Hold) -> bool:
    """Whether this very offer still is; the entry's row is locked."""
    rows = WaitlistEntry.objects.select_for_update().filter(pk=entry.pk, state=State.OFFERED)
    return rows.filter(hold_id=offered.pk).exists()


def _entry(tenant: Tenant, entry_id: UUID) -> WaitlistEntry:
    rows = WaitlistEntry.objects.for_tenant(tenant).filter(pk=entry_id)
    entry: WaitlistEntry | None = rows.select_related(
        "service", "customer", "employee", "hold__employee", "hold__service"
    ).first()
    if entry is None:
        raise NotFound("There is no such entry on the waitlist")
    return entry


def _appointment(pk: str) -> Appointment:
    rows = Appointment.objects.select_related("employee", "service", "customer")
    appointment: Appointment = rows.get(pk=pk)
    return appointment


def _ids(entries: QuerySet[WaitlistEntry]) -> list[UUID]:
    return list(entries.values_list("pk", flat=True))
