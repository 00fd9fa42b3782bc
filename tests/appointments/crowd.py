"""Many callers at once, over HTTP, at a web process as the supervisor starts it: production's server and settings.

server      a process of its own on the test's database: start, kill -9, start again
caller      one connection to it
wish        what is asked for, as JSON, and what became of it in the tables
"""

import datetime
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from appointments.models import Appointment, AppointmentChange, Customer, IdempotencyRecord, OutboxMessage
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.appointments.invariants import broken, deadlocks
from tests.owner import as_owner
from tests.services import ENVIRONMENT
from tonris import demo
from tonris.embedded import tether
from tonris.embedded.ports import free_port
from tonris.home import BASE_DIR
from tonris.supervisor.plan import standard_plan

TOOLS = "/api/ai/tools/"
BOOK = TOOLS + "book_appointment"
APPOINTMENTS = "/api/webhooks/elevenlabs/appointments"
ANA = str(demo.SALON.employees[0].pk)
HAIRCUT = str(demo.SALON.services[0].pk)
HOUR = datetime.timedelta(hours=1)
START_SECONDS = 60
SETTLE_SECONDS = 20
MEETING = 8  # of the ten connections that a web process has


def load_seconds() -> int:
    """How long random load lasts: long where every change is judged, short where somebody waits for the tests."""
    return int(os.environ.get("TONRIS_LOAD_SECONDS", "5"))


# --- The server ----------------------------------------------------------------------------------


class Server:
    """A web process on the database of this test run. It ends with us, and when it is killed."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, on the same port again after a kill, and wait until it answers."""
        web = standard_plan("127.0.0.1", self.port).children[0]
        tied_to_us = (sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), "9", "-1", "-1")
        app = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        changes = {"TONRIS_ROLE": web.role, "DATABASE_URL": app.geturl(), "LOG_LEVEL": "WARNING"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (*tied_to_us, *web.command),
                env={**os.environ, **changes},
                cwd=BASE_DIR,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.runs, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> set[int]:
        """With -9. PostgreSQL's processes that served it: they have yet to notice."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        return backends()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def _answers(self) -> bool:
        try:
            with Caller(self) as caller:
                return caller.get("/healthz").status == 200
        except OSError:
            return False


def gone(processes: set[int]) -> bool:
    return not processes & backends()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


# --- Who calls -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    seconds: float

    @property
    def appointment(self) -> str:
        """The id of what was booked, "" when nothing was."""
        made: dict[str, Any] = self.body.get("data", {}).get("appointment", {})
        return str(made.get("id", ""))


class Caller:
    """One connection, held open between requests as a provider's server holds it."""

    def __init__(self, server: Server) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self._headers = {
            "Authorization": f"Bearer {ENVIRONMENT['ELEVENLABS_WEBHOOK_SECRET']}",
            "Content-Type": "application/json",
        }

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._line.close()

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: Mapping[str, Any], key: str = "") -> Answer:
        """Raises OSError or HTTPException when the server dies meanwhile."""
        return self._ask("POST", path, json.dumps(body), {"Idempotency-Key": key} if key else {})

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        began = time.monotonic()
        self._line.request(method, path, body, self._headers | headers)
        with self._line.getresponse() as response:
            content = json.loads(response.read())
        return Answer(response.status, content, time.monotonic() - began)


def together(work: Sequence[Callable[[], Any]]) -> list[Any]:
    """Each in a thread of its own, all begun at the same moment."""
    barrier = threading.Barrier(len(work))

    def begin(one: Callable[[], Any]) -> Any:
        barrier.wait(20)
        try:
            return one()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(begin, work))


def send_all(server: Server, wishes: Sequence["Wish"]) -> list[Answer]:
    """All at once. The first are kept from writing until others have come, so that they really meet."""
    with ThreadPoolExecutor(len(wishes)) as pool:
        with closed("appointments_appointment"):
            sent = [pool.submit(one.send, server) for one in wishes]
            until(lambda: len(stuck()) >= min(MEETING, len(wishes)))
        return [one.result() for one in sent]


# --- What they wish ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """A request to book, and its answer once there is one."""

    path: str
    body: dict[str, Any]
    key: str = ""
    answers: list[Answer] = field(default_factory=list)

    def ask(self, caller: Caller) -> Answer:
        answer = caller.post(self.path, self.body, self.key)
        self.answers.append(answer)
        return answer

    def send(self, server: Server) -> Answer:
        with Caller(server) as caller:
            return self.ask(caller)

    @property
    def acknowledged(self) -> str:
        """The id of the appointment that was promised, "" when none was."""
        return next((answer.appointment for answer in self.answers if answer.appointment), "")


