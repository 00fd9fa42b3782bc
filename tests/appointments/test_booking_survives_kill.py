"""A booking is all there or not at all, whenever the process that makes it is killed, or loses its database.

What was acknowledged stays. What was not may be asked for again in the same words, and is then booked once.
"""

import datetime
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from http.client import HTTPException

import pytest
from django.db import connection

from agents.tools.registry import UNAVAILABLE
from appointments.locks import lock_calendars
from appointments.models import Employee
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.appointments.crowd import (
    ANA,
    APPOINTMENTS,
    BOOK,
    HOUR,
    Caller,
    Server,
    Wish,
    all_of,
    backends,
    closed,
    gone,
    halves,
    load_seconds,
    opening,
    stuck,
    together,
    until,
    wish,
    written,
)
from tests.owner import as_owner
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 6
ROUNDS = max(6, load_seconds() // 4)
LONGEST_LIFE_SECONDS = 0.4


def send(one: Wish, server: Server) -> None:
    """The answer, if there is one, is the wish's."""
    with suppress(OSError, HTTPException):
        one.send(server)


def ben() -> str:
    with tenant_scope(demo.SALON.pk):
        return str(Employee.objects.get(name="Ben").pk)


# --- At a chosen step ----------------------------------------------------------------------------
#
# A booking stops where somebody else has a lock that it needs: the product knows nothing of these tests.

Gate = Callable[[], AbstractContextManager[None]]


@contextmanager
def closed_calendars() -> Iterator[None]:
    with tenant_scope(demo.SALON.pk):
        lock_calendars(Employee.objects.values_list("pk", flat=True))
        yield


@contextmanager
def closed_commit() -> Iterator[None]:
    """Whoever has booked waits when everything is written and COMMIT was said."""
    with as_owner() as owner:
        owner.execute(
            "CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END'"
        )
        owner.execute(
            "CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON appointments_outboxmessage"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_commit()"
        )
        owner.execute("SELECT pg_advisory_lock(4711)")
        try:
            yield
        finally:
            owner.execute("SELECT pg_advisory_unlock(4711)")
            owner.execute("DROP FUNCTION wait_at_commit() CASCADE")


STEPS: dict[str, Gate] = {
    "claim": partial(closed, "appointments_idempotencyrecord"),
    "calendars": closed_calendars,
    "customer": partial(closed, "appointments_customer"),
    "appointment": partial(closed, "appointments_appointment"),
    "history": partial(closed, "appointments_appointmentchange"),
    "outbox": partial(closed, "appointments_outboxmessage"),
    "tool": partial(closed, "agents_toolinvocation"),
    "commit": closed_commit,
}


@contextmanager
def in_flight(server: Server, gate: Gate) -> Iterator[list[Wish]]:
    """Two bookings, by each way in, that have come as far as the gate. It opens at the end."""
    wishes = [
        wish(opening(), "Ann Low", "+15553000001", path=BOOK),
        wish(opening(), "Beth Kim", "+15553000002", path=APPOINTMENTS, employee=ben(), key="order-1"),
    ]
    with ThreadPoolExecutor(len(wishes)) as pool:
        with gate():
            for one in wishes:
                pool.submit(send, one, server)
            until(lambda: len(stuck()) + sum(bool(one.answers) for one in wishes) == len(wishes))
            assert stuck()
            yield wishes


def assert_booked_once_when_asked_again(salon: Tenant, server: Server, wishes: list[Wish]) -> None:
    promised = [one.acknowledged for one in wishes]
    for one, before in zip(wishes, promised, strict=True):
        again = {one.send(server).appointment for _ in range(2)}
        assert again == {before or one.acknowledged}
        assert one.acknowledged
    assert written(salon) == all_of(len(wishes))
    assert halves(salon) == {}


# Of the two bookings. A COMMIT that PostgreSQL has read is carried out, whether or not its client still lives; at
# the writing down of a tool's call the other way in has long been through.
KEPT = dict.fromkeys(STEPS, 0) | {"tool": 1, "commit": 2}


@pytest.mark.parametrize(("step", "kept"), KEPT.items())
def test_killed_at_any_step_a_booking_is_whole_or_absent_and_is_made_once_when_asked_again(
    salon, server, step, kept
):
    with in_flight(server, STEPS[step]) as wishes:
        orphans = server.kill()
    until(partial(gone, orphans))
    assert written(salon) == all_of(kept)
    server.start()
    assert_booked_once_when_asked_again(salon, server, wishes)


def test_a_commit_that_postgresql_gives_up_leaves_nothing_and_is_made_once_when_asked_again(salon, server):
    """It looks whether its client is still there while a statement waits."""
    with in_flight(server, closed_commit) as wishes:
        orphans = server.kill()
        until(partial(gone, orphans))
    assert written(salon) == all_of(0)
    server.start()
    assert_booked_once_when_asked_again(salon, server, wishes)


@pytest.mark.parametrize("step", STEPS)
def test_with_its_database_connection_cut_a_booking_is_refused_politely_and_made_when_asked_again(
    salon, server, step
):
    with in_flight(server, STEPS[step]) as wishes:
        cut(stuck())
        until(lambda: all(one.answers for one in wishes))
    tool, order = (one.answers[-1] for one in wishes)
    assert (tool.status, tool.body["success"], tool.body["code"]) == (200, False, UNAVAILABLE)
    assert tool.body["message"]
    if step != "tool":
        assert (order.status, order.body["success"], order.body["code"]) == (503, False, UNAVAILABLE)
        assert order.body["message"]
    assert written(salon) == all_of(1 if step == "tool" else 0)
    assert_booked_once_when_asked_again(salon, server, wishes)


def cut(processes: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(processes)])
        cursor.fetchall()


