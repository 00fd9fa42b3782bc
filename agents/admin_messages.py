"""What callers asked the agent to pass on, for whoever of the team deals with it; and the codes that were sent."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents import recordings
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
        (
            None,
            {
                "fields": [
                    "taken",
                    "caller_name",
                    "callback_e164",
                    "text",
                    "recorded",
                    "conversation",
                    "handled",
                ]
            },
        )
    ]
    readonly_fields = ["taken", "recorded", "handled"]
    actions = ["deal_with"]

    def get_urls(self) -> list[Any]:
        play = self.admin_site.admin_view(self.play)
        recording = path("<uuid:object_id>/recording", play, name="agents_message_recording")
        return [recording, *super().get_urls()]

    def play(self, request: HttpRequest, object_id: UUID) -> HttpResponseBase:
        """The voicemail of a message that the person may see: the page's own scope decides."""
        message = self.get_object(request, str(object_id))
        if message is None or not self.has_view_permission(request, message):
            raise Http404
        return recordings.play(request, message.tenant_id, message.recording)

    @admin.display(description="voicemail")
    def recorded(self, message: Message) -> SafeString | str:
        if not message.recording:
            return "not fetched from the carrier yet" if message.recording_ref else "-"
        url = reverse(f"{self.admin_site.name}:agents_message_recording", args=[message.pk])
        return format_html('<audio controls preload="none" src="{}"></audio>', url)

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
