"""Calls on the fast lane and off it, on real sockets: the same is heard, in the same order, within the same bounds."""

import asyncio
import json
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from agents.fast_lane import Take
from agents.fast_lane.client import Out
from agents.fast_lane.pump.library import loaded
from agents.fast_lane.pump.words import Heard
from telephony.bridge import Bridge
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.errors import BadFrame
from telephony.fast_lane import LaneProtocol
from telephony.feel.ears import AgentEar, CallerEar
from telephony.frames import CallerAudio
from tests.exchange import serving
from tests.telephony.test_media_socket import closing, ring, start
from tests.telephony.test_twilio_codec import START
from tests.tls import presenting, trusted

METADATA = json.dumps(
    {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {
            "conversation_id": "conv_1",
            "agent_output_audio_format": "ulaw_8000",
            "user_input_audio_format": "ulaw_8000",
        },
    }
)


def speech(number: int, event_id: int = 1, size: int = 160) -> str:
    payload = b64encode(number.to_bytes(4, "big") * (size // 4)).decode()
    return f'{{"type":"audio","audio_event":{{"audio_base_64":"{payload}","event_id":{event_id}}}}}'


def interruption(event_id: int) -> str:
    return json.dumps({"type": "interruption", "interruption_event": {"event_id": event_id}})


def media(number: int, size: int = 160) -> str:
    payload = b64encode(number.to_bytes(4, "big") * (size // 4)).decode()
    inner = f'{{"track":"inbound","chunk":"1","timestamp":"20","payload":"{payload}"}}'
    return f'{{"event":"media","sequenceNumber":"{number}","media":{inner},"streamSid":"MZ1"}}'


@asynccontextmanager
async def line(
    settings: Any, agent: Callable[[ServerConnection], Awaitable[None]]
) -> AsyncIterator[ClientConnection]:
    """A call that has proved itself, to an agent of the test's own making."""

    def answer(connection: ServerConnection, request: Any) -> Any:
        if "get-signed-url" in request.path:
            return connection.respond(
                200, json.dumps({"signed_url": settings.ELEVENLABS_BASE_URL + "/agent"})
            )
        return None

    async def greeted(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(METADATA)
        await agent(socket)

    context = getattr(settings, "AGENTS_CERTIFICATE", None)
    async with serve(
        greeted, "127.0.0.1", 0, compression=None, process_request=answer, ssl=context, close_timeout=1
    ) as vendor:
        scheme, port = "wss" if context else "ws", vendor.sockets[0].getsockname()[1]
        settings.ELEVENLABS_BASE_URL = f"{scheme}://127.0.0.1:{port}"
        async with serving() as base_url:
            settings.APP_BASE_URL = settings.MEDIA_BASE_URL = base_url
            url = base_url.replace("http", "ws") + "/media-stream"
            async with connect(url, proxy=None, compression=None, max_size=None, close_timeout=1) as caller:
                await caller.send(start(await ring()))
                yield caller


@pytest.fixture(params=["pump", "pump, TLS", "fast lane", "fast lane, TLS", "ordinary"])
def lane(request, settings, monkeypatch, tmp_path):
    """Whether there is one; what was sent on it."""
    name, _, tls = request.param.partition(", ")
    settings.MEDIA_FAST_LANE = name != "ordinary"
    settings.MEDIA_PUMP = name == "pump"
    with trusted(tmp_path, monkeypatch) as authority:
        settings.AGENTS_CERTIFICATE = presenting(authority) if tls else None
        yield from counted(name, monkeypatch)


def counted(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    used = {"up": 0, "down": 0, "pumped up": 0, "pumped down": 0}

    def counting(send: Take, way: str) -> Take:
        def count(message: bytes) -> bool:
            sent = send(message)
            used[way] += sent
            return sent

        return count

    def counted_by(ear: type[CallerEar] | type[AgentEar], way: str) -> None:
        gather: Callable[[Any, Heard], None] = ear.gather

        def gathered(self: Any, heard: Heard) -> None:
            used[f"pumped {way}"] += heard.frames
            used[way] += heard.frames
            gather(self, heard)

        monkeypatch.setattr(ear, "gather", gathered)

    counted_by(CallerEar, "up")
    counted_by(AgentEar, "down")
    send, send_now = Out.send, LaneProtocol.send_now
    monkeypatch.setattr(Out, "send", lambda self, one: counting(partial(send, self), "up")(one))
    monkeypatch.setattr(
        LaneProtocol, "send_now", lambda self, one: counting(partial(send_now, self), "down")(one)
    )
    yield used
    assert any(used.values()) <= (name != "ordinary")
    assert bool(used["pumped up"] or used["pumped down"]) <= (name == "pump")


def number_of(payload: str) -> int:
    return int.from_bytes(b64decode(payload)[:4], "big")


def numbers(messages: list[dict[str, Any]]) -> list[int | str]:
    """What a caller got: the number in each piece of audio, and the names of all else."""
    return [
        number_of(message["media"]["payload"]) if message["event"] == "media" else message["event"]
        for message in messages
    ]


@pytest.mark.django_db(transaction=True)
async def test_both_sides_hear_everything_in_order(salon, settings, lane):
    heard: list[dict[str, Any]] = []

    async def agent(socket: ServerConnection) -> None:
        for number in range(50):
            await socket.send(speech(number))
            if number % 10 == 5:
                await socket.send(
                    '{"type":"agent_response","agent_response_event":{"agent_response":"Well."}}'
                )
                await socket.send([speech(1000 + number)[:30], speech(1000 + number)[30:]])
                await socket.ping()
                await socket.send(f'{{"type":"ping","ping_event":{{"event_id":{number},"ping_ms":50}}}}')
            await asyncio.sleep(0.002)
        async for text in socket:
            heard.append(json.loads(text))

    async with line(settings, agent) as caller:
        got = [json.loads(await caller.recv())]
        for number in range(50):
            await caller.send(media(number))
            if number % 10 == 5:
                await caller.ping()
                await caller.send('{"event":"dtmf","dtmf":{"digit":"5"}}')
                await caller.send([media(1000 + number)[:30], media(1000 + number)[30:]])
            await asyncio.sleep(0.002)
        while len(got) < 55:
            got.append(json.loads(await asyncio.wait_for(caller.recv(), 5)))
        await caller.send('{"event":"stop","stop":{}}')
        assert await closing(caller) == 1000
    spoken = [n for number in range(50) for n in ([number, 1000 + number] if number % 10 == 5 else [number])]
    assert numbers(got) == spoken
    audio = [message for message in heard if "user_audio_chunk" in message]
    pressed = [
        n for number in range(50) for n in ([number, "5", 1000 + number] if number % 10 == 5 else [number])
    ]
    told = [message for message in heard if message.get("type") != "pong"]
    assert [
        "5"
        if "text" in message
        else numbers([{"event": "media", "media": {"payload": message["user_audio_chunk"]}}])[0]
        for message in told
    ] == pressed
    assert [message["event_id"] for message in heard if message.get("type") == "pong"] == [5, 15, 25, 35, 45]
    assert len(audio) == 55
    if lane["down"]:
        assert lane["up"] > 25
        assert lane["down"] > 25
    carried = settings.MEDIA_PUMP and loaded() is not None
    assert bool(lane["pumped up"]) == carried
    assert bool(lane["pumped down"]) == (carried and settings.AGENTS_CERTIFICATE is None)  # who encrypts


@pytest.mark.django_db(transaction=True)
async def test_after_an_interruption_nothing_older_reaches_the_caller(salon, settings, lane):
    asked, over = asyncio.Event(), asyncio.Event()

    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1, event_id=1))
        await asked.wait()
        for message in (
            speech(2, event_id=3),
            interruption(5),
            speech(3, event_id=4),
            speech(4, event_id=5),
            speech(5, event_id=6),
        ):
            await socket.send(message)
        await asyncio.sleep(0.1)
        await socket.send(speech(6, event_id=4))
        await socket.send(speech(7, event_id=7))
        await over.wait()

    async with line(settings, agent) as caller:
        got = [json.loads(await caller.recv())]
        await asyncio.sleep(0.1)
        asked.set()
        while numbers(got)[-1] != 7:
            got.append(json.loads(await asyncio.wait_for(caller.recv(), 5)))
        assert numbers(got) == [1, 2, "clear", 4, 5, 7]
        over.set()


@pytest.mark.django_db(transaction=True)
async def test_it_is_so_wherever_in_a_conversation_the_interruption_comes(salon, settings, lane):
    """One message at a time: each is dealt with when the next one comes, and audio has its usual way meanwhile."""
    over = asyncio.Event()

    async def agent(socket: ServerConnection) -> None:
        for event_id in (1, 10, 100):
            for number in range(5):
                await said(socket, speech(event_id + number, event_id=event_id))
            await said(socket, interruption(event_id + 5))
            await said(socket, speech(9999, event_id=event_id + 4))
            for number in range(5):
                await said(socket, speech(event_id + number, event_id=event_id + 5))
            await said(socket, speech(9999, event_id=event_id + 4))
            await said(socket, '{"type":"ping","ping_event":{"event_id":1,"ping_ms":50}}')
            await said(socket, speech(9999, event_id=event_id + 4))
            await said(socket, speech(event_id, event_id=event_id + 5))
        await over.wait()

    async def said(socket: ServerConnection, message: str) -> None:
        await socket.send(message)
        await asyncio.sleep(0.004)

    async with line(settings, agent) as caller:
        got: list[dict[str, Any]] = []
        while len(got) < 36:
            got.append(json.loads(await asyncio.wait_for(caller.recv(), 5)))
        pieces = [[event_id + number for number in range(5)] for event_id in (1, 10, 100)]
        assert numbers(got) == [one for each in pieces for one in [*each, "clear", *each, each[0]]]
        over.set()
    if lane["pumped down"]:
        assert lane["pumped down"] > 12


@pytest.mark.django_db(transaction=True)
async def test_an_agent_that_speaks_has_not_gone_silent_and_one_that_stops_has(
    salon, settings, lane, monkeypatch
):
    monkeypatch.setattr("telephony.on_the_line.HANG_SECONDS", 0.6)
    stopped_at = 0.0

    async def agent(socket: ServerConnection) -> None:
        nonlocal stopped_at
        for number in range(40):
            await socket.send(speech(number))
            await asyncio.sleep(0.04)
        stopped_at = time.monotonic()
        await socket.wait_closed()

    async with line(settings, agent) as caller:
        got: list[dict[str, Any]] = []
        with suppress(ConnectionClosed):
            while True:
                got.append(json.loads(await asyncio.wait_for(caller.recv(), 5)))
        assert numbers(got) == list(range(40))
        assert time.monotonic() - stopped_at > 0.5


@pytest.mark.django_db(transaction=True)
async def test_pings_alone_are_signs_of_life_and_each_is_answered_once(salon, settings, lane, monkeypatch):
    monkeypatch.setattr("telephony.on_the_line.HANG_SECONDS", 0.5)
    pongs: list[int] = []

    async def agent(socket: ServerConnection) -> None:
        for number in range(5):
            await socket.send(speech(number))
            await asyncio.sleep(0.01)
        for event_id in range(10, 60):
            await socket.send(f'{{"type":"ping","ping_event":{{"event_id":{event_id},"ping_ms":50}}}}')
            await asyncio.sleep(0.02)
        await socket.send(speech(99))
        async for text in socket:
            if '"pong"' in str(text):
                pongs.append(json.loads(text)["event_id"])

    async def speaks(caller: ClientConnection) -> None:
        for number in range(100):
            await caller.send(media(number))
            await asyncio.sleep(0.02)

    async with line(settings, agent) as caller:
        speaking = asyncio.create_task(speaks(caller))
        got = [json.loads(await asyncio.wait_for(caller.recv(), 5)) for _ in range(6)]
        assert numbers(got) == [0, 1, 2, 3, 4, 99]
        async with asyncio.timeout(5):
            while len(pongs) < 50:
                await asyncio.sleep(0.01)
        speaking.cancel()
        assert pongs == list(range(10, 60))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [8000, 1600])
async def test_a_caller_who_never_reads_holds_the_agent_back(salon, settings, lane, size):
    pushed, enough = 0, asyncio.Event()

    async def agent(socket: ServerConnection) -> None:
        nonlocal pushed
        while not enough.is_set():
            await socket.send(speech(pushed, size=size))
            pushed += 1
        await socket.wait_closed()

    async with line(settings, agent) as caller:
        assert numbers([json.loads(await caller.recv())]) == [0]
        caller.transport.pause_reading()
        before = -1
        async with asyncio.timeout(20):
            while pushed != before:
                before = pushed
                await asyncio.sleep(0.5)
        # What two loopback sockets hold is the kernel's; ours is a few buffers.
        assert pushed * len(speech(1, size=size)) < 40 * 1024 * 1024
        enough.set()
        caller.transport.resume_reading()
        got: list[dict[str, Any]] = []
        while len(got) < pushed - 1:
            got.append(json.loads(await asyncio.wait_for(caller.recv(), 5)))
        assert numbers(got) == list(range(1, pushed))


@pytest.mark.django_db(transaction=True)
async def test_an_agent_that_never_reads_costs_the_caller_old_audio_and_us_no_memory(
    salon, settings, lane, monkeypatch
):
    monkeypatch.setattr("telephony.rounds.FLOOD_FRAMES", 1_000_000)
    bridges: list[Any] = []

    class Remembered(Bridge):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            bridges.append(self)

    monkeypatch.setattr("telephony.consumers.Bridge", Remembered)
    over = asyncio.Event()

    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        socket.transport.pause_reading()
        await over.wait()

    async with line(settings, agent) as caller:
        await caller.recv()
        for number in range(1500):
            await caller.send(media(number, size=32_000))
        async with asyncio.timeout(10):
            await (await caller.ping())
        [bridge] = bridges
        waiting = bridge._from_caller._frames
        assert 0 < sum(len(frame.audio) for frame in waiting) <= 256 * 1024
        assert bridge._agent.session._socket.transport.get_write_buffer_size() < 256 * 1024
        over.set()
        await caller.send('{"event":"stop","stop":{}}')
        assert await closing(caller) == 1000


@pytest.mark.django_db(transaction=True)
async def test_a_message_over_the_limit_closes_the_stream_with_1009(salon, settings, lane):
    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        await socket.wait_closed()

    async with line(settings, agent) as caller:
        await caller.recv()
        await caller.send(media(1))
        await caller.send(media(2, size=48_800))
        await caller.send(media(3, size=49_200))
        assert await closing(caller) == 1009


@pytest.mark.django_db(transaction=True)
async def test_an_agent_may_send_megabytes_at_once(salon, settings, lane):
    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        await socket.send(speech(2, size=4 * 1024 * 1024))
        await socket.send(speech(3))
        await socket.wait_closed()

    async with line(settings, agent) as caller:
        got = [await asyncio.wait_for(caller.recv(), 5)]
        while numbers([json.loads(got[-1])]) != [3]:
            got.append(await asyncio.wait_for(caller.recv(), 5))
    told = [json.loads(one) for one in got]
    assert numbers(told) == [1, *[2] * (len(told) - 2), 3]
    assert sum(len(b64decode(one["media"]["payload"])) for one in told) == 4 * 1024 * 1024 + 2 * 160
    assert max(map(len, got)) <= 64 * 1024  # more than carriers send themselves


@pytest.mark.django_db(transaction=True)
async def test_when_the_agent_breaks_off_the_lane_ends_with_it(salon, settings, lane):
    async def agent(socket: ServerConnection) -> None:
        await socket.send(speech(1))
        await asyncio.sleep(0.1)
        await socket.send(speech(2))
        socket.transport.abort()

    async with line(settings, agent) as caller:
        got = []
        with pytest.raises(ConnectionClosed):
            while True:
                got.append(json.loads(await asyncio.wait_for(caller.recv(), 5)))
        assert numbers(got) == [1, 2]


# --- What is plain -------------------------------------------------------------------------------

payloads = st.binary(max_size=40).map(b64encode).map(bytes.decode) | st.text(max_size=6)
media_messages = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["media", "media", "media", "stop"]),
        "media": st.fixed_dictionaries(
            {},
            optional={
                "track": st.sampled_from(["inbound", "inbound", "outbound"]),
                "chunk": st.integers(0, 9).map(str) | st.integers(),
                "timestamp": st.just("20"),
                "payload": payloads,
            },
        ),
    },
    optional={"sequenceNumber": st.just("3"), "streamSid": st.sampled_from(["MZ7", 'a"b', ""])},
)
orders = [
    ("event", "sequenceNumber", "media", "streamSid"),
    ("event", "sequenceNumber", "streamSid", "media"),
    ("media", "event", "streamSid", "sequenceNumber"),
]


