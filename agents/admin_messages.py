"""What callers asked the agent to pass on, for whoever of the team deals with it; and the codes that were sent."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from agents.models import Message, OneTimeCode
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, one_line, register, tenant_time


@register(Message)
class MessageAdmin(ScopedModelAdmin):
    area = Area.MESSAGES
    read_only = True
    list_display = ["taken", "caller_name", "callback_e164", "beginning", "dealt_with"]
    list_filter = [("handled_at", admin.EmptyFieldListFilter), "taken_at"]
    search_fields = ["text", "caller_name"]
    search_help_text = "Words of the message, a name, or a telephone number."
    phone_fields = ["callback_e164"]
    date_hierarchy = "taken_at"
    ordering = ["-taken_at"]
    fieldsets = [
        (None, {"fields": ["taken", "caller_name", "callback_e164", "text", "conversation", "handled"]})
    ]
    readonly_fields = ["taken", "handled"]
    actions = ["deal_with"]

    @admin.display(description="taken", ordering="taken_at")
    def taken(self, message: Message) -> SafeString | str:
        return one_line(tenant_time(message.taken_at, message.tenant))

    @admin.display(description="message")
    def beginning(self, message: Message) -> str:
        text = message.text
        return text if len(text) <= 80 else f"{text[:79].rstrip()}…"

    @admin.display(description="dealt with", boolean=True)
    def dealt_with(self, message: Message) -> bool:
        return message.handled_at is not None

    @admin.display(description="dealt with")
    def handled(self, message: Message) -> str:
        return tenant_time(message.handled_at, message.tenant) or "not yet"

    @admin.action(description="Mark as dealt with", permissions=["act"])
    def deal_with(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        count = queryset.filter(handled_at=None).update(handled_at=timezone.now())
        messages.success(request, f"Dealt with: {count}.")


@register(OneTimeCode)
class OneTimeCodeAdmin(ScopedModelAdmin):
    read_only = True
    list_display = ["sent_at", "phone_e164", "tries", "expires_at"]
    fields = ["sent_at", "phone_e164", "tries", "expires_at", "conversation"]
