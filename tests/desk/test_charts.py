"""Charts as numbers."""

from collections import Counter

from tonris.desk.charts import HEIGHT, by_hour, shares

KINDS = ("booked", "missed")


def test_a_quiet_day_shows_the_hours_of_a_working_day_without_bars():
    chart = by_hour({}, KINDS)
    assert [bar.hour for bar in chart.bars] == list(range(8, 19))
    assert chart.highest == 0
    assert not any(bar.pieces for bar in chart.bars)


def test_calls_outside_of_them_make_the_chart_wider():
    hours = [bar.hour for bar in by_hour({5: Counter(booked=1), 22: Counter(missed=1)}, KINDS).bars]
    assert (hours[0], hours[-1]) == (5, 22)


def test_the_highest_bar_fills_the_chart_and_its_pieces_touch():
    chart = by_hour({9: Counter(booked=3, missed=1), 10: Counter(booked=1)}, KINDS)
    nine, ten = chart.bars[1], chart.bars[2]
    assert [(piece.kind, piece.count) for piece in nine.pieces] == [("booked", 3), ("missed", 1)]
    booked, missed = nine.pieces
    assert booked.y + booked.height == HEIGHT
    assert missed.y + missed.height == booked.y
    assert missed.y == 0
    assert ten.pieces[0].height == HEIGHT / 4


def test_shares_are_percentages_of_the_whole():
    assert [(one.kind, one.percent) for one in shares(Counter(booked=1, missed=2), KINDS)] == [
        ("booked", 33),
        ("missed", 67),
    ]
    assert shares(Counter(), KINDS) == []