# --- At any moment -------------------------------------------------------------------------------


class Rush:
    """Clients who book one free slot after another, of both calendars, until nobody answers them."""

    def __init__(self) -> None:
        self._next = enumerate(self._slots((ANA, ben())))
        self._lock = threading.Lock()
        self.wishes: list[Wish] = []

    @staticmethod
    def _slots(employees: tuple[str, ...]) -> Iterator[tuple[datetime.datetime, str]]:
        for day in range(50):
            for hour in range(8):
                for employee in employees:
                    yield opening(day) + hour * HOUR, employee

    def run(self, server: Server, seconds: float) -> None:
        """So many seconds at most."""
        ends = time.monotonic() + seconds
        with suppress(OSError, HTTPException), Caller(server) as caller:
            while time.monotonic() < ends:
                self._wish().ask(caller)

    def _wish(self) -> Wish:
        with self._lock:
            index, (start, employee) = next(self._next)
            path, key = ((BOOK, ""), (APPOINTMENTS, f"order-{index}"))[index % 2]
            who = (f"Caller {index}", f"+1555300{index:04d}")
            self.wishes.append(wish(start, *who, path=path, employee=employee, key=key))
            return self.wishes[-1]

    @property
    def kept(self) -> list[Wish]:
        return [one for one in self.wishes if one.acknowledged]

    @property
    def open(self) -> list[Wish]:
        return [one for one in self.wishes if not one.acknowledged]


def assert_whole(salon: Tenant, rush: Rush) -> None:
    """Every promise is kept, and of the rest each is whole or absent."""
    count = written(salon)["appointments"]
    assert written(salon) == all_of(count)
    assert halves(salon) == {}
    assert len(rush.kept) <= count <= len(rush.wishes)


def assert_kept_and_completed(salon: Tenant, server: Server, rush: Rush) -> None:
    """Everybody asks again: what was promised is told again, the rest is booked, all of it once."""
    promised = [one.acknowledged for one in rush.wishes]
    together([partial(ask_all, rush.wishes[index::CLIENTS], server) for index in range(CLIENTS)])
    assert rush.open == []
    assert written(salon) == all_of(len(rush.wishes))
    assert halves(salon) == {}
    for one, before in zip(rush.wishes, promised, strict=True):
        assert one.answers[-1].appointment == (before or one.acknowledged)


def ask_all(wishes: list[Wish], server: Server) -> None:
    with Caller(server) as caller:
        for one in wishes:
            one.ask(caller)


@pytest.mark.long
@pytest.mark.timeout(120 + 4 * load_seconds())
def test_killed_at_any_moment_no_promise_is_broken_and_nothing_is_half_done(salon, server):
    seed = random.randrange(2**32)
    chance, rush = random.Random(seed), Rush()
    for turn in range(ROUNDS):
        if not server.runs:
            server.start()
        before = len(rush.kept)
        with ThreadPoolExecutor(CLIENTS) as pool:
            for _ in range(CLIENTS):
                pool.submit(rush.run, server, 20)
            if turn % 2:  # else maybe before the first answer
                until(lambda: len(rush.kept) > before)  # noqa: B023 - this turn's
            time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
            orphans = server.kill()
        until(partial(gone, orphans))
        assert_whole(salon, rush)
    assert rush.kept
    assert rush.open
    server.start()
    assert_kept_and_completed(salon, server, rush)


def test_cut_off_from_its_database_again_and_again_no_promise_is_broken_and_nothing_is_half_done(
    salon, server
):
    chance, rush = random.Random(), Rush()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(CLIENTS):
            pool.submit(rush.run, server, 1.5)
        for _ in range(6):
            time.sleep(chance.uniform(0.1, 0.3))
            cut(backends())
    said = {(answer.status, answer.body["code"]) for one in rush.open for answer in one.answers}
    assert said
    assert said <= {(200, UNAVAILABLE), (503, UNAVAILABLE)}
    assert_whole(salon, rush)
    assert_kept_and_completed(salon, server, rush)
