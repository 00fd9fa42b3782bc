"""A real worker with its beat, on the real broker: what is due goes out, whatever the broker forgets."""

import asyncio
import contextlib
import os
import signal
import sys
from urllib.parse import urlsplit

import pytest
from django.db import connection
from redis import Redis

from telephony.simulators.twilio import TwilioRestSimulator
from tenants.scoping import in_thread
from tests.telephony.letters import NUMBER, booked, tells
from tonris.home import BASE_DIR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
BROKER = 7
"""A database of its own: other tests queue work as well."""


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
