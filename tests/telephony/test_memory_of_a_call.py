"""What a call keeps in memory: little, for there are hundreds of them."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import uvicorn
from websockets.asyncio.client import connect

from agents.fast_lane.client import LaneConnection
from telephony.bridge import Bridge
from telephony.fast_lane import LaneProtocol, lane_of
from telephony.mailbox import Mailbox
from telephony.weak import weak

SHARED_KEYS = 30
"""CPython's SHARED_KEYS_MAX_SIZE: with more attributes than that an instance has a dictionary of its own."""
OWN_DICTIONARY = 1000
"""Bytes: less than it has then."""


@pytest.fixture
async def both_ends(unused_tcp_port: int) -> AsyncIterator[tuple[LaneProtocol, LaneConnection]]:
    """A carrier's socket and an agent's, in the midst of a call: each has sent and received."""
    carriers: asyncio.Future[LaneProtocol] = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        lane = lane_of(scope)
        assert isinstance(lane, LaneProtocol)
        lane.open_lane(lambda message: False)
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"]})
        lane.handle_ping()
        carriers.set_result(lane)
        await receive()

    server = uvicorn.Server(
        uvicorn.Config(
            application,
            port=unused_tcp_port,
            ws=LaneProtocol,
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="critical",
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    agents = await connect(
        f"ws://127.0.0.1:{unused_tcp_port}/media?of=a-call",
        compression=None,
        create_connection=LaneConnection,
        additional_headers={"X-Twilio-Signature": "s" * 40},
    )
    assert isinstance(agents, LaneConnection)
    agents.open_lane(lambda message: False)
    await agents.send("x" * 300)
    assert await agents.recv() == "x" * 300
    yield await carriers, agents
    await agents.close()
    server.should_exit = True
    await serving


async def test_neither_socket_has_a_dictionary_of_its_own(both_ends):
    for end in both_ends:
        assert len(vars(end)) <= SHARED_KEYS
        assert sys.getsizeof(vars(end)) < OWN_DICTIONARY


def test_a_bridge_has_none_at_all():
    assert not Bridge.__dictoffset__


async def test_neither_keeps_the_headers_of_its_handshake(both_ends):
    carriers, agents = both_ends
    assert carriers.scope["headers"] == []
    for end in (carriers, agents):
        assert not end.request.headers
        assert not end.response.headers


# --- What asyncio has larger ones of -------------------------------------------------------------


async def test_a_mailbox_gives_what_was_put_in_in_its_order_and_waits_for_more():
    mailbox: Mailbox[int] = Mailbox()
    for item in range(3):
        mailbox.put_nowait(item)
    assert [await mailbox.get() for _ in range(3)] == [0, 1, 2]
    assert mailbox.empty()
    reader = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    assert not reader.done()
    mailbox.put_nowait(3)
    assert not mailbox.empty()
    assert await reader == 3


async def test_a_reader_that_is_called_off_loses_nothing():
    mailbox: Mailbox[int] = Mailbox()
    for when in ("before", "after"):
        reader = asyncio.create_task(mailbox.get())
        await asyncio.sleep(0)
        if when == "after":
            mailbox.put_nowait(1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
    assert await mailbox.get() == 1


def test_a_weak_callback_calls_as_long_as_its_object_is_there():
    class Counter:
        def __init__(self) -> None:
            self.counted = 0

        def count(self, by: int) -> int:
            self.counted += by
            return self.counted

    counter = Counter()
    count = weak(counter.count)
    assert (count(2), count(3), counter.counted) == (2, 5, 5)
    del counter
    with pytest.raises(ReferenceError):
        count(1)
