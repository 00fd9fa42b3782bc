"""What was said and done: conversations with their turns and tool calls, and what providers sent. To look at only."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agents import admin_messages, admin_versions, recordings  # noqa: F401 - both register their pages
from agents.costs import costs_of
from agents.models import Conversation, ProviderEvent, ProviderSession, SeenSignature, ToolInvocation, Turn
from agents.providers import PROVIDERS
from appointments.models import Appointment
from tenants.models import Tenant
from tenants.roles import Area
from tenants.scoped_admin import (
    ScopedModelAdmin,
    link,
    one_line,
    pretty,
    register,
    tenant_time,
)

CLOCK = "H:i:s"
LISTED = "j M Y, H:i T"


class Written(ScopedModelAdmin):
    """Rows that the product writes while it works: nobody changes what happened."""

    read_only = True


@register(Conversation)
class ConversationAdmin(Written):
    area = Area.CALLS
    list_display = ["began", "caller", "length", "booked", "provider", "summary_line"]
    list_filter = ["provider", "started_at"]
    search_fields = ["turns__text", "summary", "carrier_call_id", "sessions__external_id", "agent_id"]
    search_help_text = "Words that were said, a telephone number, or an id."
    phone_fields = ["caller_e164", "called_e164"]
    date_hierarchy = "started_at"
    fieldsets = [
        (None, {"fields": ["began", "ended", "caller", "called", "length", "failure_reason", "summary"]}),
        ("What was said", {"fields": ["recorded", "transcript"]}),
        ("Appointments", {"fields": ["appointments"]}),
        (
            "For integrations",
            {"fields": ["id", "provider", "agent_id", "carrier_call_id", "sessions", "spent", "analysed"]},
        ),
    ]
    readonly_fields = [
        "id",
        "began",
        "ended",
        "caller",
        "called",
        "length",
        "recorded",
        "transcript",
        "appointments",
        "sessions",
        "spent",
        "analysed",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        made = ToolInvocation.objects.filter(conversation=OuterRef("pk")).exclude(appointment=None)
        return super().get_queryset(request).annotate(has_appointment=Exists(made))

    def get_urls(self) -> list[Any]:
        play = self.admin_site.admin_view(self.play)
        recording = path("<uuid:object_id>/recording", play, name="agents_conversation_recording")
        return [recording, *super().get_urls()]

    def play(self, request: HttpRequest, object_id: UUID) -> HttpResponseBase:
        """The recording of a conversation that the person may see: the page's own scope decides."""
        conversation = self.get_object(request, str(object_id))
        if conversation is None or not self.has_view_permission(request, conversation):
            raise Http404
        return recordings.play(request, conversation.tenant_id, conversation.recording)

    def headline(self, row: Any) -> str:
        return f"{row.caller_e164 or 'Number withheld'}, {tenant_time(row.started_at, row.tenant)}"

    @admin.display(description="began", ordering="started_at")
    def began(self, conversation: Conversation) -> SafeString | str:
        return one_line(tenant_time(conversation.started_at, conversation.tenant, LISTED))

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, conversation: Conversation) -> str:
        return tenant_time(conversation.ended_at, conversation.tenant)

    @admin.display(description="caller", ordering="caller_e164")
    def caller(self, conversation: Conversation) -> str:
        return conversation.caller_e164 or "withheld"

    @admin.display(description="number called", ordering="called_e164")
    def called(self, conversation: Conversation) -> str:
        return conversation.called_e164 or "-"

    @admin.display(description="length")
    def length(self, conversation: Conversation) -> str:
        if conversation.ended_at is None:
            return "-"
        lasted = (conversation.ended_at - conversation.started_at).total_seconds()
        return minutes(max(round(lasted), 0))  # two hosts may have written them down, by clocks of their own

    @admin.display(description="appointment", boolean=True)
    def booked(self, conversation: Any) -> bool:
        return bool(conversation.has_appointment)

    @admin.display(description="summary")
    def summary_line(self, conversation: Conversation) -> str:
        return shortened(conversation.summary)

    @admin.display(description="recording")
    def recorded(self, conversation: Conversation) -> SafeString | str:
        if not conversation.recording:
            return "-"
        url = reverse(f"{self.admin_site.name}:agents_conversation_recording", args=[conversation.pk])
        return format_html('<audio controls preload="none" src="{}"></audio>', url)

    @admin.display(description="transcript")
    def transcript(self, conversation: Conversation) -> SafeString | str:
        return transcript_of(conversation)

    @admin.display(description="appointments")
    def appointments(self, conversation: Conversation) -> SafeString | str:
        return appointments_of(conversation, self.admin_site)

    @admin.display(description="provider sessions")
    def sessions(self, conversation: Conversation) -> SafeString | str:
        return sessions_of(conversation)

    @admin.display(description="cost", ordering="cost")
    def spent(self, conversation: Conversation) -> str:
        return cost_of(conversation)

    @admin.display(description="analysis")
    def analysed(self, conversation: Conversation) -> SafeString | str:
        return pretty(conversation.analysis)


