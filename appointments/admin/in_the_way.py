"""Who is booked while nobody serves any more: they stay booked, so whoever closes or shortens the hours is told."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from appointments.admin.second_thoughts import LINE
from appointments.intervals import Interval
from appointments.lifecycle import COMING
from appointments.models import Appointment, Closure, SpecialHours, TimeOff
from appointments.opening import coming_in_hours
from appointments.slots import instants_of_dates
from tenants.models import Tenant
from tenants.scoped_admin import link, tenant_time

NAMED = 5


@contextmanager
def telling(request: HttpRequest, site: AdminSite, tenant: Tenant) -> Iterator[list[Any]]:
    """What is done within may make hours shorter: whoever is booked outside them from then on is told of.

    The closures, times off and dates that it puts into the list are looked at, too. Needs the tenant's scope.
    """
    before = coming_in_hours(tenant)
    rows: list[Any] = []
    yield rows
    in_the_way = [_in_the_way(row) for row in rows]
    which = reduce(or_, in_the_way, Q(pk__in=before - coming_in_hours(tenant)))
    booked = Appointment.objects.for_tenant(tenant).filter(status__in=COMING, ends_at__gt=timezone.now())
    _tell(request, site, booked.filter(which), "in that time" if any(in_the_way) else "outside these hours")


def _tell(request: HttpRequest, site: AdminSite, booked: QuerySet[Appointment], where: str) -> None:
    count = booked.count()
    if not count:
        return
    named = booked.select_related("tenant", "customer", "employee").order_by("starts_at")[:NAMED]
    lines = [
        format_html(
            "{}: {} with {}",
            link(site, one, tenant_time(one.starts_at, one.tenant)),
            one.customer,
            one.employee,
        )
        for one in named
    ]
    if count > NAMED:
        lines.append(format_html("and {} more", count - NAMED))
    told = "1 appointment is" if count == 1 else f"{count} appointments are"
    listed = format_html_join(LINE, "{}", ((line,) for line in lines))
    messages.warning(
        request, format_html("{} booked {}, and not cancelled by this:<br>{}", told, where, listed)
    )


def _in_the_way(row: Any) -> Q:
    span = _span(row)
    if span is None:
        return Q()
    theirs = Q(employee=row.employee_id) if isinstance(row, TimeOff) else Q()
    return theirs & Q(starts_at__lt=span.end, ends_at__gt=span.start)


def _span(row: Any) -> Interval | None:
    """Real time in which nobody is served by it."""
    if isinstance(row, Closure | TimeOff):
        return Interval(row.starts_at, row.ends_at)
    if isinstance(row, SpecialHours) and row.opens is None:
        day: datetime.date = row.date
        begun = instants_of_dates(day, day, row.tenant.zone)
        return Interval(begun[0].start, begun[-1].end)
    return None
