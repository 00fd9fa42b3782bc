"""One suite, run against every carrier: what a call may rely on, whoever carries it."""

import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agents.live_calls import Act
from agents.simulators.audio import Format
from agents.simulators.elevenlabs import Behaviour, Close
from telephony import calls
from telephony.carriers.registry import CARRIERS
from telephony.dialplan import find_destination, route
from telephony.incoming import IncomingCall
from telephony.line import Line
from telephony.models import Call
from telephony.simulators.twilio import FarEnd, Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.exchange import CALLER, Exchange
from tests.telephony.far_ends import SIDES, Side

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=list(CARRIERS))
def side(request, settings) -> Side:
    """Of each that the registry has: a new one needs a `Side`."""
    assert request.param in SIDES, "far_ends.py does not know how this carrier is simulated and heard"
    return SIDES[request.param]()


def the_call(call_id: str) -> Call:
    with platform_scope():
        return Call.objects.select_related("conversation", "tenant").get(carrier_call_id=call_id)


async def settings_are(tenant: Tenant, **wanted) -> None:
    def change() -> None:
        row = Tenant.objects.get()
        row.settings = {"elevenLabsAgentId": "agent_demo_salon", **wanted}
        row.save()

    await in_tenant(tenant.pk, change)


async def closing(socket: ClientConnection, within: float = 6) -> int | None:
    """The code with which the server closes."""
    async with asyncio.timeout(within):
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code


# --- A call --------------------------------------------------------------------------------------


async def test_audio_passes_both_ways_bit_for_bit(salon, side):
    script = Script.saying("One two three four five six seven", patience_ms=200, hang_up_after_s=5.0)
    async with side.open(salon, behaviour=Behaviour(echo="exact")) as exchange:
        call = await exchange.call(script)
        await exchange.settled(call)
        session = exchange.vendor.sessions[0]
    spoken = script.lines[0].in_format(side.audio_format)
    assert spoken in bytes(session.received_audio)
    assert spoken in side.heard(call)
    assert call.warnings == []


GOODBYE = json.dumps(
    {
        "type": "agent_tool_response",
        "agent_tool_response": {"tool_name": "end_call", "tool_call_id": "t1", "is_error": False},
    }
)


async def test_what_the_agent_says_arrives_whole_before_the_line_is_closed(salon, side):
    async with side.open(
        salon, behaviour=Behaviour(frames=(GOODBYE,), close=Close(1000, at="greeting", after_s=0.1))
    ) as exchange:
        call = await exchange.call(Script(hang_up_after_s=8.0))
        await exchange.settled(call)
        session = exchange.vendor.sessions[0]
    assert bytes(session.sent_audio)[-4000:] in side.heard(call)
    assert call.ended_by == "server"
    record = await in_thread(the_call, call.sid)
    assert (record.outcome, record.state) == ("agent_ended", Call.State.COMPLETED)


async def test_an_interruption_silences_the_agent(salon, side):
    script = Script.saying("Wait please", interrupt_after_ms=400, hang_up_after_s=5.0)
    async with side.open(salon) as exchange:
        call = await exchange.call(script)
        await exchange.settled(call)
    assert side.clears(call) >= 1


async def test_keys_reach_the_agent(salon, side):
    async with side.open(salon) as exchange:
        call = await exchange.call(Script(digits="5#", hang_up_after_s=5.0))
        await exchange.settled(call)
        told = [one.get("text", "") for one in exchange.vendor.sessions[0].messages]
    assert call.digits == "5#"
    assert [key for key in "5#" if any(f"pressed {key}" in text for text in told)] == ["5", "#"]


