"""How long an agent waits for a tool: at a real server, over HTTP, with fifty calls going on.

In fifty calls somebody asks something every two seconds, as people do; and once all fifty ask at the same moment.
The database's share is what the server itself counts of each answer, in its metrics.
"""

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2 as httpx

from agents.conversations import open_conversation
from benchmarks.clinic import Clinic, filled_to
from tenants.credentials import set_secret
from tenants.models import Credential
from tenants.scoping import tenant_scope

SIZE = 100_000
CALLS = 50
SECONDS = 20
EVERY_SECONDS = 2.0
SECRET = "benchmarks-only"  # noqa: S105 - of a database that goes when we end
START_SECONDS = 30

Line = tuple[str, ...]
HEADINGS = ("tool, 50 calls", "calls", "p50 ms", "p95 ms", "p99 ms", "max ms", "in database")


def run(clinic: Clinic) -> Iterator[Line]:
    filled_to(clinic, SIZE)
    callers = _callers(clinic)
    with _server() as port:
        asyncio.run(_talk(port, clinic, callers[:2], seconds=2))  # to warm up
        before = _shares(port)
        for name, times in asyncio.run(_talk(port, clinic, callers, seconds=SECONDS)).items():
            yield (name, *_line(times), _share(before, _shares(port), name))
        yield ("all fifty at once", *_line(asyncio.run(_at_once(port, clinic, callers))), "")


def _callers(clinic: Clinic) -> list[str]:
    """Carrier call ids of calls that go on."""
    with tenant_scope(clinic.tenant):
        set_secret(clinic.tenant, Credential.Name.WEBHOOK_SECRET, SECRET)
        for number in range(CALLS):
            open_conversation(
                tenant_id=clinic.tenant.pk,
                provider="elevenlabs",
                agent_id="agent_benchmark",
                caller_e164=f"+1557{number:07}",
                called_e164="+15550000000",
                carrier_call_id=f"CA{number}",
            )
    return [f"CA{number}" for number in range(CALLS)]


@contextlib.contextmanager
def _server() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    environment = {**os.environ, "TONRIS_ROLE": "web", "APP_BASE_URL": f"http://127.0.0.1:{port}"}
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        _await(port)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()


def _await(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    raise TimeoutError("the server did not become ready")


async def _talk(port: int, clinic: Clinic, callers: list[str], *, seconds: float) -> dict[str, list[float]]:
    """Milliseconds by tool."""
    times: dict[str, list[float]] = defaultdict(list)
    until = time.monotonic() + seconds
    async with _client(port) as client:

        async def call(sid: str) -> None:
            chance = random.Random(sid)  # noqa: S311 - the same each time
            await asyncio.sleep(chance.random() * EVERY_SECONDS)
            slots: list[str] = []
            while time.monotonic() < until:
                tool, arguments = _question(chance, clinic, sid, slots)
                began = time.perf_counter()
                answer = await client.post(f"/api/ai/tools/{tool}", json={"call_sid": sid, **arguments})
                times[tool].append((time.perf_counter() - began) * 1000)
                offered = (answer.json().get("data") or {}).get("slots", [])
                slots += [one["slotId"] for one in chance.sample(offered, min(2, len(offered)))]
                await asyncio.sleep(EVERY_SECONDS * (0.5 + chance.random()))

        await asyncio.gather(*map(call, callers))
    return dict(sorted(times.items()))


def _question(
    chance: random.Random, clinic: Clinic, sid: str, slots: list[str]
) -> tuple[str, dict[str, object]]:
    service = str(clinic.hour.pk)
    if slots:
        return "book_appointment", {"slotId": slots.pop(), "customerName": f"Caller {sid}"}
    if chance.random() < 0.5:
        day = (datetime.now(UTC) + timedelta(days=chance.randrange(1, 20))).date()
        return "check_availability", {"serviceId": service, "date": day.isoformat()}
    return chance.choice(["find_appointment", "get_services", "get_business_hours"]), {}


async def _at_once(port: int, clinic: Clinic, callers: list[str]) -> list[float]:
    async with _client(port) as client:

        async def ask(sid: str) -> float:
            began = time.perf_counter()
            body = {"call_sid": sid, "serviceId": str(clinic.hour.pk)}
            await client.post("/api/ai/tools/check_availability", json=body)
            return (time.perf_counter() - began) * 1000

        return list(await asyncio.gather(*map(ask, callers)))


def _client(port: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=CALLS)
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {SECRET}"},
        limits=limits,
        trust_env=False,
        timeout=30,
    )


_SUM = re.compile(r'^tonris_tool_(database_)?seconds_sum\{.*?tool="(\w+)".*?\} (\S+)$', re.M)


def _shares(port: int) -> dict[str, tuple[float, float]]:
    """By tool: seconds in statements, seconds in all."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    told: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for database, tool, seconds in _SUM.findall(text):
        told[tool][0 if database else 1] += float(seconds)
    return {tool: (statements, whole) for tool, (statements, whole) in told.items()}


def _share(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]], tool: str) -> str:
    statements, whole = (now - then for now, then in zip(after[tool], before.get(tool, (0, 0)), strict=True))
    return f"{statements / whole:.0%}" if whole else "-"


def _line(times: list[float]) -> tuple[str, ...]:
    ordered = sorted(times)

    def at(share: float) -> str:
        return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.1f}"

    return str(len(ordered)), f"{statistics.median(ordered):.1f}", at(0.95), at(0.99), f"{ordered[-1]:.1f}"
