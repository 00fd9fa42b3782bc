"""Series: the same wall time every so many weeks, each occurrence on its own merits."""

import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appointments.booking import Contact, book
from appointments.errors import IdempotencyConflict, Invalid, NotFound
from appointments.models import Appointment, Employee, OpeningHours, Series, Service, TimeOff
from appointments.series import MOST, book_series
from appointments.slots import Reason
from appointments.wallclock import resolve
from tenants.scoping import tenant_scope
from tests.appointments.invariants import at_once, broken

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
NINE = datetime.datetime(2026, 11, 23, 14, tzinfo=datetime.UTC)  # 09:00 in New York
WEEK = datetime.timedelta(weeks=1)
NEW_YORK = ZoneInfo("America/New_York")
JOHN = Contact("John Doe", "+15559876543")
JANE = Contact("Jane Roe", "+15551110000")


def haircut() -> Service:
    return Service.objects.get(name="Haircut")


def ana() -> Employee:
    return Employee.objects.get(name="Ana")


def walls(appointments) -> list[str]:
    return [f"{one.starts_at.astimezone(NEW_YORK):%m-%d %H:%M}" for one in appointments]


def test_every_second_week_so_many_times(salon):
    with tenant_scope(salon):
        made = book_series(
            salon, haircut(), NINE, JOHN, employee=ana(), every_weeks=2, count=3, actor="kim", now=NOW
        )
        assert walls(made.booked) == ["11-23 09:00", "12-07 09:00", "12-21 09:00"]
        assert made.conflicts == ()
        assert made.series is not None
        assert {one.series_id for one in made.booked} == {made.series.pk}
        assert (made.series.interval_weeks, made.series.occurrences) == (2, 3)
        assert broken() == {}


def test_until_a_date_and_with_it(salon):
    with tenant_scope(salon):
        until = datetime.date(2026, 12, 7)
        made = book_series(salon, haircut(), NINE, JOHN, until=until, now=NOW)
        assert walls(made.booked) == ["11-23 09:00", "11-30 09:00", "12-07 09:00"]


def test_the_wall_time_stays_when_the_clock_changes(salon):
    with tenant_scope(salon):
        march = datetime.datetime(2027, 3, 1, 14, tzinfo=datetime.UTC)  # the clock goes forward on the 14th
        made = book_series(salon, haircut(), march, JOHN, count=3, now=march - WEEK)
        assert walls(made.booked) == ["03-01 09:00", "03-08 09:00", "03-15 09:00"]
        assert made.booked[2].starts_at - made.booked[1].starts_at == WEEK - datetime.timedelta(hours=1)


@pytest.fixture
def nights(salon):
    """Open on Sundays from 00:00 to 06:00."""
    with tenant_scope(salon):
        OpeningHours.objects.create(tenant=salon, weekday=6, opens=datetime.time(0), closes=datetime.time(6))
    return salon


def test_an_hour_that_the_clock_skips_is_a_conflict(nights):
    with tenant_scope(nights):
        first = resolve(datetime.datetime(2027, 3, 7, 2, 30), NEW_YORK)
        made = book_series(nights, haircut(), first, JOHN, count=3, now=first - WEEK)
        assert walls(made.booked) == ["03-07 02:30", "03-21 02:30"]
        (conflict,) = made.conflicts
        assert conflict.local == datetime.datetime(2027, 3, 14, 2, 30)
        assert conflict.reasons == (Reason.NONEXISTENT,)
        assert conflict.nearest


def test_an_hour_that_comes_twice_is_the_first(nights):
    with tenant_scope(nights):
        first = resolve(datetime.datetime(2027, 10, 31, 1, 30), NEW_YORK)
        made = book_series(nights, haircut(), first, JOHN, count=3, now=first - WEEK)
        assert made.booked[1].starts_at == datetime.datetime(2027, 11, 7, 5, 30, tzinfo=datetime.UTC)


