"""Opening hours, less what is taken, are what can be booked.

    BusinessHours --.
    Terms ----------+--> Offer, one per day ---------------.
    BookingWindow --'                                      +--> free_slots, why_not
    hours, time off, appointments --> Diary, one per head -'

Every rule is an objection to a slot: the business's are raised by the offer, the employee's by the diary. The
free slots are those on the grid to which nobody objects, so what is offered can be booked, and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from appointments.intervals import Interval, Intervals, as_utc, contains, merge, overlaps, subtract
from appointments.wallclock import DAY, WallInterval, instants_of, wall_time

NOTHING = timedelta(0)


class Reason(StrEnum):
    """Why a start cannot be booked, the weightiest first."""

    IN_THE_PAST = "IN_THE_PAST"
    TOO_SOON = "TOO_SOON"
    TOO_FAR = "TOO_FAR"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    CLOSED = "CLOSED"
    NOT_WORKING = "NOT_WORKING"
    TIME_OFF = "TIME_OFF"
    BUSY = "BUSY"
    OFF_GRID = "OFF_GRID"

    @property
    def code(self) -> str:
        """The code that goes out: why exactly nobody serves then is not the caller's business."""
        match self:
            case Reason.CLOSED | Reason.NOT_WORKING | Reason.TIME_OFF:
                return Reason.OUTSIDE_HOURS.value
            case Reason.BUSY:
                return "TIME_SLOT_CONFLICT"
        return self.value


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """One interval on every such weekday; Monday is 0."""

    weekday: int
    interval: WallInterval


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When a business is open, save for `closures`. A date in `exceptions` has those hours; [] is closed."""

    zone: ZoneInfo
    weekly: Sequence[WeeklyHours]
    exceptions: Mapping[date, Sequence[WallInterval]] = field(default_factory=dict)
    closures: Sequence[Interval] = ()

    def opening_on(self, day: date) -> Sequence[WallInterval]:
        """The intervals that open on a date. They are that date's even past midnight."""
        return self.exceptions[day] if day in self.exceptions else _weekly_on(self.weekly, day)

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

    @property
    def dates(self) -> list[date]:
        """The dates whose hours can touch a slot: from the night before to wherever the last one may end."""
        whole_days = self.terms.length // DAY
        return [self.day + days * DAY for days in range(-1, whole_days + 3)]

    @cached_property
    def open(self) -> Intervals:
        return _instants(self.dates, self.hours.opening_on, self.hours.zone)

    @cached_property
    def closures(self) -> Intervals:
        return merge(self.hours.closures)

    @cached_property
    def grid(self) -> frozenset[datetime]:
        """Every instant of the day that is whole steps, on the wall clock, past a nominal opening."""
        walls = {wall for opened_on in (self.day - DAY, self.day) for wall in self._steps(opened_on)}
        return frozenset(start for wall in walls for start in instants_of(wall, self.hours.zone))

    def _steps(self, opened_on: date) -> Iterator[datetime]:
        for interval in self.hours.opening_on(opened_on):
            wall, closes = interval.on(opened_on)
            while wall < closes:
                if wall.date() == self.day:
                    yield wall
                wall += self.terms.step

    @cached_property
    def slots(self) -> Intervals:
        """The appointments on the grid to which the business does not object, as `free_slots` gives them."""
        starts = sorted(self.grid)
        return _unopposed((Interval(start, start + self.terms.length) for start in starts), self.objections)

    @property
    def reach(self) -> Interval | None:
        """The time, buffers included, in which other appointments matter. None: there are no slots."""
        if not self.slots:
            return None
        return Interval(self.slots[0].start, self.slots[-1].end).widened(self.terms.before, self.terms.after)

    def slot_at(self, start: datetime) -> Interval:
        """The appointment that would begin at `start`; ValueError when that is not on this day."""
        if wall_time(start, self.hours.zone).date() != self.day:
            raise ValueError(f"{start} is not on {self.day} in {self.hours.zone.key}")
        start = as_utc(start)
        return Interval(start, start + self.terms.length)

    def objections(self, slot: Interval) -> Iterator[Reason]:
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


@dataclass(frozen=True, slots=True)
class Diary:
    """One employee's time around the day of an offer."""

    worked: Intervals | None
    time_off: Intervals
    kept_clear: Intervals

    @classmethod
    def opened(
        cls,
        offer: Offer,
        *,
        worked: Sequence[WeeklyHours] | None = None,
        time_off: Iterable[Interval] = (),
        busy: Iterable[Interval] = (),
    ) -> "Diary":
        """`worked` None: whenever the business is open. `busy`: other appointments with their own buffers."""
        # The new appointment's buffers are laid around the others, crosswise: [start - before, end + after)
        # meets [from, until) exactly when [start, end) meets [from - after, until + before).
        terms = offer.terms
        return cls(
            worked=None if worked is None else _weekly_instants(offer, worked),
            time_off=merge(time_off),
            kept_clear=merge(other.widened(terms.after, terms.before) for other in busy),
        )

    def objections(self, slot: Interval) -> Iterator[Reason]:
        if self.worked is not None and not contains(self.worked, slot):
            yield Reason.NOT_WORKING
        if overlaps(self.time_off, slot):
            yield Reason.TIME_OFF
        if overlaps(self.kept_clear, slot):
            yield Reason.BUSY


def free_slots(offer: Offer, diary: Diary) -> Intervals:
    """What this employee can take on the day, without buffers, earliest first. Slots may overlap."""
    return _unopposed(offer.slots, diary.objections)


def why_not(offer: Offer, diary: Diary, start: datetime) -> list[Reason]:
    """What stands against an appointment that begins at `start`. Nothing: it is one of the free slots."""
    slot = offer.slot_at(start)
    reasons = [*offer.objections(slot), *diary.objections(slot)]
    return reasons if slot.start in offer.grid else [*reasons, Reason.OFF_GRID]


def _unopposed(slots: Iterable[Interval], objections: Callable[[Interval], Iterator[Reason]]) -> Intervals:
    return tuple(slot for slot in slots if next(objections(slot), None) is None)


def _weekly_instants(offer: Offer, weekly: Sequence[WeeklyHours]) -> Intervals:
    return _instants(offer.dates, lambda day: _weekly_on(weekly, day), offer.hours.zone)


def _weekly_on(weekly: Sequence[WeeklyHours], day: date) -> Sequence[WallInterval]:
    return [hours.interval for hours in weekly if hours.weekday == day.weekday()]


def _instants(
    days: Iterable[date], opening_on: Callable[[date], Sequence[WallInterval]], zone: ZoneInfo
) -> Intervals:
    each = ((day, interval) for day in days for interval in opening_on(day))
    return merge(piece for day, interval in each for piece in interval.instants_on(day, zone))
