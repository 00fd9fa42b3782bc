"""Whatever the agent's side does, the caller hears something, and soon: figures taken at the caller's ear."""

import asyncio
import socket
from typing import Any
from uuid import uuid4

import pytest

from agents.simulators.elevenlabs import AgentProfile, Behaviour, Close
from agents.simulators.elevenlabs.behaviour import FLAT_ERROR, FOREVER
from agents.simulators.scenarios import BOOKING
from agents.simulators.voice import MULAW_8K
from telephony.models import Call
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.simulators.twilio.caller import FRAME_MS
from tenants.models import Tenant
from tenants.scoping import in_tenant
from tests.exchange import CALLER, Exchange, open_exchange
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_SOUND_MS, REFUSED_MS, HANGS_MS = 2000, 3000, 8000
CODES = [1000, 1001, None, 1002, 1008, 1011, 1012, 1013, 3000, 4000]
"""None: no close frame at all, 1006 to whoever is left."""


async def served(exchange: Exchange, script: Script | None = None) -> SimulatedCall:
    """A call until somebody other than the agent speaks to the caller; then the caller hangs up."""
    call = await exchange.carrier.place_call(demo.SALON.number, CALLER, script or Script())
    async with asyncio.timeout(40):
        while not call.timeline.says and not call.over.is_set():
            await asyncio.sleep(0.02)
    call.hang_up()
    await asyncio.wait_for(call.over.wait(), 10)
    await exchange.settled(call)
    return call


def longest_silence_ms(call: SimulatedCall) -> float:
    """As the caller heard it, less what this machine was late with a frame."""
    return call.timeline.longest_ms("silence") - max((stream.late_ms for stream in call.streams), default=0)


def since_answered_ms(call: SimulatedCall, at_ms: int | None) -> float:
    assert at_ms is not None
    assert call.answered_ms is not None
    return at_ms - call.answered_ms - call.streams[0].late_ms


async def was_served(salon: Tenant, call: SimulatedCall, within_ms: float, *outcomes: str) -> None:
    assert call.timeline.says[0].endswith("I'm connecting you with someone."), call.timeline.says
    assert longest_silence_ms(call) <= within_ms, str(call.timeline)
    assert await in_tenant(salon.pk, lambda: Call.objects.get(carrier_call_id=call.sid).outcome) in outcomes


async def test_the_first_sound_comes_within_two_seconds(salon, settings):
    async with open_exchange() as exchange:
        call = await exchange.call(Script(hang_up_after_s=2.5))
        await exchange.settled(call)
    assert since_answered_ms(call, call.first_audio_ms) <= FIRST_SOUND_MS
    assert not call.streams[0].clears  # nobody had to be rung for


async def test_an_agent_that_is_slow_to_reach_is_rung_for_and_then_heard(salon, settings):
    async with open_exchange(behaviour=Behaviour(metadata_delay_s=3.0)) as exchange:
        call = await exchange.call(Script(hang_up_after_s=5.0))
        await exchange.settled(call)
    ringing, greeting = call.timeline.all_of("agent")[:2]
    assert since_answered_ms(call, ringing.start_ms) <= FIRST_SOUND_MS
    assert len(call.streams[0].clears) == 1  # of the ringing, when the agent was there
    assert greeting.start_ms > call.streams[0].clears[0] - FRAME_MS  # both are told to the frame
    assert call.timeline.says == []


@pytest.mark.parametrize(
    "behaviour",
    [
        *(Behaviour(signed_url_status=status) for status in (401, 403, 404, 429, 500, 503)),
        *(Behaviour(handshake_status=status) for status in (401, 403, 404, 429, 500)),
    ],
    ids=lambda one: f"{one.signed_url_status}-{one.handshake_status}",
)
async def test_a_refusal_is_answered_within_three_seconds(salon, settings, behaviour):
    async with open_exchange(behaviour=behaviour) as exchange:
        call = await served(exchange)
    await was_served(salon, call, REFUSED_MS, "agent_refused")


