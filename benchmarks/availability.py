"""How long the reader of the calendar takes, and that it does not take longer when the table grows."""

import statistics
import time
from collections.abc import Callable, Iterator

from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.availability import Calendar
from benchmarks.clinic import AHEAD, DAY, NOW, TODAY, Clinic, filled_to
from tenants.scoping import tenant_scope

SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 40

Line = tuple[str, ...]
HEADINGS = ("question", "appointments", "answers", "queries", "median ms", "p95 ms", "target ms")


def run(clinic: Clinic) -> Iterator[Line]:
    """Lines of the table, each as soon as it is measured."""
    for size in SIZES:
        filled_to(clinic, size)
        with tenant_scope(clinic.tenant):
            for name, target, question in questions(clinic):
                yield (name, f"{size:,}", *measured(question), target)


def questions(clinic: Clinic) -> list[tuple[str, str, Callable[[], int]]]:
    def day(of: int) -> int:
        return len(Calendar(clinic.tenant, clinic.hour, now=NOW).free_slots(TODAY + of * DAY))

    def next_free() -> int:
        found = Calendar(clinic.tenant, clinic.ninety_minutes, now=NOW).first_free_day(TODAY)
        return len(found[1]) if found else 0

    def whole_month() -> int:
        calendar = Calendar(clinic.tenant, clinic.hour, now=NOW)
        return sum(len(slots) for _, slots in calendar.search(TODAY, 30))

    return [
        ("a day, 50 employees", "10", lambda: day(7)),
        ("an empty day, 50 employees", "10", lambda: day(AHEAD)),
        ("next free in 30 days, on the last", "60", next_free),
        ("all that is free in 30 days", "", whole_month),
    ]


def measured(question: Callable[[], int]) -> tuple[str, str, str, str]:
    """Answers, queries, median and 95th percentile, after a few rounds to warm up."""
    with CaptureQueriesContext(connection) as queries:
        answers = question()
    times = []
    for _ in range(ROUNDS + 3):
        began = time.perf_counter()
        question()
        times.append((time.perf_counter() - began) * 1000)
    times = sorted(times[3:])
    return (
        str(answers),
        str(len(queries)),
        f"{statistics.median(times):.1f}",
        f"{times[int(ROUNDS * 0.95)]:.1f}",
    )