@given(st.lists(st.tuples(media_messages, st.sampled_from(orders), st.booleans()), max_size=4))
def test_plain_audio_is_what_json_reads(messages):
    codec = TwilioCodec()
    for message, order, compact in messages:
        ordered = {key: message[key] for key in order if key in message}
        text = json.dumps(ordered, separators=(",", ":") if compact else None)
        plain = codec.plain_audio(text.encode())
        if plain is None:
            continue
        read = codec.decode(text)
        assert isinstance(read, CallerAudio)
        assert b64encode(read.audio) == plain


@pytest.mark.parametrize("message", [media(7), json.dumps(json.loads(media(7)))])
def test_twilios_usual_audio_is_plain(message):
    assert TwilioCodec().plain_audio(message.encode()) == b64encode(b"\0\0\0\7" * 40)


@pytest.mark.parametrize(
    "message",
    [
        media(7)[:-1],
        media(7) + " ",
        media(7)[:-1] + ',"event":"stop"}',
        media(7).replace('"}', '","payload":""}'),
        media(7).replace("AAAA", "AA\\u0041A", 1),
        media(7).replace("AAAA", "AAA", 1),
        media(7).replace("inbound", "outbound"),
        media(7).replace('"media":{', '"media":{"payload":"AAAA","x":{'),
        '{"event":"media","media":{"payload":"',
        "",
    ],
)
def test_anything_else_is_left_to_json(message):
    codec = TwilioCodec()
    assert codec.plain_audio(media(1).encode())
    assert codec.plain_audio(message.encode()) is None


