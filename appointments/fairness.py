"""Whose turn it is when a customer will have anybody."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from appointments.intervals import Interval
from appointments.models import Employee
from appointments.slots import instants_of_dates
from appointments.statements import read
from appointments.wallclock import DAY, wall_time
from tenants.models import Tenant


def local_week(start: datetime, zone: ZoneInfo) -> Interval:
    """The week, Monday to Sunday on the wall clock, in which an instant lies."""
    today = wall_time(start, zone).date()
    monday = today - timedelta(days=today.weekday())
    found = instants_of_dates(monday, monday + 6 * DAY, zone)
    return Interval(found[0].start, found[-1].end)


_BOOKED = """
SELECT employee_id, count(DISTINCT starts_at) FROM appointments_appointment
WHERE tenant_id = %(tenant)s AND employee_id = ANY(%(employees)s) AND status <> 'cancelled'
  AND starts_at >= %(since)s AND starts_at < %(until)s
GROUP BY employee_id
"""


def least_booked_first(tenant: Tenant, performers: Iterable[Employee], week: Interval) -> list[Employee]:
    """Those with the fewest times booked that week first; among equals by name, then id. A group is one time."""
    performers = list(performers)
    if len(performers) < 2:
        return performers
    parameters = {
        "tenant": tenant.pk,
        "employees": [one.pk for one in performers],
        "since": week.start,
        "until": week.end,
    }
    times: dict[UUID, int] = dict(read(tenant, _BOOKED, parameters))
    return sorted(performers, key=lambda one: (times.get(one.pk, 0), one.name, one.pk))
