"""Media sockets as a stranger sees them: without a token they open nothing, and noise ends them properly."""

import asyncio
import json
import logging
from base64 import b64encode

import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from telephony import calls
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.dialplan import find_destination, route
from telephony.incoming import IncomingCall
from telephony.models import Call, CallEvent
from tenants.scoping import in_tenant, in_thread
from tests.exchange import CALLER, Exchange, open_exchange
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[True, False], ids=["fast lane", "ordinary"])
async def exchange(request, salon, settings):
    settings.MEDIA_FAST_LANE = request.param
    async with open_exchange() as opened:
        yield opened


async def ring(sid: str = "CA1") -> str:
    """A call that waits for its stream; its token."""

    def open_call() -> str:
        number = demo.SALON.number
        token = calls.open_call(IncomingCall(sid, "AC1", CALLER, number), route(find_destination(number)))
        assert token
        return token

    return await in_thread(open_call)


def dial(exchange: Exchange, path: str = "/media-stream"):
    return connect(exchange.base_url.replace("http", "ws") + path, proxy=None, compression=None)


def start(token: str | None, sid: str = "CA1", **parameters: str) -> str:
    custom = {**({"token": token} if token is not None else {}), **parameters}
    return json.dumps(
        {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": "MZ1",
            "start": {
                "streamSid": "MZ1",
                "accountSid": "AC1",
                "callSid": sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": custom,
            },
        }
    )


CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'


def media(payload: bytes = b"\xff" * 160) -> str:
    return json.dumps(
        {
            "event": "media",
            "streamSid": "MZ1",
            "media": {
                "track": "inbound",
                "chunk": "1",
                "timestamp": "20",
                "payload": b64encode(payload).decode(),
            },
        }
    )


async def closing(socket: ClientConnection, within: float = 6) -> int | None:
    """The code with which the server closes."""
    async with asyncio.timeout(within):
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code


async def accepted(exchange: Exchange, socket: ClientConnection, sid: str = "CA1") -> None:
    """Prove ourselves, and wait for the agent's first words."""
    await socket.send(CONNECTED)
    await socket.send(start(await ring(sid), sid))
    async with asyncio.timeout(5):
        assert json.loads(await socket.recv())["event"] == "media"


# --- Who is let in -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/media-stream", "/outbound-stream"])
async def test_with_its_token_a_stream_is_bridged(exchange, path):
    async with dial(exchange, path) as socket:
        await accepted(exchange, socket)


@pytest.mark.parametrize(
    "first",
    [
        start(None),
        start(""),
        start("guessed"),
        '{"event":"start","streamSid":"MZ1","start":{"callSid":"CA\u00e9","customParameters":{"token":"\\ud800"}}}',
        '{"event":"start","streamSid":"a\\u0000b","start":{"callSid":"CA1","customParameters":{"token":"a\\u0000"}}}',
        '{"event":"start","start":{}}',
        '{"event":"start"}',
        "not json",
        b"\x00\x01",
        '{"event":"start","start":{"callSid":"CA1","customParameters":[]}}',
    ],
)
async def test_without_a_valid_token_nothing_is_dialled(exchange, first):
    await ring()
    async with dial(exchange) as socket:
        await socket.send(first)
        assert await closing(socket) == 1008
    assert exchange.vendor.signed_url_requests == []


async def test_a_token_of_another_call_or_tenant_is_refused(exchange, salon):
    token = await ring("CA1")
    for first in (start(token, "CA2"), start(token, "CA1", tenant_id="00000000-0000-0000-0000-000000000000")):
        async with dial(exchange) as socket:
            await socket.send(first)
            assert await closing(socket) == 1008
    assert exchange.vendor.signed_url_requests == []


async def test_whoever_says_nothing_is_sent_away_after_three_seconds(exchange):
    async with dial(exchange) as socket:
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            await socket.send(CONNECTED)
        assert await closing(socket) == 1008
        assert 2.5 < asyncio.get_running_loop().time() - began < 5


async def test_of_twenty_sockets_with_one_token_one_is_let_in(exchange):
    token = await ring()

    async def attempt() -> int:
        async with dial(exchange) as socket:
            await socket.send(start(token))
            await asyncio.sleep(1.5)
            if socket.close_code is None:
                await socket.send('{"event":"stop","stop":{}}')
            return await closing(socket) or 0

    codes = await asyncio.gather(*(attempt() for _ in range(20)))
    assert sorted(codes) == [1000] + [1008] * 19
    assert len(exchange.vendor.sessions) == 1


async def test_a_used_token_is_refused(exchange):
    token = await ring()
    async with dial(exchange) as socket:
        await socket.send(start(token))
        await socket.recv()
    async with dial(exchange) as socket:
        await socket.send(start(token))
        assert await closing(socket) == 1008


@pytest.mark.parametrize(
    ("signed", "required", "code"),
    [
        ("right", False, 1000),
        ("slash", True, 1000),
        ("wrong", False, 1008),
        ("Ä", False, 1008),
        ("", False, 1000),
        ("", True, 1008),
    ],
)
async def test_a_handshakes_signature_is_checked_where_there_is_one(
    exchange, settings, signed, required, code
):
    settings.TWILIO_REQUIRE_STREAM_SIGNATURE = required
    url = exchange.base_url.replace("http", "ws") + "/media-stream"
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    known = {
        "right": validator.compute_signature(url, {}),
        "slash": validator.compute_signature(url + "/", {}),
    }
    headers = {"X-Twilio-Signature": known.get(signed, signed)} if signed else {}
    token = await ring()
    async with connect(url, proxy=None, compression=None, additional_headers=headers) as socket:
        await socket.send(start(token))
        if code == 1000:
            await socket.recv()
            await socket.send('{"event":"stop","stop":{}}')
        assert await closing(socket) == code
    assert len(exchange.vendor.sessions) == (code == 1000)


