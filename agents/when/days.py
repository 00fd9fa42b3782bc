"""Which days are meant. Weeks begin on Monday; `today` is the tenant's date."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

SUNDAY, SATURDAY = 6, 5


@dataclass(frozen=True, slots=True)
class Span:
    """Dates, both ends inclusive."""

    first: date
    last: date

    def shared(self, other: "Span") -> "Span | None":
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Span(first, last) if first <= last else None

    def weekdays(self, weekday: int) -> list[date]:
        """The first two such days in it; two are already too many."""
        found = self.first + timedelta(days=(weekday - self.first.weekday()) % 7)
        return [day for day in (found, found + timedelta(days=7)) if day <= self.last]


def on(day: date) -> Span:
    return Span(day, day)


def coming(weekday: int, today: date) -> date:
    """The first one after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def week(today: date, ahead: int = 0) -> Span:
    """The whole calendar week, `ahead` weeks from this one."""
    monday = today + timedelta(days=7 * ahead - today.weekday())
    return Span(monday, monday + timedelta(days=6))


def part_of_week(part: int, today: date, ahead: int) -> Span:
    """`part` 0, 1, 2: its beginning, middle or end."""
    first, last = ((0, 1), (1, 3), (3, 5))[part]
    monday = week(today, ahead).first
    return Span(monday + timedelta(days=first), monday + timedelta(days=last))


def weekend(today: date, ahead: int = 0) -> Span:
    """Saturday and Sunday of a calendar week."""
    sunday = week(today, ahead).last
    return Span(sunday - timedelta(days=1), sunday)


def month(today: date, ahead: int = 0) -> Span:
    years, zero_based = divmod(today.month - 1 + ahead, 12)
    first = date(today.year + years, zero_based + 1, 1)
    return Span(first, first.replace(day=monthrange(first.year, first.month)[1]))


def part_of_month(part: int, whole: Span) -> Span:
    """`part` 0, 1, 2: the first ten days, the next ten, the rest."""
    first = whole.first.replace(day=(1, 11, 21)[part])
    return Span(first, whole.last if part == 2 else first.replace(day=(10, 20)[part]))


def months_on(today: date, months: int) -> date:
    """The same day of a later month, or its last one: January 31 and a month are February 28."""
    whole = month(today, months)
    return min(whole.last, whole.first + timedelta(days=today.day - 1))


def next_month_named(number: int, today: date, year: int | None = None) -> Span:
    """This year's, unless it is over."""
    whole = month(date(year or today.year, number, 1))
    return whole if year or whole.last >= today else month(date(today.year + 1, number, 1))


def next_date(day: int, number: int, today: date, year: int | None = None) -> date:
    """A day of a month: this year's, unless it is past or there is none. ValueError if next year has none."""
    if year:
        return date(year, number, day)
    if day <= monthrange(today.year, number)[1] and date(today.year, number, day) >= today:
        return date(today.year, number, day)
    return date(today.year + 1, number, day)


def next_day_of_month(day: int, today: date) -> date:
    """The first such day from today on, in a month that has one. ValueError if none has."""
    for ahead in range(12):
        whole = month(today, ahead)
        if 1 <= day <= whole.last.day and whole.first.replace(day=day) >= today:
            return whole.first.replace(day=day)
    raise ValueError(f"no month has a day {day}")
