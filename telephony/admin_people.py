"""Whom a business lets us ring for its callers, and how it went."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from telephony.admin_settings import explain_settings
from telephony.models import RingGroup, RingHours, RingPerson, Transfer, TransferLeg
from telephony.people import alerts, directory, numbers
from tenants.acting import is_operator
from tenants.admin import TenantAdmin
from tenants.admin_old_pages import OldPageForm
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164
from tenants.roles import Area
from tenants.scoped_admin import ScopedInline, ScopedModelAdmin, one_line, register, tenant_time


class RingPersonForm(OldPageForm):
    duplicate = "The group has this number already."

    e164 = forms.CharField(
        label="Number",
        max_length=40,  # as typed, with spaces and brackets
        widget=UnfoldAdminTextInputWidget,
        help_text="With its country, such as +15551234567, or as it is written in your own.",
    )

    def clean(self) -> dict[str, Any]:
        """Only numbers that may be dialled: whoever can change this list could otherwise earn by it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        typed, tenant = cleaned.get("e164"), self.tenant()
        if not typed or tenant is None:
            return cleaned
        try:
            e164 = to_e164(typed, region_of(tenant.phone))
        except InvalidNumber:
            self.add_error("e164", "This is not a telephone number, such as +15551234567.")
            return cleaned
        may_cost = cleaned.get("may_cost", self.instance.may_cost) is True
        problem = directory.refusal(tenant, e164, may_cost=may_cost)
        if problem:
            self.add_error("e164", problem)
        cleaned["e164"] = e164
        return cleaned


class RingPersonInline(ScopedInline):
    area = Area.CATALOG
    model = RingPerson
    form = RingPersonForm
    fk_name = "group"
    fields = ["name", "e164", "position", "is_active", "may_cost"]
    extra = 1

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What may cost more than a local call is for the platform to decide."""
        fields = list(super().get_readonly_fields(request, obj))
        return fields if is_operator(request) else [*fields, "may_cost"]


class RingHoursInline(ScopedInline):
    area = Area.CATALOG
    model = RingHours
    form = OldPageForm
    fk_name = "group"
    fields = ["weekday", "opens", "closes"]
    verbose_name_plural = "hours of its own (only where it is rung at those)"


class RingGroupForm(OldPageForm):
    duplicate = "There is a group of this name already."


@register(RingGroup)
class RingGroupAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    form = RingGroupForm
    list_display = ["name", "position", "when", "order", "members", "is_active"]
    list_filter = ["is_active", "when"]
    search_fields = ["name", "people__name"]
    phone_fields = ["people__e164"]
    fields = ["name", "position", "when", "order", "rings_seconds", "is_active"]
    inlines = [RingPersonInline, RingHoursInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("people")

    @admin.display(description="people")
    def members(self, group: RingGroup) -> str:
        return ", ".join(one.name for one in group.people.all() if one.is_active) or "nobody"


@register(RingPerson)
class RingPersonAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    form = RingPersonForm
    list_display = ["name", "e164", "group", "position", "is_active"]
    list_filter = ["is_active", ("group", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["group"]
    search_fields = ["name", "group__name"]
    phone_fields = ["e164"]
    autocomplete_fields = ["group"]
    fields = ["group", "name", "e164", "position", "is_active", "may_cost"]
    listed_for_members = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if is_operator(request) else [*fields, "may_cost"]


@register(RingHours)
class RingHoursAdmin(ScopedModelAdmin):
    area = Area.CATALOG
    list_display = ["weekday", "opens", "closes", "group"]
    list_filter = ["weekday", ("group", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["group"]
    search_fields = ["group__name"]
    autocomplete_fields = ["group"]
    fields = ["group", "weekday", "opens", "closes"]
    listed_for_members = False


class LegsInline(ScopedInline):
    area = Area.CALLS
    model = TransferLeg
    fk_name = "transfer"
    fields = ["round", "name", "e164", "state"]
    readonly_fields = ["round", "name", "e164", "state"]
    verbose_name_plural = "who was rung"
    read_only = True
    can_delete = False


@register(Transfer)
class TransferAdmin(ScopedModelAdmin):
    area = Area.CALLS
    read_only = True
    list_display = ["began", "call", "purpose", "state", "taken_by", "legs_line"]
    list_filter = ["state", "purpose", "is_warm", "started_at"]
    list_select_related = ["call"]
    search_fields = ["taken_by", "reason", "legs__name"]
    date_hierarchy = "started_at"
    ordering = ["-started_at"]
    fields = ["began", "call", "purpose", "is_warm", "reason", "state", "taken_by"]
    readonly_fields = ["began"]
    inlines = [LegsInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("legs")

    @admin.display(description="began", ordering="started_at")
    def began(self, transfer: Transfer) -> SafeString | str:
        return one_line(tenant_time(transfer.started_at, transfer.tenant))

    @admin.display(description="who was rung")
    def legs_line(self, transfer: Transfer) -> SafeString | str:
        rows = ((leg.name, leg.get_state_display()) for leg in transfer.legs.all())
        return format_html_join(", ", "{} ({})", rows) or "-"


@register(TransferLeg)
class TransferLegAdmin(ScopedModelAdmin):
    area = Area.CALLS
    read_only = True
    list_display = ["name", "e164", "transfer", "round", "state"]
    list_filter = ["state"]
    list_select_related = ["transfer"]
    search_fields = ["name", "carrier_leg_id"]
    phone_fields = ["e164"]
    fields = ["name", "e164", "transfer", "round", "place", "state", "carrier_leg_id"]
    listed_for_members = False


# --- On the page of a business --------------------------------------------------------------------

SETTINGS_HELP = (
    'transferMode: "blind" (put through at once) or "warm" (the person hears who calls and presses 1); transferNumber: '
    "rung after all ring groups, at any hour; transferAbroad: true, for one in another country; whisperNumber: "
    '"ending" tells colleagues only the last four digits; messageAlerts: {"sms": ["+15551234567"], "email": '
    '["desk@example.com"]}, who is told of messages; messageReceipt: true, the caller gets a text.'
)


def problems(tenant: Tenant, settings: dict[str, Any]) -> list[str]:
    """None of a business that is about to be made: what is rung for it is seen when it has numbers."""
    return [] if tenant._state.adding else problems_with(settings, directory.own_numbers(tenant))


def problems_with(settings: dict[str, Any], own: list[str]) -> list[str]:
    """`own`: the numbers that callers dial."""
    found = list(alerts.problems(settings))
    if settings.get(directory.MODE, "blind") not in {"blind", directory.WARM}:
        found.append('transferMode: "blind" or "warm"')
    number = settings.get(directory.NUMBER)
    if not number:
        return found
    try:
        e164 = to_e164(str(number))
    except InvalidNumber:
        return [*found, "transferNumber: not a number such as +15551234567"]
    abroad = settings.get(directory.ABROAD) is True
    if numbers.is_costly(e164):
        found.append("transferNumber: it charges special rates; no setting allows that")
    elif problem := numbers.refusal(e164, home=own, ours=own, may_cost=abroad):
        found.append(f"transferNumber: {problem}")
    return found


explain_settings(TenantAdmin, SETTINGS_HELP, problems)
