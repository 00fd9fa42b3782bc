"""What is taken: appointments, holds and the resources that they use, as values. Needs the tenant's scope.

One statement reads it for any number of employees and days. The database melts each employee's appointments
into as few stretches as will hold them, so that a month of fifty employees is a few hundred values.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from appointments.intervals import Interval
from appointments.models import Service
from appointments.rules import instant, instants
from appointments.slots import Group, Use
from appointments.statements import read
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Taken:
    """By employee, and by resource; buffers included."""

    busy: Mapping[UUID, Sequence[Interval]]
    held: Mapping[UUID, Sequence[Interval]]
    groups: Mapping[UUID, Sequence[Group]]
    uses: Mapping[UUID, Sequence[Use]]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An appointment or a hold that is in the way: its own time, and the time with buffers.

    `in_group`: of the very service that is asked about, which has seats.
    """

    is_held: bool
    in_group: bool
    times: Interval
    blocked: Interval


# Appointments that meet a stretch of time began before its end, and seldom long before its start: an index on
# the beginning finds them in one short walk. The few that last longer have a small index of their own, whose
# condition is written here as it is there. Each branch names the tenant: the policy of row-level security
# filters, but no index can be searched by it.
_MEETS = """{row}.tenant_id = %(tenant)s
  AND {row}.blocked_from < %(until)s AND {row}.blocked_until > %(since)s
  AND {row}.blocked_from > %(since)s::timestamptz - interval '12 hours'
  AND {row}.blocked_until - {row}.blocked_from <= interval '12 hours'"""
_MEETS_AND_IS_LONG = """{row}.tenant_id = %(tenant)s
  AND {row}.blocked_from < %(until)s AND {row}.blocked_until > %(since)s
  AND {row}.blocked_until - {row}.blocked_from > interval '12 hours'"""

_APPOINTMENTS = """
SELECT 'busy' AS kind, employee_id AS whose, 0 AS unit,
  CASE WHEN service_id = %(group_service)s THEN employee_id END AS member,
  CASE WHEN service_id = %(group_service)s THEN starts_at END AS joined,
  NULL::uuid AS alone, blocked_from, blocked_until
FROM appointments_appointment a
WHERE {meets} AND employee_id = ANY(%(employees)s) AND status <> 'cancelled' AND id <> ALL(%(ignoring)s)"""

_USES = """
SELECT 'use', u.resource_id, u.unit,
  CASE WHEN a.service_id = %(group_service)s THEN a.employee_id END,
  CASE WHEN a.service_id = %(group_service)s THEN a.starts_at END,
  NULL, u.blocked_from, u.blocked_until
FROM appointments_resourceuse u
JOIN appointments_appointment a ON a.tenant_id = u.tenant_id AND a.id = u.appointment_id
WHERE {meets} AND u.resource_id = ANY(%(resources)s) AND u.is_active
  AND u.appointment_id <> ALL(%(ignoring)s)"""

_HELD = """h.tenant_id = %(tenant)s AND h.expires_at > %(now)s
  AND h.blocked_from < %(until)s AND h.blocked_until > %(since)s
  AND (h.holder <> %(holder)s OR %(holder)s = '')"""

_HOLDS = f"""
SELECT CASE WHEN h.service_id = %(group_service)s THEN 'busy' ELSE 'held' END, h.employee_id, 0,
  CASE WHEN h.service_id = %(group_service)s THEN h.employee_id END,
  CASE WHEN h.service_id = %(group_service)s THEN h.starts_at END,
  NULL, h.blocked_from, h.blocked_until
FROM appointments_hold h
WHERE {_HELD} AND h.employee_id = ANY(%(employees)s)"""  # noqa: S608 - put together of constants

_HELD_USES = f"""
SELECT 'use', need.resource_id, 0,
  CASE WHEN h.service_id = %(group_service)s THEN h.employee_id END,
  CASE WHEN h.service_id = %(group_service)s THEN h.starts_at END,
  h.id, h.blocked_from, h.blocked_until
FROM appointments_hold h
JOIN appointments_serviceresource need ON need.tenant_id = h.tenant_id AND need.service_id = h.service_id
WHERE {_HELD} AND need.resource_id = ANY(%(resources)s)"""  # noqa: S608 - put together of constants


