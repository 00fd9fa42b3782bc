"""The rules of a business as values: who performs a service, and when everybody is there. Needs the tenant's scope.

One statement reads all that depends on dates, and of that the rows of the dates alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any, Protocol
from uuid import UUID

from django.db import connection

from appointments import business_hours
from appointments.holidays_calendar import public_holidays
from appointments.intervals import Interval
from appointments.models import AddOn, Employee, OpeningHours, Service
from appointments.slots import BusinessHours, Terms, WeeklyHours
from appointments.statements import read
from appointments.wallclock import WallInterval
from tenants.models import Tenant

MINUTE = timedelta(minutes=1)


class Adds(Protocol):
    """An add-on, as it is offered or as it was booked."""

    @property
    def minutes(self) -> int: ...


class UnknownAddOn(LookupError):
    """An id that is no active add-on of the service."""


@dataclass(frozen=True, slots=True)
class Performer:
    """Somebody who performs the service, with a duration and a price of their own where they have them."""

    employee: Employee
    minutes: int | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Team:
    """Who performs a service, by name, those who are not active included; and whether it needs resources."""

    performers: Sequence[Performer]
    needs_resources: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on some dates. `own` are the weeks of employees who keep hours of their own."""

    hours: BusinessHours
    own: Mapping[UUID, Sequence[WeeklyHours]]
    time_off: Mapping[UUID, Sequence[Interval]]
    notes: Mapping[date, str]
    needs: Mapping[UUID, tuple[str, int]]


_EMPLOYEE = tuple(field.attname for field in Employee._meta.concrete_fields)
_TEAM = f"""
SELECT p.duration_minutes, p.price, EXISTS (
    SELECT FROM appointments_serviceresource need
    WHERE need.tenant_id = %(tenant)s AND need.service_id = %(service)s
  ), {", ".join(f"e.{name}" for name in _EMPLOYEE)}
FROM appointments_employeeservice p
JOIN appointments_employee e ON e.tenant_id = %(tenant)s AND e.id = p.employee_id
WHERE p.tenant_id = %(tenant)s AND p.service_id = %(service)s
  AND (%(employee)s::uuid IS NULL OR p.employee_id = %(employee)s)
ORDER BY e.name, e.id
"""  # noqa: S608 - put together of constants


def load_team(tenant: Tenant, service: Service, employee: Employee | None = None) -> Team:
    """Everybody, or this employee alone."""
    parameters = {
        "tenant": tenant.pk,
        "service": service.pk,
        "employee": employee.pk if employee else None,
    }
    rows = read(tenant, _TEAM, parameters)
    performers = [
        Performer(Employee.from_db(connection.alias, _EMPLOYEE, row), minutes, price)
        for minutes, price, _, *row in rows
    ]
    return Team(performers, any(needs for _, _, needs, *_ in rows))


def load_extra_minutes(tenant: Tenant, service: Service, add_ons: Iterable[Adds | UUID | str]) -> int:
    """What add-ons, given as rows or as ids, make the service longer by. Each counts once. Or raise UnknownAddOn."""
    wanted = list(add_ons)
    ids = {UUID(str(one)) for one in wanted if isinstance(one, UUID | str)}
    rows = [one for one in wanted if not isinstance(one, UUID | str)]
    if ids:
        offered = AddOn.objects.for_tenant(tenant).filter(service=service, is_active=True, pk__in=ids)
        rows += offered
        if len(offered) < len(ids):
            missing = ids - {one.pk for one in offered}
            raise UnknownAddOn(f"{service} has no add-on {', '.join(map(str, sorted(missing)))}")
    return sum(one.minutes for one in {getattr(one, "pk", one): one for one in rows}.values())


def terms_of(service: Service, minutes: int | None, extra_minutes: int) -> Terms:
    return Terms(
        length=((minutes or service.duration_minutes) + extra_minutes) * MINUTE,
        before=service.buffer_before_minutes * MINUTE,
        after=service.buffer_after_minutes * MINUTE,
        step=service.slot_step_minutes * MINUTE,
    )