async def test_the_caller_who_hangs_up_ends_the_agents_session(salon, side):
    async with side.open(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
        session = exchange.vendor.sessions[0]
        await asyncio.wait_for(session.ended.wait(), 3)
    assert session.close_code == 1000
    record = await in_thread(the_call, call.sid)
    assert (record.outcome, record.state) == ("caller_hung_up", Call.State.COMPLETED)
    assert record.carrier == side.carrier


async def test_a_tool_puts_the_caller_through_without_another_word(salon, side):
    async with side.open(salon, far_end=FarEnd(talks_s=0.5)) as exchange:
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=20.0))
        await asyncio.wait_for(call.agent_spoke.wait(), 10)
        conversation_id = (await in_thread(the_call, call.sid)).conversation_id
        assert conversation_id
        await in_thread(Line().perform, conversation_id, Act.TRANSFER)
        await asyncio.wait_for(call.over.wait(), 20)
        await exchange.settled(call)
    assert [segment.text for segment in call.timeline.all_of("dial")] == ["+15550001111"]
    assert call.timeline.says == []
    assert (await in_thread(the_call, call.sid)).outcome == "transferred"
    assert call.ended_by != "caller"


async def test_a_tool_hangs_up(salon, side):
    async with side.open(salon) as exchange:
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=20.0))
        await asyncio.wait_for(call.agent_spoke.wait(), 10)
        conversation_id = (await in_thread(the_call, call.sid)).conversation_id
        assert conversation_id
        await in_thread(Line().perform, conversation_id, Act.HANG_UP)
        await asyncio.wait_for(call.over.wait(), 15)
        await exchange.settled(call)
    assert call.ended_by == "server"
    assert (await in_thread(the_call, call.sid)).outcome == "agent_ended"


# --- Who is let in -------------------------------------------------------------------------------


async def ring(side: Side, exchange: Exchange, call_id: str = "call-1") -> str:
    """A call that waits for its stream; its token."""

    def open_call() -> str:
        destination = find_destination(exchange.number)
        incoming = IncomingCall(call_id, "", CALLER, exchange.number, carrier=side.carrier)
        token = calls.open_call(incoming, route(destination))
        assert token
        return token

    return await in_thread(open_call)


async def test_a_token_opens_its_call_once(salon, side):
    async with side.open(salon) as exchange:
        token, url = await ring(side, exchange), side.socket(exchange, salon)
        async with connect(url, proxy=None, compression=None) as socket:
            await socket.send(side.first_message("call-1", token))
            async with asyncio.timeout(5):
                await socket.recv()
            async with connect(url, proxy=None, compression=None) as second:
                await second.send(side.first_message("call-1", token))
                assert await closing(second) == 1008
        assert len(exchange.vendor.sessions) == 1


@pytest.mark.parametrize(
    ("call_id", "token"), [("call-1", None), ("call-1", ""), ("call-1", "guessed"), ("call-2", "right")]
)
async def test_without_its_token_nothing_is_dialled(salon, side, call_id, token):
    async with side.open(salon) as exchange:
        right = await ring(side, exchange)
        async with connect(side.socket(exchange, salon), proxy=None, compression=None) as socket:
            await socket.send(side.first_message(call_id, right if token == "right" else token))
            assert await closing(socket) == 1008
        assert exchange.vendor.signed_url_requests == []


async def test_a_token_that_is_too_old_opens_nothing(salon, side, settings):
    settings.STREAM_TOKEN_SECONDS = -1
    async with side.open(salon) as exchange:
        token = await ring(side, exchange)
        async with connect(side.socket(exchange, salon), proxy=None, compression=None) as socket:
            await socket.send(side.first_message("call-1", token))
            assert await closing(socket) == 1008


async def test_audio_before_the_first_word_is_not_waited_with_for_ever(salon, side, settings):
    settings.STREAM_START_SECONDS = 1
    async with side.open(salon) as exchange:
        async with connect(side.socket(exchange, salon), proxy=None, compression=None) as socket:
            for _ in range(5):
                await socket.send(side.audio_message(side.audio_format.silence(20)))
            assert await closing(socket) == 1008


async def test_another_carriers_token_opens_nothing(salon, side):
    async with side.open(salon) as exchange:
        other = next(one() for carrier, one in SIDES.items() if carrier != side.carrier)
        token = await ring(other, exchange)
        async with connect(side.socket(exchange, salon), proxy=None, compression=None) as socket:
            await socket.send(side.first_message("call-1", token))
            assert await closing(socket) == 1008


