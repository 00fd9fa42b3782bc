"""What a tool is: a schema for the model, a function for us, and an answer that a voice can say."""

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.live_calls import Act
from agents.models import Conversation
from agents.speech import Speech, speech_for
from appointments.wallclock import wall_time
from tenants.models import Tenant


class Trust(IntEnum):
    """How well we know that the caller is who an appointment is for, from weakest to strongest."""

    NONE = 0
    CALLER_ID = 1
    """The number that they call from, where no carrier says that it may be forged; or this very call booked it."""
    KNOWLEDGE = 2
    """The booking code, or the surname and the time."""
    CODE = 3
    """A one-time code that was sent to the number."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who asks. Everything here comes from the credential and the call, nothing from the model."""

    tenant: Tenant
    conversation: Conversation | None
    now: datetime.datetime
    trust: Trust = Trust.NONE
    """What the tool asks for."""

    @property
    def caller_e164(self) -> str:
        return self.conversation.caller_e164 if self.conversation else ""

    @property
    def known_caller_e164(self) -> str:
        """The number that they call from, unless a carrier says that it may be forged."""
        conversation = self.conversation
        return conversation.caller_e164 if conversation and conversation.caller_is_known else ""

    @property
    def holder(self) -> str:
        """The name under which slots are held for this call."""
        return str(self.conversation.pk) if self.conversation else ""

    @property
    def speech(self) -> Speech:
        return speech_for(self.tenant.language)

    @property
    def zone(self) -> ZoneInfo:
        return self.tenant.zone

    @property
    def today(self) -> datetime.date:
        return self.local(self.now).date()

    def local(self, moment: datetime.datetime) -> datetime.datetime:
        """The tenant's wall time of an instant, naive."""
        return wall_time(moment, self.zone)

    def zoned(self, moment: datetime.datetime) -> datetime.datetime:
        """The same with its zone, for speech, which then says which of two it is in the repeated hour."""
        return moment.astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """Facts for the model, and `message`, made of those facts, for the caller."""

    data: dict[str, Any]
    message: str
    appointment_id: UUID | None = None
    act: Act | None = None


class ToolError(Exception):
    """The tool says no: `message` is for the caller, `error` and `code` for programs; "" is worded by the registry."""

    def __init__(self, code: str, error: str, message: str = "", **extra: Any) -> None:
        super().__init__(error)
        self.code, self.error, self.message, self.extra = code, error, message, extra


NOTHING = frozenset(
    ["n/a", "none", "null", "undefined", "unknown", "anonymous", "not provided", "not given", "-"]
)
"""What models write into a field that they know nothing for."""

Handler = Callable[[ToolContext, "Arguments"], ToolAnswer]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    """JSON schema properties, with descriptions that a model understands."""
    handler: Handler
    required: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    trust: Trust = Trust.NONE
    """What is needed to be shown, or to change, an appointment. A tenant may ask for more."""

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": dict(self.parameters), "required": list(self.required)}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the model filled in. Readers raise ToolError VALIDATION_ERROR and name the field."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, *, limit: int = 500) -> str:
        """Trimmed; "" when missing. Models send numbers for strings now and then."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(name, "must be a string")
        text = str(value).strip()
        if len(text) > limit:
            raise invalid(name, f"must not be longer than {limit} characters")
        return text

    def given(self, name: str, *, limit: int = 500) -> str:
        """As `text`, for what is nobody's name: "" where a model has written that there is nothing."""
        text = self.text(name, limit=limit)
        return "" if text.casefold() in NOTHING else text

    def uuid(self, name: str) -> UUID | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            raise invalid(name, "must be a UUID") from None

    def flag(self, name: str) -> bool:
        """False when missing. Models write booleans as words now and then."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return value
        word = str(value or "").strip().lower()
        if word not in {"", "true", "false", "yes", "no"}:
            raise invalid(name, "must be true or false")
        return word in {"true", "yes"}

    def integer(self, name: str, *, lowest: int, highest: int) -> int | None:
        """None when missing; whatever is more than `highest` is that. Models write 2 as 2.0 now and then."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not number.is_integer():
            raise invalid(name, "must be a whole number")
        if number < lowest:
            raise invalid(name, f"must be {lowest} or more")
        return int(min(number, highest))


def invalid(name: str, problem: str) -> ToolError:
    """Said to the caller as a request to say it again."""
    return ToolError("VALIDATION_ERROR", f"{name}: {problem}")
