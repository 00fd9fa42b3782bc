"""What the business is: its services, its hours, where it is and what time it is there."""

from typing import Any

from agents.briefings import opening_week
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext
from agents.tools.wishes import read_service
from appointments import business_hours
from appointments.models import AddOn, Employee, Service
from appointments.rules import load_week


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
    return ToolAnswer(data, context.speech.services(service.name for service in shown))


def get_service_details(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    service = read_service(context, arguments)
    extras = list(AddOn.objects.for_tenant(context.tenant).filter(service=service, is_active=True))
    employees = Employee.objects.for_tenant(context.tenant).filter(performs__service=service, is_active=True)
    data = {
        "service": {
            **service_facts(service),
            "addOns": [_extra_facts(one) for one in extras],
            "employees": [{"id": str(one.pk), "name": one.name} for one in employees],
        }
    }
    message = context.speech.service_details(
        name=service.name,
        minutes=service.duration_minutes,
        price=service.price,
        currency=service.currency,
        description=service.description,
        extras=[one.name for one in extras],
    )
    return ToolAnswer(data, message)


def _extra_facts(extra: AddOn) -> dict[str, Any]:
    return {
        "id": str(extra.pk),
        "name": extra.name,
        "duration": extra.minutes,
        "price": number(extra.price),
    }


def get_business_hours(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    data = {
        "businessHours": business_hours.build(load_week(context.tenant)),
        "timezone": context.tenant.timezone,
    }
    return ToolAnswer(data, context.speech.hours_summary(opening_week(context.tenant)))


def get_tenant_info(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    tenant = context.tenant
    data = {
        "name": tenant.name,
        "phone": tenant.phone,
        "timezone": tenant.timezone,
        "address": tenant.address,
        "language": tenant.language,
    }
    message = context.speech.tenant_info(name=tenant.name, address=tenant.address, phone=tenant.phone)
    return ToolAnswer(data, message)


def get_current_datetime(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    local = context.now.astimezone(context.zone)
    data = {
        "now": local.isoformat(timespec="seconds"),
        "date": local.date().isoformat(),
        "time": f"{local:%H:%M}",
        "weekday": context.speech.weekdays[local.weekday()],
        "timezone": context.tenant.timezone,
    }
    return ToolAnswer(data, context.speech.current_time(context.local(context.now)))


TOOLS = (
    Tool(
        name="get_services",
        aliases=("list_services",),
        description="List the services that can be booked, with prices and durations in minutes.",
        parameters={"limit": {"type": "number", "description": "How many services to list at most"}},
        handler=get_services,
    ),
    Tool(
        name="get_service_details",
        description="Tell more of one service: price, duration, extras, and who performs it.",
        parameters={"serviceId": {"type": "string", "description": "Service ID from get_services"}},
        required=("serviceId",),
        handler=get_service_details,
    ),
    Tool(
        name="get_business_hours",
        aliases=("get_hours",),
        description="Say on which days and at what times the business is open.",
        parameters={},
        handler=get_business_hours,
    ),
    Tool(
        name="get_tenant_info",
        description="Tell the name, address, telephone number and language of the business.",
        parameters={},
        handler=get_tenant_info,
    ),
    Tool(
        name="get_current_datetime",
        description="Tell the date and time at the business, to work out what the caller means by a day.",
        parameters={},
        handler=get_current_datetime,
    ),
)
