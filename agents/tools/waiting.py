"""Wait for something to become free."""

import datetime

from agents.models import ToolInvocation
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from agents.tools.facts import iso_z
from agents.tools.refusals import refusal
from agents.tools.wishes import check_range, read_employee, read_phone, read_service, read_when
from agents.when import When
from appointments import waitlist
from appointments.booking import Contact
from appointments.errors import BookingError
from appointments.models import Customer
from appointments.slots import instants_of_dates
from appointments.wallclock import boundary

PLACES_PER_CALL = 5


def join_waitlist(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    service = read_service(context, arguments)
    earliest, latest = _window(context, arguments)
    try:
        joined = waitlist.join(
            context.tenant,
            service,
            _contact(context, arguments),
            earliest=earliest,
            latest=latest,
            employee=read_employee(context, arguments),
            now=context.now,
        )
    except BookingError as error:
        raise refusal(context, service, error) from None
    if joined.created:
        _refuse_flood(context)
    data = {
        "waitlistId": str(joined.entry.pk),
        "position": joined.position,
        "from": iso_z(joined.entry.earliest),
        "to": iso_z(joined.entry.latest),
    }
    return ToolAnswer(data, context.speech.on_waitlist(service=service.name, position=joined.position))


def _refuse_flood(context: ToolContext) -> None:
    """What is freed is offered to those in line first, for an hour each: no call may fill the line."""
    if context.conversation is None:
        return
    asked = ToolInvocation.objects.for_tenant(context.tenant).filter(
        conversation=context.conversation, tool="join_waitlist", succeeded=True
    )
    if asked.values("answer__data__waitlistId").distinct().order_by().count() >= PLACES_PER_CALL:
        raise ToolError("TOO_MANY_WISHES", "Too many wishes in one call", context.speech.cannot_do_that)


def _contact(context: ToolContext, arguments: Arguments) -> Contact:
    """A caller whose number we know need not spell their name."""
    phone = read_phone(context, arguments, "customerPhone") or context.caller_e164
    name = arguments.text("customerName", limit=120)
    if not name and phone and phone == context.known_caller_e164:
        known = Customer.objects.for_tenant(context.tenant).filter(phone_e164=phone).order_by("created_at")
        name = known.values_list("name", flat=True).first() or ""
    if not name:
        raise ToolError(
            "VALIDATION_ERROR", "customerName: this field is required", context.speech.name_needed
        )
    return Contact(name, phone)


def _window(
    context: ToolContext, arguments: Arguments
) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    """None where the caller has no wishes. Somebody who names one day only means that day."""
    since, until = read_when(context, arguments, "from"), read_when(context, arguments, "to")
    named = until or since
    if named is None:
        return None, None
    first, last = since.first if since else context.today, named.last
    check_range("from", first)
    check_range("to", last)
    if last < first:
        raise ToolError("VALIDATION_ERROR", "to: must not be before from", context.speech.time_needed)
    instants = instants_of_dates(first, last, context.zone)
    begins = _clock(since, "not_before", "at")
    ends = _clock(until, "not_after", "at") or _clock(since, "not_after")
    earliest = (
        boundary(datetime.datetime.combine(first, begins), context.zone) if begins else instants[0].start
    )
    latest = boundary(datetime.datetime.combine(last, ends), context.zone) if ends else instants[-1].end
    return earliest if since else None, latest


def _clock(said: When | None, *bounds: str) -> datetime.time | None:
    """The time of day of somebody who names one day: of several it would be that of the first alone."""
    if said is None or said.first != said.last:
        return None
    return next((time for bound in bounds if (time := getattr(said, bound)) is not None), None)


TOOLS = (
    Tool(
        name="join_waitlist",
        description="Put the caller on the waiting list of a service when nothing that is free suits them.",
        parameters={
            "serviceId": {"type": "string", "description": "Service ID"},
            "from": {
                "type": "string",
                "description": "First date, or date and time, that would suit, in ISO 8601 or in words",
            },
            "to": {
                "type": "string",
                "description": "Last date, or date and time, that would suit, in ISO 8601 or in words",
            },
            "employeeId": {
                "type": "string",
                "description": "Only if the caller wants somebody in particular",
            },
            "customerName": {"type": "string", "description": "The caller's full name"},
            "customerPhone": {"type": "string", "description": "Only if the caller gives another number"},
        },
        required=("serviceId",),
        handler=join_waitlist,
    ),
)
