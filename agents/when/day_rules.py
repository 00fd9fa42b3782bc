"""Turns of phrase that name days."""

from datetime import date, timedelta

from agents.when import days
from agents.when.days import Span
from agents.when.heard import Heard
from agents.when.kinds import DateSaid, Kind
from agents.when.rules import Rules, Said
from agents.when.values import UnclearWhen

DAYS = Rules()

NTH = "(?: THE? NUMBER | ORDINAL )"
YEAR = "(?: OF | PAUSE )? YEAR"
NEAR = "(?: RELATIVE | WEEKDAY )"
WHICH = "(?: THIS | NEXT | COMING )"


@DAYS.on("RELATIVE")
def today_and_tomorrow(heard: Heard, said: Said) -> None:
    heard.day(heard.today + timedelta(days=said.one(Kind.RELATIVE)))


@DAYS.on("WEEKDAY")
def a_weekday(heard: Heard, said: Said) -> None:
    heard.on_weekday(said.one(Kind.WEEKDAY))


@DAYS.on("THIS WEEKDAY")
def this_weekday(heard: Heard, said: Said) -> None:
    weekday = said.one(Kind.WEEKDAY)
    is_today = weekday == heard.today.weekday()
    heard.day(heard.today if is_today else days.coming(weekday, heard.today))


@DAYS.on("THIS? COMING WEEKDAY", "WEEKDAY COMING (?! WEEK )")
def coming_weekday(heard: Heard, said: Said) -> None:
    heard.day(days.coming(said.one(Kind.WEEKDAY), heard.today))


@DAYS.on("NEXT WEEKDAY")
def next_weekday(heard: Heard, said: Said) -> None:
    week = days.week(heard.today, said.one(Kind.NEXT))
    heard.day(week.weekdays(said.one(Kind.WEEKDAY))[0])


@DAYS.on(f"{WHICH} WEEK", "WEEK (?: THIS | NEXT | COMING )")
def a_week(heard: Heard, said: Said) -> None:
    heard.days(days.week(heard.today, _ahead(said)))


@DAYS.on(f"{WHICH} MONTHS", "MONTHS (?: THIS | NEXT | COMING )")
def a_month_from_here(heard: Heard, said: Said) -> None:
    heard.days(days.month(heard.today, _ahead(said)))


@DAYS.on("(?: THIS | NEXT )? WEEKEND", "WEEKEND NEXT")
def a_weekend(heard: Heard, said: Said) -> None:
    heard.days(days.weekend(heard.today, _ahead(said)))


@DAYS.on("THIS? COMING WEEKEND", "WEEKEND COMING")
def coming_weekend(heard: Heard, said: Said) -> None:
    heard.days(days.weekend(heard.today, int(heard.today.weekday() >= days.SATURDAY)))


@DAYS.on(f"(?: START | MIDDLE | END ) OF? {WHICH}? WEEK {WHICH}?")
def part_of_a_week(heard: Heard, said: Said) -> None:
    part = days.part_of_week(_part(said), heard.today, _ahead(said))
    unsaid = not (said.has(Kind.THIS) or _ahead(said))
    heard.days(days.part_of_week(_part(said), heard.today, 1) if unsaid and part.last < heard.today else part)


@DAYS.on(f"(?: START | MIDDLE | END ) OF? {WHICH}? MONTHS {WHICH}?")
def part_of_a_month(heard: Heard, said: Said) -> None:
    part = days.part_of_month(_part(said), days.month(heard.today, _ahead(said)))
    unsaid = not (said.has(Kind.THIS) or _ahead(said))
    if unsaid and part.last < heard.today:
        part = days.part_of_month(_part(said), days.month(heard.today, 1))
    heard.days(part)


@DAYS.on(f"IN? (?: START | MIDDLE | END )? OF? MONTH (?: {YEAR} )?")
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


@DAYS.on(
    f"(?<! AT ) {NTH} OF? MONTH (?: {YEAR} )?", f"MONTH {NTH} (?! HOUR | MERIDIEM | OF_DAY ) (?: {YEAR} )?"
)
def a_date(heard: Heard, said: Said) -> None:
    day = said.one(Kind.NUMBER, Kind.ORDINAL)
    heard.day(days.next_date(day, said.one(Kind.MONTH), heard.today, said.one(Kind.YEAR)))


