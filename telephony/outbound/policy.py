"""What a business wants of the calls that we place for it, and may want at most. Pure: settings in, values out.

`outboundCalls`         false: none are placed
`outboundCountries`     ["US", "CA"]: where to; without it the countries of the business's own numbers
`outboundQuietHours`    {"from": "21:00", "to": "08:00"} by the callee's clock, when nobody is called; false: never
`outboundPerMinute`, `outboundAtOnce`, `outboundPerDay`, `outboundPerNumber`    how many: 10, 5, 200; to one number
                        in a day 5
`outboundConsent`       "assumed": whoever is called has agreed to it, and the business answers for that
`outboundAttempts`, `outboundRetryMinutes`, `outboundRetryHours`    how often somebody is called who is busy or does not
                        answer, how long between, and until when: 2, 15, 2
`outboundRingSeconds`   how long it rings: 30
`outboundVoicemail`     what is said to an answering machine, with names in braces; false: nothing

What makes no sense counts as not written; the page of the business refuses it.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from appointments.wallclock import WallInterval
from telephony.notifications.wishes import NIGHT, night_at, quiet_hours

NUMBERS: Mapping[str, tuple[int, int, int]] = {
    "outboundPerMinute": (10, 1, 600),
    "outboundAtOnce": (5, 1, 500),
    "outboundPerDay": (200, 1, 100_000),
    "outboundPerNumber": (5, 1, 100_000),
    "outboundAttempts": (2, 1, 10),
    "outboundRetryMinutes": (15, 1, 24 * 60),
    "outboundRetryHours": (2, 1, 72),
    "outboundRingSeconds": (30, 10, 60),
}
"""What it is where nothing is written, and from where to where it may go."""
PLACEHOLDERS = frozenset(
    {"business", "name", "service", "employee", "when", "date", "time", "phone", "purpose"}
)
LONGEST_VOICEMAIL = 600
ASSUMED = "assumed"
LONGEST_NIGHTS = 12
"""Zones of one country may have nights that follow each other: there is an end to them."""


@dataclass(frozen=True, slots=True)
class Policy:
    enabled: bool
    countries: frozenset[str]
    """Empty: those of the business's own numbers."""
    quiet: WallInterval | None
    per_minute: int
    at_once: int
    per_day: int
    per_number: int
    consent_assumed: bool
    attempts: int
    retry_after: datetime.timedelta
    retry_for: datetime.timedelta
    ring_seconds: int
    voicemail: str | None
    """None: our own words; "": none at all."""


def policy_of(settings: Any) -> Policy:
    written = settings if isinstance(settings, dict) else {}
    return Policy(
        enabled=written.get("outboundCalls") is not False,
        countries=_countries(written),
        quiet=quiet_hours(written, "outboundQuietHours"),
        per_minute=_number(written, "outboundPerMinute"),
        at_once=_number(written, "outboundAtOnce"),
        per_day=_number(written, "outboundPerDay"),
        per_number=_number(written, "outboundPerNumber"),
        consent_assumed=written.get("outboundConsent") == ASSUMED,
        attempts=_number(written, "outboundAttempts"),
        retry_after=datetime.timedelta(minutes=_number(written, "outboundRetryMinutes")),
        retry_for=datetime.timedelta(hours=_number(written, "outboundRetryHours")),
        ring_seconds=_number(written, "outboundRingSeconds"),
        voicemail=_voicemail(written),
    )


def _number(written: Mapping[str, Any], name: str) -> int:
    usual, least, most = NUMBERS[name]
    value = written.get(name)
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return int(value) if fits else usual  # type: ignore[arg-type]


def _countries(written: Mapping[str, Any]) -> frozenset[str]:
    value = written.get("outboundCountries")
    listed = value if isinstance(value, list) else []
    return frozenset(one for one in listed if _is_country(one))


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 2 and value.isascii() and value.isupper()


def _voicemail(written: Mapping[str, Any]) -> str | None:
    value = written.get("outboundVoicemail")
    if value is False:
        return ""
    fits = isinstance(value, str) and value.strip() and len(value) <= LONGEST_VOICEMAIL
    return value if fits else None


# --- When ----------------------------------------------------------------------------------------


def next_allowed(
    instant: datetime.datetime, quiet: WallInterval | None, zones: Sequence[ZoneInfo]
) -> datetime.datetime:
    """The instant itself, or the first one after it that is night in none of the zones. Without one: the last tried."""
    for _ in range(LONGEST_NIGHTS):
        nights = [night for zone in zones if (night := night_at(instant, quiet, zone))]
        if not nights:
            return instant
        instant = max(night.end for night in nights)
    return instant


# --- What is wrong -------------------------------------------------------------------------------


def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with what is written, named by its fields."""
    for name, (_, least, most) in NUMBERS.items():
        value = settings.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield f"{name}: a whole number from {least} to {most}"
    if not isinstance(settings.get("outboundCalls", True), bool):
        yield "outboundCalls: true or false"
    countries = settings.get("outboundCountries", ["US"])
    if not isinstance(countries, list) or not countries or not all(map(_is_country, countries)):
        yield 'outboundCountries: a list of countries such as ["US", "CA"]'
    quiet = settings.get("outboundQuietHours", False)
    if (
        quiet is not False
        and quiet_hours(settings, "outboundQuietHours") is NIGHT
        and quiet != {"from": "21:00", "to": "08:00"}
    ):
        yield 'outboundQuietHours: {"from": "21:00", "to": "08:00"}, two different times, or false'
    if settings.get("outboundConsent", ASSUMED) != ASSUMED:
        yield f'outboundConsent: "{ASSUMED}", or nothing'
    yield from _voicemail_problems(settings.get("outboundVoicemail", False))


def _voicemail_problems(value: Any) -> Iterator[str]:
    if value is False:
        return
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_VOICEMAIL:
        yield f"outboundVoicemail: a sentence of at most {LONGEST_VOICEMAIL} characters, or false"
        return
    names = {part.partition("}")[0] for part in value.split("{")[1:]}
    unknown = sorted(names - PLACEHOLDERS)
    if unknown:
        yield f"outboundVoicemail: there is no {{{unknown[0]}}}"
