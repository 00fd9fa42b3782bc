"""The operators' list of businesses: plan, limits and whether it is suspended, with a way in. Also their first page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from telephony.limits import REFUSED, surely_over
from telephony.models import Call
from telephony.spend.caps import MICROS, Window
from telephony.spend.so_far import so_far
from tenants import plans
from tenants.admin_sites import operators
from tenants.models import Tenant
from tenants.scoping import platform_scope
from tonris.desk.usage import Month, usage_of

LIMITS = {
    "maxConcurrentCalls": "calls at once",
    "maxSeats": "people",
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
    return str(tenant.plan or named or "-")


@admin.display(description="limits")
def limits(tenant: Tenant) -> str:
    """What holds, wherever it stands."""
    known = plans.limits_of(tenant)
    return ", ".join(f"{known[key]} {words}" for key, words in LIMITS.items() if known.get(key)) or "none"


@admin.display(description="holds now, and used so far")
def used(tenant: Tenant) -> SafeString | str:
    """Every limit that holds, where it comes from, and what there is of it this month."""
    if tenant._state.adding:
        return "-"
    now = timezone.now()
    with platform_scope():
        amounts = so_far(tenant, now)
        at_once = Call.objects.for_tenant(tenant).filter(ended_at=None, created_at__gt=now - surely_over())
        busy = at_once.exclude(outcome__in=REFUSED).count()
        people = plans.seats_taken(tenant)
    day, month = amounts[Window.DAY].used, amounts[Window.MONTH].used
    spent = {"day": day.micros / MICROS, "month": month.micros / MICROS}
    told = {
        "maxConcurrentCalls": str(busy),
        "maxMinutesPerDay": f"{day.seconds / 60:.1f}",
        "maxMinutesPerMonth": f"{month.seconds / 60:.1f}",
        "maxSpendPerDay": f"{spent['day']:.2f} {tenant.currency}",
        "maxSpendPerMonth": f"{spent['month']:.2f} {tenant.currency}",
        "maxSeats": str(people),
    }
    holds, own = plans.limits_of(tenant), tenant.settings if isinstance(tenant.settings, dict) else {}
    rows = [
        (limit.label, told[limit.key], holds.get(limit.key) or "no limit", _whence(limit.key, own, holds))
        for limit in plans.LIMITS
    ]
    lines = format_html_join(
        "", '<tr><th scope="row">{}</th><td>{}</td><td>of {}</td><td class="quiet">{}</td></tr>', rows
    )
    return format_html('<div class="desk"><table class="lines">{}</table></div>', lines)


def _whence(key: str, own: dict[str, Any], holds: dict[str, Any]) -> str:
    return "its own" if key in own else "its plan's" if holds.get(key) else ""


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
_pages.readonly_fields = [*_pages.readonly_fields, used]
_pages.about_limits = [used]
_pages.list_display = ["name", standing, plan, limits, "timezone", "phone", way_in]
