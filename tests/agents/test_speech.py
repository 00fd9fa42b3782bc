"""What the receptionist says. Every language says every sentence, and tells the facts in it."""

import ast
import inspect
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agents.speech
from agents.initiation import Briefing, first_message
from agents.speech import LANGUAGES, MAX_OPTIONS, Speech, speech_for
from appointments.errors import NotBookable
from appointments.slots import Reason

ENGLISH, SPANISH, GERMAN, FRENCH = (LANGUAGES[code] for code in ("en", "es", "de", "fr"))
EVERY = pytest.mark.parametrize("speech", LANGUAGES.values(), ids=LANGUAGES.keys())

TODAY = date(2026, 11, 18)
TUESDAY = date(2026, 11, 24)
AT_NINE = datetime(2026, 11, 24, 9)
AT_QUARTER_PAST_TWO = datetime(2026, 11, 25, 14, 15)
DAY = timedelta(days=1)

# Made-up names, which no language's own words contain: (arguments, what must be heard).
MADE = {"service": "Zumbik", "employee": "Qadira"}
FACTS: dict[str, tuple[dict, list[str]]] = {
    "greeting": ({"business": "Vexhall"}, ["Vexhall"]),
    "tenant_info": (
        {"name": "Vexhall", "address": "Xstr. 7", "phone": "+15550001111"},
        ["Vexhall", "Xstr. 7", "+15550001111"],
    ),
    "current_time": ({"local": AT_NINE}, ["9", "24"]),
    "service_details": (
        {
            "name": "Zumbik",
            "minutes": 90,
            "price": Decimal(50),
            "currency": "EUR",
            "description": "Wxyz",
            "extras": ["Kv", "Jq"],
        },
        ["Zumbik", "1 ", "30 ", "50 ", "Wxyz.", "Kv", "Jq"],
    ),
    "services": ({"names": ["Zumbik", "Wolk"]}, ["Zumbik", "Wolk"]),
    "offers": ({"names": ["Zumbik", "Wolk"], "more": True}, ["Zumbik, Wolk"]),
    "which_service": ({"names": ["Zumbik", "Wolk"]}, ["?", "Zumbik, Wolk"]),
    "times_offered": (
        {"service": "Zumbik", "day": TUESDAY, "today": TODAY, "times": [time(9), time(10, 30)]},
        ["Zumbik", "24", "9", "10", "30"],
    ),
    "nothing_that_day_but": (
        {"service": "Zumbik", "day": TUESDAY, "today": TODAY, "next_local": AT_QUARTER_PAST_TWO},
        ["Zumbik", "24", "25", "15"],
    ),
    "nothing_in_weeks": ({"service": "Zumbik"}, ["Zumbik"]),
    "booked": ({**MADE, "local": AT_NINE, "today": TODAY}, ["Zumbik", "Qadira", "24", "9"]),
    "slot_held": ({"local": AT_NINE, "today": TODAY, "minutes": 5}, ["24", "9", "5 minut"]),
    "could_offer": ({"times": [AT_NINE, AT_QUARTER_PAST_TWO], "today": TODAY}, ["24", "9", "25", "15"]),
    "clocks_go_forward": ({"after_local": datetime(2026, 3, 29, 3)}, ["3"]),
    "too_soon": ({"minutes": 120}, ["2 "]),
    "too_far": ({"days": 90}, ["90 "]),
    "refused": ({"reason": "BUSY"}, []),
    "your_appointments": (
        {"appointments": [("Zumbik", "Qadira", AT_NINE)], "today": TODAY},
        ["Zumbik", "Qadira", "24", "9"],
    ),
    "booking": ({"booking": ("Zumbik", "Qadira", AT_NINE), "today": TODAY}, ["Zumbik", "Qadira", "24", "9"]),
    "appointments_are": ({"bookings": ["Zumbik", "Wolk"], "total": 7}, ["Zumbik", "Wolk", "7", "2"]),
    "code_text": ({"business": "Zumbik", "code": "123456"}, ["Zumbik", "123456"]),
    "code_sent": ({"last_digits": "41"}, ["4 1"]),
    "confirm_cancel": ({**MADE, "local": AT_NINE, "today": TODAY}, ["Zumbik", "Qadira", "24", "9", "?"]),
    "cancelled": ({"service": "Zumbik", "local": AT_NINE, "today": TODAY}, ["Zumbik", "24", "9"]),
    "change_until": ({"notice": "Zumbik"}, ["Zumbik"]),
    "too_late_to_cancel": ({"minutes": 120}, ["2 "]),
    "confirm_reschedule": (
        {**MADE, "old_local": AT_NINE, "new_local": AT_QUARTER_PAST_TWO, "today": TODAY},
        ["Zumbik", "Qadira", "24", "9", "25", "15", "?"],
    ),
    "rescheduled": ({**MADE, "local": AT_NINE, "today": TODAY}, ["Zumbik", "Qadira", "24", "9"]),
    "call_for": (
        {"business": "Vexhall", "caller": "Qadira", "number": "5 5 5"},
        ["Vexhall", "Qadira", "5 5 5"],
    ),
    "wish_is": ({"wish": "Zumbik"}, ["Zumbik"]),
    "caller_said": ({"words": "Zumbik"}, ["Zumbik"]),
    "on_waitlist": ({"service": "Zumbik", "position": 2}, ["Zumbik", "2"]),
    "press": ({"option": "book", "key": "7"}, ["7"]),
    "press_for": ({"what": "Zumbik", "key": "7"}, ["Zumbik", "7"]),
    "press_for_time": ({"moment": time(9), "key": "7"}, ["9", "7"]),
    "free_on": ({"service": "Zumbik", "day": TUESDAY, "today": TODAY}, ["Zumbik", "24"]),
    "press_to_cancel": ({"local": AT_NINE, "today": TODAY, "key": "7"}, ["24", "9", "7"]),
    "chosen": ({**MADE, "local": AT_NINE, "today": TODAY}, ["Zumbik", "Qadira", "24", "9"]),
}
PARTS = {"booking"}
"""What stands inside sentences."""
TABLES = {"refusals", "options"}

