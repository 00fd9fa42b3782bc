"""Whether a business is open at an instant, by its weeks, special dates, holidays and closures."""

import datetime
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from appointments.holidays_calendar import public_holidays
from appointments.intervals import Interval
from appointments.models import Closure, SpecialHours
from appointments.rules import load_week
from appointments.slots import BusinessHours, WeeklyHours
from appointments.wallclock import WallInterval, wall_time
from tenants.models import Tenant

DAY = datetime.timedelta(days=1)


def is_open(tenant: Tenant, instant: datetime.datetime) -> bool:
    """Needs the tenant's scope."""
    days = _days(tenant.zone, instant)
    exceptions: dict[datetime.date, list[WallInterval]] = {}
    for row in SpecialHours.objects.for_tenant(tenant).filter(date__in=days):
        hours = [WallInterval(row.opens, row.closes)] if row.opens and row.closes else []
        exceptions.setdefault(row.date, []).extend(hours)
    closures = Closure.objects.for_tenant(tenant).filter(starts_at__lte=instant, ends_at__gt=instant)
    hours_now = BusinessHours(
        tenant.zone,
        load_week(tenant),
        exceptions,
        [Interval(row.starts_at, row.ends_at) for row in closures],
        public_holidays(tenant.holiday_region, days),
    )
    return _is_within(hours_now, days, instant)


def within(week: Sequence[WeeklyHours], zone: ZoneInfo, instant: datetime.datetime) -> bool:
    """Whether weekly hours hold at an instant. Pure."""
    return _is_within(BusinessHours(zone, week), _days(zone, instant), instant)


def _days(zone: ZoneInfo, instant: datetime.datetime) -> list[datetime.date]:
    """The date, and the one before: a night belongs to the date on which it began."""
    today = wall_time(instant, zone).date()
    return [today - DAY, today]


def _is_within(hours: BusinessHours, days: Sequence[datetime.date], instant: datetime.datetime) -> bool:
    return any(open_.start <= instant < open_.end for day in days for open_ in hours.open_instants(day))
