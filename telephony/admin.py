"""The line: numbers, and calls with their whole story on one page."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from agents.admin import (
    CLOCK,
    LISTED,
    Written,
    appointments_of,
    minutes,
    sessions_of,
    transcript_of,
)
from agents.models import ToolInvocation
from appointments.models import Customer
from telephony import (  # noqa: F401 - register their pages
    admin_erasure,
    admin_notifications,
    admin_outbound,
    admin_people,
    admin_spend,
)
from telephony.admin_feel import CallList, story_of
from telephony.models import Call, CallEvent, PhoneNumber
from tenants.admin import TenantAdmin
from tenants.phone import InvalidNumber, to_e164
from tenants.roles import Area
from tenants.scoped_admin import (
    ScopedForm,
    ScopedInline,
    ScopedModelAdmin,
    link,
    one_line,
    pretty,
    register,
    tenant_time,
)


class PhoneNumberForm(ScopedForm):
    e164 = forms.CharField(
        label="Number",
        max_length=40,  # as typed, with spaces and brackets
        widget=UnfoldAdminTextInputWidget,
        help_text="With its country, such as +15551234567.",
    )

    def clean_e164(self) -> str:
        try:
            return to_e164(self.cleaned_data["e164"])
        except InvalidNumber:
            raise forms.ValidationError("Write the number with its country, such as +15551234567.") from None


@register(PhoneNumber)
class PhoneNumberAdmin(ScopedModelAdmin):
    """A number decides whose call it is, so only operators hand them out."""

    area = Area.NUMBERS
    form = PhoneNumberForm
    list_display = ["e164", "carrier", "is_active", "carrier_number_id"]
    list_filter = ["carrier", "is_active"]
    search_fields = ["carrier_number_id"]
    search_help_text = "A number as you would write it, or the carrier's id."
    phone_fields = ["e164"]
    fields = ["e164", "carrier", "carrier_number_id", "is_active"]


class PhoneNumberInline(ScopedInline):
    area = Area.NUMBERS
    model = PhoneNumber
    form = PhoneNumberForm
    fk_name = "tenant"
    fields = ["e164", "carrier", "carrier_number_id", "is_active"]


# The page of a tenant is made where telephony is not known; numbers join it from here.
TenantAdmin.inlines = [PhoneNumberInline, *TenantAdmin.inlines]


@register(Call)
class CallAdmin(Written):
    area = Area.CALLS
    list_before_template = "admin/telephony/calls_felt.html"
    list_display = ["began", "caller", "state", "ending", "length", "booked", "direction"]
    list_filter = [
        "created_at",
        "state",
        "outcome",
        "direction",
        ("number", admin.RelatedOnlyFieldListFilter),
        "carrier",
    ]
    list_select_related = ["conversation"]
    search_fields = [
        "conversation__tool_invocations__appointment__customer__name",
        "outcome",
        "carrier_call_id",
        "stream_id",
        "conversation__sessions__external_id",
    ]
    search_help_text = "A telephone number as you would write it, the name that was booked for, or an id."
    phone_fields = ["from_e164", "to_e164"]
    date_hierarchy = "created_at"
    fieldsets = [
        (None, {"fields": ["began", "caller", "customers", "called", "direction", "state", "ending"]}),
        ("What was said", {"fields": ["transcript", "summary"]}),
        ("Appointments", {"fields": ["appointments"]}),
        ("How it felt", {"fields": ["felt"]}),
        ("What happened", {"fields": ["happened"]}),
        ("Times", {"fields": ["clock", "ended", "length", "on_the_line", "first_agent_audio_ms"]}),
        (
            "For integrations",
            {
                "fields": [
                    "id",
                    "conversation",
                    "sessions",
                    "carrier",
                    "carrier_call_id",
                    "carrier_account_id",
                    "number",
                    "stream_id",
                ]
            },
        ),
    ]
    readonly_fields = [
        "id",
        "began",
        "clock",
        "ended",
        "caller",
        "customers",
        "called",
        "ending",
        "length",
        "on_the_line",
        "transcript",
        "summary",
        "appointments",
        "felt",
        "happened",
        "sessions",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        made = ToolInvocation.objects.filter(conversation=OuterRef("conversation")).exclude(appointment=None)
        return super().get_queryset(request).annotate(has_appointment=Exists(made))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallList]:
        return CallList

    def headline(self, row: Any) -> str:
        return f"{row.from_e164 or 'Number withheld'}, {tenant_time(row.created_at, row.tenant)}"

    @admin.display(description="began", ordering="created_at")
    def began(self, call: Call) -> SafeString | str:
        return one_line(tenant_time(call.created_at, call.tenant, LISTED))

    @admin.display(description="time zone")
    def clock(self, call: Call) -> str:
        return call.tenant.timezone

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, call: Call) -> str:
        return tenant_time(call.ended_at, call.tenant) or "-"

    @admin.display(description="caller", ordering="from_e164")
    def caller(self, call: Call) -> str:
        return call.from_e164 or "withheld"

    @admin.display(description="number called", ordering="to_e164")
    def called(self, call: Call) -> str:
        return call.to_e164

    @admin.display(description="outcome", ordering="outcome")
    def ending(self, call: Call) -> str:
        return call.outcome.replace("_", " ") or "-"

    @admin.display(description="length", ordering="duration_seconds")
    def length(self, call: Call) -> str:
        return minutes(call.duration_seconds)

    @admin.display(description="appointment", boolean=True)
    def booked(self, call: Any) -> bool:
        return bool(call.has_appointment)

    @admin.display(description="customers with this number")
    def customers(self, call: Call) -> SafeString | str:
        if not call.their_e164:
            return "-"
        known = Customer.objects.for_tenant(call.tenant_id).filter(phone_e164=call.their_e164)
        links = ((link(self.admin_site, customer),) for customer in known.order_by("name")[:20])
        return format_html_join(", ", "{}", links) or "-"

    @admin.display(description="transcript")
    def transcript(self, call: Call) -> SafeString | str:
        return "-" if call.conversation is None else transcript_of(call.conversation)

    @admin.display(description="summary")
    def summary(self, call: Call) -> str:
        return call.conversation.summary if call.conversation else ""

    @admin.display(description="made or changed")
    def appointments(self, call: Call) -> SafeString | str:
        return "-" if call.conversation is None else appointments_of(call.conversation, self.admin_site)

    @admin.display(description="to the ear")
    def felt(self, call: Call) -> SafeString | str:
        return story_of(call.feel)

    @admin.display(description="provider sessions")
    def sessions(self, call: Call) -> SafeString | str:
        return "-" if call.conversation is None else sessions_of(call.conversation)

    @admin.display(description="media stream")
    def on_the_line(self, call: Call) -> str:
        if call.stream_started_at is None:
            return "never began"
        until = tenant_time(call.stream_ended_at, call.tenant, CLOCK) or "…"
        return f"{tenant_time(call.stream_started_at, call.tenant, CLOCK)} to {until}"

    @admin.display(description="events")
    def happened(self, call: Call) -> SafeString | str:
        rows = (
            (tenant_time(event.occurred_at, call.tenant, CLOCK), event.kind, _details(event))
            for event in call.events.all()
        )
        return format_html_join("", _EVENT, rows) or "-"


_EVENT = '<div class="story"><span class="at">{}</span><code class="event">{}</code><span class="what">{}</span></div>'


def _details(event: CallEvent) -> str:
    told = {name: value for name, value in event.detail.items() if value not in ("", None)}
    told.pop("place", None)  # where somebody is in the menu, for the menu alone
    return ", ".join(f"{name}: {value}" for name, value in told.items())


@register(CallEvent)
class CallEventAdmin(Written):
    area = Area.CALLS
    list_display = ["occurred", "kind", "call", "details"]
    list_filter = ["kind", "occurred_at"]
    list_select_related = ["call"]
    search_fields = ["kind", "call__carrier_call_id"]
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at"]
    fields = ["occurred", "call", "kind", "content", "dedupe_key"]
    readonly_fields = ["occurred", "content"]
    listed_for_members = False

    @admin.display(description="occurred", ordering="occurred_at")
    def occurred(self, event: CallEvent) -> SafeString | str:
        return one_line(tenant_time(event.occurred_at, event.tenant, LISTED))

    @admin.display(description="detail")
    def details(self, event: CallEvent) -> str:
        return _details(event)

    @admin.display(description="detail")
    def content(self, event: CallEvent) -> SafeString | str:
        return pretty(event.detail)
