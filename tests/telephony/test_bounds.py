# ruff: noqa: F811 - fixtures that stand in other modules
"""What nobody may do to a call, a socket or the process: floods, crowds at the door, peers that never read."""

import asyncio
import json
import struct
import time
from base64 import b64decode
from contextlib import suppress
from statistics import median
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agents.audio import MULAW_8K, PCM16_16K
from agents.events import ToolCall
from agents.guarded_connection import MAX_UNSENT_BYTES, GuardedConnection
from agents.models import Turn
from agents.providers.elevenlabs.protocol import MAX_WORDS, Decoder
from agents.providers.openai_realtime import protocol as openai_realtime
from agents.tools import registry
from telephony import bridge, calls, doorstep, guarded_socket, on_the_line, tools_at_work
from telephony.frames import StreamStarted
from telephony.guarded_socket import GuardedProtocol
from telephony.journal import MAX_TEXT, MAX_WAITING, Journal
from telephony.models import Call, CallEvent
from telephony.rounds import Rounds
from tenants.models import Tenant
from tenants.scoping import in_tenant
from tests.telephony.test_fast_lane import interruption, lane, line, media, numbers, speech  # noqa: F401
from tests.telephony.test_media_socket import (  # noqa: F401
    CONNECTED,
    accepted,
    closing,
    dial,
    exchange,
    ring,
    start,
)

pytestmark = pytest.mark.django_db(transaction=True)


async def outcome(salon: Tenant, expected: str) -> None:
    """Until the call's ending is written down, and that it is this one."""

    def written() -> str:
        return Call.objects.get().outcome

    async with asyncio.timeout(10):
        while not await in_tenant(salon.pk, written):
            await asyncio.sleep(0.05)
    assert await in_tenant(salon.pk, written) == expected


async def keeps_pinging(socket: ServerConnection) -> None:
    """An agent that has greeted and stays."""
    await socket.send(speech(1))
    with suppress(ConnectionClosed):
        for number in range(1000):
            await socket.send(f'{{"type":"ping","ping_event":{{"event_id":{number},"ping_ms":50}}}}')
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while True:
                        await socket.recv()


# --- More than a carrier sends -------------------------------------------------------------------


async def flood(caller: ClientConnection, per_second: int, seconds: float) -> int | None:
    """So many frames, evenly; the code with which the server closes, if it does."""
    began = time.monotonic()
    sent = 0
    with suppress(ConnectionClosed):
        while (elapsed := time.monotonic() - began) < seconds:
            while sent < elapsed * per_second:
                await caller.send(media(sent))
                sent += 1
            await asyncio.sleep(0.01)
    return caller.close_code


async def test_a_flood_of_frames_ends_the_stream_with_1008(salon, settings, lane):
    async with line(settings, keeps_pinging) as caller:
        await caller.recv()
        assert await flood(caller, per_second=1000, seconds=8) == 1008
    await outcome(salon, "bad_frames")
    [reason] = await in_tenant(
        salon.pk, lambda: [event.detail["reason"] for event in CallEvent.objects.filter(kind="bad_frame")]
    )
    assert reason == "more than 100 frames a second"


async def test_a_carriers_own_pace_and_a_backlog_after_a_gap_are_no_flood(salon, settings, lane):
    async with line(settings, keeps_pinging) as caller:
        await caller.recv()
        assert await flood(caller, per_second=50, seconds=2) is None
        for number in range(400):
            await caller.send(media(number))
        assert await flood(caller, per_second=75, seconds=2.5) is None


def test_rounds_tell_a_flood_from_a_backlog():
    rounds = Rounds(looked_at=0)
    seen = []
    for second, frames in enumerate((50, 450, 500, 550, 651, 752), start=1):
        rounds.look(frames, second)
        seen.append(rounds.flooded)
    assert seen == [False, False, False, False, False, True]


def test_rounds_that_come_late_take_nobody_for_a_flood():
    rounds = Rounds(looked_at=0)
    for look, second in enumerate((3.0, 6.0, 9.0, 12.0), start=1):
        rounds.look(look * 150, second)
        assert not rounds.flooded
    rounds.look(1000, 15.0)
    rounds.look(1400, 18.0)
    assert rounds.flooded


