"""Facts as sentences that a voice can say. Pure; the words are made from the data that they describe."""

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MAX_OPTIONS = 4
"""A listener keeps three or four options in mind."""

Hours = tuple[tuple[datetime.time, datetime.time], ...]
"""One day's opening intervals, earliest first."""

_CURRENCIES = {"USD": "dollars", "EUR": "euros", "GBP": "pounds", "CHF": "francs"}


def join(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def hours_summary(week: Sequence[Hours]) -> str:
    """Seven days' hours, Monday first: "We're open Monday through Friday from 09:00 to 17:00."

    Runs of days with the same hours are said together; days without hours are closed and not named.
    """
    groups = [
        (hours, [day for day, _ in run])
        for hours, run in groupby(enumerate(week), key=lambda item: item[1])
        if hours
    ]
    if not groups:
        return "We have no regular opening hours."
    return f"We're open {join([f'{_days(days)} {_intervals(hours)}' for hours, days in groups])}."


def _days(days: Sequence[int]) -> str:
    first, last = WEEKDAYS[days[0]], WEEKDAYS[days[-1]]
    if len(days) == 1:
        return first
    return f"{first} and {last}" if len(days) == 2 else f"{first} through {last}"


def _intervals(hours: Hours) -> str:
    return join([f"from {opens:%H:%M} to {closes:%H:%M}" for opens, closes in hours])


def services(names: Iterable[str]) -> str:
    """ "We offer: Haircut, Styling, Coloring." Callers hear four at most and that there are more."""
    every = list(names)
    if not every:
        return "We have no services to book at the moment."
    if len(every) > MAX_OPTIONS:
        return f"We offer: {', '.join(every[:MAX_OPTIONS])}, and more."
    return f"We offer: {', '.join(every)}."


def clock(moment: datetime.time | datetime.datetime) -> str:
    """`9 AM`, `2:15 PM`."""
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{hour}:{moment.minute:02d} {half}" if moment.minute else f"{hour} {half}"


def date(day: datetime.date, today: datetime.date) -> str:
    """`today`, `tomorrow`, `Tuesday, November 24`; the year only when it is another one."""
    if day == today:
        return "today"
    if day == today + datetime.timedelta(days=1):
        return "tomorrow"
    year = f", {day.year}" if day.year != today.year else ""
    return f"{WEEKDAYS[day.weekday()]}, {day:%B} {day.day}{year}"


def price(amount: Decimal, currency: str) -> str:
    """`50 dollars`, `12.50 euros`, `900 JPY`."""
    number = f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"
    return f"{number} {_CURRENCIES.get(currency, currency)}"


def on(day: str) -> str:
    """`today`, `tomorrow`, `on Tuesday, November 24`."""
    return day if day in {"today", "tomorrow"} else f"on {day}"


def moment(local: datetime.datetime, today: datetime.date) -> str:
    """`tomorrow at 9 AM`."""
    return f"{on(date(local.date(), today))} at {clock(local)}"
