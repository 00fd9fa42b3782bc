"""The only writer of meters. Needs the tenant's scope, unless a function says otherwise."""

import datetime
import json
from calendar import monthrange
from collections.abc import Mapping
from typing import cast
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from telephony.errors import BudgetSpent, CallerBudgetSpent
from telephony.spend.caps import (
    HORIZON_SECONDS,
    LEAST_SECONDS,
    TICK_SECONDS,
    Amount,
    Caps,
    Grant,
    Window,
    caps_of,
    grant,
    micros_per_second,
)
from telephony.spend.models import Meter
from tenants import plans
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

NOBODY_READS = datetime.timedelta(seconds=HORIZON_SECONDS + 30)
"""A lease that nobody has renewed for so long is over, wherever it ran."""
NEVER_BEGUN = datetime.timedelta(minutes=3)
"""Longer than any call rings, and than its token opens a stream."""


def reserve(tenant: Tenant, call_id: UUID, caller_e164: str) -> None:
    """Hold the first stretch of a call's time. Asked again, nothing changes. Raises BudgetSpent."""
    _lock(tenant.pk)
    if Meter.objects.filter(call_id=call_id).exists():
        return
    meter = Meter(
        tenant=tenant,
        call_id=call_id,
        caller_e164=caller_e164,
        day=timezone.now().astimezone(tenant.zone).date(),
        micros_per_second=micros_per_second(tenant.settings, settings.CALL_PRICE_PER_MINUTE),
    )
    granted = _grant(meter, caps_of(plans.limits_of(tenant)))
    if granted.seconds is not None and granted.seconds < LEAST_SECONDS:
        raise CallerBudgetSpent if granted.by is Window.CALLER else BudgetSpent
    meter.granted_seconds = granted.seconds
    meter.save(force_insert=True)


def granted_to(call_id: UUID) -> int | None:
    """How long this call may last, as things stand; None: there is no cap."""
    return Meter.objects.filter(call_id=call_id).values_list("granted_seconds", flat=True).first()


def used_by(call_id: UUID) -> int:
    """The paid seconds that this call has had before its agent comes back."""
    return Meter.objects.filter(call_id=call_id).values_list("used_seconds", flat=True).first() or 0


def read(tenant_id: UUID, readings: Mapping[UUID, int]) -> dict[UUID, int | None]:
    """Calls have lasted so many seconds: note it, and answer how long each may last."""
    tenant = Tenant.objects.select_related("plan").get(pk=tenant_id)
    caps = caps_of(plans.limits_of(tenant))
    return _read_capped(tenant_id, readings, caps) if caps else _read_uncapped(tenant_id, readings)


def _read_capped(tenant_id: UUID, readings: Mapping[UUID, int], caps: Caps) -> dict[UUID, int | None]:
    """One after the other: the next one's share depends on this one's."""
    _lock(tenant_id)
    now, found = timezone.now(), list(Meter.objects.filter(call_id__in=list(readings)).order_by("pk"))
    for meter in found:
        reading = readings[cast(UUID, meter.call_id)]
        if meter.closed_at is not None and reading <= meter.used_seconds:
            continue  # it was settled while this reading was under way
        meter.used_seconds = max(meter.used_seconds, reading)
        meter.begun_at, meter.seen_at, meter.closed_at = meter.begun_at or now, now, None
        meter.granted_seconds = _grant(meter, caps).seconds
        meter.save()
    return {cast(UUID, meter.call_id): meter.granted_seconds for meter in found}


_READ_UNCAPPED = f"""
UPDATE {Meter._meta.db_table} meter SET used_seconds = GREATEST(used_seconds, seconds),
  begun_at = COALESCE(begun_at, %(now)s), seen_at = %(now)s, closed_at = NULL, granted_seconds = NULL
FROM json_to_recordset(%(readings)s) AS reading (call uuid, seconds integer)
WHERE tenant_id = %(tenant)s AND call_id = call AND (closed_at IS NULL OR seconds > used_seconds)
RETURNING call_id
"""  # noqa: S608 - put together of constants


