"""The list of calls with its search, filters and export, and the page of each."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from agents.admin import LISTED, Written, cost_of, minutes
from agents.models import ToolInvocation
from appointments.admin.export import Column, Exportable, moments
from appointments.models import Customer
from telephony import words
from telephony.admin_feel import CallList, story_of
from telephony.call_page import notes
from telephony.call_page.story import Story
from telephony.models import Call
from tenants.roles import Area
from tenants.scoped_admin import one_line, register, tenant_time


class EndingFilter(admin.SimpleListFilter):
    title = "how it ended"
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*words.FAMILIES.items(), ("going-on", "Goes on")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "going-on":
            return queryset.filter(ended_at=None)
        family = self.value()
        return queryset.filter(outcome__in=words.outcomes_of(family)) if family else queryset


class BookedFilter(admin.SimpleListFilter):
    title = "appointment"
    parameter_name = "appointment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Made or changed"), ("no", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(has_appointment=self.value() == "yes") if self.value() else queryset


@register(Call)
class CallAdmin(Exportable, Written):
    area = Area.CALLS
    list_before_template = "admin/telephony/calls_felt.html"
    change_form_template = "admin/telephony/call.html"
    list_display = ["began", "caller", "state", "ending", "length", "booked", "direction"]
    list_filter = [
        "created_at",
        EndingFilter,
        BookedFilter,
        "state",
        "direction",
        ("number", admin.RelatedOnlyFieldListFilter),
        "carrier",
    ]
    list_select_related = ["conversation"]
    search_fields = [
        "conversation__tool_invocations__appointment__customer__name",
        "conversation__summary",
        "outcome",
        "carrier_call_id",
        "stream_id",
        "conversation__sessions__external_id",
    ]
    search_help_text = "A number as you would write it, a name, words of the summary, an id."
    phone_fields = ["from_e164", "to_e164"]
    date_hierarchy = "created_at"
    fields = readonly_fields = ["id"]  # the page is a template of its own
    actions = ["export_csv", "export_xlsx"]

    exported_related = ["conversation"]
    exported = [
        *moments("Began", "created_at"),
        *moments("Ended", "ended_at"),
        Column("Caller", lambda row: row.from_e164),
        Column("Number called", lambda row: row.to_e164),
        Column("Direction", lambda row: row.get_direction_display()),
        Column("State", lambda row: row.get_state_display()),
        Column("Outcome", lambda row: words.outcome(row.outcome)),
        Column("Seconds", lambda row: row.duration_seconds),
        Column("Summary", lambda row: row.conversation.summary if row.conversation else ""),
        Column("Cost", lambda row: cost_of(row.conversation) if row.conversation else ""),
        Column("Id", lambda row: row.pk),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        made = ToolInvocation.objects.filter(conversation=OuterRef("conversation")).exclude(appointment=None)
        theirs = Case(When(direction=Call.Direction.OUTBOUND, then="to_e164"), default="from_e164")
        known = Customer.objects.filter(tenant=OuterRef("tenant"), phone_e164=OuterRef("theirs"))
        name = known.exclude(phone_e164="").order_by("name").values("name")[:1]
        calls = super().get_queryset(request).annotate(theirs=theirs)
        return calls.annotate(has_appointment=Exists(made), customer_name=Subquery(name))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CallList]:
        return CallList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also by the names of customers on the line, and by the words that the list shows for outcomes."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return found, may_repeat
        named = Customer.objects.filter(name__icontains=search_term.strip()).exclude(phone_e164="")
        theirs = Q(theirs__in=named.values("phone_e164"))
        meant = Q(outcome__in=words.outcomes_worded(search_term))
        return found | queryset.filter(theirs | meant), may_repeat

    # --- The page ---

    def get_urls(self) -> list[Any]:
        note = self.admin_site.admin_view(require_POST(self.write_note))
        return [path("<uuid:object_id>/note/", note, name="telephony_call_note"), *super().get_urls()]

    def write_note(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return notes.write(self, request, str(object_id))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        call: Call = context["original"]
        context |= {
            "story": Story(call),
            "headline": tenant_time(call.created_at, call.tenant),
            "length": minutes(call.duration_seconds),
            "felt": story_of(call.feel),
            "note_form": notes.NoteForm() if notes.may_write(request, call) else None,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def headline(self, row: Any) -> str:
        return f"{row.their_e164 or 'Number withheld'}, {tenant_time(row.created_at, row.tenant)}"

    # --- The list ---

    @admin.display(description="began", ordering="created_at")
    def began(self, call: Call) -> SafeString | str:
        return one_line(tenant_time(call.created_at, call.tenant, LISTED))

    @admin.display(description="customer", ordering="theirs")
    def caller(self, call: Any) -> SafeString | str:
        """Whoever is on the other end, whichever side called."""
        if not call.customer_name:
            return call.their_e164 or "withheld"
        return format_html('{}<br><span class="quiet">{}</span>', call.customer_name, call.their_e164)

    @admin.display(description="outcome", ordering="outcome")
    def ending(self, call: Call) -> str:
        return words.outcome(call.outcome) or "-"

    @admin.display(description="length", ordering="duration_seconds")
    def length(self, call: Call) -> str:
        return minutes(call.duration_seconds)

    @admin.display(description="appointment", boolean=True)
    def booked(self, call: Any) -> bool:
        return bool(call.has_appointment)
