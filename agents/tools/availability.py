"""What is free."""

import datetime
from zoneinfo import ZoneInfo

from agents import spoken
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext
from agents.tools.facts import slot_facts
from agents.tools.wishes import read_add_ons, read_employee, read_service
from appointments.availability import Calendar, FreeSlot, one_per_instant
from appointments.models import Service
from appointments.wallclock import wall_time

MAX_SLOTS = 100


def check_availability(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    zone = context.tenant.zone
    today = context.now.astimezone(zone).date()
    service = read_service(context, arguments)
    employee = read_employee(context, arguments)
    holder = str(context.conversation.pk) if context.conversation else ""
    add_ons = read_add_ons(service, arguments)
    calendar = Calendar(context.tenant, service, add_ons=add_ons, now=context.now, holder=holder)
    day = arguments.date("date")
    if day is None:  # no date: the first day with something free
        found = calendar.first_free_day(today, employee)
        day, slots = found or (today, [])
    else:
        slots = list(calendar.free_slots(day, employee))
    shown = one_per_instant(slots)[:MAX_SLOTS]
    later = None if shown else calendar.first_free_day(max(day, today), employee)
    following = one_per_instant(later[1])[0] if later else None
    data = {
        "date": day.isoformat(),
        "today": today.isoformat(),
        "timezone": context.tenant.timezone,
        "service": {"id": str(service.pk), "name": service.name, "duration": service.duration_minutes},
        "slots": [slot_facts(slot, service, zone) for slot in shown],
        "nextAvailable": slot_facts(following, service, zone) if following else None,
    }
    return ToolAnswer(data, _availability_message(service, day, today, shown, following, zone))


def _availability_message(
    service: Service,
    day: datetime.date,
    today: datetime.date,
    slots: list[FreeSlot],
    following: FreeSlot | None,
    zone: ZoneInfo,
) -> str:
    when = spoken.date(day, today)
    if slots:
        chosen = spread(slots, spoken.MAX_OPTIONS)
        times = spoken.join([spoken.clock(wall_time(slot.start, zone)) for slot in chosen], "or")
        return f"For {service.name} {spoken.on(when)} I have {times}."
    if following:
        local = wall_time(following.start, zone)
        next_day = spoken.date(local.date(), today)
        return f"Nothing is free for {service.name} {spoken.on(when)}. The next is {next_day} at {spoken.clock(local)}."
    return f"I'm sorry, nothing is free for {service.name} in the coming weeks."


def spread(slots: list[FreeSlot], most: int) -> list[FreeSlot]:
    """A few of many, from the first to the last: a morning of quarter hours tells a caller little."""
    if len(slots) <= most:
        return slots
    step = (len(slots) - 1) / (most - 1)
    return [slots[round(index * step)] for index in range(most)]


TOOLS = (
    Tool(
        name="check_availability",
        aliases=("get_availability",),
        description="List the free appointment times of a service on a date, or on the next day that has any.",
        parameters={
            "date": {"type": "string", "description": "Date to check (YYYY-MM-DD format)"},
            "serviceId": {"type": "string", "description": "Service ID to check availability for"},
            "addOns": {
                "type": "array",
                "items": {"type": "string"},
                "description": "IDs of extras that the caller wants with the service",
            },
            "employeeId": {
                "type": "string",
                "description": "Only this employee's times; leave out for anybody's",
            },
        },
        handler=check_availability,
    ),
)
