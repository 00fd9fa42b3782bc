"""What is said, turn by turn. A rule is a pattern of kinds and what it adds to what was heard.

Where several rules match, the longest match counts. What no rule matches is unclear, save for small words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agents.when import days
from agents.when.clock import NOON, Clock, shifted
from agents.when.days import Span
from agents.when.heard import Heard
from agents.when.language import DateSaid, Kind, Token
from agents.when.values import UnclearWhen, Window

SMALL = {Kind.AT, Kind.OF, Kind.IN, Kind.THE, Kind.PAUSE}
HALF_HOUR = 30

MINUTES = "(?: PART | NUMBER MINUTE? )"
TIME = f"""(?: (?: CLOCK PLUS PART
                 | {MINUTES} (?: PAST | AFTER | BEFORE | TO ) INTO? NUMBER
                 | (?: PART | NUMBER MINUTE ) THROUGH NUMBER
                 | (?: PART | INTO ) NUMBER
                 | NUMBER HOUR? (?: PLUS | MINUS ) {MINUTES}
                 | NUMBER HOUR? NUMBER
                 | CLOCK
                 | NUMBER ) HOUR? MERIDIEM? (?! (?<= NUMBER ) OF? MONTH ) )"""
NTH = "(?: THE? NUMBER | ORDINAL )"
YEAR = "(?: OF | PAUSE )? YEAR"
NEAR = "(?: RELATIVE | WEEKDAY )"
WHICH = "(?: THIS | NEXT | COMING )"


@dataclass(frozen=True, slots=True)
class Said:
    """The tokens that a rule has matched."""

    tokens: Sequence[Token]
    match: re.Match[str]

    def has(self, *kinds: Kind) -> bool:
        """Any of these."""
        return any(token.kind in kinds for token in self.tokens)

    def all(self, *kinds: Kind) -> list[Any]:
        """The values of the tokens of these kinds, in order."""
        return [token.value for token in self.tokens if token.kind in kinds]

    def one(self, *kinds: Kind, default: Any = None) -> Any:
        return next(iter(self.all(*kinds)), default)

    def group(self, name: str) -> "Said":
        """The tokens of a named part of the pattern."""
        first, last = (place - self.match.start() for place in self.match.span(name))
        return Said(self.tokens[first:last], self.match)

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)


Action = Callable[[Heard, Said], None]


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    action: Action


RULES: list[Rule] = []


def rule(*patterns: str) -> Callable[[Action], Action]:
    """Kinds by name, as in a verbose regular expression."""

    def add(action: Action) -> Action:
        RULES.extend(Rule(_compiled(pattern), action) for pattern in patterns)
        return action

    return add


def _compiled(pattern: str) -> re.Pattern[str]:
    letters = re.sub(r"[A-Z_]{2,}", lambda name: Kind[name.group()].value, pattern)
    return re.compile(re.sub(r"\s", "", letters))


def listen(tokens: Sequence[Token], now: datetime) -> Heard:
    """Everything that the tokens say. UnclearWhen names the first words that have no place."""
    heard = Heard(now, " ".join(token.text for token in tokens).strip())
    letters = "".join(token.kind.value for token in tokens)
    place = 0
    while place < len(tokens):
        matches = [(one.pattern.match(letters, place), one.action) for one in RULES]
        found = max(
            ((match.end(), match, action) for match, action in matches if match),
            key=lambda one: one[0],
            default=None,
        )
        if found:
            end, match, action = found
            action(heard, Said(tokens[place:end], match))
            place = end
        elif tokens[place].kind in SMALL:
            place += 1
        else:
            raise UnclearWhen(" ".join(token.text for token in tokens[place:]).strip())
    return heard


# --- days


@rule("RELATIVE")
def today_and_tomorrow(heard: Heard, said: Said) -> None:
    heard.day(heard.today + timedelta(days=said.one(Kind.RELATIVE)))


@rule("WEEKDAY")
def a_weekday(heard: Heard, said: Said) -> None:
    heard.on_weekday(said.one(Kind.WEEKDAY))


@rule("THIS WEEKDAY")
def this_weekday(heard: Heard, said: Said) -> None:
    weekday = said.one(Kind.WEEKDAY)
    is_today = weekday == heard.today.weekday()
    heard.day(heard.today if is_today else days.coming(weekday, heard.today))


@rule("THIS? COMING WEEKDAY", "WEEKDAY COMING (?! WEEK )")
def coming_weekday(heard: Heard, said: Said) -> None:
    heard.day(days.coming(said.one(Kind.WEEKDAY), heard.today))


@rule("NEXT WEEKDAY")
def next_weekday(heard: Heard, said: Said) -> None:
    week = days.week(heard.today, said.one(Kind.NEXT))
    heard.day(week.weekdays(said.one(Kind.WEEKDAY))[0])


@rule(f"{WHICH} WEEK", "WEEK (?: THIS | NEXT | COMING )")
def a_week(heard: Heard, said: Said) -> None:
    heard.days(days.week(heard.today, _ahead(said)))


@rule(f"{WHICH} MONTHS", "MONTHS (?: THIS | NEXT | COMING )")
def a_month_from_here(heard: Heard, said: Said) -> None:
    heard.days(days.month(heard.today, _ahead(said)))


@rule("(?: THIS | NEXT )? WEEKEND", "WEEKEND NEXT")
def a_weekend(heard: Heard, said: Said) -> None:
    heard.days(days.weekend(heard.today, _ahead(said)))


@rule("THIS? COMING WEEKEND", "WEEKEND COMING")
def coming_weekend(heard: Heard, said: Said) -> None:
    heard.days(days.weekend(heard.today, int(heard.today.weekday() >= days.SATURDAY)))


@rule(f"(?: START | MIDDLE | END ) OF? {WHICH}? WEEK {WHICH}?")
def part_of_a_week(heard: Heard, said: Said) -> None:
    part = days.part_of_week(_part(said), heard.today, _ahead(said))
    unsaid = not (said.has(Kind.THIS) or _ahead(said))
    heard.days(days.part_of_week(_part(said), heard.today, 1) if unsaid and part.last < heard.today else part)


@rule(f"(?: START | MIDDLE | END ) OF? {WHICH}? MONTHS {WHICH}?")
def part_of_a_month(heard: Heard, said: Said) -> None:
    part = days.part_of_month(_part(said), days.month(heard.today, _ahead(said)))
    unsaid = not (said.has(Kind.THIS) or _ahead(said))
    if unsaid and part.last < heard.today:
        part = days.part_of_month(_part(said), days.month(heard.today, 1))
    heard.days(part)


@rule(f"IN? (?: START | MIDDLE | END )? OF? MONTH (?: {YEAR} )?")
def a_month_by_name(heard: Heard, said: Said) -> None:
    number, year = said.one(Kind.MONTH), said.one(Kind.YEAR)
    whole = days.next_month_named(number, heard.today, year)
    if not said.has(Kind.START, Kind.MIDDLE, Kind.END):
        heard.days(whole)
        return
    part = days.part_of_month(_part(said), whole)
    if not year and part.last < heard.today:
        part = days.part_of_month(_part(said), days.month(whole.first, 12))
    heard.days(part)


@rule(f"(?<! AT ) {NTH} OF? MONTH (?: {YEAR} )?", f"MONTH {NTH} (?! HOUR | MERIDIEM | OF_DAY ) (?: {YEAR} )?")
def a_date(heard: Heard, said: Said) -> None:
    day = said.one(Kind.NUMBER, Kind.ORDINAL)
    heard.day(days.next_date(day, said.one(Kind.MONTH), heard.today, said.one(Kind.YEAR)))


@rule("ORDINAL", "THE NUMBER (?! HOUR | MINUTE | PLUS | MINUS | MERIDIEM | OF_DAY | OF? MONTH )")
def a_day_of_the_month(heard: Heard, said: Said) -> None:
    heard.day(days.next_day_of_month(said.one(Kind.NUMBER, Kind.ORDINAL), heard.today))


@rule(f"{NTH} OF? {WHICH} MONTHS", f"{NTH} OF? MONTHS {WHICH}")
def a_day_of_a_month_from_here(heard: Heard, said: Said) -> None:
    first = days.month(heard.today, _ahead(said)).first
    heard.day(first.replace(day=said.one(Kind.NUMBER, Kind.ORDINAL)))


@rule("DATE")
def a_date_in_digits(heard: Heard, said: Said) -> None:
    written: DateSaid = said.one(Kind.DATE)
    heard.exact = heard.exact or written.iso
    heard.day(days.next_date(written.day, written.month, heard.today, written.year))


@rule("IN NUMBER? (?: DAY | WEEK | MONTHS )", "NUMBER? (?: DAY | WEEK | MONTHS ) FROM RELATIVE")
@rule("RELATIVE IN NUMBER? (?: DAY | WEEK )")
def so_many_days_on(heard: Heard, said: Said) -> None:
    number = said.one(Kind.NUMBER, default=1)
    start = heard.today + timedelta(days=said.one(Kind.RELATIVE, default=0))
    if said.has(Kind.MONTHS):
        heard.day(days.months_on(start, number))
        return
    there = start + (timedelta(weeks=number) if said.has(Kind.WEEK) else timedelta(days=number))
    counts_today = number in (said.one(Kind.DAY) or ())  # perhaps: "in acht Tagen" is a week, for most
    heard.days(Span(there - timedelta(days=counts_today), there))


@rule(f"(?: FROM | OF )? (?P<one> {NEAR} ) (?: UNTIL | THROUGH | DASH | AT ) (?P<two> {NEAR} )")
@rule(f"(?: FROM | BETWEEN ) (?P<one> {NEAR} ) (?: AND | PLUS ) (?P<two> {NEAR} )")
def from_day_to_day(heard: Heard, said: Said) -> None:
    first, last = (_near(heard, said.group(name)) for name in ("one", "two"))
    if last.weekday() == first.weekday():
        raise UnclearWhen(said.text)
    heard.days(Span(first, last if last > first else last + timedelta(days=7)))


@rule(f"(?: BEFORE | UNTIL ) {NEAR} (?! .* (?: CLOCK | NUMBER | PART | DAYPART | OF_DAY ) )")
def until_a_day(heard: Heard, said: Said) -> None:
    last = _near(heard, said) - timedelta(days=said.has(Kind.BEFORE))
    if last < heard.today:
        raise UnclearWhen(said.text)
    heard.days(Span(heard.today, last))


def _near(heard: Heard, said: Said) -> Any:
    if said.has(Kind.RELATIVE):
        return heard.today + timedelta(days=said.one(Kind.RELATIVE))
    return days.coming(said.one(Kind.WEEKDAY), heard.today)


def _ahead(said: Said) -> int:
    """This week is 0, the coming one 1, the next one what the word says."""
    return 1 if said.has(Kind.COMING) else said.one(Kind.NEXT, default=0)


def _part(said: Said) -> int:
    return 0 if said.has(Kind.START) else 1 if said.has(Kind.MIDDLE) else 2


# --- times


@rule(
    f"(?<! IN ) (?: AT | TO | AROUND )* (?P<one> {TIME} )",
    "(?: AT | AROUND )+ (?P<one> NUMBER THROUGH NUMBER )",
)
def at_a_time(heard: Heard, said: Said) -> None:
    heard.clock("at", read_clock(said.group("one")))
    heard.around = said.has(Kind.AROUND)


@rule(f"(?: AFTER | FROM ) AT? (?P<one> {TIME} )")
def after_a_time(heard: Heard, said: Said) -> None:
    heard.clock("after", read_clock(said.group("one")))


@rule(f"BEFORE AT? (?P<one> {TIME} )")
def before_a_time(heard: Heard, said: Said) -> None:
    heard.clock("before", read_clock(said.group("one")))


@rule(f"UNTIL AT? (?P<one> {TIME} )")
def until_a_time(heard: Heard, said: Said) -> None:
    heard.clock("until", read_clock(said.group("one")))


@rule(f"BETWEEN AT? (?P<one> {TIME} ) (?: AND | PLUS ) AT? (?P<two> {TIME} )")
@rule(f"FROM AT? (?P<one> {TIME} ) (?: UNTIL | THROUGH | DASH | AT | AND ) AT? (?P<two> {TIME} )")
@rule(f"OF (?P<one> {TIME} ) AT (?P<two> {TIME} )")
@rule(f"AT? (?P<one> {TIME} ) (?: UNTIL | THROUGH | DASH ) AT? (?P<two> {TIME} )")
def between_two_times(heard: Heard, said: Said) -> None:
    if heard.between:
        raise UnclearWhen(said.text)
    heard.between = (read_clock(said.group("one")), read_clock(said.group("two")))


@rule("(?: IN | AT | OF )? DAYPART", "OF_DAY")
def in_a_part_of_the_day(heard: Heard, said: Said) -> None:
    heard.in_daypart(said.one(Kind.DAYPART, Kind.OF_DAY))


@rule("THIS DAYPART")
def in_a_part_of_today(heard: Heard, said: Said) -> None:
    heard.day(heard.today)
    heard.in_daypart(said.one(Kind.DAYPART))


@rule("(?: AFTER | BEFORE ) (?: DAYPART | EVENT )")
def before_or_after_it(heard: Heard, said: Said) -> None:
    it: Window = said.one(Kind.DAYPART, Kind.EVENT)
    if it.first is None or it.last is None:
        raise UnclearWhen(said.text)
    after = Window(shifted(it.last, 1))
    heard.limited(after if said.has(Kind.AFTER) else Window(None, shifted(it.first, -1)))


@rule("IN (?: NUMBER | PART )? (?: HOUR | MINUTE )")
def so_many_minutes_on(heard: Heard, said: Said) -> None:
    """As a limit: whoever can be there in an hour can be there later."""
    number = said.one(Kind.NUMBER, default=1)
    minutes = said.one(Kind.PART) or (number * 60 if said.has(Kind.HOUR) else number)
    there = heard.now + timedelta(minutes=minutes)
    heard.day(there.date())
    heard.limited(Window(there.time().replace(second=0, microsecond=0)))


def read_clock(said: Said) -> Clock:
    """The time that TIME has matched. UnclearWhen: three minutes past forty."""
    written: Clock | None = said.one(Kind.CLOCK)
    if written:
        minute = written.minute + sum(said.all(Kind.PART))
        if minute > 59:
            raise UnclearWhen(said.text)
        return Clock(written.hour, minute, said.one(Kind.MERIDIEM), written.exact, said.text)
    hour, shift = _hour_and_shift(said)
    if hour > 23 or hour * 60 + shift < 0:
        raise UnclearWhen(said.text)
    there, minute = divmod(hour * 60 + shift, 60)
    if there == 0 < hour:  # a quarter to one
        there = NOON
    return Clock(there, minute, said.one(Kind.MERIDIEM), said=said.text)


def _hour_and_shift(said: Said) -> tuple[int, int]:
    """The hour that was named, and the minutes from it: half to three is 3 and -30."""
    numbers, parts = said.all(Kind.NUMBER), said.all(Kind.PART)
    minutes_first = said.has(Kind.PAST, Kind.AFTER, Kind.BEFORE, Kind.TO, Kind.THROUGH)
    joined = minutes_first or said.has(Kind.PLUS, Kind.MINUS)
    hour = numbers.pop(-1 if minutes_first else 0)
    minutes = sum(parts + numbers)
    if parts and not joined and minutes != HALF_HOUR:  # "Viertel drei" is not the same everywhere
        raise UnclearWhen(said.text)
    if numbers and not joined and not said.has(Kind.HOUR) and minutes < 10:  # "two three"
        raise UnclearWhen(said.text)
    if minutes > (HALF_HOUR if minutes_first else 59):
        raise UnclearWhen(said.text)
    backwards = said.has(Kind.BEFORE, Kind.TO, Kind.THROUGH, Kind.MINUS)
    into = said.one(Kind.INTO)
    return hour, (into - 60 if into else 0) + (-minutes if backwards else minutes)
