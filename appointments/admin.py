"""The calendar: appointments and customers, and what is sold, by whom and when."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import ModelAdmin
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from appointments import booking, lifecycle
from appointments.admin_forms import AppointmentForm, CustomerForm, OpeningHoursForm, ServiceForm
from appointments.admin_rules import AddOnInline, NeedsInline, TimeOffInline
from appointments.errors import NotAllowed, SlotTaken
from appointments.models import (
    Appointment,
    Customer,
    Employee,
    EmployeeService,
    IdempotencyRecord,
    OpeningHours,
    Service,
)
from appointments.slots import Reason
from tenants.scoped_admin import (
    DESK,
    NOBODY,
    ScopedInline,
    ScopedModelAdmin,
    link,
    one_line,
    pretty,
    register,
    tenant_time,
)

Scoped = admin.RelatedOnlyFieldListFilter
MOST_SHOWN = 50


class WhenFilter(admin.SimpleListFilter):
    """Whole days of the clock that the page runs in."""

    title = "when"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [
            ("upcoming", "From now on"),
            ("today", "Today"),
            ("tomorrow", "Tomorrow"),
            ("week", "Next 7 days"),
            ("past", "Past"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now, midnight = timezone.now(), _midnight
        match self.value():
            case "upcoming":
                return queryset.filter(ends_at__gt=now).order_by("starts_at")
            case "today":
                return queryset.filter(starts_at__gte=midnight(0), starts_at__lt=midnight(1))
            case "tomorrow":
                return queryset.filter(starts_at__gte=midnight(1), starts_at__lt=midnight(2))
            case "week":
                return queryset.filter(starts_at__gte=midnight(0), starts_at__lt=midnight(7))
            case "past":
                return queryset.filter(ends_at__lte=now)
        return queryset


def _midnight(days_ahead: int) -> datetime.datetime:
    day = timezone.localdate() + datetime.timedelta(days=days_ahead)
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


@register(Appointment)
class AppointmentAdmin(ScopedModelAdmin):
    form = AppointmentForm
    list_display = ["when", "whom", "service", "employee", "status", "source"]
    list_filter = [WhenFilter, "status", ("employee", Scoped), ("service", Scoped), "source"]
    list_select_related = ["customer", "service", "employee"]
    search_fields = ["customer__name", "customer__email", "service__name", "employee__name", "notes"]
    search_help_text = "A name, a telephone number as you would write it, or a word from the notes."
    phone_fields = ["customer__phone_e164"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at"]
    autocomplete_fields = ["customer", "service", "employee"]
    readonly_fields = ["clock", "phone", "kept_clear", "currency", "id", "source", "created_at", "updated_at"]
    adders = changers = DESK
    actions = ["complete", "miss", "cancel"]
    shown_when_new = ["clock"]
    fieldsets = [
        (None, {"fields": ["customer", "phone", "service", "employee"]}),
        ("Time", {"fields": ["clock", "starts_at", "ends_at", "kept_clear"]}),
        ("About it", {"fields": ["status", "price", "currency", "notes"]}),
        ("For integrations", {"fields": ["id", "source", "created_at", "updated_at"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With the hidden version; but where a page is only to be looked at, Django would show it."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        *others, (title, options) = fieldsets
        return [*others, (title, {**options, "fields": [*options["fields"], "version"]})]

    # --- Saving ---

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except SlotTaken:
            # Somebody who took no lock was faster than the form's own check: now that sees them.
            return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if change:
            booking.change(obj)
        else:
            booking.place(obj)
        if (form.moved or not change) and obj.status != Appointment.Status.CANCELLED:
            self._tell_misgivings(request, obj)

    def _tell_misgivings(self, request: HttpRequest, appointment: Appointment) -> None:
        reasons = [_words(reason, appointment) for reason in booking.misgivings(appointment)]
        if reasons:
            words = f"Saved as you wish, but mind: {' and '.join(reasons)} ({time_of(appointment)})."
            messages.warning(request, words)

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


def _words(reason: Reason, appointment: Appointment) -> str:
    match reason:
        case Reason.IN_THE_PAST:
            return "that time has passed"
        case Reason.NOT_WORKING:
            return f"{appointment.employee} does not work then"
        case Reason.TIME_OFF:
            return f"{appointment.employee} has time off then"
        case Reason.CLOSED:
            return f"{appointment.tenant} is closed then"
    return f"it lies outside the opening hours of {appointment.tenant}"


@register(Customer)
class CustomerAdmin(ScopedModelAdmin):
    form = CustomerForm
    list_display = ["name", "phone_e164", "email", "next_visit", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["name", "email", "notes"]
    search_help_text = "A name, a telephone number as you would write it, or an e-mail address."
    phone_fields = ["phone_e164"]
    fields = ["name", "phone_e164", "email", "notes", "appointments", "id", "created_at"]
    readonly_fields = ["appointments", "id", "created_at"]
    adders = changers = DESK

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


class PerformsInline(ScopedInline):
    """What an employee does."""

    model = EmployeeService
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


class OwnHoursInline(ScopedInline):
    model = OpeningHours
    form = OpeningHoursForm
    fields = ["weekday", "opens", "closes"]
    verbose_name = "interval"
    verbose_name_plural = "own working hours (none: whenever the business is open)"


@register(Employee)
class EmployeeAdmin(ScopedModelAdmin):
    list_display = ["name", "performs", "own_hours", "is_active", "email"]
    list_filter = ["is_active", ("services", Scoped)]
    search_fields = ["name", "email"]
    fields = ["name", "email", "is_active", "id"]
    readonly_fields = ["id"]
    inlines = [PerformsInline, OwnHoursInline, TimeOffInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        hours = OpeningHours.objects.filter(employee=OuterRef("pk"))
        rows = super().get_queryset(request).annotate(has_own_hours=Exists(hours))
        return rows.prefetch_related("services")

    @admin.display(description="performs")
    def performs(self, employee: Employee) -> str:
        return ", ".join(service.name for service in employee.services.all()) or "-"

    @admin.display(description="own hours", boolean=True)
    def own_hours(self, employee: Any) -> bool:
        return bool(employee.has_own_hours)


@register(Service)
class ServiceAdmin(ScopedModelAdmin):
    form = ServiceForm
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
    list_display = ["employee", "service"]
    list_filter = [("employee", Scoped), ("service", Scoped)]
    list_select_related = ["employee", "service"]
    search_fields = ["employee__name", "service__name"]
    autocomplete_fields = ["employee", "service"]
    fields = ["employee", "service", "duration_minutes", "price"]
    listed_for_members = False


@register(OpeningHours)
class OpeningHoursAdmin(ScopedModelAdmin):
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


@register(IdempotencyRecord)
class IdempotencyRecordAdmin(ScopedModelAdmin):
    list_display = ["created_at", "scope", "key"]
    list_filter = ["scope"]
    search_fields = ["=key"]
    ordering = ["-created_at"]
    fields = ["scope", "key", "request_hash", "answered", "created_at"]
    readonly_fields = ["answered", "created_at"]
    read_only = True
    viewers = NOBODY

    @admin.display(description="answer")
    def answered(self, record: IdempotencyRecord) -> SafeString | str:
        return pretty(record.answer)
