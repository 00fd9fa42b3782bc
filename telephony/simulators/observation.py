"""A simulated call as the product recorded it: read from the database while it happens, and told live."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from agents.models import ToolInvocation, Turn
from appointments.models import Appointment
from telephony.models import Call, Carrier
from tenants.scoping import platform_scope

POLL_S = 0.2
SETTLE_S = 5.0  # after the call, for what is written last
Json = dict[str, Any]
Say = Callable[[float, str, str], None]  # seconds since dialling, who, what


@dataclass
class Observed:
    """What the database holds about one call."""

    state: str = ""
    outcome: str = ""
    turns: list[Json] = field(default_factory=list)
    tools: list[Json] = field(default_factory=list)
    appointment: Json | None = None


class CallObserver:
    """A thread that polls, so that a slow query holds up nobody's audio."""

    def __init__(self, call_sid: str, say: Say, carrier: Carrier = Carrier.TWILIO) -> None:
        self.observed = Observed()
        self.error: Exception | None = None
        self._call_sid, self._carrier = call_sid, carrier
        self._say = say
        self._dialled = datetime.now(UTC)
        self._told: dict[tuple[str, Any], Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"observe:{call_sid}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> Observed:
        """Look once more, until the call's record is closed or will not be, and return what there is."""
        self._stop.set()
        self._thread.join(timeout=SETTLE_S + 10)
        return self.observed

    def _run(self) -> None:
        try:
            while not self._stop.wait(POLL_S):
                self._look()
            deadline = datetime.now(UTC).timestamp() + SETTLE_S
            while not self._look() and datetime.now(UTC).timestamp() < deadline:
                threading.Event().wait(POLL_S)
        except Exception as error:  # noqa: BLE001 - told by the command; a call goes on without its observer
            self.error = error
        finally:
            connection.close()

    def _look(self) -> bool:
        """Whether the call's record is complete."""
        with platform_scope():
            call = Call.objects.filter(carrier=self._carrier, carrier_call_id=self._call_sid).first()
            if call is None:
                return False
            of_call = {"conversation_id": call.conversation_id}
            turns: list[Turn] = list(Turn.objects.filter(**of_call).order_by("position"))
            tools: list[ToolInvocation] = list(
                ToolInvocation.objects.filter(**of_call).order_by("occurred_at")
            )
            booked = next((tool.appointment_id for tool in reversed(tools) if tool.appointment_id), None)
            appointment = _appointment_json(booked) if booked else None
        self.observed = Observed(
            state=call.state,
            outcome=call.outcome,
            turns=[self._turn_json(turn) for turn in turns],
            tools=[self._tool_json(tool) for tool in tools],
            appointment=appointment,
        )
        self._tell(turns, tools)
        return call.ended_at is not None and bool(call.outcome)

    def _tell(self, turns: list[Turn], tools: list[ToolInvocation]) -> None:
        """What is new, in the order in which it happened."""
        news: list[Turn | ToolInvocation] = []
        news += [turn for turn in turns if self._is_news("turn", turn.pk, turn.heard_text)]
        news += [tool for tool in tools if self._is_news("tool", tool.pk, None)]
        for item in sorted(news, key=lambda item: (item.occurred_at, item.position)):
            at_s = (item.occurred_at - self._dialled).total_seconds()
            if isinstance(item, ToolInvocation):
                self._say(at_s, "tool", f"{item.tool}({_short(item.arguments)}) -> {_answer(item.answer)}")
            elif item.heard_text is not None:
                self._say(at_s, item.speaker, f"(interrupted; the caller heard: {item.heard_text!r})")
            else:
                self._say(at_s, item.speaker, item.text)

    def _is_news(self, kind: str, key: Any, version: Any) -> bool:
        known = self._told.get((kind, key), self)
        self._told[kind, key] = version
        return known is self or known != version

    def _turn_json(self, turn: Turn) -> Json:
        told = {"speaker": turn.speaker, "text": turn.text, "atMs": self._ms(turn.occurred_at)}
        return told if turn.heard_text is None else {**told, "heardText": turn.heard_text}

    def _tool_json(self, tool: ToolInvocation) -> Json:
        return {
            "tool": tool.tool,
            "arguments": tool.arguments,
            "answer": tool.answer,
            "succeeded": tool.succeeded,
            "durationMs": tool.duration_ms,
            "atMs": self._ms(tool.occurred_at),
        }

    def _ms(self, moment: datetime) -> int:
        return round((moment - self._dialled).total_seconds() * 1000)


def _appointment_json(appointment_id: Any) -> Json | None:
    """The row itself, not what the tool said about it."""
    appointment = (
        Appointment.objects.select_related("service", "employee", "customer", "tenant")
        .filter(pk=appointment_id)
        .first()
    )
    if appointment is None:
        return None
    return {
        "id": str(appointment.pk),
        "status": appointment.status,
        "service": appointment.service.name,
        "employee": appointment.employee.name,
        "customerName": appointment.customer.name,
        "startTime": appointment.starts_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "startTimeLocal": appointment.starts_at.astimezone(appointment.tenant.zone).isoformat(
            timespec="minutes"
        ),
    }


def _short(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_clip(str(value), 24)}" for name, value in arguments.items())


def _answer(answer: Mapping[str, Any]) -> str:
    data = answer.get("data")
    message = answer.get("message") or (data.get("message") if isinstance(data, Mapping) else None)
    return _clip(str(message or answer.get("error") or answer), 100)


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
