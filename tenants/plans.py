"""What a business may use: the limits of its plan, and those that an operator has set for it alone.

A limit of its own stands in the business's settings and goes before the plan's; 0 there means that it has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from tenants.models import Invitation, Member, Plan, Tenant


@dataclass(frozen=True, slots=True)
class Limit:
    """`key` in a tenant's settings, `field` of a plan."""

    key: str
    field: str
    label: str
    help_text: str
    is_whole: bool = False


LIMITS = (
    Limit(
        "maxConcurrentCalls", "concurrent_calls", "calls at once",
        "One more hears that all lines are busy.", is_whole=True,
    ),
    Limit(
        "maxMinutesPerDay", "minutes_per_day", "minutes a day",
        "With an agent. Then callers are told, and get a person or voicemail where there is one.",
    ),
    Limit(
        "maxMinutesPerMonth", "minutes_per_month", "minutes a month",
        "With an agent, in a month of the business's calendar.",
    ),
    Limit(
        "maxSpendPerDay", "spend_per_day", "spend a day",
        "In the business's currency, at its price of a minute.",
    ),
    Limit(
        "maxSpendPerMonth", "spend_per_month", "spend a month",
        "In the business's currency, at its price of a minute.",
    ),
    Limit("maxSeats", "seats", "people of the team", "Members and open invitations together.", is_whole=True),
)  # fmt: skip


def limits_of(tenant: Tenant) -> dict[str, Any]:
    """Its settings, with the plan's limits where it has none of its own. One query more if it has a plan."""
    own: Mapping[str, Any] = tenant.settings if isinstance(tenant.settings, dict) else {}
    return {**of_plan(tenant.plan), **own} if tenant.plan_id is not None else dict(own)


def of_plan(plan: Plan | None) -> dict[str, Any]:
    if plan is None:
        return {}
    found = {limit.key: getattr(plan, limit.field) for limit in LIMITS}
    return {key: value for key, value in found.items() if value is not None}


def seats(tenant: Tenant) -> int | None:
    """How many people; None: any number."""
    most = limits_of(tenant).get("maxSeats")
    return most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else None


def seats_taken(tenant: Tenant) -> int:
    members = Member.objects.for_tenant(tenant).count()
    return int(members + Invitation.objects.for_tenant(tenant).filter(expires_at__gt=timezone.now()).count())


def is_full(tenant: Tenant) -> bool:
    most = seats(tenant)
    return most is not None and seats_taken(tenant) >= most
