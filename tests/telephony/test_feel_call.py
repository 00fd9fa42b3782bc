"""Real calls over sockets leave behind how they felt: in their row, on their page, in the metrics."""

import re
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from agents.simulators.elevenlabs import Behaviour, Close
from agents.simulators.scenarios import BOOKING
from telephony.models import Call
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tenants.scoping import in_tenant
from tests.exchange import open_exchange

pytestmark = pytest.mark.django_db(transaction=True)


async def the_feel(tenant: Tenant, sid: str) -> dict[str, Any]:
    return await in_tenant(tenant.pk, lambda: Call.objects.get(carrier_call_id=sid).feel)


def observed(name: str) -> float:
    return REGISTRY.get_sample_value(f"tonris_call_{name}_count") or 0


@pytest.mark.parametrize("lane", [True, False], ids=["fast lane", "ordinary"])
async def test_a_call_tells_how_it_felt(salon, settings, lane):
    settings.MEDIA_FAST_LANE = lane
    calls, answers = observed("talk_over_seconds"), observed("response_gap_seconds")
    script = Script.of(BOOKING)
    async with open_exchange() as exchange:
        call = await exchange.call(script)
        await exchange.settled(call)
    feel = await the_feel(salon, call.sid)
    # The scripted caller waits for the agent to finish, and the agent for the caller: they answer one another.
    assert len(feel["response_gaps_ms"]) == len(script.lines)
    assert min(feel["response_gaps_ms"]) > 300  # the agent waits for 400 ms of silence
    spoken_ms = sum(len(line.audio) for line in script.lines) / 8
    assert feel["caller_speech_ms"] == pytest.approx(spoken_ms, rel=0.1)
    agent_ms = sum((each.end_ms or 0) - each.start_ms for each in call.timeline.all_of("agent"))
    assert feel["agent_speech_ms"] == pytest.approx(agent_ms, rel=0.1)
    assert (feel["talk_over_ms"], feel["false_interruptions"], feel["clipped_ending_ms"]) == (0, 0, 0)
    assert observed("talk_over_seconds") == calls + 1
    assert observed("response_gap_seconds") == answers + len(script.lines)


async def test_a_caller_who_interrupts_is_measured(salon, settings):
    script = Script.saying("Wait please", interrupt_after_ms=400, hang_up_after_s=4.0)
    async with open_exchange() as exchange:
        call = await exchange.call(script)
        await exchange.settled(call)
    feel = await the_feel(salon, call.sid)
    assert len(feel["barge_in_reactions_ms"]) == len(call.streams[0].clears) == 1
    assert feel["talk_over_ms"] == pytest.approx(
        feel["barge_in_reactions_ms"][0], abs=300
    )  # words have pauses
    assert feel["false_interruptions"] == 0


async def test_words_lost_with_the_agent_are_a_clipped_ending(salon, settings):
    async with open_exchange(behaviour=Behaviour(close=Close(1011, at="greeting", after_s=0.2))) as exchange:
        call = await exchange.call(Script(hang_up_after_s=6.0))
        await exchange.settled(call)
    feel = await the_feel(salon, call.sid)
    assert feel["clipped_ending_ms"] > 100


def test_metrics_tell_it_of_all_calls_and_of_no_tenant():
    text = Client().get("/metrics").text
    for name in (
        "greeting_delay_seconds",
        "response_gap_seconds",
        "talk_over_seconds",
        "dead_air_seconds",
        "barge_in_reaction_seconds",
        "false_interruptions",
        "clipped_ending_seconds",
    ):
        assert f"# TYPE tonris_call_{name} histogram" in text
    assert set(re.findall(r"tonris_call_\w+_bucket{(\w+)=", text)) == {"le"}
