"""Is there anything to book, and anybody to help when the agent cannot? Pure."""

import datetime
from collections.abc import Callable, Iterator, Sequence

from agents.speech import Hours, speech_for
from telephony.doctor.facts import Business
from telephony.people.numbers import is_costly
from tenants.findings import Finding, broken, note, warning
from tenants.phone import InvalidNumber, to_e164

Check = Callable[[Business], Iterator[Finding]]

MINUTES_OF_WEEK = 7 * 24 * 60


def hours(facts: Business) -> Iterator[Finding]:
    if not any(facts.calendar.week) and not facts.calendar.special_dates:
        yield broken(
            "HOURS_NONE",
            "The business has no opening hours: nothing can ever be booked.",
            "Enter them under Opening hours.",
        )


def employees_hours(facts: Business) -> Iterator[Finding]:
    if not any(facts.calendar.week):
        return
    open_minutes = _minutes(facts.calendar.week)
    for person in facts.calendar.people:
        if any(person.week) and not open_minutes & _minutes(person.week):
            yield broken(
                "HOURS_NEVER_OVERLAP",
                f"{person.name} only works when the business is closed, and can never be booked.",
                "Correct their hours or the business's under Opening hours.",
            )


def _minutes(week: Sequence[Hours]) -> set[int]:
    """The minutes of the week, counted from Monday's midnight; a close at or before its opening is tomorrow's."""
    found: set[int] = set()
    for weekday, intervals in enumerate(week):
        for opens, closes in intervals:
            start, end = (weekday * 1440 + _minute(moment) for moment in (opens, closes))
            end += 1440 if end <= start else 0
            found |= {minute % MINUTES_OF_WEEK for minute in range(start, end)}
    return found


def _minute(moment: datetime.time) -> int:
    return moment.hour * 60 + moment.minute


def services(facts: Business) -> Iterator[Finding]:
    if not facts.calendar.performed:
        yield broken(
            "SERVICES_NONE",
            "The business offers no service: there is nothing to book.",
            "Add one under Services, or switch one on.",
        )
    for name, performers in facts.calendar.performed.items():
        if not performers:
            yield broken(
                "SERVICE_WITHOUT_EMPLOYEE",
                f"Nobody performs {name}: callers are never offered a time for it.",
                "Add it to an active employee's services, or switch it off.",
            )


def employees(facts: Business) -> Iterator[Finding]:
    for person in facts.calendar.people:
        if not person.services:
            yield warning(
                "EMPLOYEE_WITHOUT_SERVICE",
                f"{person.name} performs no service and is never booked.",
                "Choose what they perform under Employees, or switch them off.",
            )


def inactive(facts: Business) -> Iterator[Finding]:
    if facts.calendar.inactive:
        yield note(
            "INACTIVE",
            f"Switched off, and not offered: {speech_for('en').join(list(facts.calendar.inactive))}.",
            "Nothing to do if that is meant; else switch them on.",
        )


def somebody_to_help(facts: Business) -> Iterator[Finding]:
    number = facts.settings.get("transferNumber")
    if not number:
        if not facts.settings.get("voicemail") and not facts.rings_groups:
            yield warning(
                "NOBODY_TO_FALL_BACK_ON",
                "There is nobody to ring and no voicemail: a caller whom the agent fails only gets an apology.",
                "Set transferNumber, voicemail or both in the business's settings.",
            )
        return
    try:
        e164 = to_e164(str(number))
    except InvalidNumber:
        yield broken(
            "TRANSFER_NUMBER_INVALID",
            "transferNumber is not a phone number in the form +15551234567.",
            "Correct transferNumber in the business's settings.",
        )
        return
    if e164 in facts.numbers:
        yield broken(
            "TRANSFER_NUMBER_LOOPS",
            "transferNumber is one of the business's own numbers: a caller would be handed back to the agent.",
            "Set transferNumber to a phone that a person answers.",
        )
    elif is_costly(e164):
        yield broken(
            "TRANSFER_NUMBER_COSTLY",
            "transferNumber charges special rates: it is never dialled.",
            "Set transferNumber to an ordinary phone.",
        )


def time_zone(facts: Business) -> Iterator[Finding]:
    if facts.tenant.timezone == "UTC":
        yield warning(
            "TIMEZONE_UTC",
            "The business's time zone is UTC, which is where few businesses are.",
            "Set its time zone, such as America/New_York, so that hours and appointments mean what staff think.",
        )


CHECKS: tuple[Check, ...] = (
    hours,
    employees_hours,
    services,
    employees,
    inactive,
    somebody_to_help,
    time_zone,
)