_ENGLISH_WORDS = re.compile(
    r"\b(the|you|your|and|or|with|appointment|time|is|are|can|we|I'm|please|sorry|book(ed)?|today|tomorrow|"
    r"hours?|days?|dollars?|at|on|for|(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|May|"
    r"June|July|October|December|AM|PM)\b"
)


def sentences(kind: type) -> list[str]:
    return [name for name, value in vars(Speech).items() if isinstance(value, kind) and name[0] != "_"]


def said_by(speech: Speech) -> dict[str, str]:
    said = {name: getattr(speech, name)(**facts) for name, (facts, _) in FACTS.items()}
    said |= {name: getattr(speech, name) for name in sentences(property) if name not in TABLES}
    said |= {f"refusals {reason}": told for reason, told in speech.refusals.items()}
    return said | {f"options {option}": speech.press(option, key="7") for option in speech.options}


def test_the_sentences_walked_here_are_all_that_there_are():
    assert set(sentences(type(lambda: None))) == set(FACTS)


@EVERY
def test_every_sentence_ends_as_a_sentence(speech):
    for name, said in said_by(speech).items():
        assert said == said.strip(), name
        assert "  " not in said, name
        assert name in PARTS or said.endswith((".", "?", "!")), name
        assert not re.search(r"[.?!][.?!]|\bNone\b|[{}]", said), name


@EVERY
def test_every_sentence_tells_its_facts(speech):
    for name, (facts, heard) in FACTS.items():
        said = getattr(speech, name)(**facts)
        for fact in heard:
            assert fact.lower() in said.lower(), name


@EVERY
def test_sentences_are_short(speech):
    for name, said in said_by(speech).items():
        assert len(said) <= 170, name


