"""What people write into cells, read the way that their country writes it."""

import datetime
from decimal import Decimal

import pytest

from appointments.formula_guard import guarded, unguarded
from appointments.importing.cells import Manner, Misread, yes_or_no

GERMAN = Manner("DE", month_first=False, comma_is_decimal=True)
AMERICAN = Manner("US", month_first=True, comma_is_decimal=False)


@pytest.mark.parametrize(
    ("text", "german", "american"),
    [
        ("12,50", "12.50", "12.50"),
        ("12.50", "12.50", "12.50"),
        ("1.234", "1234", "1.234"),
        ("1,234", "1.234", "1234"),
        ("1.234,50", "1234.50", "1234.50"),
        ("1,234.50", "1234.50", "1234.50"),
        ("1.234.567", "1234567", "1234567"),
        ("49 €", "49", "49"),
        ("USD 7", "7", "7"),
    ],
)
def test_numbers_are_read_as_they_are_written(text, german, american):
    assert (GERMAN.decimal(text), AMERICAN.decimal(text)) == (Decimal(german), Decimal(american))


@pytest.mark.parametrize("text", ["", "x", "1e9", "--1", "1,2,", "9" * 30])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Misread, match="is not a number"):
        AMERICAN.decimal(text)


@pytest.mark.parametrize(
    ("text", "manner", "wall"),
    [
        ("2030-03-04 10:00", AMERICAN, datetime.datetime(2030, 3, 4, 10)),
        ("2030-03-04T10:00", GERMAN, datetime.datetime(2030, 3, 4, 10)),
        ("04.03.30 9:05", AMERICAN, datetime.datetime(2030, 3, 4, 9, 5)),
        ("3/4/2030 2:30 pm", AMERICAN, datetime.datetime(2030, 3, 4, 14, 30)),
        ("3/4/2030 12:30 a.m.", GERMAN, datetime.datetime(2030, 4, 3, 0, 30)),
    ],
)
def test_times_are_read_as_they_are_written(text, manner, wall):
    assert manner.wall_time(text) == wall


@pytest.mark.parametrize(
    "text", ["2030-03-04", "2030-02-30 10:00", "1776-07-04 10:00", "3/4/2030 13:00 pm", "soon"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Misread):
        GERMAN.wall_time(text)


def test_yes_and_no_are_said_in_many_ways():
    assert [yes_or_no(text) for text in ("Yes", "ja", "0", "falsch")] == [True, True, False, False]
    with pytest.raises(Misread):
        yes_or_no("perhaps")


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "+49 1", "'tis", "' =x", "", "a", "'", " =1", "\t1"])
def test_the_guard_is_taken_off_exactly_where_it_was_put(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@"))