def test_who_floods_every_other_second_floods_too():
    rounds = Rounds(looked_at=0)
    seen = []
    for second in range(1, 20):
        rounds.look(600 * (second // 2 + 1), second)
        seen.append(rounds.flooded)
    assert seen[-1]
    assert not seen[0]


PING, PONG, EMPTY_PIECE = (struct.pack("!BB4x", first, 0x80) for first in (0x89, 0x8A, 0x00))
FIRST_PIECE = struct.pack("!BB4xc", 0x01, 0x81, b"{")


@pytest.mark.parametrize(
    "frames",
    [PING * 300, PONG * 300, FIRST_PIECE + EMPTY_PIECE * 1100],
    ids=["pings", "pongs", "empty pieces of a message"],
)
@pytest.mark.parametrize("let_in", [True, False], ids=["in a call", "at the door"])
async def test_a_flood_that_no_application_sees_ends_the_stream_too(exchange, frames, let_in):
    async with dial(exchange) as socket:
        if let_in:
            await accepted(exchange, socket)
        socket.transport.write(frames)
        assert await closing(socket) == 1008


async def test_a_message_that_never_ends_is_not_kept_however_slowly_it_comes(exchange, monkeypatch):
    monkeypatch.setattr(guarded_socket, "COUNTED_SECONDS", 0.0)
    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        socket.transport.write(FIRST_PIECE + EMPTY_PIECE * 1100)
        assert await closing(socket) == 1008


async def test_a_carrier_that_sends_each_message_in_pieces_is_heard(salon, settings, lane):
    async with line(settings, keeps_pinging) as caller:
        await caller.recv()
        began = time.monotonic()
        for number in range(150):
            message = media(number)
            await caller.send(iter((message[:40], message[40:80], message[80:120], message[120:])))
            await asyncio.sleep(max(0.0, began + 0.02 * number - time.monotonic()))
        assert caller.close_code is None
        await caller.send('{"event":"stop","stop":{}}')
        assert await closing(caller) == 1000


async def test_pings_at_an_ordinary_pace_are_answered(exchange):
    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        for _ in range(150):
            await (await socket.ping())


# --- At the door ---------------------------------------------------------------------------------


async def test_so_many_sockets_may_wait_to_be_let_in_and_no_more(exchange, monkeypatch):
    monkeypatch.setattr(doorstep, "ROOM", 3)
    async with dial(exchange) as inside:
        await accepted(exchange, inside)  # whoever has been let in stands there no more
        waiting = [await dial(exchange) for _ in range(3)]
        with pytest.raises(InvalidStatus) as refused:
            await dial(exchange)
        assert refused.value.response.status_code == 403
        assert [await closing(socket) for socket in waiting] == [1008] * 3
        async with dial(exchange) as socket:  # there is room again
            assert await closing(socket) == 1008
        assert inside.close_code is None


async def test_much_talk_and_no_start_is_cut_short(exchange):
    async with dial(exchange) as socket:
        for _ in range(doorstep.MESSAGES):
            await socket.send(CONNECTED)
        assert await closing(socket, within=2) == 1008


# --- A caller who is not heard -------------------------------------------------------------------


async def test_a_carrier_that_pauses_is_heard_as_silence(salon, settings, lane, monkeypatch):
    """The agent's own rules would end a conversation in which it hears nothing."""
    monkeypatch.setattr(bridge, "ROUND_SECONDS", 0.1)
    heard: list[bytes] = []

    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        async for text in socket:
            heard.append(b64decode(json.loads(text)["user_audio_chunk"]))

    async with line(settings, agent) as caller:
        await caller.recv()
        await caller.send(media(7))
        await asyncio.sleep(1.5)
        await caller.send(media(8))
        await caller.send('{"event":"stop","stop":{}}')
        assert await closing(caller) == 1000
    kinds = ["silence" if set(chunk) == {0xFF} else "voice" for chunk in heard]
    assert kinds[0] == "voice"
    assert kinds[-1] == "voice"
    assert kinds.count("silence") >= 5
    assert kinds.count("voice") == 2


async def test_an_agent_that_drops_whom_it_does_not_hear_keeps_a_caller_who_is_muted(exchange):
    """The vendor allows a minute; this one, three seconds."""
    from agents.simulators.elevenlabs import Behaviour

    exchange.vendor.behaviour = Behaviour(input_timeout_s=3.0)
    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        await asyncio.sleep(6)
        session = exchange.vendor.sessions[0]
        assert not session.ended.is_set()
        assert session.violations == []


@pytest.mark.parametrize(("spoken", "size"), [(MULAW_8K, 4000), (PCM16_16K, 16000)])
def test_silence_is_silent_in_every_format(spoken, size):
    assert len(spoken.silence(0.5)) == size
    assert set(spoken.silence(0.5)) == ({0xFF} if spoken is MULAW_8K else {0})


# --- The agent's side ----------------------------------------------------------------------------


async def test_a_message_of_the_agent_over_sixteen_megabytes_is_refused_with_1009(salon, settings, lane):
    closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        with suppress(ConnectionClosed):
            await socket.send("x" * (16 * 1024 * 1024 + 1))
            await socket.recv()
            await socket.recv()
        await socket.wait_closed()
        closed.set_result(socket.close_code)

    async with line(settings, agent) as caller:
        await closing(caller)
        assert await asyncio.wait_for(closed, 5) == 1009
    await outcome(salon, "agent_lost")


async def test_an_agent_that_asks_and_never_reads_is_given_up_and_its_questions_are_not_kept(
    salon,
    settings,
    lane,
    monkeypatch,
):
    """Each question is answered, and nobody takes the answers."""
    monkeypatch.setattr(on_the_line, "HANG_SECONDS", 1.0)
    question = json.dumps(
        {
            "type": "client_tool_call",
            "client_tool_call": {
                "tool_name": "no_such_tool",
                "tool_call_id": "t",
                "parameters": {"x": "y" * 9000},
            },
        }
    )
    asked = 0

    async def agent(socket: ServerConnection) -> None:
        nonlocal asked
        await socket.send(speech(1))
        socket.transport.pause_reading()
        with suppress(ConnectionClosed):
            while True:
                await socket.send(question)
                asked += 1
                if asked % 50 == 0:
                    tools = [task for task in asyncio.all_tasks() if task.get_name() == "tool"]
                    assert len(tools) <= tools_at_work.MAX_TOOLS_AT_ONCE

    async with line(settings, agent) as caller:
        await asyncio.wait_for(closing(caller, within=30), 30)
    await outcome(salon, "agent_silent")


async def test_an_agent_that_pings_and_never_reads_is_dropped(salon, settings, lane):
    """Pongs are written whether anybody reads them or not."""

    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        socket.transport.pause_reading()
        ping = b"\x89\x7d" + b"p" * 125
        for _ in range(40):
            socket.transport.write(ping * (MAX_UNSENT_BYTES // 125 // 4))
            await asyncio.sleep(0.05)
            if socket.transport.is_closing():
                return
        await asyncio.sleep(5)

    async with line(settings, agent) as caller:
        await closing(caller, within=15)
    await outcome(salon, "agent_lost")


# --- Talking over the agent ----------------------------------------------------------------------


async def test_the_clear_leaves_within_five_milliseconds_of_the_interruption(salon, settings, lane):
    """Measured by the same clock on both sides; half of them, since others use this machine too."""
    said_at: list[float] = []
    next_one = asyncio.Event()

    async def agent(socket: ServerConnection) -> None:
        for number in range(40):
            for _ in range(5):
                await socket.send(speech(number, event_id=2 * number, size=8000))
            await asyncio.sleep(0.01)
            said_at.append(time.monotonic())
            await socket.send(interruption(2 * number + 1))
            await next_one.wait()
            next_one.clear()

    took: list[float] = []
    async with line(settings, agent) as caller:
        while len(took) < 40:
            message: dict[str, Any] = json.loads(await asyncio.wait_for(caller.recv(), 5))
            if message["event"] == "clear":
                took.append(time.monotonic() - said_at[-1])
                next_one.set()
    assert median(took) <= 0.005, took


# --- Going away ----------------------------------------------------------------------------------


@pytest.fixture
def lost(monkeypatch):
    """Set when a connection of these is gone for good, whichever side wanted it."""

    def watch(kind: type) -> asyncio.Event:
        gone, connection_lost = asyncio.Event(), kind.connection_lost  # type: ignore[attr-defined]

        def noted(self: Any, error: Exception | None) -> None:
            connection_lost(self, error)
            gone.set()

        monkeypatch.setattr(kind, "connection_lost", noted)
        return gone

    return watch


async def test_a_carrier_that_never_reads_is_let_go_in_the_end(salon, settings, lane, lost):
    """Its last bytes would wait for it for ever, and with them the connection."""
    gone = lost(GuardedProtocol)

    async def agent(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(2):
                for number in range(1_000_000):
                    await socket.send(speech(number, size=8000))
        socket.transport.abort()

    async with line(settings, agent) as caller:
        await caller.recv()
        caller.transport.pause_reading()
        await asyncio.wait_for(gone.wait(), 25)
        caller.transport.abort()


async def test_an_agent_that_does_not_answer_the_close_is_dropped(salon, settings, lane, lost):
    gone = lost(GuardedConnection)
    over = asyncio.Event()

    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        socket.transport.pause_reading()
        await over.wait()
        socket.transport.abort()

    async with line(settings, agent) as caller:
        await caller.recv()
        await caller.send('{"event":"stop","stop":{}}')
        assert await closing(caller) == 1000
        await asyncio.wait_for(gone.wait(), 3)
        over.set()


# --- What is kept ---------------------------------------------------------------------------------


async def test_a_full_journal_still_takes_the_ending_and_of_each_turn_so_much(salon):
    started = StreamStarted("MZ1", "CA1", {"token": await ring()})
    journal = Journal(await calls.claim_stream(started))
    journal.agent_said("bla " * 10_000)
    for _ in range(MAX_WAITING + 50):
        journal.happened("noise")
    await journal.finish("agent_ended", first_audio_ms=1)
    await outcome(salon, "agent_ended")
    [text] = await in_tenant(salon.pk, lambda: list(Turn.objects.values_list("text", flat=True)))
    assert len(text) == MAX_TEXT


@pytest.mark.parametrize(("size", "kept"), [(1000, True), (MAX_WORDS, False)])
def test_words_without_end_are_not_kept(size, kept):
    said = {"type": "agent_response", "agent_response_event": {"agent_response": "x" * size}}
    assert (Decoder().decode(json.dumps(said)) is not None) == kept


DEPTHS = (100, 400, 600, 900, 2000)
"""Some are too deep for whoever reads JSON, and others only for whoever walks over what was read."""


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("kind", ["agent_response", "nobody_knows", "agent_tool_response"])
def test_a_message_nested_too_deeply_is_unreadable_and_no_more(depth, kind):
    nested = '{"type":"' + kind + '","a":' + "[" * depth + "]" * depth + "}"
    for read in (Decoder().decode, openai_realtime.decode):
        with pytest.raises(ValueError, match="nested"):
            read(nested)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_tool_call_nested_too_deeply_is_answered(depth):
    head = (
        '{"type":"client_tool_call","client_tool_call":{"tool_name":"find","tool_call_id":"1","parameters":'
    )
    call = Decoder().decode(head + '{"a":' * depth + "1" + "}" * depth + "}}")
    assert call == ToolCall("1", "find (its parameters are too much to read)", {})


@pytest.mark.parametrize("encoded", [str, str.encode])
@pytest.mark.parametrize("id_first", [True, False])
def test_a_tool_call_that_is_too_long_to_be_read_is_answered(salon, encoded, id_first):
    notes = {"parameters": {"notes": '"tool_call_id": "2" ' * MAX_WORDS}}
    named = {"tool_name": "book_appointment", "tool_call_id": "1"}
    asked = named | notes if id_first else notes | named
    call = Decoder().decode(encoded(json.dumps({"type": "client_tool_call", "client_tool_call": asked})))
    assert call == ToolCall("1", "book_appointment (its parameters are too much to read)", {})
    answer = registry.run(salon.pk, None, call.tool, call.arguments).envelope
    assert (answer["code"], answer["message"]) == ("UNKNOWN_TOOL", "I'm sorry, I can't do that.")