# Every branch names the tenant, for the sake of indexes: the policy of row-level security filters, but no
# index can be searched by it.
_RULES = """
SELECT 'week', employee_id, weekday, NULL::date, opens, closes, NULL::float8, NULL::float8, ''
FROM appointments_openinghours
WHERE tenant_id = %(tenant)s AND (employee_id IS NULL OR employee_id = ANY(%(employees)s))
UNION ALL
SELECT 'date', NULL, NULL, date, opens, closes, NULL, NULL, note
FROM appointments_specialhours WHERE tenant_id = %(tenant)s AND date BETWEEN %(first)s AND %(last)s
UNION ALL
SELECT 'closure', NULL, NULL, NULL, NULL, NULL, date_part('epoch', starts_at), date_part('epoch', ends_at), ''
FROM appointments_closure
WHERE tenant_id = %(tenant)s AND ends_at > %(since)s AND starts_at < %(until)s
UNION ALL
SELECT 'off', employee_id, NULL, NULL, NULL, NULL, date_part('epoch', starts_at), date_part('epoch', ends_at), ''
FROM appointments_timeoff
WHERE tenant_id = %(tenant)s AND employee_id = ANY(%(employees)s)
  AND ends_at > %(since)s AND starts_at < %(until)s
UNION ALL
SELECT 'need', resource.id, capacity, NULL, NULL, NULL, NULL, NULL, name
FROM appointments_serviceresource need
JOIN appointments_resource resource
  ON resource.tenant_id = %(tenant)s AND resource.id = need.resource_id
WHERE need.tenant_id = %(tenant)s AND need.service_id = %(service)s
ORDER BY 1, 4, 3, 5, 9
"""


def load_rules(
    tenant: Tenant, service: Service, employees: Sequence[UUID], dates: Sequence[date], span: Interval
) -> Rules:
    """What holds on the dates, which are in order, and in the span of time."""
    weekly: list[WeeklyHours] = []
    own: dict[UUID, list[WeeklyHours]] = defaultdict(list)
    exceptions: dict[date, list[WallInterval]] = {}
    closures: list[Interval] = []
    time_off: dict[UUID, list[Interval]] = defaultdict(list)
    notes: dict[date, str] = {}
    needs: dict[UUID, tuple[str, int]] = {}
    parameters = {
        "tenant": tenant.pk,
        "service": service.pk,
        "employees": list(employees),
        "first": dates[0],
        "last": dates[-1],
        "since": span.start,
        "until": span.end,
    }
    for kind, whose, number, day, opens, closes, since, until, words in read(tenant, _RULES, parameters):
        match kind:
            case "week":
                (own[whose] if whose else weekly).append(WeeklyHours(number, WallInterval(opens, closes)))
            case "date":
                exceptions.setdefault(day, []).extend([WallInterval(opens, closes)] if opens else [])
                notes[day] = notes.get(day) or words
            case "closure":
                closures.append(Interval(instant(since), instant(until)))
            case "off":
                time_off[whose].append(Interval(instant(since), instant(until)))
            case "need":
                needs[whose] = (words, number)
    holidays = public_holidays(tenant.holiday_region, dates)
    hours = BusinessHours(tenant.zone, weekly or hours_by_settings(tenant), exceptions, closures, holidays)
    return Rules(hours, own, time_off, notes, needs)


def load_week(tenant: Tenant) -> list[WeeklyHours]:
    """The business's weekly hours in order, Monday first."""
    rows = OpeningHours.objects.for_tenant(tenant).filter(employee=None).order_by("weekday", "opens")
    week = [WeeklyHours(row.weekday, WallInterval(row.opens, row.closes)) for row in rows]
    return week or hours_by_settings(tenant)


def hours_by_settings(tenant: Tenant) -> list[WeeklyHours]:
    """The hours of a business that has no rows of them, such as one that another program has made."""
    settings: Any = tenant.settings
    return business_hours.readable(settings.get(business_hours.KEY) if isinstance(settings, dict) else None)


def instant(epoch: float) -> datetime:
    """The statements give seconds, exact to the microsecond: to read them costs a fifth of what a timestamp does."""
    return datetime.fromtimestamp(epoch, UTC)


def instants(epochs: Iterable[float]) -> Iterator[datetime]:
    return map(datetime.fromtimestamp, epochs, repeat(UTC))