@pytest.fixture
def nobody_listens():
    """An address where connections are refused."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("fault", ["refused", "no such host", "no TLS"])
async def test_no_way_to_the_agent_is_answered_within_three_seconds(salon, settings, nobody_listens, fault):
    async with open_exchange() as exchange:
        settings.ELEVENLABS_BASE_URL = {
            "refused": nobody_listens,
            "no such host": "http://agents.invalid",
            "no TLS": exchange.vendor.base_url.replace("http", "https"),
        }[fault]
        call = await served(exchange)
    await was_served(salon, call, REFUSED_MS, "agent_unreachable")


@pytest.mark.parametrize("point", ["connected", "initiated", "metadata"])
async def test_a_close_before_any_word_is_answered_within_three_seconds(salon, settings, monkeypatch, point):
    async with open_exchange() as exchange:
        for code in CODES:
            monkeypatch.setattr("telephony.breaker.PREFIX", f"test:{uuid4()}")
            exchange.vendor.behaviour = Behaviour(close=Close(code, at=point))
            call = await served(exchange)
            await was_served(salon, call, REFUSED_MS, "agent_refused", "agent_lost")


async def test_a_close_in_mid_sentence_is_answered_within_three_seconds(salon, settings, monkeypatch):
    async with open_exchange() as exchange:
        for code in CODES:
            monkeypatch.setattr("telephony.breaker.PREFIX", f"test:{uuid4()}")
            exchange.vendor.behaviour = Behaviour(close=Close(code, at="greeting", after_s=0.1))
            call = await served(exchange)
            await was_served(salon, call, REFUSED_MS, "agent_lost")


@pytest.mark.parametrize(
    ("point", "code"),
    [("tool", 1000), ("tool", None), ("tool", 1011), ("utterance", None), ("utterance", 1011)],
)
async def test_a_close_when_it_is_the_agents_turn_is_answered_within_three_seconds(
    salon, settings, point, code
):
    script = Script.of(BOOKING)
    own_turn_ms = script.reply_after_ms + MULAW_8K.duration_ms(len(script.lines[0].audio))
    async with open_exchange(behaviour=Behaviour(close=Close(code, at=point))) as exchange:
        call = await served(exchange, script)
    await was_served(salon, call, own_turn_ms + REFUSED_MS, "agent_lost")


@pytest.mark.parametrize("after_s", [0.1, 2.5], ids=["while it greets", "when it has greeted"])
async def test_an_exhausted_quota_that_closes_like_a_good_end_is_noticed(salon, settings, after_s):
    behaviour = Behaviour(frames=(FLAT_ERROR,), close=Close(1000, at="greeting", after_s=after_s))
    async with open_exchange(behaviour=behaviour) as exchange:
        call = await served(exchange)
    await was_served(salon, call, REFUSED_MS, "agent_lost")


async def test_a_good_end_is_no_failure(salon, settings):
    async with open_exchange() as exchange:
        call = await exchange.call(Script.of(BOOKING))
        await exchange.settled(call)
    assert call.timeline.says == []
    assert await in_tenant(salon.pk, lambda: Call.objects.get().outcome) == "agent_ended"


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour(signed_url_delay_s=FOREVER), "agent_unreachable"),
        (Behaviour(handshake_delay_s=FOREVER), "agent_unreachable"),
        (Behaviour(mute=True), "agent_unreachable"),
        (Behaviour(metadata=False), "agent_unreachable"),
        (Behaviour(silent=True), "agent_silent"),
        (Behaviour(silent=True, metadata_delay_s=4.5), "agent_silent"),
        (Behaviour(pings=False), "agent_silent"),  # a word, and then nothing more at all
    ],
    ids=[
        "signed URL",
        "handshake",
        "mute",
        "no metadata",
        "no greeting",
        "late, no greeting",
        "after a while",
    ],
)
async def test_a_hang_is_answered_within_eight_seconds(salon, settings, behaviour, outcome):
    async with open_exchange(behaviour=behaviour) as exchange:
        call = await served(exchange)
    await was_served(salon, call, HANGS_MS, outcome)


# --- The ladder ----------------------------------------------------------------------------------


class Once:
    """A behaviour that is at fault as often as it has values for it, and then no more."""

    def __init__(self, **values: list[Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        values = self._values.get(name)
        return values.pop() if values else getattr(Behaviour(), name)


@pytest.fixture
def no_head_start(monkeypatch):
    """So that what is asked for is asked for by whoever carries the call."""
    monkeypatch.setattr("telephony.head_start.begin", lambda route, token: None)


@pytest.mark.parametrize(
    "fault",
    [
        {"signed_url_status": [503, 503]},  # read twice
        {"handshake_status": [500, 500]},
        {"close": [Close(1011, at="connected")]},
    ],
    ids=["no signed URL", "no handshake", "closed at once"],
)
async def test_a_moments_failure_is_tried_once_more_and_the_caller_hears_the_agent(
    salon, settings, no_head_start, fault
):
    async with open_exchange(behaviour=Once(**fault)) as exchange:
        call = await exchange.call(Script(hang_up_after_s=2.5))
        await exchange.settled(call)
    assert call.agent_spoke.is_set()
    assert call.timeline.says == []
    assert len(exchange.vendor.signed_url_requests) == 2


@pytest.mark.parametrize(
    ("behaviour", "tries"),
    [
        (Behaviour(signed_url_status=503), 2),
        (Behaviour(signed_url_status=401), 1),
        (Behaviour(close=Close(3000, at="connected")), 1),
        (Behaviour(close=Close(1011, at="metadata")), 2),
        (Behaviour(close=Close(1011, at="greeting", after_s=0.3)), 1),
    ],
    ids=["unavailable", "wrong key", "unknown agent", "closed before a word", "closed after one"],
)
async def test_what_cannot_help_is_not_tried_again_and_nothing_more_than_once(
    salon, settings, no_head_start, behaviour, tries
):
    async with open_exchange(behaviour=behaviour) as exchange:
        await served(exchange)
    assert len(exchange.vendor.signed_url_requests) == tries


async def test_an_agent_without_overrides_to_refuse_is_tried_once_more_too(salon, settings, no_head_start):
    await in_tenant(salon.pk, _send_no_overrides)
    async with open_exchange(behaviour=Behaviour(close=Close(1011, at="metadata"))) as exchange:
        await served(exchange)
    assert len(exchange.vendor.signed_url_requests) == 2


def _send_no_overrides() -> None:
    tenant = Tenant.objects.get()
    tenant.settings["sendOverrides"] = "none"
    tenant.save()


async def test_a_second_try_that_hangs_costs_no_more_than_a_hang(salon, settings):
    """The first session refuses the overrides, the second never begins."""
    profile = AgentProfile(allowed_overrides=frozenset())
    async with open_exchange(default_agent=profile) as exchange:
        call = await exchange.carrier.place_call(demo.SALON.number, CALLER, Script())
        await exchange.vendor.session()
        exchange.vendor.behaviour = Behaviour(mute=True)
        async with asyncio.timeout(15):
            while not call.timeline.says:
                await asyncio.sleep(0.02)
        call.hang_up()
        await asyncio.wait_for(call.over.wait(), 10)
        await exchange.settled(call)
    await was_served(salon, call, HANGS_MS, "agent_unreachable", "agent_silent")


# --- Quiet lines ---------------------------------------------------------------------------------


async def test_a_line_on_which_nobody_speaks_ends_politely(salon, settings):
    settings.MAX_SILENT_SECONDS = 2
    async with open_exchange() as exchange:
        call = await exchange.call(Script(give_up_after_s=60))
        await exchange.settled(call)
    assert call.timeline.says == [
        "I can't hear anybody, so I am ending the call. Please call again. Goodbye."
    ]
    assert await in_tenant(salon.pk, lambda: Call.objects.get().outcome) == "silence"
