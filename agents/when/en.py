"""English time words."""

from agents.when.clock import Clock
from agents.when.kinds import Kind
from agents.when.language import Language
from agents.when.numbers import counted
from agents.when.values import window

_NUMBERS = counted(
    [
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
        *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
    ],
    {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty"},
    lambda ten, one: f"{ten} {one}",
)
_NTH = {
    **dict(enumerate(["first", "second", "third"], start=1)),
    5: "fifth",
    8: "eighth",
    9: "ninth",
    12: "twelfth",
    20: "twentieth",
    30: "thirtieth",
}


def _nth(day: int) -> str:
    if day > 20 and day % 10:
        return f"{_NUMBERS[day // 10 * 10]} {_nth(day % 10)}"
    return _NTH.get(day) or f"{_NUMBERS[day]}th"


ENGLISH = Language(
    is_english=True,
    day_first=None,
    rewrites=[
        (r"\btonight\b", "this evening"),
        (r"\ba fortnight\b", "two weeks"),
        (r"\blater (today|this (week|month))\b", r"\1"),
    ],
    words={
        Kind.RELATIVE: ["today | now", "tomorrow | tmrw", "day after tomorrow | overmorrow"],
        Kind.WEEKDAY: [
            "monday | mondays | mon",
            "tuesday | tuesdays | tue | tues",
            "wednesday | wednesdays | wed",
            "thursday | thursdays | thu | thur | thurs",
            "friday | fridays | fri",
            "saturday | saturdays | sat",
            "sunday | sundays | sun",
        ],
        Kind.MONTH: dict(
            enumerate(
                [
                    "january | jan",
                    "february | feb",
                    "march | mar",
                    "april | apr",
                    "may",
                    "june | jun",
                    "july | jul",
                    "august | aug",
                    "september | sep | sept",
                    "october | oct",
                    "november | nov",
                    "december | dec",
                ],
                start=1,
            )
        ),
        Kind.DAY: "day | days",
        Kind.WEEK: "week | weeks",
        Kind.MONTHS: "month | months",
        Kind.WEEKEND: "weekend | weekends",
        Kind.THIS: "this",
        Kind.NEXT: {1: "next", 2: "after next"},
        Kind.COMING: "coming | upcoming",
        Kind.START: "start | beginning | early",
        Kind.MIDDLE: "middle | mid",
        Kind.END: "end | late",
        Kind.CLOCK: {Clock(12, exact=True): "noon | midday"},
        Kind.HOUR: "o'clock | oclock | hour | hours",
        Kind.MINUTE: "minute | minutes",
        Kind.PART: {15: "quarter | a quarter", 30: "half | half an | half a"},
        Kind.PAST: "past",
        Kind.MERIDIEM: {0: "am", 12: "pm"},
        Kind.DAYPART: {
            window("05:00", "11:59"): "morning | mornings",
            window(
                "05:00", "09:59"
            ): "early morning | early in the morning | first thing | first thing in the morning",
            window("10:00", "11:59"): "late morning",
            window("12:00", "13:59"): "lunchtime | lunch time | lunch break",
            window("12:00", "17:59"): "afternoon | afternoons",
            window("12:00", "14:59"): "early afternoon | early in the afternoon",
            window("15:00", "17:59"): "late afternoon | late in the afternoon",
            window("17:00", "23:59"): "evening | evenings",
            window("20:00", "23:59"): "night",
        },
        Kind.EVENT: {window("09:00", "16:59"): "work | school", window("12:00", "12:59"): "lunch"},
        Kind.NUMBER: _NUMBERS,
        Kind.ORDINAL: {day: _nth(day) for day in range(1, 32)},
        Kind.AT: "at",
        Kind.AROUND: "around | about | roughly | approximately",
        Kind.AFTER: "after | later than | no earlier than | not before | starting at",
        Kind.BEFORE: "before | earlier than",
        Kind.BETWEEN: "between",
        Kind.FROM: "from",
        Kind.UNTIL: "until | till | by | no later than | not after",
        Kind.THROUGH: "to | through",
        Kind.AND: "and",
        Kind.OR: "or",
        Kind.IN: "in | during",
        Kind.OF: "of",
        Kind.THE: "the",
        Kind.PAUSE: "on",
        Kind.FILLER: "a | an | please | for | then | sometime | maybe | perhaps | if possible | any time | anytime"
        " | appointment | an appointment | i would like | i'd like | thanks | thank you"
        " | as soon as possible | asap | as early as possible | earliest | earliest available | earliest possible"
        " | soonest | first available | next available | next opening | slot | time | whenever | any day | anything"
        " | no preference",
    },
)
