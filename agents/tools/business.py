"""What the business is: its services and its hours."""

from typing import Any

from agents import spoken
from agents.briefings import opening_week
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext
from appointments.models import Service


def number(amount: Any) -> int | float:
    """A price as a JSON number: 50, or 12.5."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def service_facts(service: Service) -> dict[str, Any]:
    return {
        "id": str(service.pk),
        "name": service.name,
        "description": service.description,
        "price": number(service.price),
        "currency": service.currency,
        "duration": service.duration_minutes,
        "category": service.category,
    }


def get_services(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    limit = arguments.integer("limit", lowest=1, highest=100)
    services = list(Service.objects.for_tenant(context.tenant).filter(is_active=True))
    shown = services[:limit] if limit else services
    data = {"services": [service_facts(service) for service in shown], "total": len(services)}
    return ToolAnswer(data, spoken.services(service.name for service in shown))


def get_business_hours(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    week = opening_week(context.tenant)
    data = {
        "businessHours": {
            day.lower(): _day_facts(hours) for day, hours in zip(spoken.WEEKDAYS, week, strict=True)
        },
        "timezone": context.tenant.timezone,
    }
    return ToolAnswer(data, spoken.hours_summary(week))


def _day_facts(hours: spoken.Hours) -> dict[str, Any]:
    """One interval as `open` and `close`; all of them in `intervals`."""
    if not hours:
        return {"open": None, "close": None, "enabled": False, "intervals": []}
    intervals = [{"open": f"{opens:%H:%M}", "close": f"{closes:%H:%M}"} for opens, closes in hours]
    return {
        "open": intervals[0]["open"],
        "close": intervals[-1]["close"],
        "enabled": True,
        "intervals": intervals,
    }


TOOLS = (
    Tool(
        name="get_services",
        aliases=("list_services",),
        description="List the services that can be booked, with prices and durations in minutes.",
        parameters={"limit": {"type": "number", "description": "How many services to list at most"}},
        handler=get_services,
    ),
    Tool(
        name="get_business_hours",
        aliases=("get_hours",),
        description="Say on which days and at what times the business is open.",
        parameters={},
        handler=get_business_hours,
    ),
)