@pytest.mark.parametrize(
    "path", ["/", "/media", "/media-stream/x", "/media-streams", "/admin/", "/ws/../media"]
)
async def test_unknown_paths_are_refused_before_the_upgrade(exchange, path):
    with pytest.raises(InvalidStatus) as refused:
        async with dial(exchange, path):
            pass
    assert refused.value.response.status_code == 403


# --- Noise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise", "code"),
    [
        (b"\x00" * 160, 1003),
        ("{", 1007),
        ("[]", 1007),
        ('"media"', 1007),
        ("[" * 60_000, 1007),
        ('{"event":"media"}', 1007),
        ('{"event":"media","media":{"payload":7}}', 1007),
        ('{"event":"media","media":{"payload":"%%%"}}', 1007),
        ('{"event":"media","media":[]}', 1007),
        (media(b"x" * 70_000), 1009),
    ],
    ids=["binary", "half", "array", "string", "deep", "no media", "number", "no base64", "list", "oversized"],
)
async def test_noise_ends_the_stream_with_the_right_code_and_is_recorded(
    exchange, salon, caplog, noise, code
):
    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        await socket.send(noise)
        assert await closing(socket) == code
    session = exchange.vendor.sessions[0]
    await asyncio.wait_for(session.ended.wait(), 5)
    assert not [record for record in caplog.records if record.exc_info]

    def outcome() -> tuple[str, int]:
        return Call.objects.get().outcome, CallEvent.objects.filter(kind="bad_frame").count()

    async with asyncio.timeout(3):
        while await in_tenant(salon.pk, outcome) != ("bad_frames", 1):
            await asyncio.sleep(0.05)


async def test_events_that_twilio_may_add_are_ignored(exchange):
    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        for event in (
            '{"event":"weather"}',
            "{}",
            '{"event":"mark","mark":{}}',
            '{"event":"dtmf","dtmf":{"digit":"5"}}',
        ):
            await socket.send(event)
        await socket.send(media())
        await socket.send('{"event":"stop","stop":{}}')
        assert await closing(socket) == 1000
    told = [
        message
        for message in exchange.vendor.sessions[0].messages
        if message.get("type") == "contextual_update"
    ]
    assert told[0]["text"] == "The caller pressed 5 on the keypad."


async def test_audio_that_comes_before_the_agent_is_ready_is_not_lost(exchange):
    first_words = bytes(range(1, 161))
    async with dial(exchange) as socket:
        await socket.send(start(await ring()))
        await socket.send(media(first_words))
        async with asyncio.timeout(5):
            await socket.recv()
        await asyncio.sleep(0.2)
    session = exchange.vendor.sessions[0]
    await asyncio.wait_for(session.ended.wait(), 5)
    assert bytes(session.received_audio).startswith(first_words)


async def test_a_carrier_that_vanishes_ends_the_call(exchange, salon):
    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        socket.transport.abort()
    session = await exchange.vendor.session()
    await asyncio.wait_for(session.ended.wait(), 5)
    assert session.close_code == 1000


async def test_a_socket_that_is_read_no_more_is_no_call_that_goes_on(exchange, salon, caplog, monkeypatch):
    """A fault of ours: the carrier is to ask at once what comes next."""

    def fail(codec: TwilioCodec, message: str | bytes) -> None:
        raise KeyError("nobody has thought of it")

    async with dial(exchange) as socket:
        await accepted(exchange, socket)
        monkeypatch.setattr(TwilioCodec, "decode", fail)
        for _ in range(2):  # the first one was waited for with the codec as it was
            await socket.send('{"event":"weather"}')
        assert await closing(socket) == 1000
    assert [record.message for record in caplog.records if record.exc_info] == [
        "A carrier's socket is read no more"
    ]


async def test_an_agent_that_has_answered_is_told_in_the_logs(exchange, salon, caplog):
    with caplog.at_level(logging.INFO, "telephony"):
        token = await ring()
        async with dial(exchange) as socket:
            await socket.send(start(token))
            await socket.recv()
    told = [record.getMessage() for record in caplog.records]
    agent, tenant = "agent_demo_salon", salon.pk
    connected = f"Twilio-ElevenLabs: Connected call CA1 to ElevenLabs agent {agent} for tenant {tenant}"
    assert {connected, "[MediaStream] Connected to ElevenLabs for call CA1"} <= set(told)


async def test_no_secret_and_no_whole_number_is_in_the_logs(exchange, caplog):
    with caplog.at_level(logging.DEBUG, "telephony"), caplog.at_level(logging.DEBUG, "agents"):
        token = await ring()
        async with dial(exchange) as socket:
            await socket.send(start(token))
            await socket.recv()
    text = "\n".join(record.getMessage() for record in caplog.records)
    for secret in (token, CALLER, demo.SALON.number, "xi-tests", "conversation_signature"):
        assert secret not in text
