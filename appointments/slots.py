"""Opening hours, less what is taken, are what can be booked.

    BusinessHours --.
    Terms ----------+--> Offer, one per day and length -----------.
    BookingWindow --+                                             +--> free_slots, why_not
    Pool, per room -'                                             |
    hours, time off, appointments, holds --> Diary, one per head -'

Every rule is an objection to a slot: the business's are raised by the offer, the employee's by the diary. The
free slots are those on the grid to which nobody objects, so what is offered can be booked, and nothing else.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from operator import attrgetter
from zoneinfo import ZoneInfo

from appointments.intervals import Interval, Intervals, as_utc, contains, merge, overlaps, subtract
from appointments.wallclock import DAY, WallInterval, instants_between, instants_of, wall_time

NOTHING = timedelta(0)
_start, _end = attrgetter("start"), attrgetter("end")


class Reason(StrEnum):
    """Why a start cannot be booked, the weightiest first."""

    INACTIVE = "INACTIVE"
    NOT_PERFORMED = "NOT_PERFORMED"
    NONEXISTENT = "NONEXISTENT"
    IN_THE_PAST = "IN_THE_PAST"
    TOO_SOON = "TOO_SOON"
    TOO_FAR = "TOO_FAR"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    CLOSED = "CLOSED"
    NOT_WORKING = "NOT_WORKING"
    TIME_OFF = "TIME_OFF"
    BUSY = "BUSY"
    HELD = "HELD"
    RESOURCE_FULL = "RESOURCE_FULL"
    OFF_GRID = "OFF_GRID"

    @property
    def code(self) -> str:
        """The code that goes out: why exactly nobody serves then is not the caller's business."""
        match self:
            case Reason.INACTIVE | Reason.NOT_PERFORMED:
                return "NOT_FOUND"
            case Reason.NONEXISTENT:
                return "NONEXISTENT_TIME"
            case Reason.CLOSED | Reason.NOT_WORKING | Reason.TIME_OFF:
                return Reason.OUTSIDE_HOURS.value
            case Reason.BUSY | Reason.HELD | Reason.RESOURCE_FULL:
                return "TIME_SLOT_CONFLICT"
        return self.value


