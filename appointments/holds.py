"""A slot kept for a live call while the caller makes up their mind.

A hold is free exactly at its `expires_at`, whoever tidies up. The holder is the call: it refreshes its holds while
it lives, releases them when it ends, and they are kept for a while when it dropped in the middle of booking.
"""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from appointments.availability import Calendar
from appointments.errors import NotBookable, NotFound, refusal
from appointments.extras import check_add_ons
from appointments.intervals import as_utc
from appointments.keeping import HOLD_SECONDS, HOLDS_PER_CALLER, KEEP_HELD_MINUTES
from appointments.locks import limit_waiting, lock_calendars
from appointments.models import AddOn, Appointment, Employee, Hold, Service, buffered
from appointments.seats import resources_of
from tenants.models import Tenant

TTL = datetime.timedelta(seconds=HOLD_SECONDS.default)
"""What a business that has settled nothing else keeps: `holdSeconds`."""
CUT_OFF = "cut off"
"""The holder of what is kept for a caller who may call again."""
PER_STRANGER = 1
"""Nobody can say how many calls somebody with a withheld number has on the line."""
PER_CALLER = HOLDS_PER_CALLER.default
"""Of a business that has settled nothing else: `holdsPerCaller`."""
OFFER_PREFIX = "waitlist:"
"""Holders of this kind are offers to those who wait: when they lapse they have a next in line."""


def hold(
    tenant: Tenant,
    service: Service,
    employee: Employee,
    start: datetime.datetime,
    *,
    holder: str,
    caller_e164: str = "",
    add_ons: Sequence[AddOn] = (),
    ttl: datetime.timedelta | None = None,
    now: datetime.datetime | None = None,
) -> Hold:
    """Keep a slot for a call; held already, it is kept anew. Raises SlotTaken, NotBookable, NotFound or Invalid.

    A caller holds two slots over all calls, or what the tenant's settings say, and a call of nobody known one: the
    oldest goes. Kept as long as the settings say, too, unless `ttl` is given. Needs the tenant's scope.
    """
    now, start = now or timezone.now(), as_utc(start)
    ttl = ttl if ttl is not None else _kept_for(tenant)
    add_ons = check_add_ons(service, add_ons)
    calendar = Calendar(tenant, service, employee=employee, add_ons=add_ons, now=now, holder=holder)
    if not service.is_active or employee.pk not in {one.pk for one in calendar.performers}:
        raise NotFound(f"{employee.name} does not perform this service at the moment")
    needs = resources_of([service]) if calendar.needs_resources else []
    keys: list[UUID | str] = [employee.pk, *(one.pk for one in needs), holder_key(tenant, holder)]
    if caller_e164:
        keys.append(f"caller {tenant.pk} {caller_e164}")
    try:
        with transaction.atomic():
            limit_waiting()
            lock_calendars(keys)
            objections = calendar.objections(employee, start)
            if objections:
                raise refusal(objections, [])
            held = _of(tenant, holder).filter(employee=employee, service=service, starts_at=start).first()
            if held is None:
                if caller_e164:
                    most = HOLDS_PER_CALLER.of(tenant.settings)
                    _make_room(_by_caller(tenant, caller_e164).filter(expires_at__gt=now), most)
                else:
                    _make_room(_of(tenant, holder).filter(expires_at__gt=now), PER_STRANGER)
                held = Hold(tenant=tenant, employee=employee, service=service, starts_at=start, holder=holder)
            held.caller_e164, held.expires_at = caller_e164, now + ttl
            return keep_slot(held, calendar.terms(employee).length)
    except NotBookable as refused:
        refused.nearest = calendar.nearest(start, employee)
        raise


def keep_slot(held: Hold, length: datetime.timedelta) -> Hold:
    """Write a hold whose slot is known to be free. Needs the locks."""
    held.ends_at = held.starts_at + length
    kept = buffered(held.service, held.starts_at, held.ends_at)
    held.blocked_from, held.blocked_until = kept["blocked_from"], kept["blocked_until"]
    held.save()
    return held


def refresh(
    tenant: Tenant,
    holder: str,
    *,
    ttl: datetime.timedelta | None = None,
    now: datetime.datetime | None = None,
) -> int:
    """The call goes on: what it holds is kept for `ttl` from now. How many; what has expired is gone."""
    now = now or timezone.now()
    ttl = ttl if ttl is not None else _kept_for(tenant)
    with transaction.atomic():
        lock_calendars([holder_key(tenant, holder)])
        return _of(tenant, holder).filter(expires_at__gt=now).update(expires_at=now + ttl)


