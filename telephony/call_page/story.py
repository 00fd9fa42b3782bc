"""What the page of a call shows, made of its rows. What people said is text here: the template escapes it."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agents.admin import cost_of, said_in, shortened
from agents.models import Conversation, ProviderSession, ToolInvocation, Turn
from appointments.models import Appointment, Customer
from telephony import words
from telephony.call_page.neighbours import Neighbours, neighbours_of
from telephony.models import Call, CallEvent
from tenants.models import User
from tenants.scoped_admin import pretty, tenant_time

CLOCK = "H:i:s"
MOST_CUSTOMERS = 20
MOST_GAPS = 40


@dataclass(frozen=True, slots=True)
class Said:
    """A turn, or between turns the name of a tool."""

    at: datetime.datetime
    clock: str
    who: str
    heard: str
    unheard: str = ""
    cut: bool = False
    tool: "Done | None" = None


@dataclass(frozen=True, slots=True)
class Done:
    """A tool call."""

    pk: str
    name: str
    succeeded: bool
    answer: str
    milliseconds: int
    arguments: str
    """JSON, indented; of markup nothing but what `pretty` has put around it. So is the answer's."""
    full_answer: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of what happened."""

    at: datetime.datetime
    clock: str
    since: str
    """From the beginning of the call: "+0:07"."""
    text: str
    detail: str = ""
    kind: str = ""
    tone: str = ""
    tool: Done | None = None


@dataclass(frozen=True, slots=True)
class Note:
    clock: str
    who: str
    text: str


class Story:
    """One call. Needs the scope of its tenant or the platform's; takes the same few queries however long it was."""

    def __init__(self, call: Call) -> None:
        self.call = call

    # --- What was said ---

    @cached_property
    def said(self) -> list[Said]:
        turns = [(turn.position, 0, turn.occurred_at, self._turn(turn)) for turn in self._turns]
        tools = [(tool.position, 1, tool.occurred_at, self._between(tool)) for tool in self._tools]
        return [entry[-1] for entry in sorted([*turns, *tools], key=lambda entry: entry[:3])]

    def _turn(self, turn: Turn) -> Said:
        who, clock = turn.get_speaker_display().capitalize(), self._clock(turn.occurred_at)
        if turn.heard_text is None:
            return Said(turn.occurred_at, clock, who, turn.text)
        heard, meant = turn.heard_text, turn.text
        unheard = meant.removeprefix(heard) if meant.startswith(heard) else f" (meant: {meant})"
        return Said(turn.occurred_at, clock, who, heard, unheard, cut=True)

    def _between(self, tool: ToolInvocation) -> Said:
        return Said(tool.occurred_at, self._clock(tool.occurred_at), "", "", tool=_done(tool))

    # --- What happened ---

    @cached_property
    def moments(self) -> list[Moment]:
        happened = (self._moment(event) for event in self._events if event.kind != words.NOTE)
        tools = (
            Moment(
                tool.occurred_at,
                self._clock(tool.occurred_at),
                self._since(tool.occurred_at),
                "",
                tool=_done(tool),
            )
            for tool in self._tools
        )
        return sorted([*happened, *tools], key=lambda moment: moment.at)

    def _moment(self, event: CallEvent) -> Moment:
        who = self._people.get(event.detail.get("member", 0), "")
        told = event.detail.get("text", "")
        detail = ", ".join(
            filter(None, (who and f"by {who}", told and f"“{told}”", words.details(event.detail)))
        )
        return Moment(
            event.occurred_at,
            self._clock(event.occurred_at),
            self._since(event.occurred_at),
            words.event(event.kind),
            detail,
            event.kind,
            "bad" if words.is_bad(event.kind) else "",
        )

    @cached_property
    def notes(self) -> list[Note]:
        written = (event for event in self._events if event.kind == words.NOTE)
        return [
            Note(
                tenant_time(event.occurred_at, self.call.tenant),
                self._people.get(event.detail.get("member", 0), "somebody who has left"),
                event.detail.get("text", ""),
            )
            for event in written
        ]

    # --- Facts ---

    @property
    def who(self) -> str:
        number = self.other_side or "Number withheld"
        return self.customers[0].name if len(self.customers) == 1 else number

    @property
    def other_side(self) -> str:
        outbound = self.call.direction == Call.Direction.OUTBOUND
        return self.call.to_e164 if outbound else self.call.from_e164

    @property
    def ending(self) -> str:
        return words.outcome(self.call.outcome) or self.call.get_state_display().capitalize()

    @property
    def tone(self) -> str:
        if words.is_trouble(self.call.outcome):
            return "bad"
        return "wait" if self.call.ended_at is None and not self.call.outcome else "good"

    @cached_property
    def customers(self) -> list[Customer]:
        if not self.other_side:
            return []
        known = Customer.objects.for_tenant(self.call.tenant_id).filter(phone_e164=self.other_side)
        return list(known.order_by("name")[:MOST_CUSTOMERS])

    @cached_property
    def appointments(self) -> list[tuple[Appointment, str]]:
        """With when they begin."""
        if self._conversation is None:
            return []
        touched = Appointment.objects.filter(tool_invocations__conversation=self._conversation).distinct()
        rows = touched.select_related("tenant", "service", "employee", "customer").order_by("starts_at")
        return [(one, tenant_time(one.starts_at, one.tenant)) for one in rows]

    @property
    def gaps(self) -> list[str]:
        """How long each answer was waited for, in seconds."""
        return [f"{gap / 1000:.1f}" for gap in self.call.feel.get("response_gaps_ms", [])[:MOST_GAPS]]

    @property
    def sessions(self) -> "list[tuple[ProviderSession, str]]":
        """With what each used, in the provider's own units."""
        return [(session, _used(session)) for session in self._sessions]

    @property
    def cost(self) -> str:
        return cost_of(self._conversation) if self._conversation else "-"

    @property
    def on_the_line(self) -> str:
        if self.call.stream_started_at is None:
            return "never began"
        until = tenant_time(self.call.stream_ended_at, self.call.tenant, CLOCK) or "…"
        return f"{self._clock(self.call.stream_started_at)} to {until}"

    @cached_property
    def neighbours(self) -> Neighbours:
        return neighbours_of(self.call)

    # --- Rows ---

    @property
    def _conversation(self) -> Conversation | None:
        return self.call.conversation

    @cached_property
    def _turns(self) -> list[Turn]:
        return list(self._conversation.turns.all()) if self._conversation else []

    @cached_property
    def _tools(self) -> list[ToolInvocation]:
        return list(self._conversation.tool_invocations.all()) if self._conversation else []

    @cached_property
    def _sessions(self) -> list[ProviderSession]:
        return list(self._conversation.sessions.all()) if self._conversation else []

    @cached_property
    def _events(self) -> list[CallEvent]:
        return list(self.call.events.all())

    @cached_property
    def _people(self) -> dict[int, str]:
        """Of the team, by their ids."""
        ids = {event.detail["member"] for event in self._events if event.detail.get("member")}
        found: Iterable[User] = User.objects.filter(pk__in=ids) if ids else ()
        return {user.pk: user.get_full_name() or user.get_username() for user in found}

    # --- Times ---

    def _clock(self, at: datetime.datetime) -> str:
        return tenant_time(at, self.call.tenant, CLOCK)

    def _since(self, at: datetime.datetime) -> str:
        seconds = int((at - self.call.created_at).total_seconds())
        return f"+{seconds // 60}:{seconds % 60:02d}" if seconds >= 0 else ""


def _done(tool: ToolInvocation) -> Done:
    answer = shortened(said_in(tool.answer), 200)
    return Done(
        str(tool.pk),
        tool.tool,
        tool.succeeded,
        answer,
        tool.duration_ms,
        pretty(tool.arguments),
        pretty(tool.answer),
    )


def _used(session: ProviderSession) -> str:
    return ", ".join(_counts(session.usage))


def _counts(usage: dict[str, Any]) -> Iterator[str]:
    for name, count in usage.items():
        yield f"{count} {name.replace('_', ' ')}"
