"""What the caller wishes, read from what the model filled in: service, employee, time, contact."""

import datetime
import logging
from uuid import UUID

from agents import spoken
from agents.tools.contract import Arguments, ToolContext, ToolError, invalid
from agents.tools.facts import iso_z, read_slot_id
from appointments.availability import Calendar
from appointments.booking import Contact
from appointments.models import AddOn, Employee, Service
from appointments.wallclock import NonexistentTime, instants_of, resolve, wall_time
from tenants.phone import InvalidNumber, region_of, to_e164

logger = logging.getLogger(__name__)

MAX_ADD_ONS = 20


def read_wish(
    context: ToolContext, arguments: Arguments
) -> tuple[Service, Employee | None, datetime.datetime]:
    """Service, employee and start: from the slot that was offered, or one by one."""
    slot = arguments.text("slotId")
    if slot:
        service_id, employee_id, start = read_slot_id(slot)
        return _service_by_id(context, service_id), _employee_by_id(context, employee_id), start
    service = read_service(context, arguments)
    employee = read_employee(context, arguments)
    return service, employee, _start(context, service, employee, arguments.text("startTime"))


def _start(context: ToolContext, service: Service, employee: Employee | None, text: str) -> datetime.datetime:
    """As `read_start`, but a Z time may be what the model made of a local one."""
    if not text:
        raise ToolError("VALIDATION_ERROR", "startTime: this field is required", "What time would suit you?")
    if not text.upper().endswith("Z"):
        return read_start(context, text)
    return _despite_z(context, service, employee, read_start(context, text))


def read_start(context: ToolContext, text: str) -> datetime.datetime:
    """ISO 8601; without an offset it is the tenant's local time, in a repeated hour its first pass. UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise invalid("startTime", "must be an ISO 8601 date and time, such as 2026-11-24T10:00:00") from None
    if not 1970 <= moment.year <= 2200:
        raise invalid("startTime", "is out of range")
    if moment.tzinfo is not None:
        return moment.astimezone(datetime.UTC)
    try:
        return resolve(moment, context.tenant.zone)
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

    local = instants_of(moment.replace(tzinfo=None), context.tenant.zone)
    if not is_free(moment) and local and is_free(local[0]):
        logger.info("A start with Z that was not free was taken as the tenant's local time")
        return local[0]
    return moment


def read_contact(context: ToolContext, arguments: Arguments) -> Contact:
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


def read_service(context: ToolContext, arguments: Arguments) -> Service:
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


def read_employee(context: ToolContext, arguments: Arguments) -> Employee | None:
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


def read_add_ons(service: Service, arguments: Arguments) -> list[AddOn]:
    """`addOns`: ids of add-ons that the service has."""
    wanted = arguments.values.get("addOns") or []
    if not isinstance(wanted, list) or len(wanted) > MAX_ADD_ONS:
        raise invalid("addOns", f"must be a list of at most {MAX_ADD_ONS} ids")
    ids = {Arguments({"addOns": one}).uuid("addOns") for one in wanted}
    found = list(AddOn.objects.filter(service=service, pk__in=ids, is_active=True))
    if len(found) != len(ids):
        raise ToolError("NOT_FOUND", "addOns: no such add-on of this service", "I can't find that extra.")
    return found
