"""What each step of the menu asks, and where each answer leads.

main -> service -> times -> confirm -> (name | phone) -> booked, main
     -> mine -> cancel -> main
     -> message | a person
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from agents.models import Conversation
from agents.speech import Speech, speech_for
from agents.tools import registry
from agents.tools.facts import Offered, slot_id
from appointments.models import Customer, Employee, Service
from appointments.wallclock import wall_time
from telephony.keypad.heard import Heard, Option, name_in
from telephony.keypad.place import Place
from telephony.models import Call
from telephony.people import directory
from telephony.rungs import has_voicemail
from tenants.models import Tenant
from tenants.scoping import tenant_scope

AT_ONCE = 3
"""Things to choose from beside the key for more: four options at most."""
BEYOND = ("earlier", "later")
"""What may be said to the times that are offered, without a key."""
NOTES = "Booked by the keys of the phone"


class Leave(StrEnum):
    """Ways out of the menu."""

    PERSON = "person"
    RECORD = "record"


class Answers(StrEnum):
    """How a question can be answered."""

    CHOICE = "choice"
    WORDS = "words"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Question:
    sentences: list[str]
    options: tuple[Option, ...] = ()
    answers: Answers = Answers.CHOICE


@dataclass(frozen=True, slots=True)
class Next:
    """What is said first, and where the caller is then."""

    place: Place
    said: list[str] = field(default_factory=list)


Taken = Next | Leave | None
"""None: not understood."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The call that the menu is for."""

    call: Call
    conversation: Conversation
    now: datetime.datetime

    @property
    def tenant(self) -> Tenant:
        return self.call.tenant

    @property
    def language(self) -> str:
        return self.tenant.language

    @property
    def speech(self) -> Speech:
        return speech_for(self.tenant.language)

    @property
    def today(self) -> datetime.date:
        return wall_time(self.now, self.tenant.zone).date()

    def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        """What the agent would be answered: `data` with its `message`, or `code` and `message`."""
        return registry.run(self.tenant.pk, self.conversation, name, arguments).envelope

    def services(self) -> list[Service]:
        with tenant_scope(self.tenant):
            return list(Service.objects.filter(is_active=True))


# --- The main menu -------------------------------------------------------------------------------


def ask_main(visit: Visit, place: Place) -> Question:
    does = ["appointments", "message"]
    if visit.services():
        does.insert(0, "book")
    options = [Option(str(n), name) for n, name in enumerate(does, 1)]
    if directory.is_anybody_there(visit.tenant) and not place.nobody:
        options.append(Option("0", "person"))
    return _choice(visit, [], options)


def take_main(visit: Visit, place: Place, _heard: Heard, option: Option | None) -> Taken:
    match option.name if option else "":
        case "book":
            services = visit.services()
            if len(services) == 1:
                return _offer(visit, place, str(services[0].pk))
            return Next(place.at("service"))
        case "appointments":
            return _own(visit, place, 0)
        case "message":
            return Leave.RECORD if has_voicemail(visit.tenant) else Next(place.at("message"))
        case "person":
            return Leave.PERSON
    return None


def take_door(_visit: Visit, place: Place, heard: Heard, _option: Option | None) -> Taken:
    """Any key opens the menu."""
    return Next(place.main()) if heard.keys else None


# --- Booking -------------------------------------------------------------------------------------


def ask_service(visit: Visit, place: Place) -> Question:
    services, first = visit.services(), int(place.about.get("first", 0))
    rest = services[first:]
    shown = rest if len(rest) <= AT_ONCE + 1 else rest[:AT_ONCE]
    options = [Option(str(n), f"service {one.pk}", one.name) for n, one in enumerate(shown, 1)]
    sentences = [visit.speech.which_service_question] if not first else []
    if len(shown) < len(rest):
        options.append(Option(str(AT_ONCE + 1), "more"))
    return _choice(visit, sentences, options)


def take_service(visit: Visit, place: Place, heard: Heard, option: Option | None) -> Taken:
    if option is not None and option.name == "more":
        return Next(place.at("service", first=int(place.about.get("first", 0)) + AT_ONCE))
    if option is not None:
        return _offer(visit, place, option.name.removeprefix("service "))
    every = [Option("", f"service {one.pk}", one.name) for one in visit.services()]
    named = heard.choice(every, visit.language) if heard.words else None
    return _offer(visit, place, named.name.removeprefix("service ")) if named else None


