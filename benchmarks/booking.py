"""How long the writer takes beyond the commit, and how many appointments one core makes, beside bare INSERTs.

The writer is asked for what a call asks: a slot that is free, with one employee or with anybody, for a customer
who is known or new. Client and server share one core while throughput is measured.
"""

import datetime
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, cycle

from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.booking import Contact, book
from appointments.models import Appointment, Customer, Employee, buffered
from benchmarks.clinic import EMPTY_DAY, NOW, Clinic, filled_to
from benchmarks.database import as_owner
from tenants.scoping import tenant_scope

SIZE = 1_000_000
ROUNDS = 300
WARM_UP = 20

Line = tuple[str, ...]
HEADINGS = (
    "one appointment",
    "statements",
    "median ms",
    "p95 ms",
    "commit ms",
    "beyond ms",
    "a second",
    "target ms",
)


def run(clinic: Clinic) -> Iterator[Line]:
    filled_to(clinic, SIZE)
    with _commits_timed() as commits, _one_core():
        for name, target, work in questions(clinic):
            yield (name, *measured(clinic, work, commits), target)


def questions(clinic: Clinic) -> list[tuple[str, str, Callable[[], object]]]:
    """Every customer books once: what they asked for before would be answered again."""
    slots, numbers = _free_slots(clinic), count()
    known = cycle(_customers(clinic))

    def contact(customer: Customer) -> Contact:
        return Contact(customer.name, customer.phone_e164)

    def newcomer() -> Contact:
        number = next(numbers)
        return Contact(f"Newcomer {number}", f"+1555{number:07}")

    def booked(whose: Contact, *, anybody: bool = False) -> object:
        starts_at, employee = next(slots)
        one = None if anybody else employee
        return book(clinic.tenant, clinic.hour, starts_at, whose, employee=one, source="agent", now=NOW)

    return [
        ("bare INSERT", "", lambda: _inserted(clinic, next(slots), next(known))),
        ("a named employee", "5", lambda: booked(contact(next(known)))),
        ("a new customer", "5", lambda: booked(newcomer())),
        ("anybody of fifty", "", lambda: booked(contact(next(known)), anybody=True)),
    ]


def _customers(clinic: Clinic) -> list[Customer]:
    with tenant_scope(clinic.tenant):
        customers = Customer.objects.bulk_create(
            Customer(tenant=clinic.tenant, name=f"Customer {number}", phone_e164=f"+1556{number:07}")
            for number in range(4 * (ROUNDS + WARM_UP))
        )
    with as_owner() as owner:
        owner.execute("VACUUM ANALYZE appointments_customer")
    return customers


def _inserted(clinic: Clinic, slot: tuple[datetime.datetime, Employee], customer: Customer) -> None:
    starts_at, employee = slot
    ends_at = starts_at + clinic.hour.duration
    Appointment(
        tenant=clinic.tenant,
        service=clinic.hour,
        employee=employee,
        customer=customer,
        starts_at=starts_at,
        ends_at=ends_at,
        **buffered(clinic.hour, starts_at, ends_at),
        price=clinic.hour.price,
    ).save(force_insert=True)


def _free_slots(clinic: Clinic) -> Iterator[tuple[datetime.datetime, Employee]]:
    """From the empty day on, every employee's hours from 09:00 to 17:00, each once."""
    with tenant_scope(clinic.tenant):
        employees = list(Employee.objects.for_tenant(clinic.tenant))
    for day in count():
        midnight = datetime.datetime.combine(
            EMPTY_DAY + datetime.timedelta(days=day), datetime.time(), clinic.tenant.zone
        )
        for hour in range(9, 17):
            for employee in employees:
                yield midnight.replace(hour=hour).astimezone(datetime.UTC), employee


def measured(
    clinic: Clinic, work: Callable[[], object], commits: list[float]
) -> tuple[str, str, str, str, str, str]:
    """Statements, median and 95th percentile, the commit's share, what is beyond it, and how many a second."""

    def one() -> float:
        began = time.perf_counter()
        with tenant_scope(clinic.tenant):
            work()
        return (time.perf_counter() - began) * 1000

    with CaptureQueriesContext(connection) as queries:
        one()
    for _ in range(WARM_UP):
        one()
    commits.clear()
    began = time.perf_counter()
    times = [one() for _ in range(ROUNDS)]
    rate = ROUNDS / (time.perf_counter() - began)
    beyond = [whole - commit for whole, commit in zip(times, commits, strict=True)]
    return (
        str(len(queries)),
        f"{statistics.median(times):.2f}",
        f"{sorted(times)[int(ROUNDS * 0.95)]:.2f}",
        f"{statistics.median(commits):.2f}",
        f"{statistics.median(beyond):.2f}",
        f"{rate:.0f}",
    )


@contextmanager
def _commits_timed() -> Iterator[list[float]]:
    """How many milliseconds each COMMIT takes, as they happen."""
    commits: list[float] = []
    commit = connection.commit

    def timed() -> None:
        began = time.perf_counter()
        commit()
        commits.append((time.perf_counter() - began) * 1000)

    connection.commit = timed  # type: ignore[method-assign]
    try:
        yield commits
    finally:
        connection.commit = commit  # type: ignore[method-assign]


@contextmanager
def _one_core() -> Iterator[None]:
    """Client and server on one core, where the machine lets us say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(backend,)] = cursor.fetchall()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        os.sched_setaffinity(backend, {min(cores)})
        yield
    finally:
        os.sched_setaffinity(0, cores)