@pytest.mark.parametrize("audio", [b"\0\1\2", b"\0\1", b"\0"])
def test_a_message_like_the_last_but_for_one_byte_is_what_json_reads(audio):
    codec = TwilioCodec()
    payload = b64encode(audio * 9).decode()
    inner = f'{{"track":"inbound","chunk":"1","timestamp":"20","payload":"{payload}"}}'
    usual = f'{{"event":"media","sequenceNumber":"2","media":{inner},"streamSid":"MZ1"}}'.encode()
    assert codec.plain_audio(usual) == codec.plain_audio(usual) == payload.encode()
    for at in range(len(usual)):
        for byte in b'"\\}=,A7+_ \0\xff':
            message = usual[:at] + bytes([byte]) + usual[at + 1 :]
            plain = codec.plain_audio(message)
            if plain is not None:
                read = codec.decode(message.decode())
                assert isinstance(read, CallerAudio)
                assert b64encode(read.audio) == plain
            codec.plain_audio(usual)  # that is what the next one is compared with


@given(st.binary(max_size=50))
def test_both_ways_of_writing_audio_write_the_same(audio):
    codec = TwilioCodec()
    codec.decode(START)
    assert codec.encode_plain_audio(b64encode(audio)).decode() == codec.encode_audio(audio)


def test_what_is_not_plain_is_judged_by_the_ordinary_codec():
    with pytest.raises(BadFrame):
        TwilioCodec().decode(media(7).replace("AAAA", "AAA", 1))
