"""How long calls were with an agent, and what that cost."""

from django.contrib import admin

from agents.admin import Written, minutes
from telephony.models import BudgetAlarm, Meter
from telephony.spend.caps import MICROS
from tenants.roles import Area
from tenants.scoped_admin import register


@register(Meter)
class MeterAdmin(Written):
    area = Area.BUSINESS
    list_display = ["day", "call", "caller_e164", "used", "cost", "held"]
    list_filter = ["day"]
    list_select_related = ["call"]
    search_fields = ["caller_e164", "call__carrier_call_id"]
    phone_fields = ["caller_e164"]
    date_hierarchy = "day"
    ordering = ["-created_at"]
    fields = ["day", "call", "caller_e164", "used", "cost", "held", "begun_at", "seen_at", "closed_at"]
    readonly_fields = ["used", "cost", "held"]

    @admin.display(description="with an agent", ordering="used_seconds")
    def used(self, meter: Meter) -> str:
        return minutes(meter.used_seconds)

    @admin.display(description="cost")
    def cost(self, meter: Meter) -> str:
        return f"{meter.used_seconds * meter.micros_per_second / MICROS:.2f} {meter.tenant.currency}"

    @admin.display(description="held")
    def held(self, meter: Meter) -> str:
        """Beyond what is used, as long as the call goes on."""
        if meter.closed_at is not None or meter.granted_seconds is None:
            return "-"
        return f"{max(meter.granted_seconds - meter.used_seconds, 0)} s"


@register(BudgetAlarm)
class BudgetAlarmAdmin(Written):
    area = Area.BUSINESS
    list_display = ["created_at", "percent", "window", "began_on", "told_at"]
    list_filter = ["window", "percent"]
    search_fields = ["window"]
    date_hierarchy = "began_on"
    fields = ["window", "began_on", "percent", "created_at", "told_at"]
    readonly_fields = ["created_at"]
