"""What the caller wishes, read from what the model filled in: service, employee, time, contact."""

import datetime
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from agents.tools.contract import Arguments, ToolContext, ToolError, invalid
from agents.tools.facts import iso_z, read_slot_id
from agents.when import UnclearWhen, When, leaves_open, resolve_when
from appointments.availability import Calendar
from appointments.booking import Contact, Wish, booked_before
from appointments.models import AddOn, Appointment, Employee, Service
from appointments.wallclock import NonexistentTime, instants_of, resolve
from tenants.phone import InvalidNumber, as_dialled_at, region_of, to_e164

logger = logging.getLogger(__name__)

MAX_ADD_ONS = 20
LONGEST_SLOT_ID = 1000
"""With as many add-ons."""
ANYBODY = frozenset(
    [
        *("", "any", "anyone", "anybody", "any employee", "any available", "no preference"),
        *("egal", "cualquiera", "me da igual", "n'importe qui", "peu importe"),
    ]
)
EARLIEST_YEAR, LATEST_YEAR = 1970, 2200
"""Beyond them the arithmetic of dates has an end."""


@dataclass(frozen=True, slots=True)
class Wished:
    """One appointment, as the caller would have it; without an employee, with anybody."""

    service: Service
    employee: Employee | None
    start: datetime.datetime
    add_ons: tuple[AddOn, ...] = ()


def read_wish(context: ToolContext, arguments: Arguments, contact: Contact | None = None) -> Wished:
    """From the slot that was offered, or one by one. `contact`: whose appointment it is to be, where that is known."""
    slot = arguments.given("slotId", limit=LONGEST_SLOT_ID)
    if slot:
        try:
            offered = read_slot_id(slot)
        except ToolError as error:
            raise ToolError(error.code, error.error, context.speech.slot_unknown) from None
        service = _service_by_id(context, offered.service_id)
        add_ons = _add_ons(context, service, [*map(str, offered.add_on_ids), *_add_ons_said(arguments)])
        return Wished(service, _employee_by_id(context, offered.employee_id), offered.start, add_ons)
    service = read_service(context, arguments)
    employee = read_employee(context, arguments)
    add_ons = read_add_ons(context, service, arguments)

    @cache
    def calendar() -> Calendar:
        return Calendar(
            context.tenant,
            service,
            employee=employee,
            add_ons=add_ons,
            now=context.now,
            holder=context.holder,
        )

    def is_free(start: datetime.datetime) -> bool:
        wish = Wish(service, start, employee, add_ons)
        # What they have by now is the answer to a request that came before: it must not become another one.
        if contact is not None and booked_before(context.tenant, wish, contact):
            return True
        return is_bookable(calendar(), start)

    return Wished(service, employee, read_time(context, arguments, is_free), add_ons)


def is_bookable(calendar: Calendar, start: datetime.datetime, ignoring: Appointment | None = None) -> bool:
    """With any of those whom the calendar is of."""
    reasons = calendar.objections_of(calendar.performers, start, ignoring=ignoring)
    return any(not objections for objections in reasons.values())


def read_time(
    context: ToolContext, arguments: Arguments, is_free: Callable[[datetime.datetime], bool]
) -> datetime.datetime:
    """`startTime`, or the one time that the words in `when` mean. UTC. `is_free`: for them, who may have it already."""
    text = arguments.given("startTime")
    start = read_start_or_words(context, arguments, "startTime" if text else "when")
    return _despite_z(context, start, is_free) if text.upper().endswith("Z") else start


def read_start_or_words(context: ToolContext, arguments: Arguments, name: str) -> datetime.datetime:
    """As `read_start`; models write `tomorrow at 3` where ISO 8601 was asked for now and then."""
    if name == "startTime" and not is_words(arguments, name):
        return read_start(context, arguments.text(name))
    when = read_when(context, arguments, name)
    if when is None or when.at is None or when.first != when.last:
        raise ToolError("VALIDATION_ERROR", "startTime: this field is required", context.speech.time_needed)
    check_range(name, when.first)
    return _instant(context, datetime.datetime.combine(when.first, when.at))


def read_start(context: ToolContext, text: str) -> datetime.datetime:
    """ISO 8601; without an offset it is the tenant's local time, in a repeated hour its first pass. UTC."""
    try:
        moment = parse_moment(text)
    except ValueError:
        raise invalid("startTime", "must be an ISO 8601 date and time, such as 2026-11-24T10:00:00") from None
    if is_date(text):  # nobody has asked for midnight
        raise ToolError("VALIDATION_ERROR", "startTime: a time is missing", context.speech.time_needed)
    check_range("startTime", moment)
    return _instant(context, moment)


def is_words(arguments: Arguments, name: str) -> bool:
    """Neither ISO 8601, nor what is meant to be."""
    text = arguments.text(name)
    if not isinstance(arguments.values.get(name), str) or (text[:4].isdigit() and text[10:11] in {"T", "t"}):
        return False
    try:
        parse_moment(text)
    except ValueError:
        return True
    return False


def is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def parse_moment(text: str) -> datetime.datetime:
    """ISO 8601, in small letters too: RFC 3339 allows `z`, which Python 3.11 does not take. Raises ValueError."""
    return datetime.datetime.fromisoformat(text.upper())


def _instant(context: ToolContext, moment: datetime.datetime) -> datetime.datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(datetime.UTC)
    try:
        return resolve(moment, context.zone)
    except NonexistentTime as error:
        raise ToolError(
            "NONEXISTENT_TIME",
            str(error),
            context.speech.clocks_go_forward(after_local=context.local(error.after)),
            nearest=[iso_z(error.before), iso_z(error.after)],
        ) from None