def refresh_live(holders: Sequence[str], *, now: datetime.datetime | None = None) -> int:
    """As `refresh`, for the calls of a whole process at once. Needs the platform's scope."""
    now = now or timezone.now()
    held = Hold.objects.select_for_update(skip_locked=True).filter(holder__in=holders, expires_at__gt=now)
    by_tenant: dict[UUID, list[UUID]] = {}
    for pk, tenant_id in held.values_list("pk", "tenant_id"):
        by_tenant.setdefault(tenant_id, []).append(pk)
    by_length: dict[datetime.timedelta, list[UUID]] = {}
    for tenant in Tenant.objects.filter(pk__in=by_tenant) if by_tenant else ():
        by_length.setdefault(_kept_for(tenant), []).extend(by_tenant[tenant.pk])
    return sum(Hold.objects.filter(pk__in=pks).update(expires_at=now + ttl) for ttl, pks in by_length.items())


def keep(
    tenant: Tenant, holder: str, *, minutes: int | None = None, now: datetime.datetime | None = None
) -> int:
    """The call was cut off: leave the caller so many minutes to call again. How many are kept.

    By default as many as the tenant's settings say. They have no holder then but the caller; what is not known to
    be anybody's is free at once.
    """
    now = now or timezone.now()
    minutes = minutes if minutes is not None else KEEP_HELD_MINUTES.of(tenant.settings)
    with transaction.atomic():
        lock_calendars([holder_key(tenant, holder)])
        held = _of(tenant, holder)
        held.filter(caller_e164="").delete()
        kept = held.filter(expires_at__gt=now)
        return kept.update(holder=CUT_OFF, expires_at=now + datetime.timedelta(minutes=minutes))


def hand_over(tenant_id: UUID, caller_e164: str, holder: str, *, now: datetime.datetime | None = None) -> int:
    """The caller calls again: what was kept for them is held for the new call. How many."""
    now = now or timezone.now()
    kept = Hold.objects.for_tenant(tenant_id).select_for_update(skip_locked=True)
    kept = kept.filter(holder=CUT_OFF, caller_e164=caller_e164, expires_at__gt=now)
    pks = list(kept.values_list("pk", flat=True))
    if not pks:
        return 0
    ttl = _kept_for(Tenant.objects.get(pk=tenant_id))
    return Hold.objects.filter(pk__in=pks).update(holder=holder, expires_at=now + ttl)


def release(tenant: Tenant, holder: str) -> int:
    """The call has ended: what it held is free at once. How many."""
    with transaction.atomic():
        lock_calendars([holder_key(tenant, holder)])
        return _of(tenant, holder).delete()[0]


def consume(appointment: Appointment, holder: str) -> None:
    """The hold has become an appointment. Needs the holder's lock."""
    _of(appointment.tenant, holder).filter(
        employee_id=appointment.employee_id,
        blocked_from__lt=appointment.blocked_until,
        blocked_until__gt=appointment.blocked_from,
    ).delete()


def holder_key(tenant: Tenant, holder: str) -> str:
    """Everything that touches a holder's rows takes this lock, so that nobody waits for a row of theirs."""
    return f"holder {tenant.pk} {holder}"


def forget_expired(now: datetime.datetime) -> int:
    """Delete what blocks nothing any more, offers apart. Needs a scope; the platform's sweeps over all tenants."""
    expired = Hold.objects.select_for_update(skip_locked=True).filter(expires_at__lte=now)
    expired = expired.exclude(holder__startswith=OFFER_PREFIX)
    return Hold.objects.filter(pk__in=list(expired.values_list("pk", flat=True))).delete()[0]


def _kept_for(tenant: Tenant) -> datetime.timedelta:
    return datetime.timedelta(seconds=HOLD_SECONDS.of(tenant.settings))


def _of(tenant: Tenant, holder: str) -> QuerySet[Hold]:
    return Hold.objects.for_tenant(tenant).filter(holder=holder)


def _by_caller(tenant: Tenant, caller_e164: str) -> QuerySet[Hold]:
    return Hold.objects.for_tenant(tenant).filter(caller_e164=caller_e164)


def _make_room(holds: QuerySet[Hold], most: int) -> None:
    """Let the oldest go, so that one more can be made. They expire in the order in which they were made."""
    ordered = holds.order_by("-expires_at", "pk").values_list("pk", flat=True)
    too_many = list(ordered[most - 1 :])
    free = Hold.objects.select_for_update(skip_locked=True).filter(pk__in=too_many)
    Hold.objects.filter(pk__in=list(free.values_list("pk", flat=True))).delete()