@register(ProviderSession)
class ProviderSessionAdmin(Written):
    area = Area.CALLS
    list_display = ["external_id", "provider", "agent_id", "input_format", "output_format", "close_code"]
    list_filter = ["provider", "close_code"]
    search_fields = ["external_id", "agent_id"]
    date_hierarchy = "started_at"
    listed_for_members = False


@register(Turn)
class TurnAdmin(Written):
    area = Area.CALLS
    list_display = ["said", "speaker", "line", "interrupted"]
    list_filter = ["speaker", "occurred_at"]
    search_fields = ["text"]
    ordering = ["-occurred_at"]
    date_hierarchy = "occurred_at"
    listed_for_members = False

    @admin.display(description="said", ordering="occurred_at")
    def said(self, turn: Turn) -> SafeString | str:
        return one_line(tenant_time(turn.occurred_at, turn.tenant, LISTED))

    @admin.display(description="text")
    def line(self, turn: Turn) -> str:
        return shortened(turn.text)

    @admin.display(description="cut short", boolean=True)
    def interrupted(self, turn: Turn) -> bool:
        return turn.heard_text is not None


@register(ToolInvocation)
class ToolInvocationAdmin(Written):
    area = Area.SCENES
    list_display = ["asked", "tool", "succeeded", "answer_line", "duration_ms", "conversation"]
    list_filter = ["tool", "succeeded", "occurred_at"]
    list_select_related = ["conversation"]
    search_fields = ["tool", "conversation__carrier_call_id"]
    date_hierarchy = "occurred_at"
    fields = ["asked", "tool", "succeeded", "duration_ms", "conversation", "appointment", "question", "reply"]
    readonly_fields = ["asked", "question", "reply"]

    @admin.display(description="asked", ordering="occurred_at")
    def asked(self, call: ToolInvocation) -> SafeString | str:
        return one_line(tenant_time(call.occurred_at, call.tenant, LISTED))

    @admin.display(description="answer")
    def answer_line(self, call: ToolInvocation) -> str:
        return shortened(said_in(call.answer))

    @admin.display(description="arguments")
    def question(self, call: ToolInvocation) -> SafeString | str:
        return pretty(call.arguments)

    @admin.display(description="answer")
    def reply(self, call: ToolInvocation) -> SafeString | str:
        return pretty(call.answer)


@register(ProviderEvent)
class ProviderEventAdmin(Written):
    area = Area.SCENES
    list_display = ["received", "kind", "provider", "external_id", "processed", "attempts", "error_line"]
    list_filter = ["provider", "kind", "received_at"]
    search_fields = ["external_id", "kind", "error"]
    date_hierarchy = "received_at"
    fields = [
        "received",
        "kind",
        "provider",
        "external_id",
        "processed_at",
        "attempts",
        "error",
        "content",
        "attachment",
        "digest",
    ]
    readonly_fields = ["received", "content"]

    @admin.display(description="received", ordering="received_at")
    def received(self, event: ProviderEvent) -> SafeString | str:
        return one_line(tenant_time(event.received_at, event.tenant, LISTED))

    @admin.display(description="processed", boolean=True)
    def processed(self, event: ProviderEvent) -> bool:
        return event.processed_at is not None

    @admin.display(description="error")
    def error_line(self, event: ProviderEvent) -> str:
        return shortened(event.error)

    @admin.display(description="body")
    def content(self, event: ProviderEvent) -> SafeString | str:
        return pretty(event.body)


@register(SeenSignature)
class SeenSignatureAdmin(Written):
    list_display = ["digest", "seen_at"]
    search_fields = ["=digest"]


# --- The story of a conversation, as the pages of calls tell it too --------------------------------

