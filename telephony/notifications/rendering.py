"""Facts into words: templates with names in braces. Pure.

A template is a business's own or ours; nothing in it is run, and what is not a placeholder is refused when it is
saved. Times are told by the tenant's clock and never as "tomorrow": a text is read when it is read.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from agents.speech import speech_for
from appointments.wallclock import wall_time
from telephony.notifications.segments import measure
from telephony.notifications.wording import wording_for

PLACEHOLDERS: Mapping[str, str] = {
    "business": "the name of the business",
    "name": "the customer's",
    "service": "what is booked; of a visit, all of it",
    "employee": "with whom",
    "when": "date and time",
    "date": "the date alone",
    "time": "the time alone",
    "phone": "where to call",
    "code": "the booking code",
    "replies": "how to answer: C, R and X, or where nobody can answer the link",
    "link": "the customer's own page, to confirm, move or cancel",
}
LONGEST = 1000
REPLY_WORDS = frozenset(
    ["CANCEL", "END", "QUIT", "YES", "UNSTOP", "STOPALL", "UNSUBSCRIBE", "OPTOUT", "REVOKE"]
)
"""Whoever answers with one of these has opted out or in, as carriers see it."""
_NAMED = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"\b[A-Z]{3,}\b")
_SAMPLE = {
    "business": "Test Salon",
    "name": "Maria Lopez",
    "service": "Haircut",
    "employee": "Ana",
    "phone": "+15551234567",
    "code": "K7M2QX",
    "link": "https://phone.example.com/a/" + 43 * "x",
}
_SAMPLE_START = datetime.datetime(2026, 11, 24, 14, 30)


def fill(template: str, facts: Mapping[str, str]) -> str:
    """Every name that has a fact; what has none is left out."""
    return " ".join(_NAMED.sub(lambda found: facts.get(found[1], ""), template).split())


def told_time(starts_at: datetime.datetime, zone: ZoneInfo, language: str) -> dict[str, str]:
    """`when`, `date` and `time`, as the tenant's clock has them."""
    return _told(wall_time(starts_at, zone), language)


def _told(local: datetime.datetime, language: str) -> dict[str, str]:
    speech = speech_for(language)
    date, time = speech.full_date(local.date()), speech.at(local)
    return {"when": f"{date} {time}", "date": date, "time": time}


def clock(instant: datetime.datetime, zone: ZoneInfo, language: str) -> str:
    return speech_for(language).clock(wall_time(instant, zone))


# --- A business's own words ----------------------------------------------------------------------


def problems(kind: str, template: str) -> Iterator[str]:
    """Why a template cannot be used."""
    if not template.strip():
        yield "Write something; without a row of its own a kind has our words."
        return
    if len(template) > LONGEST:
        yield f"At most {LONGEST} characters."
    names = _NAMED.findall(template)
    unknown = sorted(set(names) - PLACEHOLDERS.keys())
    if unknown:
        yield f"There is no {{{unknown[0]}}}. There are: {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}."
    if set("{}") & set(_NAMED.sub("", template)):
        yield "A brace stands alone: names are written {like_this}."
    if kind != "cancelled" and not {"when"} & set(names) and not {"date", "time"} <= set(names):
        yield "It must tell the time: {when}, or {date} and {time}."
    for word in _WORD.findall(template):
        if word in REPLY_WORDS:
            yield f"Do not ask for {word}: carriers take it for an opt-out or opt-in. C, R and X are understood."


def sample(kind: str, template: str, language: str) -> str:
    """How it may look."""
    wording = wording_for(language)
    replies = wording.offer_replies if kind == "offered" else wording.replies
    told = _told(_SAMPLE_START, language)
    facts = {**_SAMPLE, **told, "replies": fill(replies, {"until": told["time"]})}
    return fill(template, facts)


def usual(kind: str, language: str) -> str:
    """Our own words."""
    return wording_for(language).templates.get(kind, "")


def explained() -> str:
    names = "; ".join(f"{{{name}}}: {means}" for name, means in PLACEHOLDERS.items())
    return f"{names}."


def price_of(text: str) -> str:
    """For people: `132 of 160 characters, 1 segment`."""
    found = measure(text)
    parts = f"{found.segments} segment{'' if found.segments == 1 else 's'}"
    why = f"; {found.costly} are not in the short alphabet" if found.costly else ""
    return f"{found.units} characters in {found.encoding}, billed as {parts}{why}"
