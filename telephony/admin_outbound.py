"""Calls that we place, for staff: who is called, how it stands, and a button on customers and appointments."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from kombu.exceptions import OperationalError

from appointments.admin.desk import AppointmentAdmin, CustomerAdmin
from appointments.models import Appointment, Customer
from telephony.admin_settings import explain_settings
from telephony.models import Call, OutboundCall
from telephony.outbound import hanging_up, orders, policy
from telephony.outbound.errors import CarrierRefused, OutboundRefused
from telephony.outbound.standing import standing
from telephony.tasks import place_outbound_call
from tenants.admin import TenantAdmin
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, link, one_line, register, tenant_time
from tenants.scoping import tenant_scope

MOST_AT_ONCE = 10
"""Whoever wants more uses reminders, or the API."""


# --- The list ------------------------------------------------------------------------------------


@register(OutboundCall)
class OutboundCallAdmin(ScopedModelAdmin):
    area = Area.CALLS
    read_only = True
    list_display = ["ordered", "to_e164", "whom", "stands", "attempts", "next_try", "origin", "problem"]
    list_filter = ["state", "origin", "created_at"]
    list_select_related = ["customer", "call"]
    search_fields = ["customer__name", "purpose", "call__carrier_call_id", "idempotency_key"]
    search_help_text = "A name, a telephone number as you would write it, a word from the purpose, or an id."
    phone_fields = ["to_e164"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["to_e164", "whom", "stands", "purpose", "its_appointment", "problem"]}),
        ("Calls", {"fields": ["its_calls", "attempts", "max_attempts", "answered_by"]}),
        ("Times", {"fields": ["ordered", "next_try", "deadline", "settled"]}),
        (
            "For integrations",
            {
                "fields": [
                    "id",
                    "number",
                    "provider",
                    "origin",
                    "actor",
                    "consent",
                    "idempotency_key",
                    "error_code",
                ]
            },
        ),
    ]
    readonly_fields = [
        *(
            "ordered",
            "whom",
            "stands",
            "next_try",
            "problem",
            "its_appointment",
            "its_calls",
            "deadline",
            "settled",
        )
    ]
    actions = ["hang_up"]

    @admin.display(description="ordered", ordering="created_at")
    def ordered(self, row: OutboundCall) -> SafeString | str:
        return one_line(tenant_time(row.created_at, row.tenant))

    @admin.display(description="customer")
    def whom(self, row: OutboundCall) -> SafeString | str:
        return link(self.admin_site, row.customer)

    @admin.display(description="state", ordering="state")
    def stands(self, row: OutboundCall) -> str:
        return standing(row).replace("-", " ")

    @admin.display(description="next attempt", ordering="due_at")
    def next_try(self, row: OutboundCall) -> SafeString | str:
        waits = row.state == OutboundCall.State.WAITING
        return one_line(tenant_time(row.due_at, row.tenant)) if waits else "-"

    @admin.display(description="problem")
    def problem(self, row: OutboundCall) -> str:
        return row.error or row.error_code or "-"

    @admin.display(description="appointment")
    def its_appointment(self, row: OutboundCall) -> SafeString | str:
        return link(self.admin_site, row.appointment)

    @admin.display(description="attempts")
    def its_calls(self, row: OutboundCall) -> SafeString | str:
        """Each one's own page has the transcript."""
        calls = Call.objects.filter(
            direction=Call.Direction.OUTBOUND, to_e164=row.to_e164, created_at__gte=row.created_at
        )
        made = calls.order_by("created_at")[: row.attempts]
        return (
            format_html_join(
                "",
                "<div>{}, {}, {}</div>",
                (
                    (
                        link(self.admin_site, one, tenant_time(one.created_at, row.tenant)),
                        one.state,
                        one.outcome or "-",
                    )
                    for one in made
                ),
            )
            or "-"
        )

    @admin.display(description="deadline")
    def deadline(self, row: OutboundCall) -> str:
        return tenant_time(row.not_after, row.tenant)

    @admin.display(description="settled")
    def settled(self, row: OutboundCall) -> str:
        return tenant_time(row.settled_at, row.tenant) or "-"

    @admin.action(description="Hang up, or do not call", permissions=["act"])
    def hang_up(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ended = 0
        for row in queryset:
            try:
                ended += hanging_up.hang_up(row.tenant_id, row.pk)
            except CarrierRefused as refused:
                messages.error(request, f"{row}: {refused.message}")
        messages.success(request, f"Ended: {ended}.")


# --- The buttons ---------------------------------------------------------------------------------


def order(request: HttpRequest, about: Appointment | Customer) -> str:
    """Whom is called soon. Raises OutboundRefused."""
    is_visit = isinstance(about, Appointment)
    customer: Customer = about.customer if isinstance(about, Appointment) else about
    wish = orders.Wish(
        to=customer.phone_e164,
        appointment_id=about.pk if is_visit else None,
        customer_id=customer.pk,
        purpose="It is about their appointment." if is_visit else "",
        origin=OutboundCall.Origin.STAFF,
        actor=str(request.user),
    )
    with tenant_scope(about.tenant_id):
        made = orders.make(about.tenant_id, wish).order
    ids = (str(about.tenant_id), str(made.pk))
    # A page is one transaction: the carrier must not be asked before the order stands.
    transaction.on_commit(partial(_soon, *ids))
    return f"{customer.name} ({customer.phone_e164})"


def _soon(tenant_id: str, order_id: str) -> None:
    try:
        place_outbound_call.delay(tenant_id, order_id)
    except OperationalError:  # the worker looks every few seconds anyway
        return


def _call_each(request: HttpRequest, rows: Iterable[Any]) -> None:
    chosen = list(rows)
    if (left := len(chosen) - MOST_AT_ONCE) > 0:
        messages.warning(request, f"Only the first {MOST_AT_ONCE} are called, and {left} more are not.")
    for about in chosen[:MOST_AT_ONCE]:
        customer = about.customer if isinstance(about, Appointment) else about
        if not customer.phone_e164:
            messages.error(request, f"{customer}: has left no telephone number.")
            continue
        try:
            messages.success(request, f"{order(request, about)} is being called.")
        except OutboundRefused as refused:
            messages.error(request, f"{customer} is not called: {refused.error}.")


@admin.action(description="Call this customer", permissions=["act"])
def call_customers(pages: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
    """With the agent, by the same rules as the API."""
    _call_each(request, queryset)


def _join(pages: Any) -> None:
    pages.actions = [*(pages.actions or []), call_customers]


@admin.display(description="calls to the customer")
def calls_to_customer(about: Appointment) -> SafeString | str:
    rows = OutboundCall.objects.filter(appointment=about).select_related("call", "tenant")
    lines = (
        (tenant_time(row.created_at, row.tenant), row.get_origin_display(), standing(row))
        for row in rows[:20]
    )
    return format_html_join("", "<div>{} by {}, {}</div>", lines) or "-"


def _join_page_of_appointments(pages: Any) -> None:
    pages.readonly_fields = [*pages.readonly_fields, calls_to_customer]
    pages.fieldsets = [
        (
            title,
            {**options, "fields": [*options["fields"], calls_to_customer]}
            if title == "Messages"
            else options,
        )
        for title, options in pages.fieldsets
    ]


SETTINGS_HELP = (
    'outboundCalls: false to place none; outboundCountries: ["US"]; outboundQuietHours: {"from": "21:00", "to": '
    '"08:00"} on the callee\'s clock; outboundPerMinute, outboundAtOnce, outboundPerDay, outboundPerNumber, '
    "outboundAttempts, outboundRetryMinutes, outboundRetryHours, outboundRingSeconds; outboundVoicemail: a "
    'sentence, or false; outboundConsent: "assumed".'
)


_join(AppointmentAdmin)
_join(CustomerAdmin)
_join_page_of_appointments(AppointmentAdmin)
explain_settings(TenantAdmin, SETTINGS_HELP, lambda tenant, settings: policy.problems(settings))
