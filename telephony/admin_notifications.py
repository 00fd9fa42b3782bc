"""What was told to customers, what they answered, who wants no texts, and a business's own words."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from appointments.admin.desk import AppointmentAdmin
from appointments.models import Appointment
from telephony.admin_settings import explain_settings
from telephony.notifications import rendering, wishes
from telephony.notifications.models import InboundText, Kind, MessageTemplate, Notification, OptOut
from tenants.admin import TenantAdmin
from tenants.models import Tenant
from tenants.roles import Area
from tenants.scoped_admin import ScopedForm, ScopedModelAdmin, link, one_line, register, tenant_time

State = Notification.State
MOST_SHOWN = 30
AGAIN = frozenset({State.FAILED, State.UNDELIVERED, State.GIVEN_UP})


@register(Notification)
class NotificationAdmin(ScopedModelAdmin):
    area = Area.MESSAGES
    read_only = True
    list_display = ["due", "whom", "kind", "channel", "state", "problem"]
    list_filter = ["state", "kind", "channel", "due_at"]
    list_select_related = ["appointment__customer", "waitlist_entry__customer"]
    search_fields = ["to_address", "appointment__customer__name", "carrier_message_id", "error_code"]
    search_help_text = "A name, an address, a telephone number as you would write it, or an id."
    phone_fields = ["to_address"]
    date_hierarchy = "due_at"
    ordering = ["-due_at"]
    fieldsets = [
        (None, {"fields": ["whom", "kind", "channel", "state", "problem", "its_appointment"]}),
        ("Words", {"fields": ["text", "price"]}),
        ("Times", {"fields": ["due", "tells_of", "useful_until", "sent", "settled", "attempts"]}),
        (
            "For integrations",
            {
                "fields": [
                    *("id", "version", "hours_before", "carrier", "carrier_message_id"),
                    *("from_address", "to_address", "error_code", "created_at"),
                ]
            },
        ),
    ]
    readonly_fields = [
        *(
            "whom",
            "problem",
            "its_appointment",
            "price",
            "due",
            "tells_of",
            "useful_until",
            "sent",
            "settled",
        ),
    ]
    actions = ["try_again"]

    @admin.display(description="when", ordering="due_at")
    def due(self, row: Notification) -> SafeString | str:
        return one_line(tenant_time(row.due_at, row.tenant))

    @admin.display(description="customer")
    def whom(self, row: Notification) -> str:
        about = row.appointment or row.waitlist_entry
        return str(about.customer) if about else row.to_address or "-"

    @admin.display(description="problem")
    def problem(self, row: Notification) -> str:
        return f"{row.error} {row.error_code}".strip() or "-"

    @admin.display(description="appointment")
    def its_appointment(self, row: Notification) -> SafeString | str:
        return link(self.admin_site, row.appointment)

    @admin.display(description="length")
    def price(self, row: Notification) -> str:
        return rendering.price_of(row.text) if row.text and row.channel == "sms" else "-"

    @admin.display(description="tells of")
    def tells_of(self, row: Notification) -> str:
        return tenant_time(row.starts_at, row.tenant)

    @admin.display(description="of use until")
    def useful_until(self, row: Notification) -> str:
        return tenant_time(row.not_after, row.tenant)

    @admin.display(description="sent")
    def sent(self, row: Notification) -> str:
        return tenant_time(row.sent_at, row.tenant) or "-"

    @admin.display(description="settled")
    def settled(self, row: Notification) -> str:
        return tenant_time(row.settled_at, row.tenant) or "-"

    @admin.action(description="Try again", permissions=["act"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Those that did not arrive. Whoever presses this knows that one may arrive twice, if we do not."""
        now = timezone.now()
        failed = queryset.filter(state__in=AGAIN, not_after__gt=now)
        count = failed.update(state=State.WAITING, due_at=now, attempts=0, settled_at=None)
        messages.success(request, f"Tried again: {count}.")


