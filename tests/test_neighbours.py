"""What one call, the database or Redis suffers is not heard in the other calls: their frames, timed from outside.

Each figure is compared with that of the seconds before, on the same machine. Others use it too, so that a figure
may be bad by chance: not three times in a row. A call that waits for a neighbour's query would be, every time.
"""

import asyncio
import contextlib
import itertools
import json
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests import outside
from tests.agents.test_silent_database import locked
from tests.telephony.test_fast_lane import METADATA
from tests.telephony.test_media_socket import ring, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300), pytest.mark.alone]

CALLS = 6
FRAME_S, STALL_S = 0.02, 0.02
SECONDS = 4.0
TRIES = 3
ADDED_P99_MS, GAP_MS = 5.0, 60.0


class EchoAgent:
    """Says what it hears, and asks for a tool when it is told to."""

    def __init__(self) -> None:
        self.sockets: list[ServerConnection] = []
        self.answers: list[dict[str, Any]] = []
        self.url = ""

    def signed_url(self, connection: ServerConnection, request: Any) -> Any:
        if "get-signed-url" in request.path:
            return connection.respond(200, json.dumps({"signed_url": self.url + "/agent"}))
        return None

    async def __call__(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        await socket.recv()
        await socket.send(METADATA)
        await self.say(socket, b"\xff" * 160)
        pings = asyncio.create_task(self._ping(socket))
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                if "user_audio_chunk" in message:
                    await self.say(socket, b64decode(message["user_audio_chunk"]))
                elif message["type"] == "client_tool_result":
                    self.answers.append(message)
        pings.cancel()
        await asyncio.gather(pings, return_exceptions=True)

    async def say(self, socket: ServerConnection, audio: bytes) -> None:
        payload = b64encode(audio).decode()
        await socket.send(f'{{"type":"audio","audio_event":{{"audio_base_64":"{payload}","event_id":1}}}}')

    async def ask(self, tool: str) -> None:
        """In the last call."""
        call = {"tool_name": tool, "tool_call_id": "t1", "parameters": {}}
        await self.sockets[-1].send(json.dumps({"type": "client_tool_call", "client_tool_call": call}))

    async def _ping(self, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for number in itertools.count():
                await socket.send(f'{{"type":"ping","ping_event":{{"event_id":{number},"ping_ms":9}}}}')
                await asyncio.sleep(1)


@dataclass
class Caller:
    """Sends a numbered frame every 20 ms, and notes when each comes back."""

    socket: ClientConnection
    sent: dict[int, float] = field(default_factory=dict)
    back: dict[int, float] = field(default_factory=dict)

    async def talk(self) -> None:
        began = time.monotonic()
        for number in itertools.count(1):
            payload = b64encode(number.to_bytes(4, "big") * 40).decode()
            inner = f'{{"track":"inbound","chunk":"{number}","timestamp":"1","payload":"{payload}"}}'
            message = f'{{"event":"media","sequenceNumber":"{number}","media":{inner},"streamSid":"MZ1"}}'
            self.sent[number] = time.monotonic()
            await self.socket.send(message)
            await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))

    async def listen(self) -> None:
        async for text in self.socket:
            message = json.loads(text)
            if message["event"] == "media":
                number = int.from_bytes(b64decode(message["media"]["payload"])[:4], "big")
                self.back[number] = time.monotonic()

    def delays_ms(self, since: float, until: float) -> list[float]:
        return [
            1000 * (self.back.get(number, until) - at)
            for number, at in self.sent.items()
            if since <= at < until - 0.2  # the last ones may still be on their way
        ]

    def longest_gap_ms(self, since: float, until: float, stalls: "list[tuple[float, float]]") -> float:
        """Between what is heard, where it was not ourselves who were late."""
        heard = [since, *sorted(at for at in self.back.values() if since <= at < until), until]
        return 1000 * max(
            later - earlier
            for earlier, later in itertools.pairwise(heard)
            if not any(begins < later and earlier < ends for begins, ends in stalls)
        )


