"""What a clock on the tenant's wall shows, and which instants that means.

A wall time is a naive datetime read in an IANA zone. When the clock is put forward some wall times never
come, and when it is put back some come twice. A day has 23, 24 or 25 hours, and need not begin at 00:00.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from appointments.intervals import Interval, Intervals, as_utc, intersect, merge

DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_STRIDE = timedelta(hours=6)  # no zone puts its clock back and forth within so short a time


class NonexistentTime(ValueError):
    """The clock skips `wall`. `before` is the last minute ahead of the gap, `after` the first past it."""

    def __init__(self, wall: datetime, zone: ZoneInfo, before: datetime, after: datetime) -> None:
        super().__init__(f"{wall:%Y-%m-%d %H:%M} does not exist in {zone.key}")
        self.wall, self.before, self.after = wall, before, after


@dataclass(frozen=True, slots=True)
class WallInterval:
    """[opens, closes) on the wall clock of the date on which it opens.

    It closes on the next date when `closes` is at or before `opens`: 22:00-02:00 is a night, 09:00-00:00 goes
    on until the end of the date (24:00), and 00:00-00:00 is all of it.
    """

    opens: time
    closes: time

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Its two wall times when it opens on `day`."""
        closes_on = day if self.opens < self.closes else day + DAY
        return datetime.combine(day, self.opens), datetime.combine(closes_on, self.closes)

    def instants_on(self, day: date, zone: ZoneInfo) -> Intervals:
        return instants_between(*self.on(day), zone)


def wall_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock shows at an instant, naive."""
    return as_utc(instant).astimezone(zone).replace(tzinfo=None)


def instants_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """When, in UTC, the clock shows `wall`: never in a gap, twice in a repeated hour, earliest first."""
    if wall.tzinfo is not None:
        raise ValueError(f"a wall time is naive: {wall}")
    first, second = (_offset(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first < second:  # the mark of a gap: read with the offset before it, then with the one after
        return ()
    return tuple((wall - offset).replace(tzinfo=UTC, fold=0) for offset in dict.fromkeys((first, second)))


def resolve(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows `wall`, in UTC, or raise NonexistentTime."""
    instants = instants_of(wall, zone)
    if instants:
        return instants[0]
    late, early = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    after = _change(zone, early, late)
    raise NonexistentTime(wall, zone, before=after - timedelta(minutes=1), after=after)


def boundary(wall: datetime, zone: ZoneInfo) -> datetime:
    """As `resolve`; but where something begins or ends need not exist itself: in a gap it is the end of that."""
    try:
        return resolve(wall, zone)
    except NonexistentTime as gap:
        return gap.after


@lru_cache(maxsize=4096)  # a staff that shares its hours asks the same again and again
def instants_between(opens: datetime, closes: datetime, zone: ZoneInfo) -> Intervals:
    """Every instant at which the clock shows a time in [opens, closes): both passes of a repeated hour."""
    pieces: list[Interval] = []
    for stretch, offset in _stretches(zone, opens - DAY, closes + DAY):
        unchanged = Interval((opens - offset).replace(tzinfo=UTC), (closes - offset).replace(tzinfo=UTC))
        pieces.extend(intersect((stretch,), (unchanged,)))
    return merge(pieces)


def _stretches(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[Interval, timedelta]]:
    """Cut [since, until), naive UTC, wherever the clock is changed; each piece with its one UTC offset."""
    start, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    at, offset = start, _offset(start.astimezone(zone))
    while at < end:
        ahead = min(at + _STRIDE, end)
        offset_ahead = _offset(ahead.astimezone(zone))
        if offset_ahead != offset:
            change = _change(zone, at, ahead)
            yield Interval(start, change), offset
            start, offset = change, offset_ahead
        at = ahead
    if start < end:
        yield Interval(start, end), offset


def _change(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """The one instant in (early, late], both UTC, from which the clock runs as it does at `late`."""
    offset = _offset(late.astimezone(zone))
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        if _offset(middle.astimezone(zone)) == offset:
            late = middle
        else:
            early = middle
    return late.replace(microsecond=0)


def _offset(zoned: datetime) -> timedelta:
    offset = zoned.utcoffset()
    if offset is None:
        raise ValueError(f"{zoned} has no zone")
    return offset