def _despite_z(
    context: ToolContext, moment: datetime.datetime, is_free: Callable[[datetime.datetime], bool]
) -> datetime.datetime:
    """Models append Z to local times: a Z time that is not free while the same wall time is, is taken as local."""
    local = instants_of(moment.replace(tzinfo=None), context.zone)
    if local and local[0] != moment and not is_free(moment) and is_free(local[0]):
        logger.info("A start with Z that was not free was taken as the tenant's local time")
        return local[0]
    return moment


def read_when(context: ToolContext, arguments: Arguments, name: str) -> When | None:
    """The days and times that a caller's words mean; None when there are none, or any will do."""
    text = arguments.given(name, limit=200)
    if not text or leaves_open(text, language=context.tenant.language):
        return None
    try:
        return resolve_when(text, now_local=context.local(context.now), language=context.tenant.language)
    except UnclearWhen as error:
        raise ToolError("VALIDATION_ERROR", f"{name}: {error}", context.speech.say_again) from None


def check_range(name: str, day: datetime.date) -> None:
    """Raise ToolError VALIDATION_ERROR for a day that cannot be reckoned with."""
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise invalid(name, "is out of range")


def read_contact(context: ToolContext, arguments: Arguments) -> Contact:
    """The number that the caller says, else the one that they call from."""
    phone = read_phone(context, arguments, "customerPhone") or context.caller_e164
    name = arguments.text("customerName", limit=120)
    if not name:
        raise ToolError(
            "VALIDATION_ERROR", "customerName: this field is required", context.speech.name_needed
        )
    return Contact(name, phone, arguments.given("customerEmail", limit=254))


def read_phone(context: ToolContext, arguments: Arguments, name: str) -> str:
    """In E.164, "" when none was said; a national number is of the caller's own country, or else of the tenant's."""
    said = arguments.given(name, limit=40)
    if not said:
        return ""
    called = context.conversation.called_e164 if context.conversation else ""
    first = context.caller_e164 or called or context.tenant.phone
    dialled = as_dialled_at(first, said) or as_dialled_at(context.tenant.phone, said)
    try:
        return dialled or to_e164(said, region_of(first) or "US")
    except InvalidNumber:
        raise ToolError(
            "VALIDATION_ERROR",
            f"{name}: must be a phone number such as +15551234567",
            context.speech.phone_not_understood,
        ) from None


def read_service(context: ToolContext, arguments: Arguments) -> Service:
    """The service that is named; when none is and there is but one, that one."""
    wanted = arguments.text("serviceId")
    services = Service.objects.for_tenant(context.tenant).filter(is_active=True)
    if wanted:
        named: Service | None = services.filter(name__iexact=wanted).first() if len(wanted) != 36 else None
        # Models say what they have heard: a name will do where it leaves no doubt.
        return named or _service_by_id(context, arguments.uuid("serviceId"))
    offered = list(services)
    if len(offered) == 1:
        return offered[0]
    raise ToolError(
        "VALIDATION_ERROR",
        "serviceId: this field is required",
        context.speech.which_service(one.name for one in offered),
        services=[{"id": str(one.pk), "name": one.name} for one in offered],
    )


def _service_by_id(context: ToolContext, pk: UUID | None) -> Service:
    found: Service | None = Service.objects.for_tenant(context.tenant).filter(pk=pk, is_active=True).first()
    if found is None:
        raise ToolError("NOT_FOUND", "serviceId: no such service", context.speech.service_not_found)
    return found


def read_employee(context: ToolContext, arguments: Arguments) -> Employee | None:
    """None: anybody."""
    wanted = arguments.given("employeeId")
    if wanted.casefold() in ANYBODY:
        return None
    named = Employee.objects.for_tenant(context.tenant).filter(is_active=True, name__iexact=wanted)
    if len(wanted) != 36 and len(found := list(named[:2])) == 1:
        return found[0]
    return _employee_by_id(context, arguments.uuid("employeeId"))


def _employee_by_id(context: ToolContext, pk: UUID | None) -> Employee:
    found: Employee | None = Employee.objects.for_tenant(context.tenant).filter(pk=pk, is_active=True).first()
    if found is None:
        raise ToolError("NOT_FOUND", "employeeId: no such employee", context.speech.employee_not_found)
    return found


def read_add_ons(context: ToolContext, service: Service, arguments: Arguments) -> tuple[AddOn, ...]:
    """`addOns`: ids of add-ons that the service has, or their names."""
    return _add_ons(context, service, _add_ons_said(arguments))


def _add_ons_said(arguments: Arguments) -> list[str]:
    wanted = arguments.values.get("addOns") or []
    if isinstance(wanted, str):
        wanted = _listed(wanted)
    if not isinstance(wanted, list) or len(wanted) > MAX_ADD_ONS:
        raise invalid("addOns", f"must be a list of at most {MAX_ADD_ONS} ids")
    return [said for one in wanted if (said := Arguments({"addOns": one}).given("addOns"))]


def _listed(text: str) -> Any:
    """Models write a list as JSON in a string, or the only one of it."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return listed if isinstance(listed, list) else [text]


def _add_ons(context: ToolContext, service: Service, said: Iterable[str]) -> tuple[AddOn, ...]:
    wanted = {_id_or_name(one) for one in said}
    if not wanted:
        return ()
    offered = AddOn.objects.for_tenant(context.tenant).filter(service=service, is_active=True)
    found = tuple(one for one in offered if wanted & _names(one))
    if wanted.difference(*map(_names, found)) or len(found) > len(wanted):
        raise ToolError("NOT_FOUND", "addOns: no such add-on of this service", context.speech.extra_not_found)
    return found


def _names(add_on: AddOn) -> set[str]:
    return {str(add_on.pk), add_on.name.casefold()}


def _id_or_name(said: str) -> str:
    try:
        return str(UUID(said))
    except ValueError:
        return said.casefold()
