"""The caller's own appointments: find, cancel and move them."""

import datetime
from functools import cache
from typing import Any

from agents.models import ToolInvocation
from agents.tools import identity, lookups
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError, Trust
from agents.tools.facts import iso_z
from agents.tools.proofs import remember_appointment
from agents.tools.refusals import refusal
from agents.tools.wishes import (
    LONGEST_SLOT_ID,
    is_bookable,
    read_employee,
    read_phone,
    read_time,
    read_wish,
)
from appointments import lifecycle
from appointments.availability import Calendar
from appointments.errors import BookingError
from appointments.extras import offered_add_ons
from appointments.models import Appointment, Employee

ACTOR = "caller"


def find_appointment(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    lookups.check(context)
    if _offers_proof(arguments):
        _prove(context, arguments)
    found = [one for one in identity.coming(context) if _matches(context, arguments, one)]
    data = {"appointments": [own_facts(context, one) for one in found], "total": len(found)}
    if found:
        said = [(one.service.name, one.employee.name, context.zoned(one.starts_at)) for one in found]
        message = context.speech.your_appointments(appointments=said, today=context.today)
    else:
        message = f"{context.speech.no_appointments_found} {context.speech.need_identity}"
    return ToolAnswer(data, message)


def _offers_proof(arguments: Arguments) -> bool:
    return bool(arguments.text("bookingCode") or arguments.text("lastName"))


def _prove(context: ToolContext, arguments: Arguments) -> None:
    """What the caller knows makes the appointment theirs for the rest of the call. Raises NOT_FOUND."""
    known = identity.known_by(context, arguments)
    if known is None:
        raise ToolError(
            "NOT_FOUND",
            "No appointment matches",
            f"{context.speech.no_appointments_found} {context.speech.need_identity}",
        )
    remember_appointment(context, known)


def _matches(context: ToolContext, arguments: Arguments, appointment: Appointment) -> bool:
    """What the model says of the customer narrows what the caller may see; it never widens it."""
    phone, email = read_phone(context, arguments, "customerPhone"), arguments.given("customerEmail")
    if phone and appointment.customer.phone_e164 != phone:
        return False
    return not email or appointment.customer.email.casefold() == email.casefold()


def cancel_appointment(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    appointment = _cancelled_just_now(context, arguments) or _named(context, arguments)
    words: dict[str, Any] = {
        "service": appointment.service.name,
        "local": context.zoned(appointment.starts_at),
        "today": context.today,
    }
    message = context.speech.confirm_cancel(employee=appointment.employee.name, **words)
    question = _question(context, appointment, message)
    is_cancelled = appointment.status == Appointment.Status.CANCELLED
    if not is_cancelled and _is_to_be_confirmed(context, arguments, question):
        return question
    try:
        changed = lifecycle.cancel(
            context.tenant,
            appointment.pk,
            reason=arguments.text("reason", limit=500),
            actor=ACTOR,
            by_customer=True,
            now=context.now,
        )
    except BookingError as error:
        raise refusal(context, appointment.service, error) from None
    data = {"appointment": own_facts(context, changed.appointment)}
    return ToolAnswer(data, context.speech.cancelled(**words), appointment.pk)


def _cancelled_just_now(context: ToolContext, arguments: Arguments) -> Appointment | None:
    """What a call means that names nothing when nothing is left to come: the request came again."""
    if arguments.text("appointmentId", limit=80) or arguments.text("bookingCode"):
        return None
    return None if identity.coming(context) else identity.cancelled_last(context)


def reschedule_appointment(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    appointment = _named(context, arguments)
    start, employee = _new_time(context, arguments, appointment)
    chosen = employee or appointment.employee
    question = _move_question(context, appointment, start, chosen)
    is_there = lifecycle.is_at(appointment, start, chosen)
    try:
        if not is_there and _is_to_be_confirmed(context, arguments, question):
            lifecycle.check_new_time(
                context.tenant,
                appointment,
                start,
                chosen,
                by_customer=True,
                holder=context.holder,
                now=context.now,
            )
            return question
        changed = lifecycle.reschedule(
            context.tenant,
            appointment.pk,
            start,
            employee=employee,
            actor=ACTOR,
            by_customer=True,
            holder=context.holder,
            now=context.now,
        )
    except BookingError as error:
        add_ons = offered_add_ons(appointment)
        raise refusal(context, appointment.service, error, add_ons) from None
    moved = changed.appointment
    message = context.speech.rescheduled(
        service=moved.service.name,
        employee=moved.employee.name,
        local=context.zoned(moved.starts_at),
        today=context.today,
    )
    return ToolAnswer({"appointment": own_facts(context, moved)}, message, moved.pk)


def _new_time(
    context: ToolContext, arguments: Arguments, appointment: Appointment
) -> tuple[datetime.datetime, Employee | None]:
    if arguments.given("slotId", limit=LONGEST_SLOT_ID):
        wish = read_wish(context, arguments)
        if wish.service.pk != appointment.service_id:
            raise ToolError("VALIDATION_ERROR", "slotId: is another service's", context.speech.slot_unknown)
        return wish.start, wish.employee
    employee = read_employee(context, arguments)

    @cache
    def calendar() -> Calendar:
        return lifecycle.calendar_to_move(
            context.tenant,
            appointment,
            employee or appointment.employee,
            holder=context.holder,
            now=context.now,
        )

    def is_free(start: datetime.datetime) -> bool:
        return is_bookable(calendar(), start, ignoring=appointment)

    return read_time(context, arguments, is_free), employee


def _named(context: ToolContext, arguments: Arguments) -> Appointment:
    """The appointment that is meant, if it is the caller's; their only one needs no name. Raises ToolError."""
    try:
        return _meant(context, arguments)
    except ToolError as error:
        if (
            error.code == "NOT_FOUND"
        ):  # only wrong ones are counted: a change may be asked for again and again
            lookups.check(context)
        raise


def _meant(context: ToolContext, arguments: Arguments) -> Appointment:
    named = _by_code(context, arguments) if arguments.text("bookingCode") else None
    reference = arguments.text("appointmentId", limit=80)
    if reference:
        return identity.the_one(context, reference)
    if named is not None:
        return named
    own = identity.coming(context)
    if len(own) == 1:
        return own[0]
    said = [(one.service.name, one.employee.name, context.zoned(one.starts_at)) for one in own]
    raise ToolError(
        "VALIDATION_ERROR",
        "appointmentId: this field is required",
        context.speech.your_appointments(appointments=said, today=context.today),
        appointments=[own_facts(context, one) for one in own],
    )


def _by_code(context: ToolContext, arguments: Arguments) -> Appointment:
    """Proved before, it is theirs; else this is a try, and a right one too many is worth no more than a wrong one."""
    known = identity.theirs_of_code(context, arguments)
    if known is None:
        lookups.check(context)
        _prove(context, arguments)
        known = identity.theirs_of_code(context, arguments)
    if known is None:
        raise identity.not_theirs(context)
    return known


# --- Two steps, where the tenant wants them ------------------------------------------------------


def _is_to_be_confirmed(context: ToolContext, arguments: Arguments, question: ToolAnswer) -> bool:
    """With `confirmChanges` the first call only asks, and `confirm` counts once that was asked."""
    if context.tenant.settings.get("confirmChanges") is not True:
        return False
    return not (arguments.flag("confirm") and _was_asked(context, question))


def _was_asked(context: ToolContext, question: ToolAnswer) -> bool:
    """Whether this was read back, fact for fact and word for word, since the call last changed the appointment."""
    told = ToolInvocation.objects.for_tenant(context.tenant).filter(
        conversation=context.conversation, appointment_id=question.appointment_id, succeeded=True
    )
    read_back = {**question.data, "message": question.message}
    for data in told.order_by("-occurred_at").values_list("answer__data", flat=True):
        if not (data or {}).get("needsConfirmation"):
            return False
        if read_back.items() <= data.items():
            return True
    return False


def _question(
    context: ToolContext, appointment: Appointment, message: str, **change: str | None
) -> ToolAnswer:
    data = {"needsConfirmation": True, "appointment": own_facts(context, appointment), **change}
    return ToolAnswer(data, message, appointment.pk)


def _move_question(
    context: ToolContext, appointment: Appointment, start: datetime.datetime, employee: Employee
) -> ToolAnswer:
    """Whoever serves goes without saying while it is the same."""
    other = employee if employee.pk != appointment.employee_id else None
    message = context.speech.confirm_reschedule(
        service=appointment.service.name,
        old_local=context.zoned(appointment.starts_at),
        new_local=context.zoned(start),
        today=context.today,
        employee=other.name if other else "",
    )
    named = str(other.pk) if other else None
    return _question(context, appointment, message, newStartTime=iso_z(start), newEmployeeId=named)


# --- As the caller is told of it -----------------------------------------------------------------


def own_facts(context: ToolContext, appointment: Appointment) -> dict[str, Any]:
    """What the customer knows anyway: what, with whom, when."""
    local = context.local(appointment.starts_at)
    reference = identity.handle(context, appointment.pk)
    return {
        "id": reference,
        "appointmentId": reference,
        "serviceId": str(appointment.service_id),
        "serviceName": appointment.service.name,
        "employeeName": appointment.employee.name,
        "startTime": iso_z(appointment.starts_at),
        "endTime": iso_z(appointment.ends_at),
        "startTimeLocal": local.isoformat(timespec="minutes"),
        "timezone": context.tenant.timezone,
        "status": appointment.status,
        "spoken": context.speech.moment(context.zoned(appointment.starts_at), context.today),
    }


_PROOF = {
    "bookingCode": {"type": "string", "description": "The booking code, if the caller has one"},
}
_WHICH = {
    "appointmentId": {
        "type": "string",
        "description": "appointmentId from find_appointment or book_appointment",
    }
}
_CONFIRM = {
    "confirm": {
        "type": "boolean",
        "description": "true after the caller has said yes to what needsConfirmation had you read back",
    }
}

TOOLS = (
    Tool(
        name="find_appointment",
        description=(
            "Find the caller's own upcoming appointments. The caller's number is known from the call; if nothing is "
            "found, ask for the booking code, or for the surname and the appointment's time, and pass those."
        ),
        parameters={
            "customerPhone": {"type": "string", "description": "Only to narrow down the caller's own"},
            "customerEmail": {"type": "string", "description": "Only to narrow down the caller's own"},
            **_PROOF,
            "lastName": {"type": "string", "description": "The surname that the appointment is under"},
            "startTime": {
                "type": "string",
                "description": "With lastName: when the appointment is, local, YYYY-MM-DDTHH:MM",
            },
        },
        trust=Trust.CALLER_ID,
        handler=find_appointment,
    ),
    Tool(
        name="cancel_appointment",
        description="Cancel one of the caller's own appointments.",
        parameters={
            **_WHICH,
            "reason": {"type": "string", "description": "Why, if the caller says so"},
            **_PROOF,
            **_CONFIRM,
        },
        required=("appointmentId",),
        trust=Trust.CALLER_ID,
        handler=cancel_appointment,
    ),
    Tool(
        name="reschedule_appointment",
        description="Move one of the caller's own appointments to a time from check_availability.",
        parameters={
            **_WHICH,
            "slotId": {"type": "string", "description": "slotId of the new time; preferred"},
            "startTime": {
                "type": "string",
                "description": "New local date and time, YYYY-MM-DDTHH:MM; not needed with slotId",
            },
            "when": {"type": "string", "description": "The caller's own words for the new time instead"},
            "employeeId": {"type": "string", "description": "Only if the caller wants somebody else"},
            **_PROOF,
            **_CONFIRM,
        },
        required=("appointmentId",),
        trust=Trust.CALLER_ID,
        handler=reschedule_appointment,
    ),
)
