"""Who is booked while the business closes or somebody is away: they stay booked, so whoever closes is told."""

import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from appointments.admin.second_thoughts import LINE
from appointments.intervals import Interval
from appointments.lifecycle import COMING
from appointments.models import Appointment, Closure, SpecialHours, TimeOff
from appointments.slots import instants_of_dates
from tenants.scoped_admin import link, tenant_time

NAMED = 5


def tell(request: HttpRequest, site: AdminSite, row: Any) -> None:
    """Of a closure, time off, or a date on which it is closed. Needs the row's scope."""
    span = _span(row)
    if span is None:
        return
    booked = Appointment.objects.for_tenant(row.tenant_id).filter(
        status__in=COMING, starts_at__lt=span.end, ends_at__gt=max(span.start, timezone.now())
    )
    if isinstance(row, TimeOff):
        booked = booked.filter(employee_id=row.employee_id)
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
        request, format_html("{} booked in that time, and not cancelled by this:<br>{}", told, listed)
    )


def _span(row: Any) -> Interval | None:
    """Real time in which nobody is served by it."""
    if isinstance(row, Closure | TimeOff):
        return Interval(row.starts_at, row.ends_at)
    if isinstance(row, SpecialHours) and row.opens is None:
        day: datetime.date = row.date
        begun = instants_of_dates(day, day, row.tenant.zone)
        return Interval(begun[0].start, begun[-1].end)
    return None
