"""Numbers that a business takes no calls from."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from telephony.models import BlockedNumber
from tenants.phone import InvalidNumber, region_of, to_e164
from tenants.roles import Area
from tenants.scoped_admin import ScopedForm, ScopedModelAdmin, register


class BlockedNumberForm(ScopedForm):
    duplicate = "This number is blocked already."

    e164 = forms.CharField(
        label="Number",
        max_length=40,  # as typed, with spaces and brackets
        widget=UnfoldAdminTextInputWidget,
        help_text="With its country, such as +15551234567, or as it is written in your own.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        typed, tenant = cleaned.get("e164"), self.tenant()
        if typed and tenant is not None:
            try:
                cleaned["e164"] = to_e164(typed, region_of(tenant.phone))
            except InvalidNumber:
                self.add_error("e164", "This is not a telephone number, such as +15551234567.")
        return cleaned


@register(BlockedNumber)
class BlockedNumberAdmin(ScopedModelAdmin):
    """Staff block; who takes a number off the list is whoever may delete customers."""

    area = Area.CUSTOMERS
    form = BlockedNumberForm
    list_display = ["e164", "reason", "since"]
    phone_fields = ["e164"]
    search_fields = ["=e164", "reason"]
    fields = ["e164", "reason"]
