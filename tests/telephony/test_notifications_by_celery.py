"""A real worker with its beat, on the real broker: what is due goes out, whatever the broker forgets."""

import asyncio
import contextlib
import os
import signal
import sys
from urllib.parse import urlsplit

import pytest
from django.db import connection
from kombu.exceptions import OperationalError
from kombu.pools import producers
from redis import Redis

from telephony import tasks
from telephony.simulators.twilio import TwilioRestSimulator
from tenants.scoping import in_thread
from tests.telephony.letters import NUMBER, booked, states, tells, work
from tonris.celery import app as celery
from tonris.home import BASE_DIR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
BROKER = 7
"""A database of its own: other tests queue work as well."""


OTHER_BROKER = 8
NOBODY = "redis://127.0.0.1:9/0"


@contextlib.asynccontextmanager
async def worker(base_url: str, directory):
    app = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    redis = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{BROKER}")
    changes = {
        "TONRIS_ROLE": "worker",
        "DATABASE_URL": app.geturl(),
        "REDIS_URL": redis.geturl(),
        "TWILIO_BASE_URL": base_url,
        "LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "celery", "-q", "-A", "tonris", "worker", "--beat"),
        *("--concurrency", "1", "--loglevel", "WARNING", "--schedule", str(directory / "beat")),
        env={**os.environ, **changes},
        cwd=BASE_DIR,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def until_sent(carrier: TwilioRestSimulator, count: int) -> None:
    async with asyncio.timeout(75):
        while len(carrier.messages) < count:
            await asyncio.sleep(0.1)


async def test_a_worker_sends_what_is_due_and_another_goes_on_after_it(salon, settings, tmp_path):
    account = settings.TWILIO_ACCOUNT_SID
    redis = Redis.from_url(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{BROKER}").geturl())
    await in_thread(tells, salon)
    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as carrier:
        await in_thread(booked, salon, 9)
        async with worker(carrier.base_url, tmp_path) as process:
            await until_sent(carrier, 1)
            await in_thread(redis.flushdb)  # every queued task is gone
            await in_thread(booked, salon, 11)
            await until_sent(carrier, 2)
            os.killpg(process.pid, signal.SIGKILL)
        await in_thread(booked, salon, 13)
        await in_thread(redis.flushdb)
        async with worker(carrier.base_url, tmp_path):
            await until_sent(carrier, 3)
        assert len({text["body"] for text in carrier.messages}) == 3
    redis.close()


def run_queued(broker: str) -> int:
    """What a worker does with the messages that wait for it. How many there were."""
    with celery.connection_for_read(broker) as connected, connected.SimpleQueue("celery") as queue:
        count = queue.qsize()
        for _ in range(count):
            message = queue.get(timeout=10)
            args, kwargs, _ = message.payload
            celery.tasks[message.headers["task"]](*args, **kwargs)
            message.ack()
    return count


async def test_what_is_due_waits_while_nobody_answers_at_the_brokers_address(salon, settings, monkeypatch):
    account = settings.TWILIO_ACCOUNT_SID
    broker = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{OTHER_BROKER}").geturl()

    def goes_to(url: str) -> None:
        monkeypatch.setattr(celery.amqp, "_producer_pool", producers[celery.connection_for_write(url)])

    def outage() -> None:
        tells(salon)
        booked(salon, 9)
        work(salon)
        booked(salon, 11)
        goes_to(NOBODY)
        for _ in range(2):
            with pytest.raises(OperationalError):
                tasks.send_notifications()
        assert states(salon) == [("booked", "sent")]
        goes_to(broker)
        assert tasks.send_notifications() == 1
        assert run_queued(broker) == 1
        assert states(salon) == [("booked", "sent")] * 2
        assert tasks.send_notifications() == 0

    with Redis.from_url(broker) as redis:
        await in_thread(redis.flushdb)
    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as carrier:
        settings.TWILIO_BASE_URL = carrier.base_url
        await in_thread(outage)
    assert len(carrier.messages) == 2