def _melted(*branches: str) -> str:
    return f"""
SELECT kind, whose, unit, member, date_part('epoch', joined), together,
  ARRAY(SELECT date_part('epoch', lower(one)) FROM unnest(times) one),
  ARRAY(SELECT date_part('epoch', upper(one)) FROM unnest(times) one)
FROM (
  SELECT kind, whose, unit, member, joined, count(*) AS together,
    range_agg(tstzrange(blocked_from, blocked_until)) AS times
  FROM ({" UNION ALL ".join(branches)}) taken
  GROUP BY kind, whose, unit, member, joined, alone
) melted"""  # noqa: S608 - put together of constants


def _both(branch: str, row: str) -> tuple[str, str]:
    short, long = _MEETS.format(row=row), _MEETS_AND_IS_LONG.format(row=row)
    return branch.format(meets=short), branch.format(meets=long)


_NEIGHBOUR = """
SELECT {held}, service_id IS NOT DISTINCT FROM %(group_service)s,
  date_part('epoch', starts_at), date_part('epoch', ends_at),
  date_part('epoch', blocked_from), date_part('epoch', blocked_until)
FROM {table}
WHERE {meets} AND employee_id = %(employee)s
  AND (service_id <> %(group_service)s OR starts_at <> %(start)s OR %(group_service)s IS NULL)"""
_LIVE = " AND status <> 'cancelled' AND id <> ALL(%(ignoring)s)"


_OF_EMPLOYEES = (*_both(_APPOINTMENTS, "a"), _HOLDS)
_NEIGHBOURS = (
    " UNION ALL ".join(
        (
            *_both(
                _NEIGHBOUR.format(held="false", table="appointments_appointment a", meets="{meets}") + _LIVE,
                "a",
            ),
            _NEIGHBOUR.format(held="true", table="appointments_hold h", meets=_HELD),
        )
    )
    + " ORDER BY 2"
)
_WITHOUT_RESOURCES = _melted(*_OF_EMPLOYEES)
_WITH_RESOURCES = _melted(*_OF_EMPLOYEES, *_both(_USES, "u"), _HELD_USES)


def load_taken(
    tenant: Tenant,
    service: Service,
    employees: Sequence[UUID],
    resources: Sequence[UUID],
    span: Interval,
    *,
    now: datetime,
    holder: str = "",
    ignoring: Sequence[UUID] = (),
) -> Taken:
    """All that meets the span of time, but for the holds of `holder` and the appointments in `ignoring`."""
    parameters = {
        "tenant": tenant.pk,
        "group_service": service.pk if service.seats > 1 else None,
        "employees": list(employees),
        "resources": list(resources),
        "since": span.start,
        "until": span.end,
        "now": now,
        "holder": holder,
        "ignoring": list(ignoring),
    }
    busy: dict[UUID, list[Interval]] = defaultdict(list)
    held: dict[UUID, list[Interval]] = defaultdict(list)
    groups: dict[UUID, list[Group]] = defaultdict(list)
    uses: dict[UUID, list[Use]] = defaultdict(list)
    statement = _WITH_RESOURCES if resources else _WITHOUT_RESOURCES
    for kind, whose, unit, member, joined, together, since, until in read(tenant, statement, parameters):
        times = list(map(Interval, instants(since), instants(until)))
        match kind:
            case "use":
                group = _group(member, joined)
                uses[whose].extend(Use(time, unit or None, group) for time in times)
            case "held":
                held[whose].extend(times)
            case _ if member:
                groups[whose].append(Group(instant(joined), times, together))
            case _:
                busy[whose].extend(times)
    return Taken(busy, held, groups, uses)


def load_neighbours(
    tenant: Tenant,
    service: Service,
    employee: UUID,
    start: datetime,
    blocked: Interval,
    *,
    now: datetime,
    holder: str = "",
    ignoring: Sequence[UUID] = (),
) -> list[Neighbour]:
    """What one employee has that meets a blocked time, but for the group that begins at `start` itself."""
    parameters = {
        "tenant": tenant.pk,
        "group_service": service.pk if service.seats > 1 else None,
        "employee": employee,
        "start": start,
        "since": blocked.start,
        "until": blocked.end,
        "now": now,
        "holder": holder,
        "ignoring": list(ignoring),
    }
    return [
        Neighbour(
            held, grouped, Interval(instant(starts), instant(ends)), Interval(instant(since), instant(until))
        )
        for held, grouped, starts, ends, since, until in read(tenant, _NEIGHBOURS, parameters)
    ]


def _group(employee: UUID | None, start: float | None) -> Hashable:
    return None if start is None else (employee, instant(start))