@EVERY
def test_questions_open_and_close_as_the_language_has_it(speech):
    for name, said in said_by(speech).items():
        for mark, opened in ("?", "¿"), ("!", "¡"):
            assert said.count(opened) == (said.count(mark) if speech is SPANISH else 0), name
            before = re.findall(rf"(.)\{mark}", said)
            assert all((space == " ") == (speech is FRENCH) for space in before), name


@pytest.mark.parametrize("speech", [SPANISH, GERMAN, FRENCH])
def test_no_english_is_left_over(speech):
    for name, said in said_by(speech).items():
        own = {word for word in ("on", "Nous sommes") if speech is FRENCH and word in said}
        found = _ENGLISH_WORDS.search(said)
        assert found is None or found.group() in own, f"{name}: {said}"
    tables = [*speech.weekdays, *speech.months, speech.today, speech.tomorrow]
    english = {*ENGLISH.weekdays, *ENGLISH.months, ENGLISH.today, ENGLISH.tomorrow}
    assert set(tables) & english <= {"April", "August", "September", "November"}


def test_no_two_languages_say_the_same():
    for name, said in said_by(ENGLISH).items():
        others = [said_by(speech)[name] for speech in (SPANISH, GERMAN, FRENCH)]
        assert len({said, *others}) == 4, name


@EVERY
def test_every_reason_of_the_engine_and_every_code_has_its_sentence(speech):
    codes = {reason.value for reason in Reason} | {reason.code for reason in Reason}
    assert codes | set(NotBookable._SENTENCES) | {"GROUP_FULL"} == set(speech.refusals)
    assert speech.refused("SOMETHING_NEW") == speech.not_bookable


@EVERY
def test_every_option_names_its_key(speech):
    for option in speech.options.keys() - {"repeat"}:
        assert "7" in speech.press(option, key="7"), option
    assert "{" not in speech.options["repeat"]


@EVERY
def test_a_refusal_does_not_tell_who_is_away_or_who_came_first(speech):
    for reason in Reason:
        if reason.code == "TIME_SLOT_CONFLICT":
            assert speech.refused(reason) == speech.refused(reason.code)
    assert speech.refused("TIME_OFF") == speech.refused("NOT_WORKING")


def test_english_refuses_in_the_words_that_the_engine_has():
    for code, words in NotBookable._SENTENCES.items():
        assert ENGLISH.refused(code) == words
    assert ENGLISH.not_bookable == "That time cannot be booked."


@EVERY
def test_a_refusal_says_by_how_much_where_that_is_known(speech):
    assert speech.refused("TOO_SOON", notice_minutes=120) == speech.too_soon(minutes=120)
    assert speech.refused("TOO_FAR", window_days=90) == speech.too_far(days=90)
    assert speech.refused("TOO_SOON") != speech.too_soon(minutes=120)


@EVERY
def test_nobody_learns_whose_an_appointment_is(speech):
    assert speech.not_yours == speech.no_appointments_found
    assert speech.your_appointments(appointments=[], today=TODAY) == speech.no_appointments_found


@EVERY
def test_at_most_four_options_are_spoken(speech):
    hours = [time(hour) for hour in range(8, 20)]
    said = speech.times_offered(service="Zumbik", day=TUESDAY, today=TODAY, times=hours)
    heard = [one for one in hours if re.search(rf"(?<!\d){re.escape(speech.clock(one))}", said)]
    assert heard == [time(8), time(12), time(15), time(19)]

    moments = [AT_NINE + timedelta(days=day) for day in range(6)]
    offered = speech.could_offer(times=moments, today=TODAY)
    assert [speech.moment(one, TODAY) in offered for one in moments] == [True] * MAX_OPTIONS + [False] * 2

    several = speech.your_appointments(
        appointments=[(f"Zumbik{n}", "Qadira", one) for n, one in enumerate(moments)], today=TODAY
    )
    assert several.count("Zumbik") == MAX_OPTIONS
    assert "6" in several
    assert speech.services([f"Zumbik{n}" for n in range(6)]).count("Zumbik") == MAX_OPTIONS
    assert speech.services([]) == speech.no_services


