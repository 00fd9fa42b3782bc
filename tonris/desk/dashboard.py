"""What stands on the first page of a business: its day so far, what comes next, and what to look at."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from tenants.acting import business_of, is_operator, membership
from tenants.models import Tenant
from tenants.roles import Area, may
from tonris.desk import attention, charts, figures, setup
from tonris.desk.figures import Ending

ORDER = (Ending.BOOKED, Ending.ANSWERED, Ending.TRANSFERRED, Ending.MISSED, Ending.FAILED)
"""From the bottom of a bar."""


@dataclass(frozen=True, slots=True)
class Tile:
    title: str
    value: str
    icon: str
    note: str = ""
    kind: str = ""


def of_staff(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    tenant = business_of(request)
    if tenant is None:  # an operator, who looks at all businesses and at the day of none
        return context
    whom = _for_whom(request)
    return {**context, "title": "Today", **whom, **_day_of(tenant, may_set_up=whom["may_set_up"])}


def _day_of(tenant: Tenant, *, may_set_up: bool) -> dict[str, Any]:
    now = timezone.now()
    span = figures.day_of(tenant, now)
    called = figures.calls_of(tenant, span)
    return {
        "tenant": tenant,
        "now": now.astimezone(tenant.zone),
        "tiles": _tiles(called, figures.cost_of(tenant, span), figures.revenue_of(tenant, span)),
        "hours": charts.by_hour(called.by_hour, ORDER),
        "shares": charts.shares(called.endings, ORDER),
        "coming": figures.next_appointments(tenant, now),
        "concerns": attention.concerns(tenant, now, may_set_up=may_set_up),
        "progress": setup.progress_of(tenant),
    }


def _tiles(called: figures.Calls, cost: list[str], revenue: list[str]) -> list[Tile]:
    ended = called.endings
    return [
        Tile("Calls", str(called.total), "call"),
        Tile("Answered", str(called.answered), "support_agent", _percent(called.answered, called.total)),
        Tile(
            "Booked",
            str(ended[Ending.BOOKED]),
            "event_available",
            _percent(ended[Ending.BOOKED], called.total),
        ),
        Tile("Booked by callers", figures.told(revenue), "payments"),
        Tile("Transferred", str(ended[Ending.TRANSFERRED]), "phone_forwarded"),
        Tile(
            "Missed", str(ended[Ending.MISSED]), "phone_missed", kind="warn" if ended[Ending.MISSED] else ""
        ),
        Tile("Minutes", f"{called.minutes:,}", "timer"),
        Tile("Cost of the agent", figures.told(cost), "receipt_long"),
    ]


def _percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)} %" if whole else ""


def _for_whom(request: HttpRequest) -> dict[str, Any]:
    """Links that lead where the person may go."""
    member = None if is_operator(request) else membership(request)
    everything = member is None
    return {
        "may_book": everything or may(member.role, "a", Area.CALENDAR),  # type: ignore[union-attr]
        "may_set_up": everything or may(member.role, "v", Area.BUSINESS),  # type: ignore[union-attr]
        "setup_url": reverse("admin:setup"),
    }
