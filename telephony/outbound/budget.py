"""How many calls a business places. Counted by rows, under the lock of `orders`: nothing has to be given back.

An attempt counts from its claim. What waits and is due counts as well: a thousand orders in a minute are no queue for
the next hour, but too many.
"""

import datetime

from django.utils import timezone

from telephony import limits
from telephony.models import Call, OutboundCall
from telephony.outbound.errors import TooManyCalls
from telephony.outbound.policy import Policy
from tenants.models import Tenant

MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)


def refuse_new(tenant: Tenant, policy: Policy, e164: str, now: datetime.datetime) -> None:
    """Raise TooManyCalls if one order more is too many. Needs the tenant's scope and the lock."""
    waiting = OutboundCall.objects.for_tenant(tenant).filter(
        state=OutboundCall.State.WAITING, due_at__lte=now, attempts=0
    )
    _refuse(tenant, policy, e164, now, ahead=waiting.count(), ahead_to=waiting.filter(to_e164=e164).count())


def refuse_attempt(tenant: Tenant, policy: Policy, e164: str, now: datetime.datetime) -> None:
    """The same of one that is claimed: what waits beside it does not count. Needs the tenant's scope and the lock."""
    _refuse(tenant, policy, e164, now, ahead=0, ahead_to=0)


def _refuse(
    tenant: Tenant, policy: Policy, e164: str, now: datetime.datetime, *, ahead: int, ahead_to: int
) -> None:
    placed = Call.objects.for_tenant(tenant).filter(direction=Call.Direction.OUTBOUND)
    today = placed.filter(created_at__gt=now - DAY)
    if today.count() + ahead >= policy.per_day:
        raise _too_many("TOO_MANY_PER_DAY", f"At most {policy.per_day} calls are placed in a day")
    if today.filter(to_e164=e164).count() + ahead_to >= policy.per_number:
        raise _too_many("TOO_MANY_TO_NUMBER", f"At most {policy.per_number} calls a day go to one number")
    if placed.filter(created_at__gt=now - MINUTE).count() + ahead >= policy.per_minute:
        raise _too_many(
            "TOO_MANY_PER_MINUTE", f"At most {policy.per_minute} calls are placed in a minute", MINUTE
        )
    live = Call.objects.for_tenant(tenant).filter(ended_at=None, created_at__gt=now - limits.surely_over())
    going_on = live.filter(direction=Call.Direction.OUTBOUND).count()
    if going_on + ahead >= policy.at_once:
        raise _too_many("TOO_MANY_AT_ONCE", f"At most {policy.at_once} placed calls go on at once", MINUTE)
    lines = limits.lines(tenant)
    if lines and live.exclude(outcome__in=limits.REFUSED).count() + ahead >= lines:
        raise _too_many("LINES_BUSY", f"All {lines} lines of the business are busy", MINUTE)


def _too_many(code: str, error: str, wait: datetime.timedelta | None = None) -> TooManyCalls:
    return TooManyCalls(code, error, timezone.now() + (wait or datetime.timedelta(hours=1)))