@EVERY
def test_who_says_less_is_told_less(speech):
    bare = speech.service_details(name="Zumbik", minutes=30, price=Decimal(0), currency="EUR")
    assert "euro" not in bare.lower()
    assert bare.count(".") == 1
    assert "Vexhall" in speech.tenant_info(name="Vexhall")
    assert speech.tenant_info(name="Vexhall").count(".") == 1
    assert speech.too_late_to_cancel(minutes=0) == speech.cannot_change
    move = {"service": "Zumbik", "old_local": AT_NINE, "new_local": AT_QUARTER_PAST_TWO, "today": TODAY}
    assert len(speech.confirm_reschedule(**move)) < len(speech.confirm_reschedule(**move, employee="Qadira"))


@pytest.mark.parametrize(
    ("tag", "speech"),
    [
        ("en", ENGLISH),
        ("EN-gb", ENGLISH),
        ("de-AT", GERMAN),
        ("fr_CA", FRENCH),
        (" es ", SPANISH),
        ("es-419", SPANISH),
        ("pt", ENGLISH),
        ("", ENGLISH),
        ("deutsch", ENGLISH),
    ],
)
def test_a_language_tag_finds_its_language_and_everything_else_english(tag, speech):
    assert speech_for(tag) is speech


# --- English stays as it was


HOURS = ((time(9), time(17)),)
MONDAY_TO_FRIDAY = [HOURS] * 5 + [()] * 2
IRREGULAR = [
    HOURS,
    HOURS,
    ((time(9), time(12)), (time(13), time(17, 30))),
    (),
    HOURS,
    ((time(10), time(14)),),
    (),
]

times = st.times().map(lambda one: one.replace(second=0, microsecond=0))
dates = st.dates(date(2020, 1, 1), date(2030, 12, 31))
weeks = st.lists(st.sampled_from([(), HOURS, IRREGULAR[2], ((time(18), time(0)),)]), min_size=7, max_size=7)


def test_the_contract_in_english_word_for_word():
    assert ENGLISH.hours_summary(MONDAY_TO_FRIDAY) == "We're open Monday through Friday from 09:00 to 17:00."
    assert ENGLISH.services(["Haircut", "Styling", "Coloring"]) == "We offer: Haircut, Styling, Coloring."
    assert ENGLISH.greeting("My Business") == "Hello! Welcome to My Business."
    assert ENGLISH.greeting("X") == first_message(Briefing(business_name="X"))
    assert ENGLISH.date(TUESDAY, TODAY) == "Tuesday, November 24"
    assert ENGLISH.moment(datetime(2026, 11, 19, 9), TODAY) == "tomorrow at 9 AM"
    assert ENGLISH.moment(AT_NINE, TODAY) == "on Tuesday, November 24 at 9 AM"
    assert ENGLISH.booked(**MADE, local=datetime(2026, 11, 19, 9), today=TODAY) == (
        "You're booked for Zumbik with Qadira tomorrow at 9 AM."
    )
    assert ENGLISH.times_offered(
        service="Haircut", day=TODAY + DAY, today=TODAY, times=[time(9), time(10), time(14, 15)]
    ) == ("For Haircut tomorrow I have 9 AM, 10 AM or 2:15 PM.")
    assert ENGLISH.nothing_that_day_but(
        service="Haircut", day=TODAY, today=TODAY, next_local=AT_QUARTER_PAST_TWO
    ) == ("Nothing is free for Haircut today. The next is Wednesday, November 25 at 2:15 PM.")
    assert ENGLISH.could_offer(times=[AT_NINE], today=TODAY) == (
        "I could offer on Tuesday, November 24 at 9 AM."
    )
    assert ENGLISH.clocks_go_forward(after_local=datetime(2026, 3, 8, 3)) == (
        "The clocks go forward then, so that time does not exist. The next is 3 AM."
    )


# --- the other languages