_WEIGHT = {reason: place for place, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """One interval on every such weekday; Monday is 0."""

    weekday: int
    interval: WallInterval


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When a business is open, save for `closures`.

    A date in `exceptions` has those hours, [] is closed; failing that, nothing opens on a date in `holidays`.
    """

    zone: ZoneInfo
    weekly: Sequence[WeeklyHours]
    exceptions: Mapping[date, Sequence[WallInterval]] = field(default_factory=dict)
    closures: Sequence[Interval] = ()
    holidays: Mapping[date, str] = field(default_factory=dict)

    def opening_on(self, day: date) -> Sequence[WallInterval]:
        """The intervals that open on a date. They are that date's even past midnight."""
        if day in self.exceptions:
            return self.exceptions[day]
        return () if day in self.holidays else _weekly_on(self.weekly, day)

    def open_instants(self, day: date) -> Intervals:
        """The real time of the intervals that open on a date, less the closures."""
        return subtract(_instants([day], self.opening_on, self.zone), merge(self.closures))


@dataclass(frozen=True, slots=True)
class Terms:
    """How a service is booked: real `length` with add-ons, buffers `before` and `after`, grid `step`."""

    length: timedelta
    before: timedelta = NOTHING
    after: timedelta = NOTHING
    step: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        if self.length <= NOTHING or self.step <= NOTHING or min(self.before, self.after) < NOTHING:
            raise ValueError("length and step must be positive, and buffers not negative")

    def blocked(self, start: datetime) -> Interval:
        """The time that an appointment which begins at `start` keeps others out of."""
        return Interval(start - self.before, start + self.length + self.after)

    def kept_clear(self, taken: Iterable[Interval]) -> Intervals:
        """Where no appointment may lie for the sake of others, given with their own buffers.

        The new appointment's buffers are laid around the others, crosswise: [start - before, end + after)
        meets [from, until) exactly when [start, end) meets [from - after, until + before).
        """
        if not self.before and not self.after:
            return merge(taken)
        return merge(other.widened(self.after, self.before) for other in taken)


@dataclass(frozen=True, slots=True)
class BookingWindow:
    """Which starts may be booked at `now`: from `earliest` on, up to and with the local date `last_day`."""

    now: datetime
    earliest: datetime
    last_day: date

    @classmethod
    def at(
        cls, now: datetime, zone: ZoneInfo, *, notice: timedelta = NOTHING, days: int = 90
    ) -> "BookingWindow":
        now = as_utc(now)
        return cls(now, now + notice, wall_time(now, zone).date() + timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Use:
    """One unit of a resource in use, buffers included. A unit of None has yet to be chosen: a hold's.

    `group` names the group that it is for, when the service that is asked about is one.
    """

    time: Interval
    unit: int | None = None
    group: Hashable = None


@dataclass(frozen=True, slots=True)
class Pool:
    """A resource, such as a room, of which a service needs one unit for the whole of its blocked time."""

    name: str
    units: Sequence[Intervals]
    shared: Mapping[Hashable, Sequence[Intervals]]

    @classmethod
    def opened(cls, name: str, capacity: int, terms: Terms, uses: Iterable[Use]) -> "Pool":
        placed = _placed(capacity, uses)

        def kept_clear(but: Hashable = None) -> tuple[Intervals, ...]:
            return tuple(
                terms.kept_clear(use.time for use in unit if but is None or use.group != but)
                for unit in placed
            )

        groups = {use.group for unit in placed for use in unit if use.group is not None}
        return cls(name, kept_clear(), {group: kept_clear(group) for group in groups})

    def is_full(self, slot: Interval, joining: Hashable = None) -> bool:
        """Whether no single unit is free throughout. Who joins a group shares its unit."""
        return all(overlaps(unit, slot) for unit in self.shared.get(joining, self.units))


def _placed(capacity: int, uses: Iterable[Use]) -> list[list[Use]]:
    """The uses of each unit. What has no unit yet gets the first that is free, as it will when it is booked."""
    units: list[list[Use]] = [[] for _ in range(capacity)]
    undecided = []
    for use in uses:
        if use.unit is None:
            undecided.append(use)
        elif use.unit <= capacity:
            units[use.unit - 1].append(use)
    for use in sorted(undecided, key=lambda use: use.time.start):
        if use.group is not None and any(other.group == use.group for unit in units for other in unit):
            continue  # it will share the unit that its group has
        free = (unit for unit in units if not overlaps(merge(other.time for other in unit), use.time))
        next(free, []).append(use)
    return units


@dataclass(frozen=True)
class Offer:
    """What a business offers of one service on one local day, whoever serves.

    Make one per day and ask it about every employee: all that they share is worked out once.
    Without a window any time will do, as for staff who enter what has been.
    """

    day: date
    hours: BusinessHours
    terms: Terms
    window: BookingWindow | None = None
    pools: Sequence[Pool] = ()

    @property
    def dates(self) -> list[date]:
        """The dates whose hours can touch a slot: from the night before to wherever the last one may end."""
        return dates_near(self.day, self.day, self.terms.length)

    @cached_property
    def open(self) -> Intervals:
        return _instants(self.dates, self.hours.opening_on, self.hours.zone)

    @cached_property
    def closures(self) -> Intervals:
        return merge(self.hours.closures)

    @cached_property
    def grid(self) -> Sequence[datetime]:
        """Every instant of the day that is whole steps, on the wall clock, past a nominal opening; in order."""
        night_before, opening = map(self.hours.opening_on, (self.day - DAY, self.day))
        return _grid(self.day, tuple(night_before), tuple(opening), self.terms.step, self.hours.zone)

    @cached_property
    def candidates(self) -> "Row":
        return Row([Interval(start, start + self.terms.length) for start in self.grid])

    @cached_property
    def unopposed(self) -> int:
        """Which of the candidates the business does not object to."""
        row = self.candidates
        chosen = row.within(self.open) & ~row.touching(self.closures)
        if self.window:
            chosen &= row.starting_from(max(self.window.now, self.window.earliest))
            chosen = 0 if self.day > self.window.last_day else chosen
        for pool in self.pools:
            full = row.all
            for unit in pool.units:
                full &= row.touching(unit)
            chosen &= ~full
        return chosen

    @cached_property
    def slots(self) -> Intervals:
        """The appointments on the grid to which the business does not object, as `free_slots` gives them."""
        return self.candidates.chosen(self.unopposed)

    def slot_at(self, start: datetime) -> Interval:
        """The appointment that would begin at `start`; ValueError when that is not on this day."""
        if wall_time(start, self.hours.zone).date() != self.day:
            raise ValueError(f"{start} is not on {self.day} in {self.hours.zone.key}")
        start = as_utc(start)
        return Interval(start, start + self.terms.length)

    def objections(self, slot: Interval, joining: Hashable = None) -> Iterator[Reason]:
        if self.window:
            if slot.start < self.window.now:
                yield Reason.IN_THE_PAST
            elif slot.start < self.window.earliest:
                yield Reason.TOO_SOON
            if self.day > self.window.last_day:
                yield Reason.TOO_FAR
        if not contains(self.open, slot):
            yield Reason.OUTSIDE_HOURS
        if overlaps(self.closures, slot):
            yield Reason.CLOSED
        if any(pool.is_full(slot, joining) for pool in self.pools):
            yield Reason.RESOURCE_FULL
        if not self._is_on_grid(slot.start):
            yield Reason.OFF_GRID

    def _is_on_grid(self, start: datetime) -> bool:
        index = bisect_left(self.grid, start)
        return index < len(self.grid) and self.grid[index] == start


@dataclass(frozen=True, slots=True)
class Group:
    """Those who share one time of an employee, and how many seats they take, held ones included."""

    start: datetime
    times: Sequence[Interval]
    taken: int


@dataclass(frozen=True, slots=True)
class Diary:
    """One employee's time around the day of an offer, or around many days."""

    worked: Intervals | None
    time_off: Intervals
    kept_clear: Intervals
    held: Intervals
    joinable: Mapping[datetime, Intervals]
    whose: Hashable

    @classmethod
    def opened(
        cls,
        terms: Terms,
        *,
        worked: Intervals | None = None,
        time_off: Iterable[Interval] = (),
        busy: Iterable[Interval] = (),
        held: Iterable[Interval] = (),
        groups: Sequence[Group] = (),
        seats: int = 1,
        whose: Hashable = None,
    ) -> "Diary":
        """`worked` None: whenever the business is open. `busy`, `held`: others' time, their buffers included.

        `groups` are appointments of the very service that is asked about, when it has seats: one with a free
        seat can be joined, at its own start, as if it were not there.
        """
        busy = tuple(busy)

        def kept_clear(but: Group | None = None) -> Intervals:
            grouped = (time for group in groups if group is not but for time in group.times)
            return terms.kept_clear([*busy, *grouped])

        return cls(
            worked=worked,
            time_off=merge(time_off),
            kept_clear=kept_clear(),
            held=terms.kept_clear(held),
            joinable={group.start: kept_clear(group) for group in groups if group.taken < seats},
            whose=whose,
        )

    def objections(self, slot: Interval) -> Iterator[Reason]:
        if self.worked is not None and not contains(self.worked, slot):
            yield Reason.NOT_WORKING
        if overlaps(self.time_off, slot):
            yield Reason.TIME_OFF
        if overlaps(self.joinable.get(slot.start, self.kept_clear), slot):
            yield Reason.BUSY
        if overlaps(self.held, slot):
            yield Reason.HELD

    def unopposed(self, row: "Row") -> int:
        """Which slots of a row the employee has nothing against, groups that could be joined left out."""
        taken = row.touching(self.time_off) | row.touching(self.kept_clear) | row.touching(self.held)
        return (row.all if self.worked is None else row.within(self.worked)) & ~taken

    def group_at(self, start: datetime) -> Hashable:
        """The name of the group that can be joined at `start`, by which pools know it too."""
        return (self.whose, start) if start in self.joinable else None


class Row:
    """Slots of one length in order of time. Some of them are an integer, with a bit for each that is chosen.

    A stretch of time rules out neighbours: two searches find them all, however many there are.
    """

    def __init__(self, slots: Sequence[Interval]) -> None:
        self.slots = slots
        self.all = (1 << len(slots)) - 1
        self._starts = [slot.start for slot in slots]
        self._ends = [slot.end for slot in slots]

    def within(self, intervals: Intervals) -> int:
        """Those that one of the intervals covers."""
        found = 0
        for interval in self._near(intervals):
            first = bisect_left(self._starts, interval.start)
            last = bisect_right(self._ends, interval.end)
            if first < last:
                found |= (1 << last) - (1 << first)
        return found

    def touching(self, intervals: Intervals) -> int:
        """Those that overlap any of the intervals."""
        found = 0
        for interval in self._near(intervals):
            first = bisect_right(self._ends, interval.start)
            last = bisect_left(self._starts, interval.end)
            if first < last:
                found |= (1 << last) - (1 << first)
        return found

    def starting_from(self, earliest: datetime) -> int:
        return self.all & -(1 << bisect_left(self._starts, earliest))

    def chosen(self, bits: int) -> Intervals:
        return tuple(slot for slot, bit in zip(self.slots, reversed(f"{bits:b}"), strict=False) if bit == "1")

    def _near(self, intervals: Intervals) -> Intervals:
        if len(intervals) < 4 or not self.slots:  # quicker tried than searched
            return intervals
        first = bisect_right(intervals, self._starts[0], key=_end)
        return intervals[first : bisect_left(intervals, self._ends[-1], lo=first, key=_start)]


def free_slots(offer: Offer, diary: Diary) -> Intervals:
    """What this employee can take on the day, without buffers, earliest first. Slots may overlap."""
    row = offer.candidates
    free = offer.unopposed
    free = free and free & diary.unopposed(row)
    slots = row.chosen(free) if free else ()
    joined = [
        slot
        for slot in (row.slots if diary.joinable else ())
        if slot.start in diary.joinable and not _objections(offer, diary, slot)
    ]
    return tuple(sorted({*slots, *joined}, key=_start)) if joined else slots


def why_not(offer: Offer, diary: Diary, start: datetime) -> list[Reason]:
    """What stands against an appointment that begins at `start`. Nothing: it is one of the free slots."""
    return _objections(offer, diary, offer.slot_at(start))


def _objections(offer: Offer, diary: Diary, slot: Interval) -> list[Reason]:
    reasons = [*offer.objections(slot, diary.group_at(slot.start)), *diary.objections(slot)]
    return sorted(reasons, key=_WEIGHT.__getitem__)


@lru_cache(maxsize=2048)  # the next days of a business are asked about again and again
def _grid(
    day: date,
    night_before: tuple[WallInterval, ...],
    opening: tuple[WallInterval, ...],
    step: timedelta,
    zone: ZoneInfo,
) -> tuple[datetime, ...]:
    opened = [(day - DAY, interval) for interval in night_before] + [(day, interval) for interval in opening]
    walls = {wall for on, interval in opened for wall in _steps(*interval.on(on), step) if wall.date() == day}
    return tuple(sorted(start for wall in walls for start in instants_of(wall, zone)))


def _steps(wall: datetime, closes: datetime, step: timedelta) -> Iterator[datetime]:
    while wall < closes:
        yield wall
        wall += step


def dates_near(first: date, last: date, length: timedelta) -> list[date]:
    """The dates whose hours can touch a slot that begins on a date from `first` to `last`."""
    return [first + count * DAY for count in range(-1, (last - first).days + length // DAY + 3)]


def instants_of_dates(first: date, last: date, zone: ZoneInfo) -> Intervals:
    """The real time of whole local dates, `last` included; none of a date that the zone has skipped."""
    return instants_between(datetime.combine(first, time()), datetime.combine(last + DAY, time()), zone)


def worked_instants(weekly: Sequence[WeeklyHours], dates: Iterable[date], zone: ZoneInfo) -> Intervals:
    """The real time of somebody's weekly hours on the dates."""
    by_weekday: dict[int, list[WallInterval]] = {weekday: [] for weekday in range(7)}
    for hours in weekly:
        by_weekday[hours.weekday].append(hours.interval)
    return _instants(dates, lambda day: by_weekday[day.weekday()], zone)


def _weekly_on(weekly: Sequence[WeeklyHours], day: date) -> Sequence[WallInterval]:
    return [hours.interval for hours in weekly if hours.weekday == day.weekday()]


def _instants(
    days: Iterable[date], opening_on: Callable[[date], Sequence[WallInterval]], zone: ZoneInfo
) -> Intervals:
    each = ((day, interval) for day in days for interval in opening_on(day))
    return merge(piece for day, interval in each for piece in interval.instants_on(day, zone))
