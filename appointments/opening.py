"""When a business is open, by its weeks, special dates, holidays and closures."""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from appointments.holidays_calendar import public_holidays
from appointments.intervals import Interval, contains, merge
from appointments.lifecycle import COMING
from appointments.models import Appointment, Closure, OpeningHours, SpecialHours
from appointments.rules import load_week
from appointments.slots import BusinessHours, WeeklyHours, worked_instants
from appointments.wallclock import WallInterval, wall_time
from tenants.models import Tenant

DAY = datetime.timedelta(days=1)


def is_open(tenant: Tenant, instant: datetime.datetime) -> bool:
    """Needs the tenant's scope."""
    days = _days(tenant.zone, instant)
    closures = Closure.objects.for_tenant(tenant).filter(starts_at__lte=instant, ends_at__gt=instant)
    closed = [Interval(row.starts_at, row.ends_at) for row in closures]
    return _is_within(_hours_on(tenant, days, closed), days, instant)


def coming_in_hours(tenant: Tenant) -> set[UUID]:
    """The coming appointments of which all lies in the hours of the business and of who serves, whoever is closed or
    away. Needs the tenant's scope."""
    coming = Appointment.objects.for_tenant(tenant).filter(status__in=COMING, ends_at__gt=timezone.now())
    booked = [
        (pk, whose, Interval(starts_at, ends_at))
        for pk, whose, starts_at, ends_at in coming.values_list("pk", "employee", "starts_at", "ends_at")
    ]
    near = (day for _, _, time in booked for end in (time.start, time.end) for day in _days(tenant.zone, end))
    days = sorted(set(near))
    hours = _hours_on(tenant, days)
    open_ = merge(piece for day in days for piece in hours.open_instants(day))
    worked = {whose: worked_instants(week, days, tenant.zone) for whose, week in _own_weeks(tenant).items()}
    return {
        pk
        for pk, whose, time in booked
        if contains(open_, time) and (whose not in worked or contains(worked[whose], time))
    }


def within(week: Sequence[WeeklyHours], zone: ZoneInfo, instant: datetime.datetime) -> bool:
    """Whether weekly hours hold at an instant. Pure."""
    return _is_within(BusinessHours(zone, week), _days(zone, instant), instant)


def _hours_on(
    tenant: Tenant, days: Sequence[datetime.date], closures: Sequence[Interval] = ()
) -> BusinessHours:
    exceptions: dict[datetime.date, list[WallInterval]] = {}
    for row in SpecialHours.objects.for_tenant(tenant).filter(date__in=days):
        hours = [WallInterval(row.opens, row.closes)] if row.opens and row.closes else []
        exceptions.setdefault(row.date, []).extend(hours)
    holidays = public_holidays(tenant.holiday_region, days)
    return BusinessHours(tenant.zone, load_week(tenant), exceptions, closures, holidays)


def _own_weeks(tenant: Tenant) -> dict[UUID, list[WeeklyHours]]:
    weeks: dict[UUID, list[WeeklyHours]] = defaultdict(list)
    for row in OpeningHours.objects.for_tenant(tenant).exclude(employee=None):
        weeks[row.employee_id].append(WeeklyHours(row.weekday, WallInterval(row.opens, row.closes)))
    return weeks


def _days(zone: ZoneInfo, instant: datetime.datetime) -> list[datetime.date]:
    """The date, and the one before: a night belongs to the date on which it began."""
    today = wall_time(instant, zone).date()
    return [today - DAY, today]


def _is_within(hours: BusinessHours, days: Sequence[datetime.date], instant: datetime.datetime) -> bool:
    return any(open_.start <= instant < open_.end for day in days for open_ in hours.open_instants(day))
