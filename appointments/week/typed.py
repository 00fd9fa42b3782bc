"""A week as somebody types it: rows of two times, day by day. Nothing typed is ever lost. Pure.

A closing time at or before the opening time is the next day's. A row with neither time is no row.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from itertools import pairwise, zip_longest
from typing import Protocol

from appointments.slots import WeeklyHours
from appointments.wallclock import WallInterval

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_A_DAY = 12
DAY = 24 * 60
WEEK = 7 * DAY
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?::00)?", re.ASCII)


class Lists(Protocol):
    """Django's QueryDict."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(slots=True)
class Row:
    """One interval as typed, and in a sentence what is wrong with it."""

    opens: str = ""
    closes: str = ""
    problem: str = ""
    is_new: bool = False
    """Just added: where the cursor goes."""

    @property
    def is_blank(self) -> bool:
        return not self.opens and not self.closes


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of one day's strip, in minutes from its midnight. `is_night`: it opened the day before."""

    start: int
    minutes: int
    is_night: bool = False


class TypedWeek:
    def __init__(self, days: Iterable[Iterable[Row]] = ()) -> None:
        self.days: list[list[Row]] = [list(rows) for rows in days] or [[] for _ in WEEKDAYS]

    @classmethod
    def of(cls, week: Iterable[WeeklyHours]) -> "TypedWeek":
        typed = cls()
        for one in week:
            told = (f"{one.interval.opens:%H:%M}", f"{one.interval.closes:%H:%M}")
            typed.days[one.weekday].append(Row(*told))
        return typed

    @classmethod
    def sent(cls, form: Lists) -> "TypedWeek":
        """From the fields `opens-0`, `closes-0` (Monday) to `opens-6`, `closes-6`, each as often as there are rows."""
        return cls(
            [
                Row(opens.strip()[:20], closes.strip()[:20])
                for opens, closes in zip_longest(
                    form.getlist(f"opens-{day}")[:MOST_A_DAY],
                    form.getlist(f"closes-{day}")[:MOST_A_DAY],
                    fillvalue="",
                )
            ]
            for day in range(7)
        )

    # --- What the buttons do ---

    def add(self, day: int) -> None:
        """After a break it goes on where the interval before has ended; else with an ordinary day."""
        if len(self.days[day]) < MOST_A_DAY:
            row = Row(is_new=True) if self.days[day] else Row("09:00", "17:00", is_new=True)
            self.days[day].append(row)

    def remove(self, day: int, place: int) -> None:
        del self.days[day][place : place + 1]

    def copy(self, day: int, onto: Iterable[int]) -> None:
        for other in onto:
            if other != day:
                self.days[other] = [Row(row.opens, row.closes) for row in self.days[day]]

    # --- What is understood ---

    def understood(self) -> list[WeeklyHours]:
        """In order, Monday first. What is wrong stands beside its row from then on: ask `is_right`."""
        found: list[tuple[WeeklyHours, Row]] = []
        for day, rows in enumerate(self.days):
            for row in rows:
                row.problem = ""
                if not row.is_blank and (interval := _read(row)):
                    found.append((WeeklyHours(day, interval), row))
        found.sort(key=lambda one: span(one[0]))
        _refuse_overlaps(found)
        return [hours for hours, _ in found]

    def forgive(self) -> None:
        for row in (row for rows in self.days for row in rows):
            row.problem = ""

    @property
    def is_right(self) -> bool:
        return not any(row.problem for rows in self.days for row in rows)


def _read(row: Row) -> WallInterval | None:
    opens, closes = clock(row.opens), clock(row.closes, ends=True)
    if opens is None or closes is None:
        which = "opening" if opens is None else "closing"
        typed = row.opens if opens is None else row.closes
        row.problem = (
            f"“{typed}” is no {which} time, such as 09:00." if typed else f"The {which} time is missing."
        )
        return None
    return WallInterval(opens, closes)


def clock(text: str, ends: bool = False) -> time | None:
    """ "9", "9:30", "09.30"; 24:00 ends a day."""
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if ends and (hour, minute) == (24, 0):
        return time()
    return time(hour, minute) if hour < 24 and minute < 60 else None


def span(hours: WeeklyHours) -> tuple[int, int]:
    """From and until, in minutes of a week that begins on Monday; the end may lie beyond it."""
    opens = 60 * hours.interval.opens.hour + hours.interval.opens.minute
    closes = 60 * hours.interval.closes.hour + hours.interval.closes.minute
    start = DAY * hours.weekday + opens
    return start, start + ((closes - opens) % DAY or DAY)


def _refuse_overlaps(found: Sequence[tuple[WeeklyHours, Row]]) -> None:
    for (before, _), (hours, row) in pairwise(found):
        if span(before)[1] > span(hours)[0]:
            row.problem = f"It begins before {told(before)} has ended."
    if len(found) > 1 and span(found[-1][0])[1] - WEEK > span(found[0][0])[0]:
        found[0][1].problem = f"It begins before {told(found[-1][0])} has ended."


def told(hours: WeeklyHours) -> str:
    """ "Friday 22:00 to 02:00"."""
    return f"{WEEKDAYS[hours.weekday]} {hours.interval.opens:%H:%M} to {hours.interval.closes:%H:%M}"


# --- At a glance ---------------------------------------------------------------------------------


def bars(week: Iterable[WeeklyHours]) -> list[list[Bar]]:
    """The strip of each day, Monday first; a night goes on in the strip of the day after."""
    strips: list[list[Bar]] = [[] for _ in WEEKDAYS]
    for day, bar in (piece for hours in week for piece in _pieces(hours)):
        strips[day].append(bar)
    return strips


def _pieces(hours: WeeklyHours) -> Iterator[tuple[int, Bar]]:
    start, end = (minute - DAY * hours.weekday for minute in span(hours))
    yield hours.weekday, Bar(start, min(end, DAY) - start)
    if end > DAY:
        yield (hours.weekday + 1) % 7, Bar(0, end - DAY, is_night=True)


def length(week: Iterable[WeeklyHours]) -> str:
    """Of all of them: "42 h 30"."""
    minutes = sum(end - start for start, end in map(span, week))
    return f"{minutes // 60} h {minutes % 60:02}" if minutes % 60 else f"{minutes // 60} h"
