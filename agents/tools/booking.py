"""Book it."""

import datetime

from agents import spoken
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from agents.tools.facts import appointment_facts, slot_facts
from agents.tools.wishes import read_add_ons, read_contact, read_wish
from appointments.booking import Booked, Contact, book
from appointments.errors import BookingError, Invalid, NotBookable
from appointments.models import Appointment, Employee, Service
from appointments.wallclock import wall_time


def book_appointment(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    contact = read_contact(context, arguments)
    service, employee, start = read_wish(context, arguments)
    try:
        booked = book_for_agent(context, arguments, service, employee, start, contact)
    except NotBookable as error:
        raise _refusal(context, service, error) from None
    except Invalid as error:
        raise ToolError(error.code, str(error), "I need a name and a phone number to book.") from None
    except BookingError as error:
        raise ToolError(error.code, str(error)) from None
    appointment = booked.appointment
    return ToolAnswer(
        {"appointment": appointment_facts(appointment, context.tenant.zone)},
        _booked_message(context, appointment),
        appointment.pk,
    )


def book_for_agent(
    context: ToolContext,
    arguments: Arguments,
    service: Service,
    employee: Employee | None,
    start: datetime.datetime,
    contact: Contact,
    *,
    idempotency_key: str = "",
) -> Booked:
    """Book what was wished, with what an agent's request may say beside it. Raises what `book` raises."""
    return book(
        context.tenant,
        service,
        start,
        contact,
        employee=employee,
        notes=arguments.text("notes", limit=2000) or "Created via ElevenLabs AI",
        add_ons=read_add_ons(service, arguments),
        source=Appointment.Source.AGENT,
        holder=str(context.conversation.pk) if context.conversation else "",
        idempotency_key=idempotency_key,
        now=context.now,
    )


def _refusal(context: ToolContext, service: Service, error: NotBookable) -> ToolError:
    zone = context.tenant.zone
    today = context.now.astimezone(zone).date()
    alternatives = [slot_facts(slot, service, zone) for slot in error.nearest]
    message = str(error)
    if error.nearest:
        said = spoken.join(
            [spoken.moment(wall_time(slot.start, zone), today) for slot in error.nearest], "or"
        )
        message = f"{message} I could offer {said}."
    return ToolError(error.code, str(error), message, alternatives=alternatives)


def _booked_message(context: ToolContext, appointment: Appointment) -> str:
    zone = context.tenant.zone
    today = context.now.astimezone(zone).date()
    when = spoken.moment(wall_time(appointment.starts_at, zone), today)
    return f"You're booked for {appointment.service.name} with {appointment.employee.name} {when}."


TOOLS = (
    Tool(
        name="book_appointment",
        aliases=("create_appointment",),
        description="Book an appointment, after the caller has agreed to its time.",
        parameters={
            "customerName": {"type": "string", "description": "The caller's full name"},
            "customerPhone": {"type": "string", "description": "Only if the caller gives another number"},
            "customerEmail": {"type": "string", "description": "Only if the caller offers it"},
            "slotId": {
                "type": "string",
                "description": "slotId of the chosen time from check_availability; preferred",
            },
            "serviceId": {"type": "string", "description": "Service ID; not needed with slotId"},
            "employeeId": {"type": "string", "description": "Employee ID; leave out for anybody who is free"},
            "startTime": {
                "type": "string",
                "description": "Local date and time, YYYY-MM-DDTHH:MM; not needed with slotId",
            },
            "addOns": {
                "type": "array",
                "items": {"type": "string"},
                "description": "IDs of extras that the caller wants with the service",
            },
            "notes": {"type": "string", "description": "Wishes for the appointment"},
        },
        required=("customerName",),
        handler=book_appointment,
    ),
)
