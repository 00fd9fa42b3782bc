"""Weekly hours as one JSON object: read with errors that name the field, and told in the same shape."""

from datetime import date, datetime, time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from agents.briefings import opening_week
from appointments.availability import free_slots
from appointments.business_hours import WEEKDAYS, InvalidHours, build, parse, readable
from appointments.models import Employee, OpeningHours, Service
from appointments.slots import WeeklyHours
from appointments.wallclock import WallInterval
from tenants.models import Tenant
from tenants.scoping import tenant_scope

NINE_TO_FIVE = {"open": "09:00", "close": "17:00", "enabled": True}
MONDAY = date(2030, 3, 4)
NOW = datetime.fromisoformat("2030-03-01T12:00:00Z")


def week(**days: Any) -> list[tuple[int, str]]:
    return [
        (hours.weekday, f"{hours.interval.opens:%H:%M}-{hours.interval.closes:%H:%M}")
        for hours in parse(days)
    ]


def problems(value: Any) -> list[str]:
    with pytest.raises(InvalidHours) as refused:
        parse(value)
    return refused.value.problems


# --- Reading -------------------------------------------------------------------------------------


def test_each_day_that_is_enabled_has_one_interval():
    assert week(monday=NINE_TO_FIVE, friday=NINE_TO_FIVE) == [(0, "09:00-17:00"), (4, "09:00-17:00")]


def test_a_day_that_is_missing_null_or_not_enabled_is_closed():
    assert week() == week(monday=None) == week(monday={**NINE_TO_FIVE, "enabled": False}) == []
    assert week(monday={"open": None, "close": None, "enabled": False}) == []
    assert week(monday={"open": "09:00", "close": "17:00"}) == [(0, "09:00-17:00")]


def test_a_close_at_or_before_the_opening_is_the_next_days():
    night = parse({"friday": {"open": "22:00", "close": "02:00", "enabled": True}})
    assert night[0].interval.on(MONDAY) == (datetime(2030, 3, 4, 22), datetime(2030, 3, 5, 2))
    assert week(monday={"open": "09:00", "close": "24:00"}) == [(0, "09:00-00:00")]