def _offer(visit: Visit, place: Place, service: str, *, day: str = "", when: str = "") -> Next:
    """Times of one day: of `day` or the next one with any, or what the caller's own words mean."""
    asked = {"serviceId": service, **({"when": when} if when else {"date": day} if day else {})}
    told = visit.tool("check_availability", **asked)
    if not told["success"]:
        return Next(place.main(), [told["message"]])
    data = told["data"]
    requested, following = data.get("requested"), data["nextAvailable"]
    if requested and requested["available"]:
        return _hold(visit, place, service, requested["startTime"])
    slots = data.get("nearest", []) if requested else data["slots"]
    if not slots and following and not when:
        return _offer(visit, place, service, day=following["startTimeLocal"][:10])
    said = [data["message"]] if when or requested or not slots else []
    offered = slots or ([following] if following else [])
    return replace(_offering(place, service, offered), said=said) if offered else Next(place.main(), said)


def _offering(place: Place, service: str, slots: Sequence[dict[str, Any]]) -> Next:
    return Next(place.at("times", service=service, starts=[one["startTime"] for one in _few(slots)]))


def _few(slots: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """From the first to the last."""
    if len(slots) <= AT_ONCE:
        return list(slots)
    return [slots[0], slots[(len(slots) - 1) // 2], slots[-1]]


def ask_times(visit: Visit, place: Place) -> Question:
    speech, today = visit.speech, visit.today
    starts = [_local(visit, start) for start in place.about["starts"]]
    days = {one.date() for one in starts}
    options, sentences = [], []
    if len(days) == 1:
        service = _named(visit, Service, place.about["service"])
        sentences.append(speech.free_on(service=service, day=starts[0].date(), today=today))
    for n, (local, start) in enumerate(zip(starts, place.about["starts"], strict=True), 1):
        said = speech.clock(local)
        if len(days) > 1:
            said = f"{speech.date(local.date(), today)} {speech.at(local)}"
        options.append(Option(str(n), start, said))
    options.append(Option(str(len(options) + 1), "another_day"))
    question = _choice(visit, sentences, options)
    return replace(question, options=(*question.options, *(Option("", name) for name in BEYOND)))


def take_times(visit: Visit, place: Place, heard: Heard, option: Option | None) -> Taken:
    service = place.about["service"]
    if heard.words and (option is None or option.name in BEYOND):  # "later than three" is a time of its own
        offered = _offer(visit, place, service, when=heard.words[:200])
        if offered.place.step != "main":  # the words made sense
            return offered
    match option.name if option else "":
        case "":
            return None
        case "another_day":
            return _offer_from_tomorrow(visit, place)
        case "later":
            return _offer_later(visit, place)
        case "earlier":
            return _offer_earlier(visit, place)
        case start:
            return _hold(visit, place, service, start)


def _offer_from_tomorrow(visit: Visit, place: Place) -> Next:
    """From the day on that follows those which were offered."""
    last = _local(visit, max(place.about["starts"])).date()
    following = last + datetime.timedelta(days=1)
    return _offer(visit, place, place.about["service"], day=following.isoformat())


def _offer_later(visit: Visit, place: Place) -> Next:
    last = max(place.about["starts"])
    slots = _free_on(visit, place, _local(visit, last).date().isoformat())
    later = [one for one in slots if one["startTime"] > last]
    return _offering(place, place.about["service"], later) if later else _offer_from_tomorrow(visit, place)


def _offer_earlier(visit: Visit, place: Place) -> Next:
    """On the same day; else as early as there is anything."""
    first = min(place.about["starts"])
    for day in (_local(visit, first).date().isoformat(), ""):
        if earlier := [one for one in _free_on(visit, place, day) if one["startTime"] < first]:
            return _offering(place, place.about["service"], earlier)
    return Next(place, [visit.speech.nothing_at_that_time])


def _free_on(visit: Visit, place: Place, day: str) -> list[dict[str, Any]]:
    """Of one day, or of the first that has any."""
    asked = {"serviceId": place.about["service"], **({"date": day} if day else {})}
    told = visit.tool("check_availability", **asked)
    return list(told["data"]["slots"]) if told["success"] else []


def _hold(visit: Visit, place: Place, service: str, start: str) -> Next:
    """Nobody else gets it while the caller makes up their mind; with whom, whoever is free then."""
    told = visit.tool("hold_slot", serviceId=service, startTime=start.replace("Z", "+00:00"))
    if told["success"]:
        return Next(place.at("confirm", service=service, slot=[start, told["data"]["slot"]["employeeId"]]))
    again = _offer(visit, place, service, day=_local(visit, start).date().isoformat())
    return Next(again.place, [told["message"], *again.said])


def ask_confirm(visit: Visit, place: Place) -> Question:
    start, employee = place.about["slot"]
    chosen = visit.speech.chosen(
        service=_named(visit, Service, place.about["service"]),
        employee=_named(visit, Employee, employee),
        local=_local(visit, start),
        today=visit.today,
    )
    return _choice(
        visit, [chosen], [Option("1", "confirm"), Option("2", "another_time"), Option("3", "main")]
    )


def take_confirm(visit: Visit, place: Place, _heard: Heard, option: Option | None) -> Taken:
    match option.name if option else "":
        case "confirm":
            return _contact(visit, place)
        case "another_time":
            day = _local(visit, place.about["slot"][0]).date().isoformat()
            return _offer(visit, place, place.about["service"], day=day)
        case "main":
            return Next(place.main())
    return None


def _contact(visit: Visit, place: Place) -> Next:
    if not visit.conversation.caller_e164:
        return Next(place.at("phone", **place.about))
    name = _known_name(visit)
    return _book(visit, place, name) if name else Next(place.at("name", **place.about))


def _known_name(visit: Visit) -> str:
    """Of the one customer who has the number that is called from; "" where that is not certain."""
    if not visit.conversation.caller_is_known:
        return ""
    with tenant_scope(visit.tenant):
        known = Customer.objects.filter(phone_e164=visit.conversation.caller_e164)
        names = list(known.values_list("name", flat=True)[:2])
    return names[0] if len(names) == 1 else ""


def ask_name(visit: Visit, _place: Place) -> Question:
    return Question([visit.speech.say_name_now], answers=Answers.WORDS)


def take_name(visit: Visit, place: Place, heard: Heard, _option: Option | None) -> Taken:
    """Whoever says nothing books as well: the number is known."""
    name = name_in(heard.words, visit.language)[:120]
    return _book(visit, place, name or _nameless(visit.conversation.caller_e164))


def ask_phone(visit: Visit, _place: Place) -> Question:
    return Question([visit.speech.key_in_phone], answers=Answers.NUMBER)


def take_phone(visit: Visit, place: Place, heard: Heard, _option: Option | None) -> Taken:
    if not heard.keys:
        return None
    return _book(visit, place, _nameless(heard.keys), phone=heard.keys)


def _nameless(phone: str) -> str:
    """What staff see until they know better."""
    return f"Caller …{phone[-4:]}"


def _book(visit: Visit, place: Place, name: str, *, phone: str = "") -> Next:
    service, (start, employee) = place.about["service"], place.about["slot"]
    told = visit.tool(
        "book_appointment",
        slotId=_slot_id(service, start, employee),
        customerName=name,
        notes=NOTES,
        **({"customerPhone": phone} if phone else {}),
    )
    if told["success"]:
        return Next(place.main(served=True), [told["data"]["message"]])
    if told["code"] == "VALIDATION_ERROR" and phone:
        return Next(place, [told["message"]])
    if told["code"] == registry.UNAVAILABLE:
        return Next(place.main(), [told["message"]])
    again = _offer(visit, place, service, day=_local(visit, start).date().isoformat())
    return Next(again.place, [told["message"], *again.said])


# --- The caller's own appointments ---------------------------------------------------------------


def _own(visit: Visit, place: Place, first: int) -> Next:
    told = visit.tool("find_appointment")
    if not told["success"]:
        return Next(place.main(), [told["message"]])
    found = told["data"]["appointments"]
    if not found[first:]:
        return Next(place.main(), [visit.speech.no_appointments_found])
    items = [
        [one["appointmentId"], one["startTimeLocal"], one["serviceName"], one["employeeName"]]
        for one in found[first : first + AT_ONCE]
    ]
    more = first + AT_ONCE if len(found) > first + AT_ONCE else 0
    return Next(place.at("mine", items=items, more=more), [told["data"]["message"]] if not first else [])


def ask_mine(visit: Visit, place: Place) -> Question:
    speech, options, sentences = visit.speech, [], []
    for n, (_, local, *_) in enumerate(place.about["items"], 1):
        start = datetime.datetime.fromisoformat(local)
        options.append(Option(str(n), f"cancel {n}"))
        sentences.append(speech.press_to_cancel(local=start, today=visit.today, key=str(n)))
    last = Option(str(len(options) + 1), "more" if place.about["more"] else "main")
    return Question(
        [*sentences, speech.press(last.name, key=last.key), speech.press("repeat", key="*")],
        (*options, last),
    )


def take_mine(visit: Visit, place: Place, _heard: Heard, option: Option | None) -> Taken:
    if option is None:
        return None
    if option.name == "main":
        return Next(place.main(served=True))
    if option.name == "more":
        return _own(visit, place, int(place.about["more"]))
    return Next(place.at("cancel", item=place.about["items"][int(option.key) - 1]))


def ask_cancel(visit: Visit, place: Place) -> Question:
    _, local, service, employee = place.about["item"]
    start = datetime.datetime.fromisoformat(local)
    asked = visit.speech.confirm_cancel(service=service, employee=employee, local=start, today=visit.today)
    return _choice(visit, [asked], [Option("1", "yes"), Option("2", "no")])


def take_cancel(visit: Visit, place: Place, _heard: Heard, option: Option | None) -> Taken:
    match option.name if option else "":
        case "yes":
            wanted = {"appointmentId": place.about["item"][0], "confirm": True}
            told = visit.tool("cancel_appointment", **wanted)
            if told["success"] and told["data"].get("needsConfirmation"):  # the menu has just asked that
                told = visit.tool("cancel_appointment", **wanted)
            message = told["data"]["message"] if told["success"] else told["message"]
            return Next(place.main(served=told["success"]), [message])
        case "no":
            return Next(place.main(served=True))
    return None


# --- A message -----------------------------------------------------------------------------------


def ask_message(visit: Visit, _place: Place) -> Question:
    return Question([visit.speech.say_message_now], answers=Answers.WORDS)


def take_message(visit: Visit, place: Place, heard: Heard, _option: Option | None) -> Taken:
    if not heard.words:
        return None
    told = visit.tool("take_message", message=heard.words[:2000])
    message = told["data"]["message"] if told["success"] else told["message"]
    return Next(place.main(served=told["success"]), [message])


# --- What steps have in common -------------------------------------------------------------------


def _choice(visit: Visit, sentences: list[str], options: list[Option]) -> Question:
    """Each option is said with its key, and at last how to hear them again."""
    speech = visit.speech
    said = [
        speech.press_for(what=one.what, key=one.key) if one.what else speech.press(one.name, key=one.key)
        for one in options
    ]
    return Question([*sentences, *said, speech.press("repeat", key="*")], tuple(options))


def _local(visit: Visit, start: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(start).astimezone(visit.tenant.zone)


def _slot_id(service: str, start: str, employee: str) -> str:
    return slot_id(Offered(UUID(service), UUID(employee), datetime.datetime.fromisoformat(start)))


def _named(visit: Visit, kind: type[Service] | type[Employee], pk: str) -> str:
    with tenant_scope(visit.tenant):
        return str(kind.objects.values_list("name", flat=True).get(pk=pk))


Ask = Callable[[Visit, Place], Question]
Take = Callable[[Visit, Place, Heard, Option | None], Taken]
STEPS: Mapping[str, tuple[Ask, Take]] = {
    "door": (ask_main, take_door),
    "main": (ask_main, take_main),
    "service": (ask_service, take_service),
    "times": (ask_times, take_times),
    "confirm": (ask_confirm, take_confirm),
    "name": (ask_name, take_name),
    "phone": (ask_phone, take_phone),
    "mine": (ask_mine, take_mine),
    "cancel": (ask_cancel, take_cancel),
    "message": (ask_message, take_message),
}