@pytest.mark.parametrize(
    ("speech", "at", "on", "next_year", "irregular"),
    [
        (
            SPANISH,
            "a las 2:15 de la tarde",
            "el martes 24 de noviembre",
            "viernes 1 de enero de 2027",
            "Abrimos el lunes y el martes de 9 de la mañana a 5 de la tarde, el miércoles de 9 de la mañana a 12 "
            "de la tarde y de 1 de la tarde a 5:30 de la tarde, el viernes de 9 de la mañana a 5 de la tarde y el "
            "sábado de 10 de la mañana a 2 de la tarde.",
        ),
        (
            GERMAN,
            "um 14:15 Uhr",
            "am Dienstag, dem 24. November",
            "Freitag, 1. Januar 2027",
            "Wir haben Montag und Dienstag von 9 bis 17 Uhr, Mittwoch von 9 bis 12 Uhr und von 13 bis 17:30 Uhr, "
            "Freitag von 9 bis 17 Uhr und Samstag von 10 bis 14 Uhr geöffnet.",
        ),
        (
            FRENCH,
            "à 14 h 15",
            "le mardi 24 novembre",
            "vendredi 1er janvier 2027",
            "Nous sommes ouverts le lundi et le mardi de 9 h à 17 h, le mercredi de 9 h à 12 h et de 13 h à "
            "17 h 30, le vendredi de 9 h à 17 h et le samedi de 10 h à 14 h.",
        ),
    ],
)
def test_times_days_and_hours_are_said_as_people_say_them(speech, at, on, next_year, irregular):
    assert speech.at(AT_QUARTER_PAST_TWO) == at
    assert speech.on(TUESDAY, TODAY) == on
    assert speech.date(date(2027, 1, 1), TODAY) == next_year
    assert speech.hours_summary(IRREGULAR) == irregular
    assert speech.on(TODAY, TODAY) == speech.today
    assert speech.on(TODAY + DAY, TODAY) == speech.tomorrow


def test_regular_weeks_in_other_languages():
    assert SPANISH.hours_summary(MONDAY_TO_FRIDAY) == (
        "Abrimos de lunes a viernes de 9 de la mañana a 5 de la tarde."
    )
    assert GERMAN.hours_summary(MONDAY_TO_FRIDAY) == "Wir haben Montag bis Freitag von 9 bis 17 Uhr geöffnet."
    assert FRENCH.hours_summary(MONDAY_TO_FRIDAY) == "Nous sommes ouverts du lundi au vendredi de 9 h à 17 h."


def test_a_business_may_close_at_midnight():
    week = [((time(18), time(0)),)] + [()] * 6
    assert SPANISH.hours_summary(week) == "Abrimos el lunes de 6 de la tarde a 12 de la noche."
    assert GERMAN.hours_summary(week) == "Wir haben Montag von 18 bis 24 Uhr geöffnet."
    assert FRENCH.hours_summary(week) == "Nous sommes ouverts le lundi de 18 h à minuit."


@pytest.mark.parametrize(
    ("speech", "one", "some", "fraction"),
    [
        (ENGLISH, "1 euro", "50 dollars", "12.50 pounds"),
        (SPANISH, "1 euro", "50 dólares", "12,50 libras"),
        (GERMAN, "1 Euro", "50 Dollar", "12,50 Pfund"),
        (FRENCH, "1 euro", "50 dollars", "12,50 livres"),
    ],
)
def test_prices(speech, one, some, fraction):
    assert speech.price(Decimal("1.00"), "EUR") == one
    assert speech.price(Decimal(50), "USD") == some
    assert speech.price(Decimal("12.5"), "GBP") == fraction
    assert speech.price(Decimal(900), "JPY") == "900 JPY"


def test_french_counts_from_two():
    assert FRENCH.price(Decimal("1.5"), "EUR") == "1,50 euro"
    assert ENGLISH.price(Decimal("1.5"), "EUR") == "1.50 euros"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Corte", "Hidratación"], "Corte e Hidratación"),
        (["Corte", "Hielo"], "Corte y Hielo"),
        (["Corte", "Imagen", "Uñas"], "Corte, Imagen y Uñas"),
    ],
)
def test_spanish_and_listens_to_the_next_word(words, said):
    assert SPANISH.join(words) == said