def test_a_day_with_breaks_comes_back_as_it_was_told():
    lunch = [{"open": "09:00", "close": "12:00"}, {"open": "13:00", "close": "17:00"}]
    assert week(monday={**NINE_TO_FIVE, "intervals": lunch}) == [(0, "09:00-12:00"), (0, "13:00-17:00")]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "businessHours: must be an object with a day of the week in each field"),
        ("9 to 5", "businessHours: must be an object with a day of the week in each field"),
        ({"funday": NINE_TO_FIVE}, "businessHours.funday: is not a day of the week such as monday"),
        ({"monday": "09:00-17:00"}, "businessHours.monday: must be an object with open, close and enabled"),
        ({"monday": {"open": "9", "close": "17:00"}}, "businessHours.monday.open: must be HH:MM"),
        ({"monday": {"open": "24:00", "close": "17:00"}}, "businessHours.monday.open: must be HH:MM"),
        ({"monday": {"open": "09:00", "close": "17:60"}}, "businessHours.monday.close: must be HH:MM"),
        ({"monday": {"open": "09:00\n", "close": "17:00"}}, "businessHours.monday.open: must be HH:MM"),
        ({"monday": {"open": "٠٩:٠٠", "close": "17:00"}}, "businessHours.monday.open: must be HH:MM"),
        ({"monday": {"open": 9, "close": "17:00"}}, "businessHours.monday.open: must be HH:MM"),
        ({"monday": {"open": "09:00"}}, "businessHours.monday.close: must be HH:MM"),
        (
            {"monday": {**NINE_TO_FIVE, "enabled": "yes"}},
            "businessHours.monday.enabled: must be true or false",
        ),
        (
            {"monday": {**NINE_TO_FIVE, "intervals": "lunch"}},
            "businessHours.monday.intervals: must be a list of objects with open and close",
        ),
        (
            {"monday": {**NINE_TO_FIVE, "intervals": [{"open": "09:00", "close": "noon"}]}},
            "businessHours.monday.intervals.0.close: must be HH:MM",
        ),
        (
            {"monday": {**NINE_TO_FIVE, "intervals": [{"open": "10:00", "close": "17:00"}]}},
            "businessHours.monday.intervals: must begin at the day's open and end at its close",
        ),
        (
            {
                "monday": {
                    **NINE_TO_FIVE,
                    "intervals": [{"open": "09:00", "close": "13:00"}, {"open": "12:00", "close": "17:00"}],
                }
            },
            "businessHours.monday.intervals: must be in order, and none may begin before another has ended",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_field(value, problem):
    assert problems(value) == [problem]


def test_everything_that_is_wrong_is_told_at_once():
    found = problems({"funday": 1, "monday": {"open": "x", "close": "y"}, "friday": 5})
    assert [problem.split(":")[0] for problem in found] == [
        "businessHours.funday",
        "businessHours.monday.open",
        "businessHours.monday.close",
        "businessHours.friday",
    ]


def test_of_hours_that_nobody_has_checked_the_readable_days_count():
    read = readable({"monday": NINE_TO_FIVE, "tuesday": "closed?", "funday": NINE_TO_FIVE})
    assert read == [WeeklyHours(0, WallInterval(time(9), time(17)))]
    assert readable(None) == readable("9 to 5") == readable([]) == []


# --- Telling -------------------------------------------------------------------------------------


def test_a_week_is_told_from_first_opening_to_last_closing_with_its_intervals():
    hours = [WallInterval(time(9), time(12)), WallInterval(time(13), time(17))]
    told = build([WeeklyHours(0, each) for each in hours])
    assert list(told) == list(WEEKDAYS)
    assert told["monday"] == {
        **NINE_TO_FIVE,
        "intervals": [{"open": "09:00", "close": "12:00"}, {"open": "13:00", "close": "17:00"}],
    }
    assert told["sunday"] == {"open": None, "close": None, "enabled": False, "intervals": []}


clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@given(st.dictionaries(st.sampled_from(range(7)), st.tuples(clocks, clocks)))
def test_what_is_told_can_be_read_again(days):
    week = [WeeklyHours(day, WallInterval(*days[day])) for day in sorted(days)]
    assert parse(build(week)) == week


# --- A tenant without rows of its own ------------------------------------------------------------


@pytest.fixture
def made_elsewhere(salon: Tenant) -> Tenant:
    salon.settings["businessHours"] = {"monday": {"open": "10:00", "close": "12:00", "enabled": True}}
    with tenant_scope(salon):
        salon.save()
        OpeningHours.objects.all().delete()
    return salon


def starts(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        haircut = Service.objects.get(name="Haircut")
        found = free_slots(tenant, haircut, MONDAY, Employee.objects.get(name="Ana"), now=NOW)
    return [f"{slot.start.astimezone(tenant.zone):%H:%M}" for slot in found]


def test_it_is_open_by_its_settings(made_elsewhere):
    assert starts(made_elsewhere) == ["10:00", "10:30", "11:00"]
    with tenant_scope(made_elsewhere):
        assert opening_week(made_elsewhere) == [((time(10), time(12)),), *[()] * 6]


def test_rows_go_before_settings_and_those_of_an_employee_are_not_the_business(made_elsewhere):
    with tenant_scope(made_elsewhere):
        ana = Employee.objects.get(name="Ana")
        its = {"tenant": made_elsewhere, "weekday": 0, "closes": time(17)}
        OpeningHours.objects.create(employee=ana, opens=time(9), **its)
        assert starts(made_elsewhere) == ["10:00", "10:30", "11:00"]
        OpeningHours.objects.create(opens=time(16), **its)
    assert starts(made_elsewhere) == ["16:00"]


def test_settings_cost_no_statement(made_elsewhere):
    with CaptureQueriesContext(connection) as by_settings:
        starts(made_elsewhere)
    with tenant_scope(made_elsewhere):
        OpeningHours.objects.create(tenant=made_elsewhere, weekday=0, opens=time(9), closes=time(17))
    with CaptureQueriesContext(connection) as by_rows:
        starts(made_elsewhere)
    assert len(by_settings) == len(by_rows)


@pytest.mark.parametrize("settings", [{}, {"businessHours": "nonsense"}, {"businessHours": None}])
def test_without_either_it_is_never_open(made_elsewhere, settings):
    made_elsewhere.settings = settings
    assert starts(made_elsewhere) == []
