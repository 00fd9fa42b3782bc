"""What the booking engine keeps beside appointments: to be read, and changed by nobody."""

from django.contrib import admin
from django.utils.safestring import SafeString

from appointments.models import (
    AppointmentAddOn,
    AppointmentChange,
    Hold,
    IdempotencyRecord,
    ImportDraft,
    OutboxMessage,
    ResourceUse,
    Series,
)
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, one_line, pretty, register, tenant_time

Scoped = admin.RelatedOnlyFieldListFilter


class EngineAdmin(ScopedModelAdmin):
    """What the booking engine writes: to be read."""

    area = Area.CALENDAR
    read_only = True


@register(Series)
class SeriesAdmin(EngineAdmin):
    list_display = ["customer", "service", "employee", "interval_weeks", "occurrences", "created_at"]
    list_filter = [("service", Scoped), ("employee", Scoped)]
    list_select_related = ["customer", "service", "employee"]
    search_fields = ["customer__name", "service__name"]
    fields = ["customer", "service", "employee", "first_local", "interval_weeks", "occurrences", "created_at"]


@register(Hold)
class HoldAdmin(EngineAdmin):
    list_display = ["since", "service", "employee", "until"]
    list_filter = [("employee", Scoped), ("service", Scoped)]
    list_select_related = ["service", "employee"]
    search_fields = ["=holder", "service__name"]
    phone_fields = ["caller_e164"]
    fields = ["service", "employee", "starts_at", "ends_at", "holder", "caller_e164", "expires_at"]

    @admin.display(description="slot", ordering="starts_at")
    def since(self, hold: Hold) -> SafeString | str:
        return one_line(tenant_time(hold.starts_at, hold.tenant))

    @admin.display(description="held until", ordering="expires_at")
    def until(self, hold: Hold) -> SafeString | str:
        return one_line(tenant_time(hold.expires_at, hold.tenant))


@register(AppointmentChange)
class AppointmentChangeAdmin(EngineAdmin):
    list_display = ["changed_at", "kind", "actor", "appointment"]
    list_filter = ["kind"]
    list_select_related = ["appointment"]
    search_fields = ["actor", "reason"]
    date_hierarchy = "changed_at"
    fields = ["appointment", "kind", "actor", "reason", "was", "became", "changed_at"]
    readonly_fields = ["was", "became"]
    listed_for_members = False

    @admin.display(description="before")
    def was(self, change: AppointmentChange) -> SafeString | str:
        return pretty(change.before)

    @admin.display(description="after")
    def became(self, change: AppointmentChange) -> SafeString | str:
        return pretty(change.after)


@register(AppointmentAddOn)
class AppointmentAddOnAdmin(EngineAdmin):
    list_display = ["appointment", "add_on", "minutes", "price"]
    list_select_related = ["appointment", "add_on"]
    search_fields = ["add_on__name"]
    fields = ["appointment", "add_on", "minutes", "price"]
    listed_for_members = False


@register(ResourceUse)
class ResourceUseAdmin(EngineAdmin):
    list_display = ["resource", "unit", "since", "until", "is_active"]
    list_filter = ["is_active", ("resource", Scoped)]
    list_select_related = ["resource"]
    search_fields = ["resource__name"]
    fields = ["resource", "unit", "appointment", "blocked_from", "blocked_until", "is_active"]
    listed_for_members = False

    @admin.display(description="from", ordering="blocked_from")
    def since(self, use: ResourceUse) -> SafeString | str:
        return one_line(tenant_time(use.blocked_from, use.tenant))

    @admin.display(description="until", ordering="blocked_until")
    def until(self, use: ResourceUse) -> SafeString | str:
        return one_line(tenant_time(use.blocked_until, use.tenant))


@register(OutboxMessage)
class OutboxMessageAdmin(EngineAdmin):
    list_display = ["created_at", "kind", "appointment", "handled_at"]
    list_filter = ["kind", "handled_at"]
    list_select_related = ["appointment"]
    search_fields = ["kind"]
    fields = ["kind", "appointment", "told", "created_at", "handled_at"]
    readonly_fields = ["told"]
    area = Area.PLATFORM

    @admin.display(description="body")
    def told(self, message: OutboxMessage) -> SafeString | str:
        return pretty(message.body)


@register(IdempotencyRecord)
class IdempotencyRecordAdmin(ScopedModelAdmin):
    list_display = ["created_at", "scope", "key"]
    list_filter = ["scope"]
    search_fields = ["=key"]
    ordering = ["-created_at"]
    fields = ["scope", "key", "request_hash", "answered", "created_at"]
    readonly_fields = ["answered", "created_at"]
    read_only = True
    area = Area.PLATFORM

    @admin.display(description="answer")
    def answered(self, record: IdempotencyRecord) -> SafeString | str:
        return pretty(record.answer)


@register(ImportDraft)
class ImportDraftAdmin(ScopedModelAdmin):
    """That there is one; what is in it is shown to whoever has uploaded it."""

    list_display = ["created_at", "kind", "uploaded_by"]
    list_filter = ["kind"]
    list_select_related = ["uploaded_by"]
    search_fields = ["=kind"]
    fields = ["kind", "uploaded_by", "created_at"]
    readonly_fields = ["created_at"]
    read_only = True
    area = Area.PLATFORM
