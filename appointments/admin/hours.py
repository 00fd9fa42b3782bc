"""When the business and its employees are there: weeks, single dates, closures and time off."""

from contextlib import ExitStack
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSingleDateWidget

from appointments.admin import in_the_way
from appointments.admin.forms import OldStretchForm, OpeningHoursForm
from appointments.admin.typed import TypedDate
from appointments.models import Closure, OpeningHours, SpecialHours, TimeOff
from tenants.roles import Area
from tenants.scoped_admin import ScopedInline, ScopedModelAdmin, one_line, register, tenant_time

Scoped = admin.RelatedOnlyFieldListFilter


class OwnHoursInline(ScopedInline):
    area = Area.CATALOG
    model = OpeningHours
    form = OpeningHoursForm
    fields = ["weekday", "opens", "closes"]
    verbose_name = "interval"
    verbose_name_plural = "own working hours (none: whenever the business is open)"


class TimeOffInline(ScopedInline):
    area = Area.CATALOG
    model = TimeOff
    form = OldStretchForm
    fields = ["starts_at", "ends_at", "note"]
    verbose_name_plural = "time off"


class TellsWhoIsBooked(ScopedModelAdmin):
    """What is booked stays booked, whoever closes or opens for less: it is told."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        with in_the_way.telling(request, self.admin_site, obj.tenant) as closed:
            super().save_model(request, obj, form, change)
            closed.append(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with in_the_way.telling(request, self.admin_site, obj.tenant):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with ExitStack() as all_of_them:
            for tenant in {row.tenant for row in queryset.select_related("tenant")}:
                all_of_them.enter_context(in_the_way.telling(request, self.admin_site, tenant))
            super().delete_queryset(request, queryset)


@register(OpeningHours)
class OpeningHoursAdmin(TellsWhoIsBooked):
    area = Area.CATALOG
    form = OpeningHoursForm
    list_display = ["weekday", "interval", "whose"]
    list_filter = [("employee", Scoped), "weekday"]
    list_select_related = ["employee"]
    search_fields = ["employee__name"]
    autocomplete_fields = ["employee"]
    fields = ["employee", "weekday", "opens", "closes"]

    @admin.display(description="open", ordering="opens")
    def interval(self, hours: OpeningHours) -> str:
        overnight = " (next day)" if hours.closes <= hours.opens else ""
        return f"{hours.opens:%H:%M} to {hours.closes:%H:%M}{overnight}"

    @admin.display(description="whose", ordering="employee__name")
    def whose(self, hours: OpeningHours) -> str:
        return str(hours.employee) if hours.employee else "the business"


@register(SpecialHours)
class SpecialHoursAdmin(TellsWhoIsBooked):
    area = Area.CATALOG
    formfield_overrides = {models.DateField: {"form_class": TypedDate, "widget": UnfoldAdminSingleDateWidget}}
    list_display = ["date", "interval", "note"]
    list_filter = ["date"]
    search_fields = ["note"]
    date_hierarchy = "date"
    ordering = ["-date", "opens"]
    fields = ["date", "opens", "closes", "note"]

    @admin.display(description="open", ordering="opens")
    def interval(self, hours: SpecialHours) -> str:
        if hours.opens is None or hours.closes is None:
            return "closed"
        overnight = " (next day)" if hours.closes <= hours.opens else ""
        return f"{hours.opens:%H:%M} to {hours.closes:%H:%M}{overnight}"


class StretchAdmin(TellsWhoIsBooked):
    area = Area.CATALOG
    form = OldStretchForm
    date_hierarchy = "starts_at"
    ordering = ["-starts_at"]
    search_fields = ["note"]

    @admin.display(description="from", ordering="starts_at")
    def since(self, row: Any) -> SafeString | str:
        return one_line(tenant_time(row.starts_at, row.tenant))

    @admin.display(description="until", ordering="ends_at")
    def until(self, row: Any) -> SafeString | str:
        return one_line(tenant_time(row.ends_at, row.tenant))


@register(Closure)
class ClosureAdmin(StretchAdmin):
    list_display = ["since", "until", "note"]
    fields = ["starts_at", "ends_at", "note"]


@register(TimeOff)
class TimeOffAdmin(StretchAdmin):
    list_display = ["since", "until", "employee", "note"]
    list_filter = [("employee", Scoped)]
    list_select_related = ["employee"]
    search_fields = ["note", "employee__name"]
    autocomplete_fields = ["employee"]
    fields = ["employee", "starts_at", "ends_at", "note"]
