"""The operators' list of businesses: plan, limits and whether it is suspended, with a way in. Also their first page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.admin_sites import operators
from tenants.models import Tenant
from tonris.desk.usage import Month, usage_of

LIMITS = {
    "maxConcurrentCalls": "calls at once",
    "maxCallsPerCaller": "of one caller",
    "maxDailyCallsPerCaller": "a day of one caller",
    "maxCallSeconds": "s a call",
    "maxMinutesPerDay": "min a day",
    "maxMinutesPerMonth": "min a month",
    "maxSpendPerDay": "spent a day",
    "maxSpendPerMonth": "spent a month",
}


@admin.display(description="plan")
def plan(tenant: Tenant) -> str:
    named = tenant.settings.get("plan") if isinstance(tenant.settings, dict) else None
    return str(named) if named else "-"


@admin.display(description="limits")
def limits(tenant: Tenant) -> str:
    known = tenant.settings if isinstance(tenant.settings, dict) else {}
    return ", ".join(f"{known[key]} {words}" for key, words in LIMITS.items() if known.get(key)) or "none"


@admin.display(description="status", ordering="status")
def standing(tenant: Tenant) -> SafeString:
    return format_html('<span class="standing {}">{}</span>', tenant.status, tenant.get_status_display())


@admin.display(description="")
def way_in(tenant: Tenant) -> SafeString:
    """A button of the list's own form, which carries the token that makes it a deliberate act."""
    there = reverse("ops:enter", args=[tenant.pk])
    return format_html('<button class="desk-button" formaction="{}" formnovalidate>Enter</button>', there)


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    month = Month.parse("", timezone.now().date())
    rows = usage_of(month)
    return {
        **context,
        "month": month,
        "rows": sorted(rows, key=lambda row: (-row.calls, row.tenant.name)),
        "calls": sum(row.calls for row in rows),
        "minutes": sum(row.minutes for row in rows),
        "booked": sum(row.booked for row in rows),
        "suspended": sum(not row.tenant.is_active for row in rows),
    }


_pages = operators.get_model_admin(Tenant)
_pages.list_display = ["name", standing, plan, limits, "timezone", "phone", way_in]
