"""What a business has used of its caps: today and this month, on its own calendar. Needs the tenant's scope."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, Q, Sum

from telephony.spend.caps import Amount, Cap, Window
from telephony.spend.models import Meter
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class SoFar:
    """`began`: the first day of the window, which names it."""

    window: Window
    began: datetime.date
    used: Amount


def so_far(tenant: Tenant, now: datetime.datetime) -> Mapping[Window, SoFar]:
    """One query. Time that is held for calls that go on is not used yet."""
    today = now.astimezone(tenant.zone).date()
    first = today.replace(day=1)
    price = F("used_seconds") * F("micros_per_second")
    sums = (
        Meter.objects.for_tenant(tenant)
        .filter(day__gte=first, day__lte=today)
        .aggregate(
            month_s=Sum("used_seconds"),
            month_m=Sum(price),
            day_s=Sum("used_seconds", filter=Q(day=today)),
            day_m=Sum(price, filter=Q(day=today)),
        )
    )
    began = {Window.DAY: today, Window.MONTH: first}
    return {
        window: SoFar(window, day, Amount(int(sums[f"{window}_s"] or 0), int(sums[f"{window}_m"] or 0)))
        for window, day in began.items()
    }


def percent_of(used: Amount, cap: Cap) -> int:
    """Of the cap that is nearest, rounded down: 100 is only said of all of it."""
    by_time = 100 * used.seconds // cap.seconds if cap.seconds else 0
    by_money = 100 * used.micros // cap.micros if cap.micros else 0
    return max(by_time, by_money)
