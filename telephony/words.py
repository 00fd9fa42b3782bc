"""What happened to calls, in words for people. Pure.

The left sides are what `telephony.calls` and its callers write; whatever is not here yet is shown as it is written.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Family(StrEnum):
    """How a call ended, as the owner of a business asks for it."""

    SERVED = "served"
    PERSON = "person"
    CUT_OFF = "cut-off"
    TURNED_AWAY = "turned-away"


FAMILIES = {
    Family.SERVED: "Came to its end",
    Family.PERSON: "Put through, or went on by keys",
    Family.CUT_OFF: "Cut off by a fault or a limit",
    Family.TURNED_AWAY: "Never reached the agent",
}

_OUTCOMES: dict[str, tuple[Family, str]] = {
    "agent_ended": (Family.SERVED, "The agent said goodbye"),
    "caller_hung_up": (Family.SERVED, "The caller hung up"),
    "transfer": (Family.PERSON, "Put through to a person"),
    "transferred": (Family.PERSON, "A person took the call"),
    "returning": (Family.PERSON, "Nobody took the call; back to the agent"),
    "menu": (Family.PERSON, "The caller went on by keys"),
    "time_limit": (Family.CUT_OFF, "Reached the time limit"),
    "spend_limit": (Family.CUT_OFF, "The paid time was used up"),
    "silence": (Family.CUT_OFF, "Nobody spoke any more"),
    "stream_lost": (Family.CUT_OFF, "The line broke"),
    "media_lost": (Family.CUT_OFF, "Lost by a fault of ours"),
    "drained": (Family.CUT_OFF, "Handed on while we restarted"),
    "bad_frames": (Family.CUT_OFF, "The carrier's audio could not be read"),
    "wrong_sample_rate": (Family.CUT_OFF, "The carrier's audio is set up wrongly"),
    "error": (Family.CUT_OFF, "A fault"),
    "lost": (Family.CUT_OFF, "Its end was never told to us"),
    "agent_failed": (Family.CUT_OFF, "The agent failed"),
    "agent_refused": (Family.CUT_OFF, "The agent's provider refused the call"),
    "agent_unreachable": (Family.CUT_OFF, "The agent's provider was not to be reached"),
    "agent_lost": (Family.CUT_OFF, "The agent was gone in the middle"),
    "agent_silent": (Family.CUT_OFF, "The agent fell silent"),
    "unsupported_audio": (Family.CUT_OFF, "The agent's audio does not fit the carrier's"),
    "unanswered": (Family.TURNED_AWAY, "We did not answer the carrier"),
    "agent_fails_everybody": (Family.TURNED_AWAY, "The agent had failed too many callers"),
    "agent_not_chosen": (Family.TURNED_AWAY, "No agent is chosen"),
    "agent_not_configured": (Family.TURNED_AWAY, "The agent's provider has no key"),
    "without_agent": (Family.TURNED_AWAY, "The number has no agent"),
    "not_in_service": (Family.TURNED_AWAY, "The business is not in service"),
    "budget_spent": (Family.TURNED_AWAY, "The business's paid time was used up"),
    "caller_budget_spent": (Family.TURNED_AWAY, "The caller's paid time was used up"),
    "caller_blocked": (Family.TURNED_AWAY, "The number is blocked"),
    "lines_busy": (Family.TURNED_AWAY, "All lines were busy"),
    "caller_on_many_lines": (Family.TURNED_AWAY, "The caller was on too many lines"),
    "caller_calls_too_often": (Family.TURNED_AWAY, "The caller had called too often"),
}


def outcome(written: str) -> str:
    """ "agent_ended" -> "The agent said goodbye"."""
    known = _OUTCOMES.get(written)
    return known[1] if known else written.replace("_", " ")


def outcomes_of(family: str) -> list[str]:
    return [written for written, (its, _) in _OUTCOMES.items() if its == family]


def outcomes_worded(typed: str) -> list[str]:
    """Those whose words have this in them; none for next to nothing."""
    typed = typed.strip().lower()
    return [written for written, (_, told) in _OUTCOMES.items() if len(typed) > 3 and typed in told.lower()]


def is_trouble(written: str) -> bool:
    known = _OUTCOMES.get(written)
    return known is not None and known[0] in {Family.CUT_OFF, Family.TURNED_AWAY}


# --- Events ---------------------------------------------------------------------------------------

NOTE = "staff_note"
WHISPER = "staff_whisper"

_EVENTS = {
    "stream_started": "The caller was connected to the agent",
    "stream_ended": "The connection to the agent was closed",
    "interrupted": "The caller interrupted the agent",
    "digit": "The caller pressed a key",
    "agent_closed": "The provider's session was closed",
    "agent_hangs_up": "The agent hung up",
    "agent_relieved": "Another agent took over",
    "overrides_refused": "The agent's settings refused ours; it went on with its own",
    "bad_frame": "The carrier sent what could not be read",
    "transfer": "The caller is to be put through",
    "hang_up": "The call is to be ended",
    "rung": "A person was rung",
    "person_rung": "A person was rung",
    "ringing_stopped": "The ringing stopped",
    "person_listens": "A person picked up, and hears who calls",
    "person_accepted": "A person took the call",
    "person_unreached": "A person was not reached",
    "person_lost": "The line to a person broke",
    "person_left": "The person hung up",
    "nobody_came": "Nobody took the call",
    "agent_returns": "The agent came back to the caller",
    "dialog_created": "The carrier joined the two lines",
    "carrier_refused": "The carrier refused what it was asked to do",
    "hung_up_by_us": "We asked the carrier to end the call",
    "carrier:stream-started": "The carrier opened the line to us",
    "carrier:stream-stopped": "The carrier closed the line to us",
    "carrier:stream-error": "The carrier's line to us failed",
    "voicemail": "The caller left a message on the machine",
    "aftercare": "The caller was given something else than the agent",
    "staff_hang_up": "Ended from the desk",
    "staff_transfer": "Put through from the desk",
    WHISPER: "The agent was told from the desk",
    NOTE: "A note was written",
}
_STATES = {
    "queued": "The call was queued",
    "ringing": "It rang",
    "in-progress": "The call was answered",
    "completed": "The call was over",
    "busy": "The line was busy",
    "no-answer": "Nobody answered",
    "canceled": "The call was cancelled",
    "failed": "The call failed",
}
_BAD_EVENTS = frozenset(
    {
        "agent_relieved",
        "bad_frame",
        "carrier:stream-error",
        "carrier_refused",
        "nobody_came",
        "overrides_refused",
        "person_lost",
        "status:failed",
    }
)
_INTERNAL = frozenset({"member", "sequence", "text", "place"})
"""In an event's details, and told in another way or to nobody."""


def event(kind: str) -> str:
    if kind.startswith("status:"):
        return _STATES.get(kind.removeprefix("status:"), kind)
    return _EVENTS.get(kind) or outcome(kind)


def is_bad(kind: str) -> bool:
    return is_trouble(kind) or kind in _BAD_EVENTS


def details(detail: Mapping[str, Any]) -> str:
    """What else is known of it: "outcome: The agent said goodbye"."""
    told = (
        (name, value) for name, value in detail.items() if name not in _INTERNAL and value not in ("", None)
    )
    return ", ".join(f"{name}: {outcome(str(value)) if name == 'outcome' else value}" for name, value in told)