@register(InboundText)
class InboundTextAdmin(ScopedModelAdmin):
    area = Area.MESSAGES
    read_only = True
    list_display = ["received", "from_e164", "text", "understood", "answer"]
    list_filter = ["understood", "received_at"]
    search_fields = ["text", "carrier_message_id"]
    phone_fields = ["from_e164"]
    date_hierarchy = "received_at"
    fieldsets = [
        (None, {"fields": ["received", "from_e164", "text", "understood", "appointment", "answer"]}),
        ("For integrations", {"fields": ["id", "to_e164", "carrier_message_id"]}),
    ]
    readonly_fields = ["received"]

    @admin.display(description="received", ordering="received_at")
    def received(self, row: InboundText) -> SafeString | str:
        return one_line(tenant_time(row.received_at, row.tenant))


@register(OptOut)
class OptOutAdmin(ScopedModelAdmin):
    """Their own doing, and theirs to undo: by START."""

    area = Area.MESSAGES
    read_only = True
    list_display = ["e164", "since"]
    phone_fields = ["e164"]
    search_fields = ["=e164"]
    fields = ["e164", "since"]


class MessageTemplateForm(ScopedForm):
    duplicate = "There are words for this already: open those to change them."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "text" in self.fields:
            self.fields["text"].help_text = rendering.explained()
            self.fields["text"].widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})


@register(MessageTemplate)
class MessageTemplateAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    form = MessageTemplateForm
    list_display = ["kind", "looks_like", "length"]
    search_fields = ["text"]
    fieldsets = [(None, {"fields": ["kind", "text", "looks_like", "length", "ours"]})]
    readonly_fields = ["looks_like", "length", "ours"]

    @admin.display(description="looks like")
    def looks_like(self, row: MessageTemplate) -> str:
        return rendering.sample(row.kind, row.text, row.tenant.language)

    @admin.display(description="length")
    def length(self, row: MessageTemplate) -> str:
        return rendering.price_of(self.looks_like(row))

    @admin.display(description="our words")
    def ours(self, row: MessageTemplate) -> str:
        return rendering.usual(row.kind, row.tenant.language)


# --- On pages that are made where messages are not known ------------------------------------------


@admin.display(description="told to the customer")
def told_to_customer(appointment: Appointment) -> SafeString | str:
    rows = Notification.objects.filter(appointment=appointment).order_by("-due_at")[:MOST_SHOWN]
    lines = (
        (
            tenant_time(row.sent_at or row.due_at, appointment.tenant),
            Kind(row.kind).label,
            row.get_channel_display(),
            row.get_state_display(),
            f" ({row.error})" if row.error else "",
        )
        for row in rows
    )
    return format_html_join("", "<div>{}: {} by {}, {}{}</div>", lines) or "-"


@admin.display(description="told to customers")
def told_to_customers(tenant: Tenant) -> SafeString:
    """What holds now, whether it is written in the settings or not."""
    wanted = wishes.wishes_of(tenant.settings)
    told = [f"{Kind(kind).label}: {channel}" for kind, channel in wanted.told.items()]
    told += [f"reminder {one.hours_before} hours before: {one.channel}" for one in wanted.reminders]
    if wanted.reminders and wanted.quiet:
        told.append(f"no reminders between {wanted.quiet.opens:%H:%M} and {wanted.quiet.closes:%H:%M}")
    if not told:
        return format_html(
            "{}", "Nothing. Text messages cost money, so nothing is sent until it is switched on."
        )
    return format_html_join("", "<div>{}</div>", ((one,) for one in told))


SETTINGS_HELP = (
    'notifications: true (all by text message), "sms", "email", or by kind, such as {"booked": "sms", "moved": '
    '"email", "cancelled": "off", "offered": "sms"}; reminders: [{"hoursBefore": 24, "channel": "sms"}]; '
    'quietHours: {"from": "21:00", "to": "08:00"} or false. Carriers bill every text.'
)


def join_page_of_tenants(pages: Any) -> None:
    explain_settings(pages, SETTINGS_HELP, lambda tenant, settings: wishes.problems(settings))
    pages.readonly_fields = [*pages.readonly_fields, told_to_customers]
    pages.fieldsets = [*pages.fieldsets, ("Messages", {"fields": [told_to_customers]})]


def join_page_of_appointments(pages: Any) -> None:
    pages.readonly_fields = [*pages.readonly_fields, told_to_customer]
    *others, integrations = pages.fieldsets
    pages.fieldsets = [*others, ("Messages", {"fields": [told_to_customer]}), integrations]


join_page_of_tenants(TenantAdmin)
join_page_of_appointments(AppointmentAdmin)
