"""What texts cost, how templates are filled and refused, and what a business may settle: rules without a database."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from telephony.notifications import rendering
from telephony.notifications.segments import measure, plain
from telephony.notifications.wishes import (
    AT_ONCE,
    NIGHT,
    Reminder,
    due_at,
    night_at,
    problems,
    wishes_of,
)
from telephony.notifications.wording import LANGUAGES, wording_for

NEW_YORK = ZoneInfo("America/New_York")
HOUR = datetime.timedelta(hours=1)


# --- Length ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("a" * 152 + "€" + "b" * 7, "GSM-7", 161, 2),
        ("a" * 152 + "€" + "b" * 152, "GSM-7", 306, 3),  # the sign is not torn apart
        ("ñäöüßéèàùòì", "GSM-7", 11, 1),
        ("á" * 70, "UCS-2", 70, 1),
        ("á" * 71, "UCS-2", 71, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("a" * 66 + "😀" + "b" * 10, "UCS-2", 78, 2),
        ("", "GSM-7", 0, 1),
    ],
)
def test_a_text_is_measured_as_carriers_bill_it(text, encoding, units, segments):
    found = measure(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


def test_typographic_signs_do_not_make_a_text_dear():
    assert measure("It’s – “fine”…").encoding == "UCS-2"
    assert plain("It’s – “fine”…\u202f!") == 'It\'s - "fine"... !'


def test_letters_of_a_name_are_never_changed():
    assert plain("Mária Łukasz 北京") == "Mária Łukasz 北京"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", [*AT_ONCE, "reminder"])
def test_our_own_words_fit_into_two_segments(language, kind):
    text = plain(rendering.sample(kind, rendering.usual(kind, language), language))
    assert measure(text).encoding == "GSM-7"
    assert measure(text).segments <= 2


# --- Templates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*AT_ONCE, "reminder"])
def test_every_language_has_words_for_everything(language, kind):
    template = rendering.usual(kind, language)
    assert list(rendering.problems(kind, template)) == []
    assert "{" not in rendering.sample(kind, template, language)
    assert wording_for(f"{language}-XX").tag == language


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Write something"),
        ("See you {when}, {nmae}", "There is no {nmae}"),
        ("See you {when", "A brace stands alone"),
        ("See you {when.__class__}", "A brace stands alone"),
        ("See you {when!r}", "A brace stands alone"),
        ("See you soon", "It must tell the time"),
        ("See you on {date}", "It must tell the time"),
        ("{when}: reply YES to confirm", "Do not ask for YES"),
        ("{when}: reply CANCEL to cancel", "Do not ask for CANCEL"),
        ("{when}" + "x" * 1000, "At most 1000"),
    ],
)
def test_a_template_that_would_not_do_is_refused_with_the_reason(text, problem):
    [first, *_] = rendering.problems("reminder", text)
    assert first.startswith(problem)


def test_a_cancellation_need_not_tell_the_time():
    assert list(rendering.problems("cancelled", "Sorry to lose you, {name}.")) == []


def test_what_is_filled_in_is_not_read_as_a_template():
    assert rendering.fill("Hi {name}", {"name": "{code}", "code": "secret"}) == "Hi {code}"


@pytest.mark.parametrize(
    ("language", "when"),
    [
        ("en", "Saturday, November 21 at 2:15 PM"),
        ("de", "Samstag, 21. November um 14:15 Uhr"),
        ("fr", "samedi 21 novembre à 14 h 15"),
        ("es", "sábado 21 de noviembre a las 2:15 de la tarde"),
    ],
)
def test_times_are_told_by_the_tenants_clock_and_never_as_tomorrow(language, when):
    instant = datetime.datetime(2026, 11, 21, 19, 15, tzinfo=datetime.UTC)
    assert rendering.told_time(instant, NEW_YORK, language)["when"] == when


# --- What a business may settle ----------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, None, {"notifications": False}, {"notifications": "pigeon"}, []])
def test_nothing_is_told_that_nobody_has_switched_on(settings):
    wanted = wishes_of(settings)
    assert (dict(wanted.told), wanted.reminders) == ({}, ())


def test_one_word_switches_everything_on():
    assert dict(wishes_of({"notifications": True}).told) == dict.fromkeys(AT_ONCE, "sms")
    assert wishes_of({"notifications": True}).reminders == (Reminder(24, "sms"),)
    assert wishes_of({"notifications": "email"}).reminders == (Reminder(24, "email"),)
    assert wishes_of({"notifications": True, "reminders": []}).reminders == ()


def test_each_kind_has_its_own_channel():
    wanted = wishes_of({"notifications": {"booked": "email", "moved": "off", "cancelled": "sms"}})
    assert dict(wanted.told) == {"booked": "email", "cancelled": "sms"}
    assert wanted.reminders == ()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"notifications": "pigeon"}, "notifications"),
        ({"notifications": ["sms"]}, "notifications"),
        ({"notifications": {"boked": "sms"}}, "boked is none of"),
        ({"notifications": {"booked": True}}, "booked must be"),
        ({"reminders": {"hoursBefore": 24}}, "a list"),
        ({"reminders": [{"hoursBefore": 24}] * 5}, "at most 4"),
        ({"reminders": [{"hoursBefore": 0}]}, "hoursBefore"),
        ({"reminders": [{"hoursBefore": "24"}]}, "hoursBefore"),
        ({"reminders": [{"hoursBefore": True}]}, "hoursBefore"),
        ({"reminders": [{"hoursBefore": 24, "channel": "fax"}]}, "channel"),
        ({"reminders": [{"hoursBefore": 24}, {"hoursBefore": 24, "channel": "email"}]}, "same time"),
        ({"reminders": [24]}, "each is"),
        ({"quietHours": {"from": "21", "to": "08:00"}}, "quietHours"),
        ({"quietHours": {"from": "08:00", "to": "08:00"}}, "quietHours"),
        ({"quietHours": True}, "quietHours"),
    ],
)
def test_nonsense_is_refused_by_name_and_counts_as_not_written(settings, problem):
    assert problem in " ".join(problems(settings))
    assert wishes_of(settings).quiet == NIGHT


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"notifications": True, "reminders": [{"hoursBefore": 24}, {"hoursBefore": 2, "channel": "email"}]},
        {"notifications": {"booked": "sms", "offered": "off"}, "quietHours": False},
        {"quietHours": {"from": "21:00", "to": "08:00"}},
        {"quietHours": {"from": "13:00", "to": "15:00"}},
    ],
)
def test_what_makes_sense_is_let_pass(settings):
    assert list(problems(settings)) == []


# --- When ----------------------------------------------------------------------------------------------------


def local(day: int, hour: int, minute: int = 0, *, month: int = 6, fold: int = 0) -> datetime.datetime:
    wall = datetime.datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK, fold=fold)
    return wall.astimezone(datetime.UTC)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (local(10, 10), 24, local(9, 10)),
        (local(10, 7), 24, local(9, 8)),  # 07:00 the day before is night: it waits for the morning
        (local(10, 9), 2, local(10, 8)),  # and still leaves an hour
        (local(10, 8, 30), 2, local(9, 20, 59)),  # no hour left then: the evening before
        (local(10, 22), 1, local(10, 20, 59)),
        (local(10, 21), 24, local(10, 8)),  # 21:00 is night, 20:59 is not
        (local(10, 20, 59), 24, local(9, 20, 59)),
        (local(10, 8), 24, local(9, 8)),
    ],
)
def test_nobody_is_reminded_at_night(start, hours, due):
    assert due_at(start, hours * HOUR, NIGHT, NEW_YORK) == due


def test_a_business_may_remind_at_night():
    assert due_at(local(10, 7), 24 * HOUR, None, NEW_YORK) == local(9, 7)


@pytest.mark.parametrize(("morning", "hours"), [(local(8, 9, month=3), 10), (local(1, 9, month=11), 12)])
def test_the_night_is_the_clocks_when_clocks_change(morning, hours):
    night = night_at(morning - 2 * HOUR, NIGHT, NEW_YORK)
    assert night is not None
    assert [one.astimezone(NEW_YORK).hour for one in (night.start, night.end)] == [21, 8]
    assert night.end - night.start == hours * HOUR
