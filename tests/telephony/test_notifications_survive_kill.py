"""Thousands of reminders due at once, and workers that are killed all the while: each is sent, and none twice.

TONRIS_NOTIFICATIONS=10000 TONRIS_KILL_SECONDS=10 is the whole of it; by default it is smaller, and kills come faster.
"""

import asyncio
import contextlib
import datetime
import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from appointments import lifecycle
from appointments.models import Appointment, Customer, Employee, OutboxMessage, Service
from telephony.models import Notification
from telephony.notifications import planner
from telephony.simulators.twilio import TwilioRestSimulator
from telephony.simulators.twilio.messages import Fault
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import set_settings
from tests.telephony.letters import NUMBER
from tonris.home import BASE_DIR

MANY = int(os.environ.get("TONRIS_NOTIFICATIONS", "600"))
KILL_SECONDS = float(os.environ.get("TONRIS_KILL_SECONDS", "2"))
WORKERS = 3
LEASE_SECONDS = 4.0
"""After which a claim is looked up: longer than a send takes here."""
ALL_SECONDS = 60 + MANY / 8
LEAD_HOURS = 24
HOUR = datetime.timedelta(hours=1)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(ALL_SECONDS + 60)]


def fill(salon: Tenant, many: int) -> None:
    """So many customers, each with an appointment of which a reminder is due now."""
    # A lead in which the whole night lies: what is due now is due at any hour of the day that this runs.
    set_settings(salon, reminders=[{"hoursBefore": LEAD_HOURS}], quietHours=False)
    start = timezone.now() + LEAD_HOURS * HOUR - datetime.timedelta(minutes=5)
    with tenant_scope(salon):
        service = Service.objects.get(name="Haircut")
        employees = Employee.objects.bulk_create(
            Employee(tenant=salon, name=f"Employee {number}") for number in range(many)
        )
        customers = Customer.objects.bulk_create(
            Customer(tenant=salon, name=f"Guest {number}", phone_e164=f"+1555{number:07}")
            for number in range(many)
        )
        Appointment.objects.bulk_create(
            Appointment(
                tenant=salon,
                employee=employee,
                service=service,
                customer=customer,
                starts_at=start,
                ends_at=start + HOUR,
                blocked_from=start,
                blocked_until=start + HOUR,
                price=Decimal(50),
                currency="USD",
            )
            for employee, customer in zip(employees, customers, strict=True)
        )
        Appointment.objects.update(created_at=timezone.now() - 2 * LEAD_HOURS * HOUR)


def left(salon: Tenant) -> bool:
    with tenant_scope(salon):
        open_states = ["waiting", "sending", "unknown"]
        rows = Notification.objects.filter(state__in=open_states).count()
        return bool(rows) or OutboxMessage.objects.filter(handled_at=None).exists()


def counted(salon: Tenant) -> Counter[str]:
    with tenant_scope(salon):
        return Counter(Notification.objects.values_list("state", flat=True))


class Workers:
    """Three processes, and whoever is killed is followed by another."""

    def __init__(self, base_url: str) -> None:
        app = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        changes = {"TONRIS_ROLE": "worker", "DATABASE_URL": app.geturl(), "LOG_LEVEL": "ERROR"}
        self.env = {**os.environ, **changes, "DJANGO_SETTINGS_MODULE": "tonris.settings"}
        self.base_url = base_url
        self.pids: list[int] = []
        self.kills = 0
        self._parent: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Workers":
        self._parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.telephony.texting_worker", self.base_url, str(LEASE_SECONDS)),
            env=self.env,
            cwd=BASE_DIR,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.pids = [await self._another() for _ in range(WORKERS)]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._parent is not None
        self._parent.kill()
        await self._parent.wait()
        for pid in self.pids:
            _kill(pid)

    async def kill_one(self) -> None:
        """With -9, at whatever it is doing."""
        place = self.kills % WORKERS
        _kill(self.pids[place])
        self.kills += 1
        self.pids[place] = await self._another()

    async def _another(self) -> int:
        assert self._parent is not None
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(b"\n")
        return int(await asyncio.wait_for(self._parent.stdout.readline(), 60))


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.long
async def test_each_is_sent_once_however_workers_die(salon, settings, capsys):
    account = settings.TWILIO_ACCOUNT_SID
    await in_thread(fill, salon, MANY)
    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as carrier:
        faults = random.Random(4711)
        kinds: list[Fault] = ["lost", "error", "drop", 500, 503]
        carrier.desk.faults += [faults.choice(kinds) if faults.random() < 0.02 else "" for _ in range(MANY)]
        await in_thread(planner.plan_reminders, salon.pk)
        async with Workers(carrier.base_url) as workers:
            began = time.monotonic()
            await asyncio.wait_for(_until_all_are_settled(salon, carrier, workers), ALL_SECONDS)
            took = time.monotonic() - began
        received = Counter(text["to"] for text in carrier.messages)
    states = await in_thread(counted, salon)
    duplicates = sum(count - 1 for count in received.values())
    lost = MANY - len(received)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{MANY} due, {workers.kills} kills: {duplicates} twice, {lost} lost, in {took:.0f} s; {dict(states)}"
        )
    assert workers.kills >= 2
    assert (duplicates, lost) == (0, 0)
    assert states == {"sent": MANY}


async def _until_all_are_settled(salon: Tenant, carrier: TwilioRestSimulator, workers: Workers) -> None:
    next_kill = time.monotonic() + KILL_SECONDS
    while len(carrier.messages) < MANY or await in_thread(left, salon):
        await asyncio.sleep(0.1)
        if time.monotonic() >= next_kill and (workers.kills < 2 or len(carrier.messages) < MANY):
            await workers.kill_one()
            next_kill = time.monotonic() + KILL_SECONDS


async def test_what_is_cancelled_meanwhile_is_not_reminded_of(salon, settings):
    """Customers cancel while workers send: whoever's cancellation was committed first gets no reminder."""
    account, many = settings.TWILIO_ACCOUNT_SID, 60
    await in_thread(fill, salon, many)

    def cancel_some() -> dict[str, float]:
        """By number, when it was committed."""
        planner.plan_reminders(salon.pk)
        with tenant_scope(salon):
            pks = dict(Appointment.objects.values_list("customer__phone_e164", "pk"))
        gone: dict[str, float] = {}
        for number, pk in itertools.islice(sorted(pks.items(), reverse=True), many // 2):
            with tenant_scope(salon):
                lifecycle.cancel(salon, pk)
            gone[number] = time.monotonic()
        return gone

    sent: dict[str, float] = {}

    def on_time(original):
        def take(fields):
            sent[fields["To"]] = time.monotonic()
            return original(fields)

        return take

    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as carrier:
        carrier.desk._take = on_time(carrier.desk._take)  # type: ignore[method-assign]
        async with Workers(carrier.base_url):
            gone = await in_thread(cancel_some)
            async with asyncio.timeout(90):
                while await in_thread(left, salon):
                    await asyncio.sleep(0.1)
    # What was claimed a moment before may still be on its way.
    late = [number for number, when in gone.items() if number in sent and sent[number] > when + 1]
    assert late == []
    assert set(sent) | set(gone) == {f"+1555{number:07}" for number in range(many)}
