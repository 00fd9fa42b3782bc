"""What is sold, what it needs, and who performs it."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from appointments.admin import in_the_way
from appointments.admin.export import Column, Exportable
from appointments.admin.forms import ServiceForm
from appointments.admin.hours import OwnHoursInline, TimeOffInline
from appointments.importing.pages import Importable
from appointments.models import (
    AddOn,
    Employee,
    EmployeeService,
    OpeningHours,
    Resource,
    Service,
    ServiceResource,
    TimeOff,
)
from tenants.admin_old_pages import OldPageForm
from tenants.admin_suggestions import Suggests
from tenants.roles import Area
from tenants.scoped_admin import ScopedInline, ScopedModelAdmin, register

Scoped = admin.RelatedOnlyFieldListFilter


class PerformsInline(ScopedInline):
    """What an employee does."""

    area = Area.CATALOG
    model = EmployeeService
    form = OldPageForm
    fields = ["service", "duration_minutes", "price"]
    autocomplete_fields = ["service"]
    verbose_name = "service"
    verbose_name_plural = "services"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("employee", "service")


class PerformedByInline(PerformsInline):
    """Who does a service."""

    fields = ["employee", "duration_minutes", "price"]
    autocomplete_fields = ["employee"]
    verbose_name = "employee"
    verbose_name_plural = "performed by"


class AddOnInline(ScopedInline):
    area = Area.CATALOG
    model = AddOn
    form = OldPageForm
    fields = ["name", "minutes", "price", "is_active"]


class NeedsInline(ScopedInline):
    """What a service needs while it lasts."""

    area = Area.CATALOG
    model = ServiceResource
    fields = ["resource"]
    autocomplete_fields = ["resource"]
    verbose_name = "resource"
    verbose_name_plural = "needs one of each of these while it lasts"


@register(Employee)
class EmployeeAdmin(Exportable, Importable, ScopedModelAdmin):
    area = Area.CATALOG
    form = OldPageForm
    change_list_template = "admin/appointments/importable_list.html"
    change_form_template = "admin/appointments/with_free_times_form.html"
    actions = ["export_csv", "export_xlsx"]
    instead_of_deleting = "Take “Is active” off on their page instead: nobody is booked with them any more."
    list_display = ["name", "performs", "own_hours", "is_active", "email"]
    list_filter = ["is_active", ("services", Scoped)]
    search_fields = ["name", "email"]
    fields = ["name", "email", "is_active", "id"]
    readonly_fields = ["id"]
    inlines = [PerformsInline, OwnHoursInline, TimeOffInline]
    exported_related = ["*services"]
    exported = [
        Column("Name", lambda row: row.name),
        Column("E-mail", lambda row: row.email),
        Column("Active", lambda row: "yes" if row.is_active else "no"),
        Column("Performs", lambda row: ", ".join(service.name for service in row.services.all())),
        Column("Id", lambda row: row.pk),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        hours = OpeningHours.objects.filter(employee=OuterRef("pk"))
        rows = super().get_queryset(request).annotate(has_own_hours=Exists(hours))
        return rows.prefetch_related("services")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        with in_the_way.telling(request, self.admin_site, form.instance.tenant) as closed:
            super().save_formset(request, form, formset, change)
            if formset.model is TimeOff:
                closed += [*formset.new_objects, *(one for one, _ in formset.changed_objects)]

    @admin.display(description="performs")
    def performs(self, employee: Employee) -> str:
        return ", ".join(service.name for service in employee.services.all()) or "-"

    @admin.display(description="own hours", boolean=True)
    def own_hours(self, employee: Any) -> bool:
        return bool(employee.has_own_hours)


@register(Service)
class ServiceAdmin(Suggests, Exportable, Importable, ScopedModelAdmin):
    area = Area.CATALOG
    change_list_template = "admin/appointments/importable_list.html"
    form = ServiceForm
    change_form_template = "admin/appointments/with_free_times_form.html"
    actions = ["export_csv", "export_xlsx"]
    instead_of_deleting = "Take “Is active” off on its page instead: nobody books it any more."
    list_display = ["name", "category", "minutes", "cost", "buffers", "performers", "is_active"]
    list_filter = ["is_active", "category"]
    search_fields = ["name", "category", "description"]
    readonly_fields = ["id"]
    inlines = [PerformedByInline, AddOnInline, NeedsInline]
    fieldsets = [
        (None, {"fields": ["name", "description", "category", "price", "currency", "is_active"]}),
        ("Time", {"fields": ["duration_minutes", "buffer_before_minutes", "buffer_after_minutes"]}),
        (
            "When callers may book",
            {
                "fields": [
                    "slot_step_minutes",
                    "minimum_notice_minutes",
                    "booking_window_days",
                    "cancel_notice_minutes",
                    "seats",
                ]
            },
        ),
        ("For integrations", {"fields": ["id"]}),
    ]
    exported_related = ["*employees", "*add_ons"]
    exported = [
        Column("Name", lambda row: row.name),
        Column("Category", lambda row: row.category),
        Column("Description", lambda row: row.description),
        Column("Minutes", lambda row: row.duration_minutes),
        Column("Price", lambda row: row.price),
        Column("Currency", lambda row: row.currency),
        Column("Buffer before", lambda row: row.buffer_before_minutes),
        Column("Buffer after", lambda row: row.buffer_after_minutes),
        Column("Step", lambda row: row.slot_step_minutes),
        Column("Notice", lambda row: row.minimum_notice_minutes),
        Column("Cancel notice", lambda row: row.cancel_notice_minutes),
        Column("Days ahead", lambda row: row.booking_window_days),
        Column("Seats", lambda row: row.seats),
        Column("Add-ons", lambda row: ", ".join(add_on.name for add_on in row.add_ons.all())),
        Column("Performed by", lambda row: ", ".join(one.name for one in row.employees.all())),
        Column("Active", lambda row: "yes" if row.is_active else "no"),
        Column("Id", lambda row: row.pk),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("employees")

    @admin.display(description="minutes", ordering="duration_minutes")
    def minutes(self, service: Service) -> int:
        return service.duration_minutes

    @admin.display(description="price", ordering="price")
    def cost(self, service: Service) -> str:
        return f"{service.price} {service.currency}"

    @admin.display(description="buffers")
    def buffers(self, service: Service) -> str:
        before, after = service.buffer_before_minutes, service.buffer_after_minutes
        return f"{before} before, {after} after" if before or after else "-"

    @admin.display(description="performed by")
    def performers(self, service: Service) -> str:
        return ", ".join(employee.name for employee in service.employees.all()) or "nobody"


@register(EmployeeService)
class EmployeeServiceAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    list_display = ["employee", "service"]
    list_filter = [("employee", Scoped), ("service", Scoped)]
    list_select_related = ["employee", "service"]
    search_fields = ["employee__name", "service__name"]
    autocomplete_fields = ["employee", "service"]
    fields = ["employee", "service", "duration_minutes", "price"]
    listed_for_members = False


@register(AddOn)
class AddOnAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    instead_of_deleting = "Take “Is active” off on its page instead: nobody books it any more."
    list_display = ["name", "service", "minutes", "price", "is_active"]
    list_filter = ["is_active", ("service", Scoped)]
    list_select_related = ["service"]
    search_fields = ["name", "service__name"]
    autocomplete_fields = ["service"]
    fields = ["service", "name", "minutes", "price", "is_active", "id"]
    readonly_fields = ["id"]


@register(Resource)
class ResourceAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    list_display = ["name", "capacity"]
    search_fields = ["name"]
    fields = ["name", "capacity", "id"]
    readonly_fields = ["id"]


@register(ServiceResource)
class ServiceResourceAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    list_display = ["service", "resource"]
    list_filter = [("service", Scoped), ("resource", Scoped)]
    list_select_related = ["service", "resource"]
    search_fields = ["service__name", "resource__name"]
    autocomplete_fields = ["service", "resource"]
    fields = ["service", "resource"]
    listed_for_members = False