@DAYS.on("ORDINAL", "THE NUMBER (?! HOUR | MINUTE | PLUS | MINUS | MERIDIEM | OF_DAY | OF? MONTH )")
def a_day_of_the_month(heard: Heard, said: Said) -> None:
    heard.day(days.next_day_of_month(said.one(Kind.NUMBER, Kind.ORDINAL), heard.today))


@DAYS.on(f"{NTH} OF? {WHICH} MONTHS", f"{NTH} OF? MONTHS {WHICH}")
def a_day_of_a_month_from_here(heard: Heard, said: Said) -> None:
    first = days.month(heard.today, _ahead(said)).first
    heard.day(first.replace(day=said.one(Kind.NUMBER, Kind.ORDINAL)))


@DAYS.on("DATE")
def a_date_in_digits(heard: Heard, said: Said) -> None:
    written: DateSaid = said.one(Kind.DATE)
    heard.exact = heard.exact or written.iso
    heard.day(days.next_date(written.day, written.month, heard.today, written.year))


@DAYS.on("IN NUMBER? (?: DAY | WEEK | MONTHS )", "NUMBER? (?: DAY | WEEK | MONTHS ) FROM RELATIVE")
@DAYS.on("RELATIVE IN NUMBER? (?: DAY | WEEK )")
def so_many_days_on(heard: Heard, said: Said) -> None:
    number = said.one(Kind.NUMBER, default=1)
    start = heard.today + timedelta(days=said.one(Kind.RELATIVE, default=0))
    if said.has(Kind.MONTHS):
        heard.day(days.months_on(start, number))
        return
    there = start + (timedelta(weeks=number) if said.has(Kind.WEEK) else timedelta(days=number))
    counts_today = number in (said.one(Kind.DAY) or ())  # perhaps: "in acht Tagen" is a week, for most
    heard.days(Span(there - timedelta(days=counts_today), there))


@DAYS.on("NUMBER? (?: DAY | WEEK ) FROM WEEKDAY", f"NUMBER? WEEK PAUSE? {NEAR}")
@DAYS.on(f"{NEAR} WEEK (?! {WHICH} )")
def so_many_days_from_a_day(heard: Heard, said: Said) -> None:
    number = said.one(Kind.NUMBER, default=1)
    heard.day(_near(heard, said) + timedelta(days=number * (7 if said.has(Kind.WEEK) else 1)))


@DAYS.on(f"NEXT? {NEAR} (?: PAUSE {NEAR} )* PAUSE? OR PAUSE? {NEAR}")
def one_of_several_days(heard: Heard, said: Said) -> None:
    if said.has(Kind.NEXT):
        heard.days(days.week(heard.today, said.one(Kind.NEXT)))
    heard.on_either(
        [
            one.value if one.kind is Kind.WEEKDAY else heard.today + timedelta(days=one.value)
            for one in said.tokens
            if one.kind in {Kind.WEEKDAY, Kind.RELATIVE}
        ]
    )


@DAYS.on(f"(?: FROM | OF )? (?P<one> {NEAR} ) (?: UNTIL | THROUGH | DASH | AT ) (?P<two> {NEAR} )")
@DAYS.on(f"(?: FROM | BETWEEN ) (?P<one> {NEAR} ) (?: AND | PLUS ) (?P<two> {NEAR} )")
def from_day_to_day(heard: Heard, said: Said) -> None:
    first, last = (_near(heard, said.group(name)) for name in ("one", "two"))
    if last.weekday() == first.weekday():
        raise UnclearWhen(said.text)
    heard.days(Span(first, last if last > first else last + timedelta(days=7)))


@DAYS.on(f"(?: BEFORE | UNTIL ) {NEAR} (?! .* (?: CLOCK | NUMBER | PART | DAYPART | OF_DAY ) )")
def until_a_day(heard: Heard, said: Said) -> None:
    last = _near(heard, said) - timedelta(days=said.has(Kind.BEFORE))
    if last < heard.today:
        raise UnclearWhen(said.text)
    heard.days(Span(heard.today, last))


def _near(heard: Heard, said: Said) -> date:
    if said.has(Kind.RELATIVE):
        return heard.today + timedelta(days=said.one(Kind.RELATIVE))
    return days.coming(said.one(Kind.WEEKDAY), heard.today)


def _ahead(said: Said) -> int:
    """This week is 0, the coming one 1, the next one what the word says."""
    return 1 if said.has(Kind.COMING) else said.one(Kind.NEXT, default=0)


def _part(said: Said) -> int:
    return 0 if said.has(Kind.START) else 1 if said.has(Kind.MIDDLE) else 2
