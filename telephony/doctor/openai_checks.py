"""Will OpenAI take the call? Pure."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from telephony.doctor.facts import Business
from telephony.doctor.findings import Finding, broken, warning

SOON = datetime.timedelta(days=90)


def model(facts: Business) -> Iterator[Finding]:
    error = facts.openai.error
    if error is None:
        yield from _ending(facts)
    elif error.status in {401, 403}:
        yield broken("OPENAI_KEY_REFUSED", error.message, error.fix)
    elif error.status == 404:
        yield broken(
            "MODEL_UNKNOWN",
            f"OpenAI has no model {facts.agent_id} for this key.",
            "Correct openaiModel in the business's settings, or OPENAI_REALTIME_MODEL.",
        )
    else:
        yield broken("OPENAI_UNREACHABLE", error.message, error.fix or "Try again in a minute.")


def _ending(facts: Business) -> Iterator[Finding]:
    ends_on = _date((facts.openai.model or {}).get("shutdown_date"))
    if ends_on is not None and ends_on - facts.openai.today < SOON:
        yield warning(
            "MODEL_ENDS",
            f"OpenAI switches {facts.agent_id} off on {ends_on}.",
            "Choose another one: openaiModel in the business's settings, or OPENAI_REALTIME_MODEL.",
        )


def _date(told: Any) -> datetime.date | None:
    """An ISO date, or seconds since 1970."""
    try:
        if isinstance(told, int) and not isinstance(told, bool):
            return datetime.datetime.fromtimestamp(told, datetime.UTC).date()
        return datetime.date.fromisoformat(told[:10]) if isinstance(told, str) else None
    except (ValueError, OverflowError, OSError):
        return None


CHECKS: tuple[Callable[[Business], Iterator[Finding]], ...] = (model,)