def wish(
    start: datetime.datetime, name: str, phone: str, *, path: str = BOOK, employee: str = ANA, key: str = ""
) -> Wish:
    """`start` is the salon's local time, naive."""
    body = {
        "tenantId": str(demo.SALON.pk),
        "serviceId": HAIRCUT,
        "employeeId": employee,
        "startTime": start.isoformat(timespec="minutes"),
        "customerName": name,
        "customerPhone": phone,
    }
    return Wish(path, body, key)


def opening(days_later: int = 0) -> datetime.datetime:
    """09:00 on a weekday of the coming weeks, local and naive; servers know no other now than the real one."""
    today = datetime.datetime.now(datetime.UTC).date()
    monday = today + datetime.timedelta(days=7 - today.weekday())
    weeks, days = divmod(days_later, 5)
    return datetime.datetime.combine(monday + datetime.timedelta(weeks=weeks, days=days), datetime.time(9))


# --- What became of it ---------------------------------------------------------------------------


BOOKINGS = ("book", "wish")
"""The scopes of bookings' own claims; a request that names itself has another one, with its answer."""


def written(tenant: Tenant) -> dict[str, int]:
    """How many rows of each kind there are: all that a booking writes."""
    with tenant_scope(tenant):
        requests = IdempotencyRecord.objects.filter(scope__in=BOOKINGS)
        return {
            "appointments": Appointment.objects.count(),
            "changes": AppointmentChange.objects.count(),
            "messages": OutboxMessage.objects.count(),
            "answers": requests.exclude(answer=None).count(),
            "claims": requests.count(),
            "customers": Customer.objects.count(),
        }


def all_of(count: int) -> dict[str, int]:
    """`written` when so many customers have booked one appointment each."""
    return dict.fromkeys(("appointments", "changes", "messages", "answers", "claims", "customers"), count)


def halves(tenant: Tenant) -> dict[str, int]:
    """What of a booking stands without the rest of it, and which rules of the calendar do not hold."""
    with tenant_scope(tenant):
        alone = {
            "claims without an answer": IdempotencyRecord.objects.filter(answer=None).count(),
            "customers without an appointment": Customer.objects.filter(appointments=None).count(),
            "appointments without an answer": Appointment.objects.exclude(pk__in=_answered()).count(),
            "answers without an appointment": len(_answered())
            - Appointment.objects.filter(pk__in=_answered()).count(),
        }
        return {name: count for name, count in alone.items() if count} | broken()


def _answered() -> set[str]:
    wishes = IdempotencyRecord.objects.filter(scope__in=BOOKINGS).exclude(answer=None)
    answers = wishes.values_list("answer", flat=True)
    return {pk for answer in answers for pk in answer["appointments"]}


# --- What PostgreSQL says ------------------------------------------------------------------------


def backends() -> set[int]:
    """The processes of PostgreSQL that serve the application here, our own connections aside."""
    with as_owner() as owner:
        owner.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user"
            " AND usename IS NOT NULL AND pid <> ALL (%s)",
            [[_own_backend()]],
        )
        return {row[0] for row in owner.fetchall()}


def _own_backend() -> int:
    return connection.connection.info.backend_pid if connection.connection else 0


def stuck() -> set[int]:
    """The processes of PostgreSQL that wait for a lock in this database."""
    with as_owner() as owner:
        owner.execute(
            "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return {row[0] for row in owner.fetchall()}


@contextmanager
def closed(table: str) -> Iterator[None]:
    """Whoever wants to write to a table waits until the end; it may be read."""
    url, name = os.environ["DATABASE_OWNER_URL"], connection.settings_dict["NAME"]
    with psycopg.connect(url, dbname=name) as owner:
        owner.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


@contextmanager
def no_deadlock() -> Iterator[None]:
    """By the database's own count, and by the server's log where the server is ours."""
    log = Path(os.environ["TONRIS_TESTS"]) / "postgres.log"
    counted, read = deadlocks(), log.stat().st_size if log.exists() else 0
    yield
    assert deadlocks() == counted
    if log.exists():
        ours = backends()
        with log.open("rb") as lines:
            lines.seek(read)
            said = [
                line for line in lines.read().decode("utf-8", "replace").splitlines() if "deadlock" in line
            ]
        # Tests that run beside this one, on databases of their own, write to the same log.
        assert [line for line in said if any(f"[{pid}]" in line for pid in ours)] == []