def test_spanish_or_listens_to_the_next_word():
    assert SPANISH.choice(["Uñas", "Ojos"]) == "Uñas u Ojos"
    assert SPANISH.choice(["Ojos", "Uñas"]) == "Ojos o Uñas"


def test_one_oclock_is_one_in_spanish():
    assert SPANISH.at(time(13, 5)) == "a la 1:05 de la tarde"
    assert SPANISH.current_time(datetime(2026, 11, 24, 13)) == (
        "Es la 1 de la tarde del martes 24 de noviembre."
    )


@EVERY
def test_durations(speech):
    assert re.findall(r"\d+", speech.duration(45)) == ["45"]
    assert re.findall(r"\d+", speech.duration(90)) == ["1", "30"]
    assert re.findall(r"\d+", speech.duration(2 * 24 * 60)) == ["2"]
    assert speech.duration(0).startswith("0 ")
    assert len({speech.duration(minutes) for minutes in range(2000)}) == 2000


@EVERY
def test_a_clock_says_every_minute_of_the_day_differently(speech):
    minutes = [time(hour, minute) for hour in range(24) for minute in range(60)]
    assert len({speech.clock(one) for one in minutes}) == len(minutes)


@EVERY
def test_a_time_that_comes_twice_is_said_with_which_of_the_two(speech):
    zone = ZoneInfo("Europe/London")  # whose winter has no offset
    first, second = (datetime(2026, 10, 25, 1, 30, tzinfo=zone, fold=fold) for fold in (0, 1))
    said = [speech.moment(one, TODAY) for one in (first.replace(tzinfo=None), first, second)]
    assert said[1:] == [f"{said[0]} {one}" for one in speech.passes]
    for once in (datetime(2026, 10, 25, 2, tzinfo=zone), datetime(2026, 3, 29, 1, 30, tzinfo=zone)):
        assert speech.clock(once) == speech.clock(once.time())


@EVERY
@given(day=dates, today=dates)
def test_a_date_names_its_day_and_the_year_only_when_it_is_another(speech, day, today):
    said = speech.date(day, today)
    if speech.is_near(day, today):
        assert said in {speech.today, speech.tomorrow}
    else:
        assert speech.weekdays[day.weekday()] in said
        assert speech.months[day.month - 1] in said
        assert re.search(rf"\b{day.day}(\b|er)", said)
        assert (str(day.year) in said) == (day.year != today.year)


@EVERY
@given(week=weeks)
def test_hours_name_only_days_that_are_open(speech, week):
    said = speech.hours_summary(week)
    for day, hours in enumerate(week):
        if not hours:
            assert speech.weekdays[day] not in said
        elif any(week[near] != hours for near in (day - 1, day + 1) if 0 <= near < 7) or day in {0, 6}:
            assert speech.weekdays[day] in said


@EVERY
def test_the_same_tables_are_filled_everywhere(speech):
    assert (len(speech.weekdays), len(speech.months)) == (7, 12)
    assert speech.currencies.keys() == ENGLISH.currencies.keys()
    assert speech.units.keys() == ENGLISH.units.keys()
    assert speech.refusals.keys() == ENGLISH.refusals.keys()
    assert speech.options.keys() == ENGLISH.options.keys()
    assert len(set(speech.passes)) == 2
    assert not inspect.isabstract(type(speech))


def test_a_language_that_lacks_a_sentence_cannot_be_made():
    class Half(type(ENGLISH)):  # type: ignore[misc]
        goodbye = Speech.goodbye

    with pytest.raises(TypeError, match="goodbye"):
        Half()


def test_speech_is_pure():
    for path in Path(agents.speech.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                named = str(node.module)
                assert named.startswith("agents.speech") or named in {
                    "abc",
                    "collections.abc",
                    "datetime",
                    "decimal",
                    "itertools",
                    "typing",
                }