_BUBBLE = (
    '<div class="story"><span class="at">{}</span><span class="who">{}</span><div class="what">{}</div></div>'
)
_TOOL = (
    '<details class="story-tool"><summary>{} <code>{}</code> {} <span style="color:var(--body-quiet-color)">'
    "{} ms</span></summary><p><strong>Arguments</strong></p>{}<p><strong>Answer</strong></p>{}</details>"
)


def transcript_of(conversation: Conversation) -> SafeString | str:
    """Everything that was said, and between the turns the tool calls: in the order in which it happened."""
    turns = [(turn.position, 0, turn.occurred_at, turn) for turn in conversation.turns.all()]
    calls = [(call.position, 1, call.occurred_at, call) for call in conversation.tool_invocations.all()]
    story = sorted([*turns, *calls], key=lambda entry: entry[:3])
    if not story:
        return "Nothing was said."
    return format_html_join("", "{}", ((_told(entry[-1], conversation.tenant),) for entry in story))


def _told(entry: Any, tenant: Tenant) -> SafeString:
    if isinstance(entry, Turn):
        return format_html(
            _BUBBLE,
            tenant_time(entry.occurred_at, tenant, CLOCK),
            entry.get_speaker_display().capitalize(),
            _words(entry),
        )
    outcome = "✓" if entry.succeeded else "✗"
    said = shortened(said_in(entry.answer))
    return format_html(
        _TOOL, outcome, entry.tool, said, entry.duration_ms, pretty(entry.arguments), pretty(entry.answer)
    )


def _words(turn: Turn) -> SafeString | str:
    """What was said; where the caller spoke over it, what was heard, and greyed what was not."""
    heard = turn.heard_text
    if heard is None:
        return turn.text
    unheard = turn.text.removeprefix(heard) if turn.text.startswith(heard) else f" (meant: {turn.text})"
    return format_html(
        '{}<s style="color:var(--body-quiet-color)">{}</s> <em>(cut short: {})</em>',
        heard,
        unheard,
        f"the caller heard “{heard}”" if heard else "the caller heard nothing of it",
    )


def appointments_of(conversation: Conversation, site: admin.AdminSite) -> SafeString | str:
    """The appointments that were made or changed in the conversation."""
    touched = Appointment.objects.filter(tool_invocations__conversation=conversation).distinct()
    rows = touched.select_related("tenant", "service", "employee", "customer").order_by("starts_at")
    if not rows:
        return "-"
    return format_html_join("", "<div>{}: {} with {} for {} ({})</div>", (_line(row, site) for row in rows))


def _line(row: Appointment, site: admin.AdminSite) -> tuple[Any, ...]:
    when = link(site, row, tenant_time(row.starts_at, row.tenant))
    return when, row.service, row.employee, link(site, row.customer), row.get_status_display()


def sessions_of(conversation: Conversation) -> SafeString | str:
    """Every connection to a provider that the conversation took."""
    return (
        format_html_join(
            "",
            "<div><code>{}</code> {} ({} in, {} out){}{}{}</div>",
            (
                (
                    session.external_id,
                    session.provider,
                    session.input_format or "?",
                    session.output_format or "?",
                    f", closed {session.close_code} {session.close_reason}" if session.close_code else "",
                    "".join(f", {count} {name.replace('_', ' ')}" for name, count in session.usage.items()),
                    f", {in_units(session.provider, session.cost)}" if session.cost is not None else "",
                )
                for session in conversation.sessions.all()
            ),
        )
        or "-"
    )


def cost_of(conversation: Conversation) -> str:
    """What each provider took that was on the line."""
    return ", ".join(in_units(*one) for one in costs_of(conversation).items()) or "-"


def in_units(provider: str, cost: Decimal) -> str:
    """In the unit that the provider counts in."""
    unit = PROVIDERS[provider].cost_unit if provider in PROVIDERS else ""
    return f"{cost.normalize():f} {unit}".strip()


def said_in(answer: dict[str, Any]) -> str:
    """What a tool's answer gave the agent to say."""
    data = answer.get("data")
    inner = data.get("message") if isinstance(data, dict) else None
    return str(answer.get("message") or inner or answer.get("error") or "")


def minutes(seconds: int | None) -> str:
    """ "2:05" """
    return "-" if seconds is None else f"{seconds // 60}:{seconds % 60:02d}"


def shortened(text: str, longest: int = 80) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
