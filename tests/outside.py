"""Our server as a process of its own, on the tests' database, looked at from outside: what it holds, what it costs."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from django.db import connection

from agents.simulators.elevenlabs import ElevenLabsSimulator
from agents.simulators.openai_realtime import OpenAISimulator
from telephony.simulators.twilio import TwilioSimulator
from tenants.scoping import in_thread
from tests.exchange import Exchange
from tonris.embedded.ports import free_port
from tonris.home import BASE_DIR

APPLICATION = "tonris-outside"
"""The name of the process's connections in pg_stat_activity."""


@dataclass(frozen=True)
class Holdings:
    """What a process holds at one moment."""

    rss_kib: int
    fds: int
    threads: int
    tasks: int
    calls: int
    connections: int


class Server:
    """`manage.py serve`, or `media`."""

    def __init__(self, command: str, port: int, environment: dict[str, str], log: Path) -> None:
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", command, f"--port={port}"],
                cwd=BASE_DIR,
                env=os.environ | environment,
                stdout=out,
                stderr=out,
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    async def ready(self) -> None:
        async with asyncio.timeout(60), httpx2.AsyncClient(trust_env=False) as client:
            while True:
                assert self.process.poll() is None, self.log
                with contextlib.suppress(httpx2.HTTPError):
                    if (await client.get(self.base_url + "/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    @property
    def rss_kib(self) -> int:
        return self._status("VmRSS")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1])

    async def holds(self) -> Holdings:
        async with httpx2.AsyncClient(trust_env=False) as client:
            figures = (await client.get(self.base_url + "/metrics")).text
        figure = {line.split()[0]: line.split()[-1] for line in figures.splitlines() if line[:1] != "#"}
        return Holdings(
            rss_kib=self.rss_kib,
            fds=len(os.listdir(f"/proc/{self.process.pid}/fd")),
            threads=self._status("Threads"),
            tasks=int(float(figure["tonris_tasks"])),
            calls=int(float(figure["tonris_live_calls"])),
            connections=await in_thread(_connections),
        )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _connections() -> int:
    with connection.cursor() as cursor:
        # Other tests have servers of the same name at this moment, on databases of their own.
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            [APPLICATION],
        )
        (count,) = cursor.fetchone()
    return int(count)


class Proxy:
    """TCP to `address` and back, until it is told otherwise."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._flows = asyncio.Event()
        self._flows.set()
        self._refuses = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()
        self._flows.set()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        """Nothing passes: a server that is stopped, a cable that is pulled."""
        self._flows.clear()

    def go_on(self) -> None:
        self._flows.set()

    def cut(self, *, refuse: bool = False) -> None:
        """Every connection breaks, and new ones too if told so: a server that restarts."""
        self._refuses = refuse
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if not self._refuses:
                await self._flows.wait()
                there, back = await asyncio.open_connection(*self._address)
                self._writers.add(back)
                with contextlib.suppress(OSError):
                    await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
                self._writers.discard(back)
                back.close()
        self._writers.discard(writer)
        writer.close()
        self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


def database_address() -> tuple[str, int]:
    return str(connection.settings_dict["HOST"]), int(connection.settings_dict["PORT"])


def redis_address() -> tuple[str, int]:
    parts = urlsplit(settings.REDIS_URL)
    return str(parts.hostname), int(parts.port or 6379)


def environment(
    *, database_port: int | None = None, redis_port: int | None = None, **more: str
) -> dict[str, str]:
    """For a server on the tests' database and queue, perhaps by way of proxies."""
    place = connection.settings_dict
    host, port = database_address()
    redis = settings.REDIS_URL
    if redis_port is not None:
        redis = redis.replace(f":{redis_address()[1]}", f":{redis_port}")
    return {
        "TONRIS_ROLE": "web",
        "DATABASE_URL": (
            f"postgresql://{place['USER']}:{place['PASSWORD']}@{host}:{database_port or port}/{place['NAME']}"
        ),
        "REDIS_URL": redis,
        "PGAPPNAME": APPLICATION,
        "LOG_LEVEL": "WARNING",
        "MAX_CALL_SECONDS": "600",
        "DRAIN_SECONDS": "1",
        **more,
    }


@contextlib.asynccontextmanager
async def server(
    log: Path, command: str = "serve", *, port: int | None = None, **more: Any
) -> AsyncIterator[Server]:
    port = port or free_port()
    base_url = f"http://127.0.0.1:{port}"
    started = Server(command, port, environment(**{"APP_BASE_URL": base_url, **more}), log)
    try:
        await started.ready()
        yield started
        assert "Traceback" not in started.log, started.log
        assert "never retrieved" not in started.log, started.log
    finally:
        await asyncio.to_thread(started.stop)


@contextlib.asynccontextmanager
async def open_exchange(
    log: Path, *, vendor: type[ElevenLabsSimulator] = ElevenLabsSimulator, **more: Any
) -> AsyncIterator[tuple[Server, Exchange]]:
    """As `tests.exchange.open_exchange`, with the server outside."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    agents = vendor(
        api_key=settings.ELEVENLABS_API_KEY,
        webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
        backend_url=base_url,
    )
    realtime = OpenAISimulator(api_key=settings.OPENAI_API_KEY)
    async with agents, realtime:
        addresses = {"ELEVENLABS_BASE_URL": agents.base_url, "OPENAI_BASE_URL": realtime.base_url}
        async with server(log, port=port, **addresses, **more) as ours:
            lines = TwilioSimulator(base_url, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)
            async with lines:
                yield ours, Exchange(base_url, lines, agents, realtime)
