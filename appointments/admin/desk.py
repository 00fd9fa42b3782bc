"""Appointments and customers: what the team looks at all day."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from appointments import booking, lifecycle
from appointments.admin import free_times, history_words, repeat, second_thoughts, visit
from appointments.admin.appointment_form import AppointmentForm
from appointments.admin.export import Column, Exportable, moments
from appointments.admin.filters import WeekdayFilter, WhenFilter
from appointments.admin.forms import CustomerForm
from appointments.errors import NotAllowed, SlotTaken
from appointments.importing.pages import Importable
from appointments.models import Appointment, Customer
from tenants.admin_sites import rendered
from tenants.object_history import Told
from tenants.roles import Area
from tenants.scoped_admin import (
    ScopedModelAdmin,
    link,
    one_line,
    register,
    tenant_time,
)

Scoped = admin.RelatedOnlyFieldListFilter
MOST_SHOWN = 50


@register(Appointment)
class AppointmentAdmin(Exportable, Importable, ScopedModelAdmin):
    area = Area.CALENDAR
    form = AppointmentForm
    change_list_template = "admin/appointments/with_free_times_list.html"
    change_form_template = "admin/appointments/appointment_form.html"
    list_display = ["when", "whom", "service", "employee", "status", "source"]
    list_filter = [WhenFilter, "status", ("employee", Scoped), ("service", Scoped), WeekdayFilter, "source"]
    list_select_related = ["customer", "service", "employee"]
    search_fields = ["customer__name", "customer__email", "service__name", "employee__name", "notes"]
    search_help_text = "A name, a telephone number as you would write it, or a word from the notes."
    phone_fields = ["customer__phone_e164"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at"]
    autocomplete_fields = ["customer", "service", "employee"]
    readonly_fields = [
        *("clock", "phone", "extras", "kept_clear", "currency"),
        *("id", "source", "created_at", "updated_at"),
    ]
    actions = ["complete", "miss", "cancel", "export_csv", "export_xlsx"]
    shown_when_new = ["clock"]
    fieldsets = [
        (None, {"fields": ["customer", "phone", "service", "extras", "employee"]}),
        ("Time", {"fields": ["clock", "starts_at", "ends_at", "kept_clear"]}),
        ("About it", {"fields": ["status", "price", "currency", "notes"]}),
        ("For integrations", {"fields": ["id", "source", "created_at", "updated_at"]}),
    ]

    exported_related = ["customer", "service", "employee", "*add_ons__add_on"]
    exported = [
        *moments("Starts", "starts_at"),
        *moments("Ends", "ends_at"),
        Column("Status", lambda row: row.get_status_display()),
        Column("Customer", lambda row: row.customer.name),
        Column("Phone", lambda row: row.customer.phone_e164),
        Column("E-mail", lambda row: row.customer.email),
        Column("Service", lambda row: row.service.name),
        Column("Add-ons", lambda row: ", ".join(one.add_on.name for one in row.add_ons.all())),
        Column("Employee", lambda row: row.employee.name),
        Column("Price", lambda row: row.price),
        Column("Currency", lambda row: row.currency),
        Column("Source", lambda row: row.get_source_display()),
        Column("Notes", lambda row: row.notes),
        Column("Id", lambda row: row.pk),
        *moments("Booked", "created_at"),
    ]

    def get_urls(self) -> list[Any]:
        own = [*free_times.urls_of(self), *visit.urls_of(self), *repeat.urls_of(self)]
        return [*own, *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.wished = free_times.wished_start(request)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return free_times.prefilled(super().get_changeform_initial_data(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With the hidden version; but where a page is only to be looked at, Django would show it."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        *others, (title, options) = fieldsets
        return [*others, (title, {**options, "fields": [*options["fields"], "version"]})]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody's: it is cancelled, which leaves a trace, tells others and keeps a group in order."""
        return False

    # --- Saving ---

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with free_times.clock_of(request):
            try:
                return rendered(super().changeform_view(request, *args, **kwargs))
            except SlotTaken:
                # Somebody who took no lock was faster than the form's own check: now that sees them.
                return rendered(super().changeform_view(request, *args, **kwargs))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        save = lifecycle.edit if change else booking.place
        save(obj, actor=str(request.user))
        if (form.moved or not change) and obj.status != Appointment.Status.CANCELLED:
            warning = second_thoughts.once_saved(obj, time_of(obj))
            if warning:
                messages.warning(request, warning)

    @admin.action(description="Mark as completed", permissions=["change"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._move(request, queryset, lifecycle.complete, Appointment.Status.COMPLETED)

    @admin.action(description="Mark as no-show", permissions=["change"])
    def miss(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._move(request, queryset, lifecycle.no_show, Appointment.Status.NO_SHOW)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._move(request, queryset, lifecycle.cancel, Appointment.Status.CANCELLED)

    def _move(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        verb: Callable[..., lifecycle.Changed],
        status: Appointment.Status,
    ) -> None:
        """By the verbs that everybody uses. Those whose status does not allow it stay as they are."""
        changed = refused = 0
        for appointment in queryset.select_related("tenant").order_by("pk"):
            try:
                with transaction.atomic():
                    moved = verb(appointment.tenant, appointment.pk, actor=str(request.user))
            except NotAllowed:
                refused += 1
                continue
            if moved.changed:
                self.log_change(request, moved.appointment, [{"changed": {"fields": ["Status"]}}])
                changed += 1
        self.message_user(request, f"{changed} {'is' if changed == 1 else 'are'} now {status.label.lower()}.")
        if refused:
            messages.warning(request, f"{refused} cannot become {status.label.lower()} as things stand.")

    # --- Showing ---

    def headline(self, row: Any) -> str:
        return f"{row.customer}: {row.service} with {row.employee}, {time_of(row)}"

    def value_in_history(self, row: Any, value: Told) -> Told:
        return history_words.value(row, value)

    @admin.display(description="when", ordering="starts_at")
    def when(self, appointment: Appointment) -> SafeString | str:
        return one_line(time_of(appointment))

    @admin.display(description="customer", ordering="customer__name")
    def whom(self, appointment: Appointment) -> SafeString:
        who = appointment.customer
        return format_html(
            '{}<br><span style="color:var(--body-quiet-color)">{}</span>',
            who.name,
            who.phone_e164 or who.email,
        )

    @admin.display(description="phone", ordering="customer__phone_e164")
    def phone(self, appointment: Appointment) -> str:
        return appointment.customer.phone_e164 or "-"

    @admin.display(description="add-ons")
    def extras(self, appointment: Appointment) -> str:
        booked = appointment.add_ons.select_related("add_on").order_by("add_on__name")
        return ", ".join(one.add_on.name for one in booked) or "-"

    @admin.display(description="time zone")
    def clock(self, appointment: Appointment) -> str:
        """Of a new one, too: a member's pages run in the tenant's zone."""
        if not appointment._state.adding:
            return appointment.tenant.timezone
        if self._shows_tenants():
            return "that of the business that you choose"
        return timezone.get_current_timezone_name()

    @admin.display(description="kept clear")
    def kept_clear(self, appointment: Appointment) -> str:
        tenant = appointment.tenant
        since, until = (
            tenant_time(one, tenant, "H:i") for one in (appointment.blocked_from, appointment.blocked_until)
        )
        return f"{since} to {until}, with the buffers of the service"


def time_of(appointment: Appointment) -> str:
    """In the tenant's clock: "Mon 23 Nov 2026, 09:00-10:00 EST"."""
    tenant = appointment.tenant
    since = tenant_time(appointment.starts_at, tenant, "D j M Y, H:i")
    return f"{since}–{tenant_time(appointment.ends_at, tenant, 'H:i T')}"


@register(Customer)
class CustomerAdmin(Exportable, Importable, ScopedModelAdmin):
    area = Area.CUSTOMERS
    change_list_template = "admin/appointments/importable_list.html"
    form = CustomerForm
    instead_of_deleting = (
        "Who asks to be forgotten is erased: choose them in the list, and “Erase for good…”."
    )
    list_display = ["name", "phone_e164", "email", "next_visit", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["name", "email", "notes"]
    search_help_text = "A name, a telephone number as you would write it, or an e-mail address."
    phone_fields = ["phone_e164"]
    fields = ["name", "phone_e164", "email", "notes", "appointments", "id", "created_at"]
    readonly_fields = ["appointments", "id", "created_at"]
    actions = ["export_csv", "export_xlsx"]
    exported = [
        Column("Name", lambda row: row.name),
        Column("Phone", lambda row: row.phone_e164),
        Column("E-mail", lambda row: row.email),
        Column("Notes", lambda row: row.notes),
        Column("Id", lambda row: row.pk),
        *moments("Known since", "created_at"),
    ]

    def value_in_history(self, row: Any, value: Told) -> Told:
        return history_words.value(row, value)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        coming = Appointment.objects.filter(customer=OuterRef("pk"), starts_at__gt=timezone.now())
        coming = coming.exclude(status=Appointment.Status.CANCELLED).order_by("starts_at")
        return super().get_queryset(request).annotate(next_at=coming.values("starts_at")[:1])

    @admin.display(description="next appointment", ordering="next_at")
    def next_visit(self, customer: Any) -> str:
        return tenant_time(customer.next_at, customer.tenant) or "-"

    @admin.display(description="appointments")
    def appointments(self, customer: Customer) -> SafeString | str:
        rows = customer.appointments.select_related("tenant", "service", "employee").order_by("-starts_at")
        return (
            format_html_join("", "<div>{}: {} with {} ({})</div>", map(self._line, rows[:MOST_SHOWN])) or "-"
        )

    def _line(self, row: Appointment) -> tuple[Any, ...]:
        return link(self.admin_site, row, time_of(row)), row.service, row.employee, row.get_status_display()
