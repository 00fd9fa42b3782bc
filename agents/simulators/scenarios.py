"""Simulated conversations, written once for both ends of the line: what the caller says, and what the agent
does when it has heard that. The carrier's simulator speaks the lines; the agent's knows what they mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any]


@dataclass
class Facts:
    """What the agent has learnt from its tools so far."""

    answers: dict[str, Answer] = field(default_factory=dict)
    passed_over: int = 0  # offered slots that turned out to be gone

    def learn(self, tool: str, answer: Answer) -> None:
        self.answers[tool] = answer
        if tool == "check_availability":
            self.passed_over = 0

    def data(self, tool: str) -> Mapping[str, Any]:
        data = self.answers.get(tool, {}).get("data")
        return data if isinstance(data, Mapping) else {}

    def message(self, tool: str, otherwise: str = "") -> str:
        """The tool's own sentence, to be spoken."""
        answer = self.answers.get(tool, {})
        message = answer.get("message") or self.data(tool).get("message") or otherwise
        return str(message).strip()

    def succeeded(self, tool: str) -> bool:
        return self.answers.get(tool, {}).get("success") is True

    def service_id(self, name: str) -> str | None:
        """The service of that name; of another business's services, the first."""
        services: Sequence[Mapping[str, Any]] = self.data("get_services").get("services") or []
        named = [service for service in services if str(service.get("name", "")).lower() == name.lower()]
        return next((str(service["id"]) for service in [*named, *services] if service.get("id")), None)

    @property
    def slot(self) -> Mapping[str, Any] | None:
        """The free time now on offer: the first one that has not turned out to be gone."""
        slots: Sequence[Mapping[str, Any]] = self.data("check_availability").get("slots") or []
        return slots[self.passed_over] if self.passed_over < len(slots) else None

    def next_slot(self) -> bool:
        self.passed_over += 1
        return self.slot is not None


Arguments = Callable[[Facts], Mapping[str, Any]]
Reply = Callable[[Facts], str]


def no_arguments(_facts: Facts) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class ToolUse:
    """One tool that the agent uses, with arguments made of what it knows by then."""

    name: str
    arguments: Arguments = no_arguments
    retries_next_slot: bool = False  # refused? then once more with the next free time


@dataclass(frozen=True)
class Line:
    """One thing the caller says, and what the agent does about it."""

    text: str
    reply: Reply
    tools: tuple[ToolUse, ...] = ()
    ends_call: bool = False
    recording: str = ""  # the name of the carrier simulator's recording of these words


@dataclass(frozen=True)
class Scenario:
    name: str
    lines: tuple[Line, ...]
    caller: str = ""  # who calls from this number has this conversation in mind
    greeting: str = "Hello! How can I help you?"  # unless the session's first_message says otherwise
    books: bool = False  # a call is a success only if it leaves an appointment behind
    filler: str = "Sorry, I did not catch that."  # the answer to anything beyond the script


def _service(name: str) -> Arguments:
    def arguments(facts: Facts) -> Mapping[str, Any]:
        service_id = facts.service_id(name)
        return {} if service_id is None else {"serviceId": service_id}

    return arguments


def _booking(service: str, customer: str) -> Arguments:
    """As a model books: the slot's own id where it has one, else its parts."""

    def arguments(facts: Facts) -> Mapping[str, Any]:
        slot = facts.slot or {}
        if slot.get("slotId"):
            return {"customerName": customer, "slotId": slot["slotId"]}
        parts = {
            "customerName": customer,
            "serviceId": facts.service_id(service),
            "employeeId": slot.get("employeeId"),
            "startTime": slot.get("startTime"),
        }
        return {name: value for name, value in parts.items() if value is not None}

    return arguments


def _offer(facts: Facts) -> str:
    said = facts.message("check_availability", "I could not look at the calendar.")
    return f"{said} Shall I book the first?" if facts.slot else said


def _confirm(facts: Facts) -> str:
    said = facts.message("book_appointment", "I could not book that.")
    return f"{said} Anything else?"


BOOKING = Scenario(
    name="booking",
    caller="+15559876543",
    books=True,
    lines=(
        Line(
            "Hi, I'd like to book a haircut.",
            recording="booking-1",
            tools=(ToolUse("get_services"), ToolUse("check_availability", _service("Haircut"))),
            reply=_offer,
        ),
        Line(
            "Yes please. My name is Alex Taylor.",
            recording="booking-2",
            tools=(ToolUse("book_appointment", _booking("Haircut", "Alex Taylor"), retries_next_slot=True),),
            reply=_confirm,
        ),
        Line(
            "No, that's all. Thank you, bye.",
            recording="booking-3",
            reply=lambda _facts: "Thank you. Goodbye!",
            ends_call=True,
        ),
    ),
)

OPENING_HOURS = Scenario(
    name="opening-hours",
    caller="+15559876544",
    lines=(
        Line(
            "Hello, when are you open?",
            recording="opening-hours-1",
            tools=(ToolUse("get_business_hours"),),
            reply=lambda facts: facts.message("get_business_hours", "I could not look that up."),
        ),
        Line(
            "Thank you, bye.",
            recording="opening-hours-2",
            reply=lambda _facts: "Goodbye!",
            ends_call=True,
        ),
    ),
)

LISTENING = Scenario(name="listening", caller="+15559876545", lines=())  # a caller who says nothing at all

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario for scenario in (BOOKING, OPENING_HOURS, LISTENING)
}


def scenario_of(caller: object) -> Scenario:
    """What this caller has in mind. An agent that cannot understand speech has to know; most want to book."""
    return next((scenario for scenario in SCENARIOS.values() if scenario.caller == caller), BOOKING)
