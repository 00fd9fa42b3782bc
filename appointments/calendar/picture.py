"""What is to be seen on some dates: employees, hours, appointments, holds, as JSON. Needs the tenant's scope.

Times are minutes since 1970, in UTC; the axis says where they lie and what the clock shows then. However many
employees and days there are, it takes the same number of statements.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from appointments.by_hand import LONGEST_DAYS
from appointments.calendar import version
from appointments.calendar.axis import Axis, axis_of
from appointments.holds import CUT_OFF, OFFER_PREFIX
from appointments.holidays_calendar import public_holidays
from appointments.intervals import Interval, Intervals, intersect, merge
from appointments.models import (
    Appointment,
    AppointmentAddOn,
    Closure,
    Employee,
    Hold,
    OpeningHours,
    SpecialHours,
    TimeOff,
)
from appointments.rules import hours_by_settings
from appointments.slots import BusinessHours, WeeklyHours, instants_of_dates, worked_instants
from appointments.wallclock import DAY, WallInterval, wall_time
from tenants.models import Tenant

MINUTE_SECONDS = 60


def minute(instant: datetime.datetime) -> float:
    """Since 1970. Whole, where the instant is."""
    seconds = instant.timestamp()
    return int(seconds // MINUTE_SECONDS) if seconds % MINUTE_SECONDS == 0 else seconds / MINUTE_SECONDS


def picture(tenant: Tenant, first: datetime.date, days: int) -> dict[str, Any]:
    """All that a page shows of `days` dates from `first` on."""
    dates = [first + count * DAY for count in range(days)]
    span = span_of(dates, tenant)
    now = timezone.now()
    seen = version.of(tenant, span, now)  # first: what changes while the rest is read is a change to come
    rows = list(_appointments(span).select_related("customer", "service"))
    add_ons = _add_ons(span)
    staff = list(Employee.objects.filter(Q(is_active=True) | Q(pk__in={row.employee_id for row in rows})))
    axis = axis_of(dates, tenant.zone)
    hours, notes = _business(tenant, dates, span)
    return {
        "version": seen,
        "now": minute(now),
        "timezone": tenant.timezone,
        "days": [_day(day, axis, notes, wall_time(now, tenant.zone).date()) for day in dates],
        "axis": {
            "minutes": axis.minutes,
            "ticks": [[tick.axis_minute, tick.label] for tick in axis.ticks],
        },
        "employees": [{"id": str(one.pk), "name": one.name, "isActive": one.is_active} for one in staff],
        "open": _open(hours, staff, dates),
        "closures": [
            {"start": minute(row.starts_at), "end": minute(row.ends_at), "note": row.note}
            for row in Closure.objects.filter(starts_at__lt=span.end, ends_at__gt=span.start)
        ],
        "timeOff": [
            {
                "employee": str(row.employee_id),
                "start": minute(row.starts_at),
                "end": minute(row.ends_at),
                "note": row.note,
            }
            for row in TimeOff.objects.filter(starts_at__lt=span.end, ends_at__gt=span.start)
        ],
        "appointments": [appointment_facts(row, add_ons.get(row.pk, ())) for row in rows],
        "holds": [_hold(row) for row in _holds(span, now).select_related("service")],
    }


def appointment_facts(row: Appointment, add_ons: Iterable[str]) -> dict[str, Any]:
    """One appointment, as it stands everywhere on the page."""
    return {
        "id": str(row.pk),
        "employee": str(row.employee_id),
        "service": str(row.service_id),
        "serviceName": row.service.name,
        "seats": row.service.seats,
        "customer": row.customer.name,
        "phone": row.customer.phone_e164,
        "email": row.customer.email,
        "start": minute(row.starts_at),
        "end": minute(row.ends_at),
        "blockedFrom": minute(row.blocked_from),
        "blockedUntil": minute(row.blocked_until),
        "status": row.status,
        "source": row.get_source_display(),
        "visit": str(row.visit) if row.visit else None,
        "isSeries": row.series_id is not None,
        "addOns": list(add_ons),
        "price": f"{row.price} {row.currency}",
        "notes": row.notes,
        "version": row.updated_at.isoformat(),
    }


def told(appointment: Appointment) -> dict[str, Any]:
    """As `appointment_facts`, of one that has just been changed."""
    row = Appointment.objects.select_related("customer", "service").get(pk=appointment.pk)
    booked = AppointmentAddOn.objects.filter(appointment=row).select_related("add_on").order_by("pk")
    return appointment_facts(row, [one.add_on.name for one in booked])


def _day(
    day: datetime.date, axis: Axis, notes: dict[datetime.date, str], today: datetime.date
) -> dict[str, Any]:
    return {
        "date": str(day),
        "name": f"{day:%A}",
        "label": f"{day:%a} {day.day} {day:%b}",
        "isToday": day == today,
        "note": notes.get(day, ""),
        "pieces": [
            [
                minute(one.times.start),
                minute(one.times.end),
                one.axis_minute,
                one.wall_minute,
                one.zone,
            ]
            for one in axis.pieces[day]
        ],
    }


# --- Rows ----------------------------------------------------------------------------------------


def span_of(dates: Sequence[datetime.date], tenant: Tenant) -> Interval:
    whole = instants_of_dates(dates[0], dates[-1], tenant.zone)
    if not whole:  # a single date, which the zone has skipped
        midnight = datetime.datetime.combine(dates[0], datetime.time(), datetime.UTC)
        return Interval(midnight, midnight + DAY)
    return Interval(whole[0].start, whole[-1].end)


def _reaching_into(span: Interval) -> dict[str, Any]:
    """For an index on the beginning: none is longer than LONGEST_DAYS."""
    return {
        "starts_at__gt": span.start - LONGEST_DAYS * DAY,
        "starts_at__lt": span.end,
        "ends_at__gt": span.start,
    }


def _appointments(span: Interval) -> Any:
    return Appointment.objects.filter(**_reaching_into(span)).order_by("starts_at", "seat")


def _add_ons(span: Interval) -> dict[UUID, list[str]]:
    during = {f"appointment__{name}": value for name, value in _reaching_into(span).items()}
    found: dict[UUID, list[str]] = defaultdict(list)
    for one in AppointmentAddOn.objects.filter(**during).select_related("add_on").order_by("pk"):
        found[one.appointment_id].append(one.add_on.name)
    return found


def _holds(span: Interval, now: datetime.datetime) -> Any:
    return Hold.objects.filter(**_reaching_into(span), expires_at__gt=now)


def _hold(row: Hold) -> dict[str, Any]:
    why = "being booked on the phone"
    if row.holder.startswith(OFFER_PREFIX):
        why = "offered to somebody who waits"
    elif row.holder == CUT_OFF:
        why = "kept for a caller who was cut off"
    return {
        "id": str(row.pk),
        "employee": str(row.employee_id),
        "serviceName": row.service.name,
        "start": minute(row.starts_at),
        "end": minute(row.ends_at),
        "why": why,
        "expires": minute(row.expires_at),
    }


# --- Hours ---------------------------------------------------------------------------------------


def _business(
    tenant: Tenant, dates: Sequence[datetime.date], span: Interval
) -> tuple[tuple[BusinessHours, dict[UUID, list[WeeklyHours]]], dict[datetime.date, str]]:
    """The hours of the business and of those who keep their own, and what there is to say of a date."""
    weekly: list[WeeklyHours] = []
    own: dict[UUID, list[WeeklyHours]] = defaultdict(list)
    for row in OpeningHours.objects.all():
        (own[row.employee_id] if row.employee_id else weekly).append(
            WeeklyHours(row.weekday, WallInterval(row.opens, row.closes))
        )
    exceptions: dict[datetime.date, list[WallInterval]] = {}
    near = [dates[0] - DAY, *dates]  # the night before reaches into the first date
    holidays = public_holidays(tenant.holiday_region, near)
    notes = dict(holidays)
    for special in SpecialHours.objects.filter(date__in=near):
        hours = [WallInterval(special.opens, special.closes)] if special.opens and special.closes else []
        exceptions.setdefault(special.date, []).extend(hours)
        notes[special.date] = special.note or notes.get(special.date) or "Special hours"
    business = BusinessHours(tenant.zone, weekly or hours_by_settings(tenant), exceptions, (), holidays)
    return (business, own), notes


def _open(
    hours: tuple[BusinessHours, dict[UUID, list[WeeklyHours]]],
    staff: Iterable[Employee],
    dates: Sequence[datetime.date],
) -> dict[str, Any]:
    """When the business is open; and of those with hours of their own, when both say so."""
    business, own = hours
    near = [dates[0] - DAY, *dates]
    opened = merge(piece for day in near for piece in business.open_instants(day))
    return {
        "business": _minutes(opened),
        "own": {
            str(one.pk): _minutes(intersect(opened, worked_instants(own[one.pk], near, business.zone)))
            for one in staff
            if one.pk in own
        },
    }


def _minutes(intervals: Intervals) -> list[list[float]]:
    return [[minute(one.start), minute(one.end)] for one in intervals]
