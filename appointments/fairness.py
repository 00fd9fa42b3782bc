"""Whose turn it is when a customer will have anybody."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count

from appointments.intervals import Interval
from appointments.models import Appointment, Employee
from appointments.slots import instants_of_dates
from appointments.wallclock import DAY, wall_time


def local_week(start: datetime, zone: ZoneInfo) -> Interval:
    """The week, Monday to Sunday on the wall clock, in which an instant lies."""
    today = wall_time(start, zone).date()
    monday = today - timedelta(days=today.weekday())
    found = instants_of_dates(monday, monday + 6 * DAY, zone)
    return Interval(found[0].start, found[-1].end)


def least_booked_first(performers: Iterable[Employee], week: Interval) -> list[Employee]:
    """Those with the fewest times booked that week first; among equals by name, then id. A group is one time."""
    performers = list(performers)
    if len(performers) < 2:
        return performers
    rows = (
        Appointment.objects.for_tenant(performers[0].tenant_id)
        .filter(employee__in=performers, starts_at__gte=week.start, starts_at__lt=week.end)
        .exclude(status=Appointment.Status.CANCELLED)
        .order_by()
        .values_list("employee_id")
        .annotate(times=Count("starts_at", distinct=True))
    )
    times = dict(rows)
    return sorted(performers, key=lambda one: (times.get(one.pk, 0), one.name, one.pk))