async def test_a_repeated_webhook_opens_no_second_session(salon, side):
    async with side.open(salon) as exchange:
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=3.0))
        await asyncio.wait_for(call.agent_spoke.wait(), 10)
        assert await side.announce(exchange, call.sid) == 200
        await asyncio.wait_for(call.over.wait(), 10)
        await exchange.settled(call)
        assert len(exchange.vendor.sessions) == 1
    assert (await in_thread(the_call, call.sid)).outcome == "caller_hung_up"


async def test_paths_that_are_nearly_ours_are_refused_before_the_upgrade(salon, side):
    async with side.open(salon) as exchange:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(side.socket(exchange, salon) + "x", proxy=None, compression=None):
                pass
    assert refused.value.response.status_code == 403


# --- The ladder ----------------------------------------------------------------------------------

REFUSES = Behaviour(signed_url_status=403)


async def test_an_agent_that_fails_leaves_the_caller_to_a_person(salon, side):
    async with side.open(salon, behaviour=REFUSES) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
    (said,) = call.timeline.says
    assert "I'm connecting you" in said
    assert [segment.text for segment in call.timeline.all_of("dial")] == ["+15550001111"]
    assert call.ended_by != "caller"
    assert call.warnings == []


@pytest.mark.parametrize("outcome", ["busy", "no-answer"])
async def test_when_nobody_comes_the_caller_leaves_a_message(salon, side, outcome):
    async with side.open(salon, behaviour=REFUSES, far_end=FarEnd(outcome)) as exchange:
        call = await exchange.call(Script(answers=("",), hang_up_after_s=20.0))
        record = await in_thread(the_call, call.sid)
    kinds = await in_tenant(salon.pk, lambda: {event.kind for event in record.events.all()})
    assert call.timeline.all_of("record")
    assert "voicemail" in kinds
    assert "leave a message" in " ".join(call.timeline.says).lower()


async def test_without_a_person_there_is_voicemail(salon, side):
    await settings_are(salon, voicemail=True)
    async with side.open(salon, behaviour=REFUSES) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
    assert call.timeline.all_of("record")
    assert not call.timeline.all_of("dial")


async def test_without_anybody_the_caller_hears_the_apology(salon, side):
    await settings_are(salon)
    async with side.open(salon, behaviour=REFUSES) as exchange:
        call = await exchange.call(Script())
    assert call.timeline.says == ["We encountered an error. Please try again later."]
    assert call.ended_by != "caller"


async def test_an_agent_that_is_lost_in_the_middle_is_no_end_of_the_call(salon, side):
    lost = Behaviour(close=Close(1011, at="greeting", after_s=0.2))
    async with side.open(salon, behaviour=lost) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
        await exchange.settled(call)
    assert (await in_thread(the_call, call.sid)).outcome == "agent_lost"
    assert call.timeline.all_of("dial")


async def test_a_business_without_an_agent_says_so_and_goes_on(salon, side, settings):
    await settings_are(salon, elevenLabsAgentId="", transferNumber="+15550001111")
    async with side.open(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=20.0))
    assert call.timeline.says[0] == "Our AI assistant is not properly configured."
    assert call.timeline.all_of("dial")


async def test_one_line_too_many_is_told_so(salon, side):
    await settings_are(salon, maxConcurrentCalls=1)
    async with side.open(salon) as exchange:
        first = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=4.0))
        await asyncio.wait_for(first.agent_spoke.wait(), 10)
        second = await exchange.call(Script(hang_up_after_s=10.0))
        await asyncio.wait_for(first.over.wait(), 10)
        await exchange.settled(first)
    assert (await in_thread(the_call, second.sid)).outcome == "lines_busy"
    assert "busy" in " ".join(second.timeline.says)


def test_formats_of_sides_are_the_carriers(side):
    spoken = CARRIERS[side.carrier].wire_format("elevenlabs")
    expected = Format("ulaw" if spoken.encoding == "mulaw" else "pcm", spoken.rate_hz)
    assert side.audio_format == expected
