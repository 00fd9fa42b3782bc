"""How many calls there may be, and how long: limits that need nobody's cooperation.

`settings.maxConcurrentCalls`       of the business at once; else its plan's, else none
`settings.maxCallsPerCaller`        of one number at once
`settings.maxDailyCallsPerCaller`   of one number in 24 hours
`settings.maxCallSeconds`           of one call; never more than the installation's MAX_CALL_SECONDS
"""

import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from telephony.errors import (
    BudgetSpent,
    CallerBlocked,
    CallerBudgetSpent,
    CallerCallsTooOften,
    CallerOnManyLines,
    LinesBusy,
    OverLimit,
)
from telephony.models import BlockedNumber, Call
from tenants import plans
from tenants.models import Tenant

CALLS_PER_CALLER = 3
DAILY_CALLS_PER_CALLER = 200
REFUSED = tuple(
    kind.outcome
    for kind in (
        *(CallerBlocked, LinesBusy, CallerOnManyLines, CallerCallsTooOften),
        *(BudgetSpent, CallerBudgetSpent),
    )
)
"""Outcomes of calls that were turned away: they take nobody's line."""


def check(tenant: Tenant, caller_e164: str, *, others: QuerySet[Call]) -> None:
    """Raise CallerBlocked, or LinesBusy, CallerOnManyLines or CallerCallsTooOften if one call more is too many.

    `others` are the tenant's other calls. Needs the tenant's scope: one call at a time is counted until it ends.
    """
    if caller_e164 and BlockedNumber.objects.for_tenant(tenant).filter(e164=caller_e164).exists():
        raise CallerBlocked
    with connection.cursor() as cursor:  # two calls that come at once must not both be the last one
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"calls {tenant.pk}"])
    now = timezone.now()
    counted = others.exclude(outcome__in=REFUSED)
    live = counted.filter(ended_at=None, created_at__gt=now - surely_over())
    at_once = lines(tenant)
    if at_once and live.count() >= at_once:
        raise LinesBusy
    if not caller_e164:  # whoever withholds their number is not one caller
        return
    if live.filter(from_e164=caller_e164).count() >= _number(tenant, "maxCallsPerCaller", CALLS_PER_CALLER):
        raise CallerOnManyLines
    today = Q(from_e164=caller_e164, created_at__gt=now - datetime.timedelta(days=1))
    most = _number(tenant, "maxDailyCallsPerCaller", DAILY_CALLS_PER_CALLER)
    if counted.filter(today).count() >= most:
        raise CallerCallsTooOften


def refusal_of(outcome: str) -> OverLimit | None:
    """The limit that a call was turned away for, if it was: asked again, it is turned away again."""
    kinds: tuple[type[OverLimit], ...] = (CallerBlocked, LinesBusy, CallerOnManyLines, CallerCallsTooOften)
    return next((kind() for kind in kinds if kind.outcome == outcome), None)


def surely_over() -> datetime.timedelta:
    """So long after its beginning no call lasts any more. Without a limit on calls: a day."""
    return datetime.timedelta(seconds=settings.MAX_CALL_SECONDS or 86_400, minutes=10)


def longest_call_seconds(tenant: Tenant) -> float:
    """For the bridge and the menu. 0 as the installation's limit means that it has none."""
    most: float = settings.MAX_CALL_SECONDS
    wanted = _number(tenant, "maxCallSeconds", 0)
    return min(wanted, most) if wanted and most else wanted or most


def lines(tenant: Tenant) -> int:
    """How many calls the business may have at once; 0: any number."""
    return _positive(plans.limits_of(tenant).get("maxConcurrentCalls"), 0)


def _number(tenant: Tenant, name: str, otherwise: int) -> int:
    return _positive(tenant.settings.get(name), otherwise)


def _positive(value: Any, otherwise: int) -> int:
    """What is no positive whole number is not a limit that anybody meant."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return int(value) if is_number else otherwise
