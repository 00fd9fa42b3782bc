"""What was heard so far, and in the end what it means. Whatever was said must agree with all the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NoReturn

from agents.when.clock import Clock, choose, choose_pair, shifted
from agents.when.days import Span, coming, on
from agents.when.values import UnclearWhen, When, Window

AROUND_MINUTES = 30
LAST_MINUTE = time(23, 59)


@dataclass
class Heard:
    now: datetime
    text: str
    """What UnclearWhen tells, when the parts do not agree."""
    span: Span | None = None
    weekday: int | None = None
    either: Sequence[int | date] = ()
    """Weekdays and dates, one of which it is to be."""
    daypart: Window | None = None
    exact: bool = False
    """An ISO date, which alone may be past."""
    limits: Window = field(default_factory=Window)
    at: Clock | None = None
    around: bool = False
    after: Clock | None = None
    before: Clock | None = None
    until: Clock | None = None
    between: tuple[Clock, Clock] | None = None

    @property
    def today(self) -> date:
        return self.now.date()

    def days(self, span: Span) -> None:
        self.span = span if self.span is None else self.span.shared(span) or self._contradicts()

    def day(self, day: date) -> None:
        self.days(on(day))

    def on_weekday(self, weekday: int) -> None:
        if self.weekday not in {None, weekday}:
            self._contradicts()
        self.weekday = weekday

    def on_either(self, several: Sequence[int | date]) -> None:
        if self.either:
            self._contradicts()
        self.either = several

    def in_daypart(self, part: Window) -> None:
        both = part if self.daypart is None else self.daypart.narrowed(part)
        if both not in {part, self.daypart}:  # "first thing in the morning" is within it
            self._contradicts()
        self.daypart = both

    def limited(self, limits: Window) -> None:
        self.limits = self.limits.narrowed(limits)

    def clock(self, how: str, clock: Clock) -> None:
        """`how`: at, after, before or until. Each can be said once."""
        if getattr(self, how) is not None:
            self._contradicts()
        setattr(self, how, clock)

    def meaning(self) -> When:
        at, limits = self._time()
        days = self._days(at, limits)
        return When(days.first, days.last, limits.first, limits.last, at, self._apart())

    def _time(self) -> tuple[time | None, Window]:
        bounded = self.between or self.after or self.before or self.until or self.limits != Window()
        if self.at is not None:
            if bounded:
                self._contradicts()
            at = choose(self.at, self.daypart)
            bounds = Window(shifted(at, -AROUND_MINUTES), shifted(at, AROUND_MINUTES))
            return at, bounds if self.around else Window()
        limits = self.limits.narrowed(self.daypart or Window())
        for one in self._bounds():
            limits = limits.narrowed(one)
        if limits.first is not None and limits.last is not None and limits.first > limits.last:
            self._contradicts()
        return None, limits

    def _bounds(self) -> list[Window]:
        found = []
        if self.between:
            found.append(choose_pair(*self.between, self.daypart))
        if self.after:
            found.append(Window(choose(self.after, self.daypart)))
        if self.until:
            found.append(Window(None, choose(self.until, self.daypart)))
        if self.before:
            before = choose(self.before, self.daypart)
            found.append(Window(None, shifted(before, -1) if before > time.min else self._contradicts()))
        return found

    def _days(self, at: time | None, limits: Window) -> Span:
        if self.either:
            chosen = self._either()
            return Span(min(chosen), max(chosen))
        if self.weekday is not None:
            return self._that_weekday(self.weekday)
        if self.span is not None:
            return self._not_past(self.span)
        if at is None and limits == Window():
            self._contradicts()  # nothing was said
        late = at or limits.last or LAST_MINUTE
        return on(self.today if late > self.now.time() else self.today + timedelta(days=1))

    def _either(self) -> set[date]:
        if self.weekday is not None:
            self._contradicts()
        return {
            self._that_weekday(one).first if isinstance(one, int) else self._that_date(one)
            for one in self.either
        }

    def _apart(self) -> frozenset[date]:
        """Of several days, all, unless they are neighbours."""
        chosen = self._either() if self.either else set()
        return (
            frozenset(chosen) if chosen and (max(chosen) - min(chosen)).days >= len(chosen) else frozenset()
        )

    def _that_date(self, day: date) -> date:
        return day if self.span is None or self.span.shared(on(day)) else self._contradicts()

    def _that_weekday(self, weekday: int) -> Span:
        if self.span is None:
            return on(coming(weekday, self.today))
        found = self._not_past(self.span).weekdays(weekday)
        return on(found[0]) if len(found) == 1 else self._contradicts()

    def _not_past(self, span: Span) -> Span:
        if self.exact:
            return span
        return (
            Span(max(span.first, self.today), span.last) if span.last >= self.today else self._contradicts()
        )

    def _contradicts(self) -> NoReturn:
        raise UnclearWhen(self.text)
