"""Days that are different: special hours, closures, public holidays and time off. Needs the tenant's scope."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.urls import reverse
from django.utils import dateformat, timezone

from appointments.admin.forms import YEARS, StretchForm, WallDateTime
from appointments.holidays_calendar import public_holidays
from appointments.models import Closure, Employee, SpecialHours, TimeOff
from tenants.models import Tenant
from tenants.scoped_admin import ScopedForm, tenant_time

AHEAD = datetime.timedelta(days=365)
MOST = 60
DATE = {"type": "date"}
TIME = {"type": "time"}


@dataclass(frozen=True, slots=True)
class Other:
    """One line: when, what holds then, and where to change it ("" is nowhere)."""

    when: str
    what: str
    note: str = ""
    url: str = ""
    is_holiday: bool = False


def upcoming(site: AdminSite, tenant: Tenant) -> list[Other]:
    """Of the business, from today on for a year, the next first."""
    today = timezone.localdate()
    special: dict[datetime.date, list[SpecialHours]] = {}
    for row in SpecialHours.objects.filter(date__gte=today).order_by("date", "opens")[:MOST]:
        special.setdefault(row.date, []).append(row)
    days = (today + datetime.timedelta(days=ahead) for ahead in range(AHEAD.days))
    holidays = public_holidays(tenant.holiday_region, days)
    found = [(day, one) for day, rows in special.items() for one in _special(site, rows, holidays.get(day))]
    found += [(day, _holiday(day, name)) for day, name in holidays.items() if day not in special]
    closures = Closure.objects.filter(ends_at__gte=timezone.now()).order_by("starts_at")[:MOST]
    found += [(timezone.localdate(row.starts_at), _stretch(site, row, "closed")) for row in closures]
    return [one for _, one in sorted(found, key=lambda dated: dated[0])]


def away(site: AdminSite, employee: Employee) -> list[Other]:
    rows = TimeOff.objects.filter(employee=employee, ends_at__gte=timezone.now()).order_by("starts_at")
    return [_stretch(site, row, "away") for row in rows[:MOST]]


def _special(site: AdminSite, rows: list[SpecialHours], holiday: str | None) -> Iterator[Other]:
    for row in rows:
        hours = f"{row.opens:%H:%M} to {row.closes:%H:%M}" if row.opens and row.closes else "closed"
        note = ", ".join(filter(None, [row.note, holiday]))
        yield Other(_dated(row.date), hours, note, _page(site, row), is_holiday=holiday is not None)


def _holiday(day: datetime.date, name: str) -> Other:
    return Other(_dated(day), "closed", name, is_holiday=True)


def _stretch(site: AdminSite, row: Any, what: str) -> Other:
    when = (
        f"{tenant_time(row.starts_at, row.tenant, 'D j M Y, H:i')} – {tenant_time(row.ends_at, row.tenant)}"
    )
    return Other(when, what, row.note, _page(site, row))


def _dated(day: datetime.date) -> str:
    return dateformat.format(day, "D j M Y")


def _page(site: AdminSite, row: Model) -> str:
    return reverse(f"{site.name}:appointments_{row._meta.model_name}_change", args=[row.pk])


# --- What can be added beside the week -----------------------------------------------------------


class OneDayForm(ScopedForm):
    duplicate = "There is a line for that date that opens then already: change that one."
    is_closed = forms.BooleanField(label="Closed all day", required=False)

    class Meta:
        model = SpecialHours
        fields = ("date", "opens", "closes", "note")
        widgets = {
            "date": forms.DateInput(DATE, "%Y-%m-%d"),
            "opens": forms.TimeInput(TIME, "%H:%M"),
            "closes": forms.TimeInput(TIME, "%H:%M"),
        }

    field_order = ("date", "is_closed", "opens", "closes", "note")

    def clean_date(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["date"]
        if day.year not in YEARS:
            raise ValidationError("That is too far away.")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        times = [cleaned.get(name) for name in ("opens", "closes")]
        if set(self.errors) & {"opens", "closes", "date"}:
            return cleaned
        closed = bool(cleaned.get("is_closed"))
        if closed and any(times):
            self.add_error("is_closed", "Either closed all day or open from a time until another, not both.")
        elif not closed and not all(times):
            self.add_error("opens", "Say from when until when it is open, or that it is closed all day.")
        elif there := SpecialHours.objects.filter(date=cleaned["date"], opens__isnull=not closed).first():
            # It would be read as open, and the line that closes it would say nothing.
            self.add_error("date", f"There is a line for that date already: {there}. Delete it first.")
        return cleaned


def two_fields() -> forms.SplitDateTimeWidget:
    """A date and a time, in the browser's own fields."""
    return forms.SplitDateTimeWidget(None, "%Y-%m-%d", "%H:%M", DATE, TIME)


class StretchBesideForm(StretchForm):
    starts_at = WallDateTime(label="From", widget=two_fields())
    ends_at = WallDateTime(label="Until", widget=two_fields())


class ClosureForm(StretchBesideForm):
    class Meta:
        model = Closure
        fields = ("starts_at", "ends_at", "note")


class AwayForm(StretchBesideForm):
    """`instance` names the employee."""

    class Meta:
        model = TimeOff
        fields = ("starts_at", "ends_at", "note")
