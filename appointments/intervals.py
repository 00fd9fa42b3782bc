"""Half-open [start, end) stretches of real time.

Several intervals are *merged* when they ascend and neither overlap nor touch. `merge` takes any intervals and
makes them so; every other function takes merged ones, and gives merged ones back.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter

_start = attrgetter("start")


@dataclass(frozen=True, slots=True)
class Interval:
    """Every instant from `start` up to, not including, `end`. Kept in UTC; ValueError if naive or empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", as_utc(self.start))
        object.__setattr__(self, "end", as_utc(self.end))
        if self.end <= self.start:
            raise ValueError(f"an interval must end after it starts: {self.start} to {self.end}")

    def widened(self, before: timedelta, after: timedelta) -> "Interval":
        return Interval(self.start - before, self.end + after)


Intervals = tuple[Interval, ...]


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC; ValueError for a naive datetime, which is no instant."""
    # Two datetimes of one zone compare and subtract by wall clock and ignore `fold`, and `zoned + timedelta`
    # moves the wall clock: only in UTC do the operators speak of real time.
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:  # `astimezone` would quietly take the server's own zone
        raise ValueError(f"a naive datetime names no instant: {instant}")
    return instant.astimezone(UTC)


def merge(intervals: Iterable[Interval]) -> Intervals:
    """The same instants, each once, in as few intervals as will hold them."""
    merged: list[Interval] = []
    for interval in sorted(intervals, key=_start):
        if not merged or interval.start > merged[-1].end:
            merged.append(interval)
        elif interval.end > merged[-1].end:
            merged[-1] = Interval(merged[-1].start, interval.end)
    return tuple(merged)


def subtract(intervals: Intervals, holes: Intervals) -> Intervals:
    """The instants of `intervals` that are in none of the `holes`."""
    return tuple(rest for interval in intervals for rest in _around(interval, holes))


def _around(interval: Interval, holes: Intervals) -> Iterator[Interval]:
    start = interval.start
    for hole in holes:
        if interval.start < hole.end and hole.start < interval.end:
            if start < hole.start:
                yield Interval(start, hole.start)
            start = hole.end
    if start < interval.end:
        yield Interval(start, interval.end)


def intersect(ours: Intervals, theirs: Intervals) -> Intervals:
    """The instants that are in both."""
    return tuple(
        Interval(max(one.start, other.start), min(one.end, other.end))
        for one in ours
        for other in theirs
        if one.start < other.end and other.start < one.end
    )


def overlaps(intervals: Intervals, interval: Interval) -> bool:
    """Whether any instant of `interval` is taken. To touch is not to overlap."""
    index = bisect_left(intervals, interval.end, key=_start) - 1
    return index >= 0 and interval.start < intervals[index].end


def contains(intervals: Intervals, interval: Interval) -> bool:
    """Whether all of `interval` is covered."""
    index = bisect_right(intervals, interval.start, key=_start) - 1
    return index >= 0 and interval.end <= intervals[index].end