def _read_uncapped(tenant_id: UUID, readings: Mapping[UUID, int]) -> dict[UUID, int | None]:
    """All at once: there is nothing that two calls could both take, and hundreds may be live."""
    rows = [{"call": str(call_id), "seconds": seconds} for call_id, seconds in readings.items()]
    with connection.cursor() as cursor:
        readings_text, now = json.dumps(rows), timezone.now()
        cursor.execute(_READ_UNCAPPED, {"tenant": str(tenant_id), "readings": readings_text, "now": now})
        return {call_id: None for (call_id,) in cursor.fetchall()}


def settle(call_id: UUID, used_seconds: int) -> None:
    """The call is over: it counts with what it used, and holds nothing any more."""
    now = timezone.now()
    Meter.objects.filter(call_id=call_id).update(
        used_seconds=Greatest(F("used_seconds"), used_seconds),
        begun_at=Coalesce(F("begun_at"), now),
        seen_at=now,
        closed_at=now,
    )


def reap(now: datetime.datetime) -> int:
    """Settle the meters that nobody reads any more. How many. Needs no scope."""
    with platform_scope():
        orphans = _orphans(now).values_list("tenant_id", "pk")
        of_tenant: dict[UUID, list[UUID]] = {}
        for tenant_id, pk in orphans:
            of_tenant.setdefault(tenant_id, []).append(pk)
    return sum(_reap(tenant_id, ids, now) for tenant_id, ids in of_tenant.items())


def _reap(tenant_id: UUID, ids: list[UUID], now: datetime.datetime) -> int:
    """Whoever read it last may have gone on for a tick; never for longer than was granted."""
    with tenant_scope(tenant_id):
        orphans = _orphans(now).filter(pk__in=ids)
        begun = orphans.filter(begun_at__isnull=False).select_for_update()
        for meter in begun:
            last = meter.used_seconds + int(TICK_SECONDS)
            most = last if meter.granted_seconds is None else max(meter.granted_seconds, meter.used_seconds)
            meter.used_seconds, meter.closed_at = min(last, most), now
            meter.save(update_fields=["used_seconds", "closed_at"])
        return len(begun) + orphans.filter(begun_at=None).update(closed_at=now)


def _orphans(now: datetime.datetime) -> QuerySet[Meter]:
    silent = Q(seen_at__lt=now - NOBODY_READS) | Q(begun_at=None, created_at__lt=now - NEVER_BEGUN)
    rows: QuerySet[Meter] = Meter.objects.filter(silent, closed_at=None)
    return rows


def _grant(meter: Meter, caps: Caps) -> Grant:
    return grant(meter.used_seconds, meter.micros_per_second, caps, _taken(meter, caps) if caps else {})


_HELD = Case(
    When(closed_at__isnull=False, then=F("used_seconds")),
    default=Greatest(F("used_seconds"), Coalesce(F("granted_seconds"), F("used_seconds"))),
    output_field=BigIntegerField(),
)


def _taken(meter: Meter, caps: Caps) -> dict[Window, Amount]:
    """By the tenant's other calls, in each window that this one counts for."""
    of = {
        Window.MONTH: Q(),
        Window.DAY: Q(day=meter.day),
        # Whoever withholds their number is not one caller.
        Window.CALLER: Q(day=meter.day, caller_e164=meter.caller_e164) if meter.caller_e164 else None,
    }
    month = Meter.objects.for_tenant(meter.tenant_id).exclude(pk=meter.pk)
    # To its end: a call that goes on past midnight shares the month with those of the new day.
    last = monthrange(meter.day.year, meter.day.month)[1]
    month = month.filter(day__gte=meter.day.replace(day=1), day__lte=meter.day.replace(day=last))
    wanted = {window: which for window, which in of.items() if window in caps and which is not None}
    if not wanted:
        return {}
    sums = month.annotate(held=_HELD).aggregate(
        **{f"{window}_s": Sum("held", filter=which) for window, which in wanted.items()},
        **{
            f"{window}_m": Sum(F("held") * F("micros_per_second"), filter=which)
            for window, which in wanted.items()
        },
    )
    return {window: Amount(int(sums[f"{window}_s"] or 0), int(sums[f"{window}_m"] or 0)) for window in wanted}


def _lock(tenant_id: UUID) -> None:
    """Two calls must not both take the last minute. Until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"spend {tenant_id}"])
