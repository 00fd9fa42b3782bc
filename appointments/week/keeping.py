"""A week in the database: whose it is, what it is now, and how another takes its place. Needs the tenant's scope."""

import hashlib

from appointments.business_hours import KEY
from appointments.locks import lock_calendars
from appointments.models import Employee, OpeningHours
from appointments.rules import load_week
from appointments.slots import WeeklyHours
from appointments.wallclock import WallInterval
from tenants.models import Tenant


class ChangedMeanwhile(Exception):
    """Somebody else has saved another week since this one was read."""


def week_of(tenant: Tenant, employee: Employee | None) -> list[WeeklyHours]:
    """In order, Monday first. An employee's are their own alone: [] works whenever the business is open."""
    if employee is None:
        return load_week(tenant)
    rows = OpeningHours.objects.filter(employee=employee).order_by("weekday", "opens")
    return [WeeklyHours(row.weekday, WallInterval(row.opens, row.closes)) for row in rows]


def seal(week: list[WeeklyHours]) -> str:
    """Another week has another."""
    rows = [(one.weekday, one.interval.opens, one.interval.closes) for one in week]
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()[:16]


def replace(tenant: Tenant, employee: Employee | None, week: list[WeeklyHours], seen: str) -> None:
    """Rows that stay the same stay. `seen`: the seal of the week that it was made from. Raises ChangedMeanwhile,
    and ValidationError where a row is refused by its model."""
    lock_calendars([f"hours {tenant.pk} {employee.pk if employee else ''}"])
    if seal(week_of(tenant, employee)) != seen:
        raise ChangedMeanwhile
    wanted = {(one.weekday, one.interval.opens): one.interval.closes for one in week}
    for row in OpeningHours.objects.filter(employee=employee):
        closes = wanted.pop((row.weekday, row.opens), None)
        if closes is None:
            row.delete()
        elif closes != row.closes:
            row.closes = closes
            row.full_clean()
            row.save(update_fields=["closes"])
    for (weekday, opens), closes in wanted.items():
        row = OpeningHours(tenant=tenant, employee=employee, weekday=weekday, opens=opens, closes=closes)
        row.full_clean()
        row.save()
    if (
        employee is None and KEY in tenant.settings
    ):  # else an empty week would be the one in the settings again
        tenant.settings = {name: value for name, value in tenant.settings.items() if name != KEY}
        tenant.save(update_fields=["settings"])
