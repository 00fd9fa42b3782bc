"""Book it; or keep it free while the caller makes up their mind."""

import datetime
from typing import Any

from agents.tools import lookups
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from agents.tools.facts import appointment_facts, slot_facts
from agents.tools.identity import handle, is_their_number, is_theirs
from agents.tools.offers import offer_of, take_offer
from agents.tools.refusals import refusal
from agents.tools.wishes import Wished, read_contact, read_wish
from appointments import holds
from appointments.availability import Calendar, FreeSlot
from appointments.booking import Booked, Contact, book, calendar_for
from appointments.booking import Wish as BookingWish
from appointments.errors import BookingError
from appointments.models import Appointment, Employee, Hold

DEFAULT_NOTES = "Created via ElevenLabs AI"


def book_appointment(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    contact = read_contact(context, arguments)
    if not is_their_number(context, contact.phone_e164):
        lookups.check_bookings(context)
    wish = read_wish(context, arguments, contact)
    try:
        booked = take_offer(context, wish, contact) or book_for_agent(context, arguments, wish, contact)
    except BookingError as error:
        raise refusal(context, wish.service, error, wish.add_ons) from None
    appointment = booked.appointment
    message = context.speech.booked(
        service=appointment.service.name,
        employee=appointment.employee.name,
        local=context.zoned(appointment.starts_at),
        today=context.today,
    )
    # What somebody else booked before is not this call's to change because its details were guessed.
    own = booked.created or is_theirs(context, appointment)
    facts = booked_facts(context, arguments, contact, appointment)
    if context.conversation is not None and not own:
        facts |= {"id": handle(context, appointment.pk), "bookingCode": ""}
    return ToolAnswer({"appointment": facts}, message, appointment.pk if own else None)


def booked_facts(
    context: ToolContext, arguments: Arguments, contact: Contact, appointment: Appointment
) -> dict[str, Any]:
    """For whoever asked for it: of a customer that the caller isn't known to be, only what was said just now."""
    facts = appointment_facts(appointment, context.zone)
    if is_their_number(context, appointment.customer.phone_e164):
        return facts
    said = {
        "customerName": contact.name,
        "customerEmail": contact.email,
        "customerPhone": contact.phone_e164,
        "notes": _notes(arguments),
    }
    return facts | said


def _notes(arguments: Arguments) -> str:
    return arguments.text("notes", limit=2000) or DEFAULT_NOTES


def book_for_agent(
    context: ToolContext,
    arguments: Arguments,
    wish: Wished,
    contact: Contact,
    *,
    idempotency_key: str = "",
) -> Booked:
    """Book what was wished, with what an agent's request may say beside it. Raises what `book` raises."""
    return book(
        context.tenant,
        wish.service,
        wish.start,
        contact,
        employee=wish.employee,
        notes=_notes(arguments),
        add_ons=wish.add_ons,
        source=Appointment.Source.AGENT,
        holder=context.holder,
        idempotency_key=idempotency_key,
        now=context.now,
    )


def hold_slot(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    """The caller has picked a time: nobody else gets it while they spell their name."""
    if context.conversation is None or context.conversation.ended_at is not None:
        raise ToolError("NO_CALL", "A slot is held for a live call only", context.speech.cannot_do_that)
    wish = read_wish(context, arguments)
    if (offer := offer_of(context, wish)) is not None and offer.hold is not None:
        return _held(context, wish, offer.hold)
    calendar = calendar_for(
        context.tenant,
        BookingWish(wish.service, wish.start, wish.employee, wish.add_ons),
        now=context.now,
        holder=context.holder,
    )
    try:
        held = holds.hold(
            context.tenant,
            wish.service,
            wish.employee or _whoever_is_free(calendar, wish.start),
            wish.start,
            holder=context.holder,
            caller_e164=context.known_caller_e164,
            add_ons=wish.add_ons,
            now=context.now,
        )
    except BookingError as error:
        raise refusal(context, wish.service, error, wish.add_ons) from None
    return _held(context, wish, held)


def _held(context: ToolContext, wish: Wished, held: Hold) -> ToolAnswer:
    kept = FreeSlot(held.employee, held.starts_at, held.ends_at)
    return ToolAnswer(
        {
            "held": True,
            "seconds": round((held.expires_at - context.now).total_seconds()),
            "slot": slot_facts(kept, wish.service, context.zone, add_ons=wish.add_ons, speech=context.speech),
        },
        context.speech.slot_held(
            local=context.zoned(held.starts_at),
            today=context.today,
            minutes=max(1, round((held.expires_at - context.now) / datetime.timedelta(minutes=1))),
        ),
    )


def _whoever_is_free(calendar: Calendar, start: datetime.datetime) -> Employee:
    """In fair order; when nobody is, the first, whose calendar says why."""
    order = calendar.fair_order(start)
    if not order:
        raise _nobody(calendar)
    reasons = calendar.objections_of(order, start)
    return next((one for one in order if not reasons[one.pk]), order[0])


def _nobody(calendar: Calendar) -> ToolError:
    return ToolError("NOT_FOUND", f"Nobody performs {calendar.service.name} at the moment")


WISH: dict[str, dict[str, Any]] = {
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
    "when": {
        "type": "string",
        "description": "The caller's own words for day and time, such as 'next tuesday at three'; instead of startTime",
    },
    "addOns": {
        "type": "array",
        "items": {"type": "string"},
        "description": "IDs of extras that the caller wants with the service",
    },
}

TOOLS = (
    Tool(
        name="book_appointment",
        aliases=("create_appointment",),
        description="Book an appointment, after the caller has agreed to its time.",
        parameters={
            "customerName": {"type": "string", "description": "The caller's full name"},
            "customerPhone": {"type": "string", "description": "Only if the caller gives another number"},
            "customerEmail": {"type": "string", "description": "Only if the caller offers it"},
            **WISH,
            "notes": {"type": "string", "description": "Wishes for the appointment"},
        },
        required=("customerName",),
        handler=book_appointment,
    ),
    Tool(
        name="hold_slot",
        description=(
            "Keep the time that the caller has picked free for a minute, while you ask for their name. "
            "Call it as soon as they pick one; book_appointment then takes it."
        ),
        parameters=WISH,
        handler=hold_slot,
    ),
)
