"""Which appointments a list shows: whole days of the clock that the page runs in."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from appointments.models import OpeningHours

Days = tuple[datetime.date, datetime.date]
"""The first day, and the first that no longer counts."""


def _days(first: datetime.date, count: int) -> Days:
    return first, first + datetime.timedelta(days=count)


def _week(today: datetime.date, ahead: int = 0) -> Days:
    """From Monday to Sunday."""
    return _days(today + datetime.timedelta(days=7 * ahead - today.weekday()), 7)


def _month(today: datetime.date, ahead: int = 0) -> Days:
    months = today.year * 12 + today.month - 1 + ahead
    return _first_of(months), _first_of(months + 1)


def _first_of(months: int) -> datetime.date:
    return datetime.date(months // 12, months % 12 + 1, 1)


PERIODS: dict[str, tuple[str, Callable[[datetime.date], Days]]] = {
    "today": ("Today", lambda today: _days(today, 1)),
    "tomorrow": ("Tomorrow", lambda today: _days(today + datetime.timedelta(days=1), 1)),
    "week": ("Next 7 days", lambda today: _days(today, 7)),
    "this_week": ("This week", _week),
    "next_week": ("Next week", lambda today: _week(today, 1)),
    "this_month": ("This month", _month),
    "next_month": ("Next month", lambda today: _month(today, 1)),
}


class WhenFilter(admin.SimpleListFilter):
    title = "when"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        periods = [(name, words) for name, (words, _) in PERIODS.items()]
        return [("upcoming", "From now on"), *periods, ("past", "Past")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen, now = self.value(), timezone.now()
        match chosen:
            case "upcoming":
                return queryset.filter(ends_at__gt=now).order_by("starts_at")
            case "past":
                return queryset.filter(ends_at__lte=now)
            case str() if chosen in PERIODS:
                first, end = PERIODS[chosen][1](timezone.localdate())
                return queryset.filter(starts_at__gte=_midnight(first), starts_at__lt=_midnight(end))
        return queryset


class WeekdayFilter(admin.SimpleListFilter):
    title = "day of the week"
    parameter_name = "weekday"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(str(day.value), str(day.label)) for day in OpeningHours.Weekday]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        known = value in {str(day.value) for day in OpeningHours.Weekday}
        return queryset.filter(starts_at__iso_week_day=int(value) + 1) if value and known else queryset


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
