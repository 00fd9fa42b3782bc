"""Some dates as one axis of minutes, as the wall clock shows them. Pure.

Every date has the same axis, so that days can stand side by side: 24 hours, and where the clock is put back on
one of them, room for the time that comes twice. Where it is put forward, the minutes that do not come are left
out of that date's pieces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from appointments.intervals import Interval
from appointments.slots import instants_of_dates
from appointments.wallclock import wall_time

MINUTE = timedelta(minutes=1)
HOUR_MINUTES = 60
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Piece:
    """Real time of a date in which the clock runs on evenly: where it lies on the axis, what the clock shows first."""

    times: Interval
    axis_minute: int
    wall_minute: int
    zone: str


@dataclass(frozen=True, slots=True)
class Tick:
    axis_minute: int
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """`pieces` by date: none where the zone has skipped it."""

    pieces: dict[date, list[Piece]]
    ticks: list[Tick]
    minutes: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Real time between two changes of the clock, and the minutes of its date that the clock shows."""

    times: Interval
    since: int
    until: int
    zone: str


def axis_of(dates: Sequence[date], zone: ZoneInfo) -> Axis:
    stretches = {day: list(_stretches(day, zone)) for day in dates}
    twice = next(filter(None, map(_repeated, stretches.values())), None)
    pieces = {day: list(_pieces(each, twice)) for day, each in stretches.items()}
    extra = twice[1] - twice[0] if twice else 0
    return Axis(pieces, list(_ticks(twice)), DAY_MINUTES + extra)


def _stretches(day: date, zone: ZoneInfo) -> Iterator[_Stretch]:
    midnight = datetime.combine(day, time())
    for whole in instants_of_dates(day, day, zone):
        for times in _cut(whole, zone):
            since = (wall_time(times.start, zone) - midnight) // MINUTE
            until = since + (times.end - times.start) // MINUTE
            yield _Stretch(times, since, until, times.start.astimezone(zone).tzname() or "")


def _cut(times: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    """At the one minute of a date, if any, at which the clock is changed."""
    before = times.start.astimezone(zone).utcoffset()
    early, late = times.start, times.end - MINUTE
    if late.astimezone(zone).utcoffset() == before:
        yield times
        return
    while late - early > MINUTE:
        middle = early + (late - early) // MINUTE // 2 * MINUTE
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    yield Interval(times.start, late)
    yield Interval(late, times.end)


def _repeated(stretches: Sequence[_Stretch]) -> tuple[int, int] | None:
    """The minutes of the clock that come twice on a date: from, until."""
    for one, other in pairwise(stretches):
        if other.since < one.until:
            return other.since, one.until
    return None


def _pieces(stretches: Sequence[_Stretch], twice: tuple[int, int] | None) -> Iterator[Piece]:
    first, again = twice or (DAY_MINUTES, DAY_MINUTES)
    extra = again - first
    passed = False
    for each in stretches:
        if passed or each.since >= again:  # the second pass, or what comes after it
            yield Piece(each.times, each.since + extra, each.since, each.zone)
        elif each.until > again:
            at = each.times.start + (again - each.since) * MINUTE
            yield Piece(Interval(each.times.start, at), each.since, each.since, each.zone)
            yield Piece(Interval(at, each.times.end), again + extra, again, each.zone)
        else:
            yield Piece(each.times, each.since, each.since, each.zone)
        passed = passed or each.until == again


def _ticks(twice: tuple[int, int] | None) -> Iterator[Tick]:
    if twice is None:
        yield from (Tick(hour * HOUR_MINUTES, f"{hour:02}:00") for hour in range(24))
        return
    first, again = twice
    for hour in range(24):
        minute = hour * HOUR_MINUTES
        yield Tick(minute + (again - first if minute >= again else 0), f"{hour:02}:00")
        if first <= minute < again:
            yield Tick(minute + again - first, f"{hour:02}:00 again")
