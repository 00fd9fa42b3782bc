"""Weekly hours as one JSON object, an interval a day, to and from values.

    {"monday": {"open": "09:00", "close": "17:00", "enabled": true}, …}

A closing time at or before the opening time is the next day's; "24:00" is the end of the day. A day that is
missing, null or not enabled is closed. A day with breaks also has `intervals`, of which `open` is the first
opening and `close` the last closing time. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from appointments.slots import WeeklyHours
from appointments.wallclock import WallInterval

KEY = "businessHours"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_END_OF_DAY = "24:00"


class InvalidHours(ValueError):
    """`problems` are sentences that begin with the name of a field: "businessHours.monday.open: …"."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


def parse(value: Any) -> list[WeeklyHours]:
    """All of a week, Monday first, or raise InvalidHours with everything that is wrong."""
    week, problems = _read(value)
    if problems:
        raise InvalidHours(problems)
    return week


def readable(value: Any) -> list[WeeklyHours]:
    """What can be understood of a week that nobody has checked; the other days are closed."""
    return _read(value)[0]


def build(week: Sequence[WeeklyHours]) -> dict[str, dict[str, Any]]:
    """The object of a week; the hours of each day are in order."""
    by_day: list[list[WallInterval]] = [[] for _ in WEEKDAYS]
    for hours in week:
        by_day[hours.weekday].append(hours.interval)
    return {name: _day(intervals) for name, intervals in zip(WEEKDAYS, by_day, strict=True)}


def _day(intervals: Sequence[WallInterval]) -> dict[str, Any]:
    if not intervals:
        return {"open": None, "close": None, "enabled": False, "intervals": []}
    told = [{"open": f"{each.opens:%H:%M}", "close": f"{each.closes:%H:%M}"} for each in intervals]
    return {"open": told[0]["open"], "close": told[-1]["close"], "enabled": True, "intervals": told}


def _read(value: Any) -> tuple[list[WeeklyHours], list[str]]:
    """What is understood, and what is wrong with the rest."""
    if not isinstance(value, Mapping):
        return [], [f"{KEY}: must be an object with a day of the week in each field"]
    week: list[WeeklyHours] = []
    problems = [
        f"{KEY}.{name}: is not a day of the week such as monday" for name in value if name not in WEEKDAYS
    ]
    for weekday, name in enumerate(WEEKDAYS):
        try:
            week += [WeeklyHours(weekday, interval) for interval in _intervals(name, value.get(name))]
        except InvalidHours as error:
            problems += error.problems
    return week, problems


def _intervals(name: str, day: Any) -> list[WallInterval]:
    """One day's. Raises InvalidHours."""
    where = f"{KEY}.{name}"
    if day is None:
        return []
    if not isinstance(day, Mapping):
        raise InvalidHours([f"{where}: must be an object with open, close and enabled"])
    enabled = day.get("enabled", True)
    if not isinstance(enabled, bool):
        raise InvalidHours([f"{where}.enabled: must be true or false"])
    if not enabled:
        return []
    whole = _interval(where, day)
    return [whole] if day.get("intervals") is None else _with_breaks(f"{where}.intervals", whole, day)


def _with_breaks(where: str, whole: WallInterval, day: Mapping[str, Any]) -> list[WallInterval]:
    rows = day["intervals"]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidHours([f"{where}: must be a list of objects with open and close"])
    intervals = [_interval(f"{where}.{index}", row) for index, row in enumerate(rows)]
    if (intervals[0].opens, intervals[-1].closes) != (whole.opens, whole.closes):
        raise InvalidHours([f"{where}: must begin at the day's open and end at its close"])
    ends = (each.closes for each in intervals[:-1])
    begins = (each.opens for each in intervals[1:])
    in_order = all(before <= after for before, after in zip(ends, begins, strict=True))
    if not in_order or any(each.closes <= each.opens for each in intervals[:-1]):
        raise InvalidHours([f"{where}: must be in order, and none may begin before another has ended"])
    return intervals


def _interval(where: str, row: Mapping[str, Any]) -> WallInterval:
    opens, closes = _clock(row.get("open")), _clock(row.get("close"), _END_OF_DAY)
    if opens is None or closes is None:
        wrong = [name for name, found in (("open", opens), ("close", closes)) if found is None]
        raise InvalidHours([f"{where}.{name}: must be HH:MM" for name in wrong])
    return WallInterval(opens, closes)


def _clock(text: Any, end_of_day: str | None = None) -> time | None:
    if not isinstance(text, str):
        return None
    if text == end_of_day:
        return time()
    found = _TIME.fullmatch(text)
    return time(int(found[1]), int(found[2])) if found else None
