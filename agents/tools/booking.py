"""The calendar, as the agent sees it: what is free, and book it."""

import datetime
import logging
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core import signing

from agents import spoken
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError, invalid
from appointments.availability import Calendar, FreeSlot, one_per_instant
from appointments.booking import Contact, book
from appointments.errors import BookingError, Invalid, NotBookable
from appointments.models import Appointment, Employee, Service
from appointments.wallclock import NonexistentTime, instants_of, resolve, wall_time
from tenants.phone import InvalidNumber, region_of, to_e164

logger = logging.getLogger(__name__)

MAX_SLOTS = 100
_SLOT_SALT = "slot"


# --- check_availability --------------------------------------------------------------------------


def check_availability(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    zone = context.tenant.zone
    today = context.now.astimezone(zone).date()
    service = _service(context, arguments)
    employee = _employee(context, arguments)
    calendar = Calendar(context.tenant, service, now=context.now)
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


def slot_facts(slot: FreeSlot, service: Service, zone: ZoneInfo) -> dict[str, Any]:
    local = wall_time(slot.start, zone)
    return {
        "slotId": slot_id(service.pk, slot.employee.pk, slot.start),
        "startTime": iso_z(slot.start),
        "endTime": iso_z(slot.end),
        "startTimeLocal": local.isoformat(timespec="minutes"),
        "employeeId": str(slot.employee.pk),
        "employeeName": slot.employee.name,
        "spoken": spoken.clock(local),
    }


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
        return f"For {service.name} {_on(when)} I have {times}."
    if following:
        local = wall_time(following.start, zone)
        next_day = spoken.date(local.date(), today)
        return f"Nothing is free for {service.name} {_on(when)}. The next is {next_day} at {spoken.clock(local)}."
    return f"I'm sorry, nothing is free for {service.name} in the coming weeks."


def _on(when: str) -> str:
    return when if when in {"today", "tomorrow"} else f"on {when}"


def spread(slots: list[FreeSlot], most: int) -> list[FreeSlot]:
    """A few of many, from the first to the last: a morning of quarter hours tells a caller little."""
    if len(slots) <= most:
        return slots
    step = (len(slots) - 1) / (most - 1)
    return [slots[round(index * step)] for index in range(most)]


# --- book_appointment ----------------------------------------------------------------------------


def book_appointment(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    contact = _contact(context, arguments)
    service, employee, start = _wish(context, arguments)
    try:
        booked = book(
            context.tenant,
            service,
            start,
            contact,
            employee=employee,
            notes=arguments.text("notes", limit=2000) or "Created via ElevenLabs AI",
            source=Appointment.Source.AGENT,
            now=context.now,
        )
    except NotBookable as error:
        raise _refusal(context, service, error) from None
    except Invalid as error:
        raise ToolError(error.code, str(error), "I need a name and a phone number to book.") from None
    except BookingError as error:
        raise ToolError(error.code, str(error)) from None
    appointment = booked.appointment
    return ToolAnswer(
        {
            "appointment": appointment_facts(appointment, context.tenant.zone),
            "alreadyBooked": not booked.created,
        },
        _booked_message(context, appointment),
        appointment.pk,
    )


def _wish(context: ToolContext, arguments: Arguments) -> tuple[Service, Employee | None, datetime.datetime]:
    """Service, employee and start: from the slot that was offered, or one by one."""
    slot = arguments.text("slotId")
    if slot:
        service_id, employee_id, start = read_slot_id(slot)
        return _service_by_id(context, service_id), _employee_by_id(context, employee_id), start
    service = _service(context, arguments)
    employee = _employee(context, arguments)
    return service, employee, _start(context, service, employee, arguments.text("startTime"))


def _start(context: ToolContext, service: Service, employee: Employee | None, text: str) -> datetime.datetime:
    if not text:
        raise ToolError("VALIDATION_ERROR", "startTime: this field is required", "What time would suit you?")
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise invalid("startTime", "must be an ISO 8601 date and time, such as 2026-11-24T10:00:00") from None
    if not 1970 <= moment.year <= 2200:
        raise invalid("startTime", "is out of range")
    try:
        if moment.tzinfo is None:
            return resolve(moment, context.tenant.zone)
        if text.rstrip().upper().endswith("Z"):
            return _despite_z(context, service, employee, moment)
        return moment.astimezone(datetime.UTC)
    except NonexistentTime as error:
        after = spoken.clock(wall_time(error.after, context.tenant.zone))
        raise ToolError(
            "NONEXISTENT_TIME",
            str(error),
            f"The clocks go forward then, so that time does not exist. The next is {after}.",
            nearest=[iso_z(error.before), iso_z(error.after)],
        ) from None


def _despite_z(
    context: ToolContext, service: Service, employee: Employee | None, moment: datetime.datetime
) -> datetime.datetime:
    """Models append Z to local times: a Z time that is not free while the same wall time is, is taken as local."""
    calendar = Calendar(context.tenant, service, now=context.now)

    def is_free(start: datetime.datetime) -> bool:
        return any(
            not calendar.objections(one, start) for one in ([employee] if employee else calendar.performers)
        )

    start = moment.astimezone(datetime.UTC)
    local = instants_of(moment.replace(tzinfo=None), context.tenant.zone)
    if not is_free(start) and local and is_free(local[0]):
        logger.info("A start with Z that was not free was taken as the tenant's local time")
        return local[0]
    return start


def _contact(context: ToolContext, arguments: Arguments) -> Contact:
    """The number that the caller says, else the one that they call from."""
    said = arguments.text("customerPhone", limit=40)
    phone = context.caller_e164
    if said:
        region = (
            region_of(phone or (context.conversation.called_e164 if context.conversation else "")) or "US"
        )
        try:
            phone = to_e164(said, region)
        except InvalidNumber:
            raise ToolError(
                "VALIDATION_ERROR",
                "customerPhone: must be a phone number such as +15551234567",
                "I did not catch that phone number. Could you say it again?",
            ) from None
    name = arguments.text("customerName", limit=120)
    if not name:
        raise ToolError("VALIDATION_ERROR", "customerName: this field is required", "May I have your name?")
    return Contact(name, phone, arguments.text("customerEmail", limit=254))


def _refusal(context: ToolContext, service: Service, error: NotBookable) -> ToolError:
    zone = context.tenant.zone
    today = context.now.astimezone(zone).date()
    alternatives = [slot_facts(slot, service, zone) for slot in error.nearest]
    message = str(error)
    if error.nearest:
        said = spoken.join([_moment(wall_time(slot.start, zone), today) for slot in error.nearest], "or")
        message = f"{message} I could offer {said}."
    return ToolError(error.code, str(error), message, alternatives=alternatives)


def _booked_message(context: ToolContext, appointment: Appointment) -> str:
    zone = context.tenant.zone
    today = context.now.astimezone(zone).date()
    when = _moment(wall_time(appointment.starts_at, zone), today)
    return f"You're booked for {appointment.service.name} with {appointment.employee.name} {when}."


def _moment(local: datetime.datetime, today: datetime.date) -> str:
    return f"{_on(spoken.date(local.date(), today))} at {spoken.clock(local)}"


# --- What both need ------------------------------------------------------------------------------


def appointment_facts(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    local = wall_time(appointment.starts_at, zone)
    return {
        "id": str(appointment.pk),
        "tenantId": str(appointment.tenant_id),
        "employeeId": str(appointment.employee_id),
        "employeeName": appointment.employee.name,
        "serviceId": str(appointment.service_id),
        "serviceName": appointment.service.name,
        "customerName": appointment.customer.name,
        "customerEmail": appointment.customer.email,
        "customerPhone": appointment.customer.phone_e164,
        "startTime": iso_z(appointment.starts_at),
        "endTime": iso_z(appointment.ends_at),
        "startTimeLocal": local.isoformat(timespec="minutes"),
        "timezone": zone.key,
        "status": appointment.status,
        "notes": appointment.notes,
    }


def iso_z(moment: datetime.datetime) -> str:
    """`2026-11-24T15:00:00Z`."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def slot_id(service_id: UUID, employee_id: UUID, start: datetime.datetime) -> str:
    """Opaque and signed: what was offered is what will be booked. It holds nothing."""
    return signing.dumps([str(service_id), str(employee_id), iso_z(start)], salt=_SLOT_SALT, compress=True)


def read_slot_id(text: str) -> tuple[UUID, UUID, datetime.datetime]:
    try:
        service_id, employee_id, start = signing.loads(text, salt=_SLOT_SALT, max_age=86_400)
    except signing.BadSignature:
        raise invalid("slotId", "is unknown or older than a day; check availability again") from None
    return UUID(service_id), UUID(employee_id), datetime.datetime.fromisoformat(start)


def _service(context: ToolContext, arguments: Arguments) -> Service:
    """The service that is named; when none is and there is but one, that one."""
    wanted = arguments.uuid("serviceId")
    if wanted is not None:
        return _service_by_id(context, wanted)
    services = list(Service.objects.for_tenant(context.tenant).filter(is_active=True))
    if len(services) == 1:
        return services[0]
    offered = [{"id": str(one.pk), "name": one.name} for one in services]
    question = f"Which service would you like? {spoken.services(one.name for one in services)}"
    raise ToolError("VALIDATION_ERROR", "serviceId: this field is required", question, services=offered)


def _service_by_id(context: ToolContext, pk: UUID) -> Service:
    found: Service | None = Service.objects.for_tenant(context.tenant).filter(pk=pk, is_active=True).first()
    if found is None:
        raise ToolError("NOT_FOUND", "serviceId: no such service", "I can't find that service.")
    return found


def _employee(context: ToolContext, arguments: Arguments) -> Employee | None:
    """None: anybody."""
    if arguments.text("employeeId").lower() in {"", "any"}:
        return None
    wanted = arguments.uuid("employeeId")
    return _employee_by_id(context, wanted) if wanted else None


def _employee_by_id(context: ToolContext, pk: UUID) -> Employee:
    found: Employee | None = Employee.objects.for_tenant(context.tenant).filter(pk=pk, is_active=True).first()
    if found is None:
        raise ToolError("NOT_FOUND", "employeeId: no such employee", "I can't find that person in our team.")
    return found


TOOLS = (
    Tool(
        name="check_availability",
        aliases=("get_availability",),
        description="List the free appointment times of a service on a date, or on the next day that has any.",
        parameters={
            "date": {"type": "string", "description": "Date to check (YYYY-MM-DD format)"},
            "serviceId": {"type": "string", "description": "Service ID to check availability for"},
            "employeeId": {
                "type": "string",
                "description": "Only this employee's times; leave out for anybody's",
            },
        },
        handler=check_availability,
    ),
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
            "notes": {"type": "string", "description": "Wishes for the appointment"},
        },
        required=("customerName",),
        handler=book_appointment,
    ),
)