def test_conflicts_are_told_one_by_one(salon):
    with tenant_scope(salon):
        book(salon, haircut(), NINE + WEEK, JANE, employee=ana(), now=NOW)
        TimeOff.objects.create(
            tenant=salon, employee=ana(), starts_at=NINE + 2 * WEEK, ends_at=NINE + 2 * WEEK + WEEK / 7
        )
        made = book_series(salon, haircut(), NINE, JOHN, employee=ana(), count=4, now=NOW)
        assert walls(made.booked) == ["11-23 09:00", "12-14 09:00"]
        assert [conflict.reasons for conflict in made.conflicts] == [(Reason.BUSY,), (Reason.TIME_OFF,)]
        assert made.conflicts[0].nearest[0].start == NINE + WEEK + datetime.timedelta(hours=1)
        assert all(slot.employee == ana() for slot in made.conflicts[0].nearest)


def test_all_or_nothing_books_nothing_when_one_fails(salon):
    with tenant_scope(salon):
        book(salon, haircut(), NINE + WEEK, JANE, employee=ana(), now=NOW)
        made = book_series(
            salon, haircut(), NINE, JOHN, employee=ana(), count=3, all_or_nothing=True, now=NOW
        )
        assert (made.series, made.booked, len(made.conflicts)) == (None, (), 1)
        assert Appointment.objects.count() == 1
        assert not Series.objects.exists()


def test_without_an_employee_the_one_who_can_serve_most_takes_it(salon):
    with tenant_scope(salon):
        book(salon, haircut(), NINE + WEEK, JANE, employee=ana(), now=NOW)
        made = book_series(salon, haircut(), NINE, JOHN, count=3, now=NOW)
        assert {one.employee.name for one in made.booked} == {"Ben"}
        assert len(made.booked) == 3


def test_the_window_binds_callers_and_not_staff(salon):
    with tenant_scope(salon):
        asked = book_series(salon, haircut(), NINE, JOHN, every_weeks=10, count=3, source="agent", now=NOW)
        assert [conflict.reasons for conflict in asked.conflicts] == [(Reason.TOO_FAR,)]
        written = book_series(salon, haircut(), NINE, JANE, every_weeks=10, count=3, now=NOW)
        assert len(written.booked) == 3


@pytest.mark.parametrize(
    ("rhythm", "field"),
    [
        ({}, "count"),
        ({"count": 2, "until": datetime.date(2027, 1, 1)}, "count"),
        ({"count": 0}, "count"),
        ({"count": MOST + 1}, "count"),
        ({"until": datetime.date(2026, 11, 1)}, "until"),
        ({"until": datetime.date(9000, 11, 1)}, "until"),
        ({"count": 2, "every_weeks": 0}, "everyWeeks"),
    ],
)
def test_a_rhythm_that_makes_no_sense_names_the_field(salon, rhythm, field):
    with tenant_scope(salon), pytest.raises(Invalid) as invalid:
        book_series(salon, haircut(), NINE, JOHN, now=NOW, **rhythm)
    assert invalid.value.field == field


def test_who_does_not_perform_the_service_has_no_series_of_it(salon):
    with tenant_scope(salon):
        cleo = Employee.objects.create(tenant=salon, name="Cleo")
        with pytest.raises(NotFound):
            book_series(salon, haircut(), NINE, JOHN, employee=cleo, count=2, now=NOW)


def test_the_same_series_again_is_the_same_answer(salon):
    with tenant_scope(salon):
        book(salon, haircut(), NINE + WEEK, JANE, employee=ana(), now=NOW)
        wish: dict[str, Any] = {"employee": ana(), "count": 3, "now": NOW}
        first = book_series(salon, haircut(), NINE, JOHN, **wish)
        again = book_series(salon, haircut(), NINE, JOHN, **wish)
        assert (first.created, again.created) == (True, False)
        assert (again.series, again.booked, again.conflicts) == (first.series, first.booked, first.conflicts)
        book_series(salon, haircut(), NINE, JANE, count=2, idempotency_key="k", now=NOW)
        with pytest.raises(IdempotencyConflict):
            book_series(salon, haircut(), NINE, JANE, count=3, idempotency_key="k", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_series_that_race_share_the_weeks_without_overlap(salon):
    def ask(index: int):
        who = Contact(f"Caller {index}", f"+1555300{index:04d}")
        return book_series(salon, haircut(), NINE + index % 3 * WEEK, who, employee=ana(), count=4, now=NOW)

    outcomes = at_once(salon, [partial(ask, index) for index in range(8)])
    assert sum(len(one.booked) for one in outcomes) == 6  # weeks 0 to 5, each once
    with tenant_scope(salon):
        assert broken() == {}
