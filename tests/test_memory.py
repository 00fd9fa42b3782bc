"""Whatever either side of a call does, the call costs at most two megabytes more: measured in a server outside."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests import outside
from tests.telephony.test_fast_lane import METADATA, media, speech
from tests.telephony.test_media_socket import ring, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

CALLS = 5
SECONDS = 4.0
KIB_PER_CALL = 2048


class Flooding:
    """The agent of every call: greets, and then does what `part` says."""

    def __init__(self) -> None:
        self.url = ""
        self.sockets: list[ServerConnection] = []
        self.part: Callable[[ServerConnection], Awaitable[None]] = waits

    def signed_url(self, connection: ServerConnection, request: Any) -> Any:
        if "get-signed-url" in request.path:
            return connection.respond(200, json.dumps({"signed_url": self.url + "/agent"}))
        return None

    async def __call__(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        await socket.recv()
        await socket.send(METADATA)
        await socket.send(speech(1))
        with suppress(ConnectionClosed):
            await self.part(socket)


async def waits(socket: ServerConnection) -> None:
    async for _ in socket:
        pass


async def speaks_without_end(socket: ServerConnection) -> None:
    for number in range(1_000_000):
        await socket.send(speech(number, size=8000))
        await asyncio.sleep(0)  # a send that need not wait does not let others run


async def tells_without_end(socket: ServerConnection) -> None:
    said = json.dumps({"type": "agent_response", "agent_response_event": {"agent_response": "bla " * 40_000}})
    while True:
        await socket.send(said)
        await asyncio.sleep(0)


async def asks_without_end_and_never_reads(socket: ServerConnection) -> None:
    call = {"tool_name": "no_such_tool", "tool_call_id": "t", "parameters": {"x": "y" * 20_000}}
    socket.transport.pause_reading()
    while True:
        await socket.send(json.dumps({"type": "client_tool_call", "client_tool_call": call}))
        await asyncio.sleep(0)


async def pings_without_end_and_never_reads(socket: ServerConnection) -> None:
    socket.transport.pause_reading()
    while not socket.transport.is_closing():
        socket.transport.write((b"\x89\x7d" + b"p" * 125) * 1000)
        await asyncio.sleep(0.02)


async def never_reads(socket: ServerConnection) -> None:
    socket.transport.pause_reading()
    await socket.wait_closed()


async def caller_listens(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


async def caller_never_reads(socket: ClientConnection) -> None:
    socket.transport.pause_reading()
    for number in range(1_000_000):
        await socket.send(media(number))
        await asyncio.sleep(0.02)


async def caller_floods(socket: ClientConnection) -> None:
    for number in range(1_000_000):
        await socket.send(media(number, size=32_000))
        await asyncio.sleep(0)


async def caller_pings_and_never_reads(socket: ClientConnection) -> None:
    socket.transport.pause_reading()
    while not socket.transport.is_closing():
        socket.transport.write((b"\x89\xfd" + b"\0\0\0\0" + b"p" * 125) * 1000)
        await asyncio.sleep(0.02)


async def caller_sends_too_much(socket: ClientConnection) -> None:
    await socket.send("x" * (20 * 1024 * 1024))


@pytest.fixture(params=["1", "0"], ids=["fast lane", "ordinary"])
async def place(request, salon, settings, tmp_path) -> AsyncIterator[tuple[outside.Server, Flooding]]:
    agent = Flooding()
    async with serve(agent, "127.0.0.1", 0, compression=None, process_request=agent.signed_url) as vendor:
        agent.url = f"ws://127.0.0.1:{vendor.sockets[0].getsockname()[1]}"
        url = agent.url.replace("ws", "http")
        lane = request.param
        async with outside.server(
            tmp_path / "log", MEDIA_FAST_LANE=lane, ELEVENLABS_BASE_URL=url, LOG_LEVEL="CRITICAL"
        ) as server:
            yield server, agent
            for socket in agent.sockets:
                socket.transport.abort()


async def calls(
    server: outside.Server, count: int, seconds: float, caller: Callable[[ClientConnection], Awaitable[None]]
) -> int:
    """So many calls for so long; the most memory that the server had meanwhile, in KiB."""
    url = server.base_url.replace("http", "ws") + "/media-stream"
    async with contextlib.AsyncExitStack() as stack:
        sockets = []
        for _ in range(count):
            sid = f"CA{time.monotonic_ns()}"
            socket = await connect(url, proxy=None, compression=None, max_size=None, ping_interval=None)
            stack.callback(socket.transport.abort)
            await socket.send(start(await ring(sid), sid))
            await asyncio.wait_for(socket.recv(), 10)
            sockets.append(socket)
        tasks = [asyncio.create_task(_until_closed(caller, socket)) for socket in sockets]
        most, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            most = max(most, server.rss_kib)
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return most


async def _until_closed(
    caller: Callable[[ClientConnection], Awaitable[None]], socket: ClientConnection
) -> None:
    with suppress(ConnectionClosed, OSError):
        await caller(socket)


@pytest.mark.parametrize(
    ("agent_does", "caller_does"),
    [
        (speaks_without_end, caller_never_reads),
        (tells_without_end, caller_listens),
        (asks_without_end_and_never_reads, caller_listens),
        (pings_without_end_and_never_reads, caller_listens),
        (never_reads, caller_floods),
        (waits, caller_pings_and_never_reads),
        (waits, caller_sends_too_much),
    ],
    ids=lambda part: part.__name__,
)
async def test_a_call_costs_two_megabytes_more_at_most(place, agent_does, caller_does):
    server, agent = place
    agent.part = agent_does
    await calls(server, CALLS, SECONDS / 2, caller_does)  # what code, threads and connections cost, once
    await asyncio.sleep(1)
    agent.part = waits
    await calls(server, CALLS, 0.5, caller_listens)
    before = server.rss_kib
    agent.part = agent_does
    most = await calls(server, CALLS, SECONDS, caller_does)
    sys.stdout.write(  # with -s
        f"\n{agent_does.__name__}, {caller_does.__name__}: {(most - before) / CALLS:.0f} KiB a call\n"
    )
    assert most - before <= CALLS * KIB_PER_CALL