@dataclass
class Party:
    server: outside.Server
    agent: EchoAgent
    callers: list[Caller]
    database: outside.Proxy
    redis: outside.Proxy
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """When this process was late itself."""

    async def watch_ourselves(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            if (now := time.monotonic()) - before > STALL_S:
                self.stalls.append((before, now + STALL_S))


@pytest.fixture(params=["1", "0"], ids=["fast lane", "ordinary"])
async def party(request, salon, settings, tmp_path) -> AsyncIterator[Party]:
    """Calls that go on, in a server that reaches its database and Redis by way of us."""
    agent = EchoAgent()
    database, redis = outside.Proxy(outside.database_address()), outside.Proxy(outside.redis_address())
    vendor = serve(agent, "127.0.0.1", 0, compression=None, process_request=agent.signed_url)
    async with vendor as place, database, redis, contextlib.AsyncExitStack() as stack:
        agent.url = f"ws://127.0.0.1:{place.sockets[0].getsockname()[1]}"
        server = await stack.enter_async_context(
            outside.server(
                tmp_path / "log",
                database_port=database.port,
                redis_port=redis.port,
                MEDIA_FAST_LANE=request.param,
                ELEVENLABS_BASE_URL=agent.url.replace("ws", "http"),
                LOG_LEVEL="CRITICAL",
            )
        )
        callers = [await _dial(server, stack, number) for number in range(CALLS)]
        tasks = [asyncio.create_task(work) for each in callers for work in (each.listen(), each.talk())]
        try:
            await asyncio.sleep(1.5)
            party = Party(server, agent, callers, database, redis)
            tasks.append(asyncio.create_task(party.watch_ourselves()))
            yield party
            assert [each.socket.close_code for each in callers] == [None] * CALLS
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _dial(server: outside.Server, stack: contextlib.AsyncExitStack, number: int) -> Caller:
    url = server.base_url.replace("http", "ws") + "/media-stream"
    socket = await stack.enter_async_context(connect(url, proxy=None, compression=None))
    await socket.send(start(await ring(f"CA{number}"), f"CA{number}"))
    await asyncio.wait_for(socket.recv(), 10)
    return Caller(socket)


def p99(party: Party, since: float, until: float) -> float:
    delays = sorted(delay for each in party.callers[:-1] for delay in each.delays_ms(since, until))
    return delays[int(len(delays) * 0.99)]


def gap(party: Party, since: float, until: float) -> float:
    return max(each.longest_gap_ms(since, until, party.stalls) for each in party.callers)


async def added(
    party: Party,
    measure: Callable[[Party, float, float], float],
    trouble: Callable[[Party], Awaitable[None]],
    *,
    seconds: float = SECONDS,
) -> tuple[float, float]:
    """The figure in the seconds before, and while there is trouble."""
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    troubled = time.monotonic()
    task = asyncio.ensure_future(trouble(party))
    await asyncio.sleep(seconds)
    over = time.monotonic()
    await task
    return measure(party, began, troubled), measure(party, troubled, over)


async def slow_queries(party: Party) -> None:
    """Every table is locked: a call's own tools wait, and tools by webhook too."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        with locked():
            await party.agent.ask("get_services")
            body = {"agent_id": "agent_demo_salon"}
            bearer = {"Authorization": "Bearer wsec_tests"}
            url = party.server.base_url + "/api/ai/tools/get_services"
            asked = [asyncio.create_task(client.post(url, json=body, headers=bearer)) for _ in range(4)]
            await asyncio.sleep(SECONDS)
        await asyncio.gather(*asked)


async def redis_restarts(party: Party) -> None:
    party.redis.cut(refuse=True)
    await asyncio.sleep(1.5)
    party.redis.cut(refuse=False)


async def database_stops(party: Party) -> None:
    party.database.stop()
    await party.agent.ask("get_services")
    await asyncio.sleep(10)
    party.database.go_on()


@pytest.mark.parametrize("trouble", [slow_queries, redis_restarts])
async def test_the_trouble_of_one_call_adds_five_milliseconds_at_most_to_the_others(party, trouble):
    seen = []
    for _ in range(TRIES):
        before, meanwhile = await added(party, p99, trouble)
        seen.append(f"{before:.1f} -> {meanwhile:.1f} ms")
        if meanwhile - before <= ADDED_P99_MS:
            break
    else:
        raise AssertionError(f"p99 of a frame there and back: {seen}")
    sys.stdout.write(f"\np99 of a frame there and back, {trouble.__name__}: {seen}\n")  # with -s


async def test_a_database_that_stops_for_ten_seconds_makes_no_gap_in_the_audio(party):
    seen = []
    for _ in range(TRIES):
        before, meanwhile = await added(party, gap, database_stops, seconds=10)
        seen.append(f"{before:.0f} -> {meanwhile:.0f} ms")
        if meanwhile <= max(GAP_MS, before):
            break
    else:
        raise AssertionError(f"the longest gap: {seen}")
    sys.stdout.write(f"\nthe longest gap, {seen}\n")  # with -s
    async with asyncio.timeout(10):
        while not party.agent.answers:
            await asyncio.sleep(0.1)
