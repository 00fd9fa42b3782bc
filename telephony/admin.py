"""The line: numbers, and what happened to calls, event by event. Calls themselves are in `admin_calls`."""

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from agents.admin import LISTED, Written
from telephony import (  # noqa: F401 - register their pages
    admin_blocked,
    admin_calls,
    admin_erasure,
    admin_examinations,
    admin_notifications,
    admin_outbound,
    admin_people,
    admin_spend,
    admin_vendor_erasures,
)
from telephony.models import CallEvent, PhoneNumber
from telephony.test_call import page as test_call_page  # noqa: F401 - adds itself to the site
from telephony.watching import page as live_calls_page  # noqa: F401
from tenants.admin import TenantAdmin
from tenants.phone import InvalidNumber, to_e164
from tenants.roles import Area
from tenants.scoped_admin import (
    ScopedForm,
    ScopedInline,
    ScopedModelAdmin,
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
