"""What is OpenAI's own: its handshake, the formats that it echoes, its hour, its bill."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from agents import admin, conversations
from agents.audio import MULAW_8K, PCM16_16K, PCM16_24K
from agents.errors import AgentLost, AgentRefused
from agents.events import AgentSaid, Reopened, Speech, Spent, ToolCall
from agents.models import Conversation
from agents.providers.openai_realtime import provider
from agents.providers.openai_realtime import session as session_module
from agents.providers.openai_realtime.session import OpenAIRealtimeSession
from agents.session import Closing
from agents.simulators.openai_realtime import Behaviour, Close
from agents.simulators.scenarios import LISTENING, OPENING_HOURS
from agents.tools.registry import TOOLS
from tenants.scoping import tenant_scope
from tests.agents.session_vendors import GREETING, OpenAI
from tests.agents.test_session_contract import Listener
from tests.statements import write_down


@pytest.fixture
def vendor() -> OpenAI:
    return OpenAI()


def semantic(vendor: OpenAI, idle_seconds: float) -> dict[str, Any]:
    """A session whose turn detection has no idle prompts of its own."""
    initiation = vendor.initiation()
    heard = initiation["session"]["audio"]["input"]
    heard["turn_detection"] = {"type": "semantic_vad", "eagerness": "auto", "create_response": True}
    return {**initiation, "idle_seconds": idle_seconds}


async def test_the_handshake_is_that_of_the_vendors_document(vendor):
    async with vendor.serving(scenario=LISTENING), Listener(vendor.session()) as line:
        await line.until(lambda: line.of(AgentSaid))
        headers, query = vendor.record.headers, vendor.record.query
        assert headers["authorization"] == f"Bearer {vendor.simulator.api_key}"
        assert not {"openai-beta", "sec-websocket-protocol", "sec-websocket-extensions"} & set(headers)
        assert query == {"model": "gpt-realtime-2.1"}
        assert vendor.record.types()[:2] == ["session.update", "response.create"]
        assert all(event.get("event_id") for event in vendor.record.events)
        assert GREETING in vendor.record.events[1]["response"]["instructions"]
        assert not vendor.record.audio_before_update


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (MULAW_8K, {"type": "audio/pcmu"}),
        (PCM16_24K, {"type": "audio/pcm", "rate": 24000}),
        (PCM16_16K, {"type": "audio/pcm", "rate": 24000}),
    ],
    ids=str,
)
async def test_the_carriers_format_is_asked_for_where_openai_speaks_it(vendor, wanted, asked):
    async with vendor.serving(scenario=LISTENING), Listener(vendor.session(wanted)) as line:
        told = vendor.record.updates[0]["audio"]
        assert (told["input"]["format"], told["output"]["format"]) == (asked, asked)
        assert line.session.output_format == (MULAW_8K if wanted == MULAW_8K else PCM16_24K)
        await line.until(lambda: line.of(Speech))


@pytest.mark.parametrize("direction", ["output_format", "input_format"])
async def test_a_session_in_another_format_than_the_one_asked_for_is_refused(vendor, direction):
    async with vendor.serving():
        other: Any = {direction: {"type": "audio/pcm", "rate": 24000}}
        vendor.simulator.behaviour = Behaviour(**other)
        session = vendor.session()
        with pytest.raises(AgentRefused):
            await session.open()
        await session.close()
        await vendor.record.wait_ended()


async def test_a_configuration_that_the_vendor_rejects_is_refused_with_its_words(vendor, monkeypatch):
    monkeypatch.setattr("agents.providers.openai_realtime.wanted_session.MAX_OUTPUT_TOKENS", 99_999)
    async with vendor.serving():
        session = vendor.session()
        with pytest.raises(AgentRefused, match="invalid_value"):
            await session.open()
        await session.close()


@pytest.mark.parametrize("ending", ["/v1", "", "/"])
async def test_the_address_may_be_written_in_any_way(vendor, ending):
    from tonris.openai import base_url

    async with vendor.serving(scenario=LISTENING):
        host = vendor.simulator.base_url.removesuffix("/v1")
        django_settings.OPENAI_BASE_URL = base_url((host + ending).rstrip("/"))
        async with Listener(vendor.session()) as line:
            await line.until(lambda: line.of(AgentSaid))


async def test_what_a_session_used_is_told_when_it_is_closed(vendor):
    async with vendor.serving(scenario=LISTENING):
        async with Listener(vendor.session()) as line:
            await line.until(lambda: line.session._dialogue.usage.responses)  # type: ignore[attr-defined]
        closing = line.session.closing
        assert closing is not None
        assert closing.spent is not None
        assert closing.spent.usage["audio_out"] > 0
        assert closing.spent.cost is not None
        assert closing.spent.cost > 0


async def test_before_its_hour_is_up_a_session_hands_over_to_one_that_knows_what_was_said(vendor):
    async with vendor.serving(scenario=LISTENING):
        vendor.simulator.behaviour = Behaviour(expires_in_s=3.0)
        async with Listener(vendor.session()) as line:
            first = line.session.external_id
            await line.until(lambda: line.of(AgentSaid))
            vendor.simulator.behaviour = Behaviour()
            [reopened] = await line.until(lambda: line.of(Reopened))
            assert (reopened.external_id, reopened.close_code) == (first, 1000)
            assert reopened.spent.usage["responses"] == 1
            assert line.session.external_id == vendor.simulator.sessions[1].session_id != first
            await vendor.record.wait_ended()
            assert vendor.record.close_code == 1000
            seeds = [one["item"] for one in vendor.simulator.sessions[1].events[1:]]
            assert [(seed["role"], seed["content"][0]["text"]) for seed in seeds] == [("assistant", GREETING)]
            await line.session.send_audio(b"\xff" * 160)
            async with asyncio.timeout(3):
                while not vendor.simulator.sessions[1].received_audio:
                    await asyncio.sleep(0.01)
            assert line.error is None


async def test_a_hand_over_that_fails_leaves_the_session_as_it_is(vendor, monkeypatch):
    monkeypatch.setattr(session_module, "TRY_AGAIN_SECONDS", 0.1)
    async with vendor.serving(scenario=LISTENING):
        vendor.simulator.behaviour = Behaviour(expires_in_s=4.0)
        async with Listener(vendor.session()) as line:
            await line.until(lambda: line.of(AgentSaid))
            vendor.simulator.behaviour = Behaviour(handshake_status=503)
            async with asyncio.timeout(5):
                while len(vendor.simulator.handshakes) < 2:
                    await asyncio.sleep(0.02)
            vendor.simulator.behaviour = Behaviour()
            await line.until(lambda: line.of(Reopened))
            assert line.error is None


async def test_who_speaks_while_it_hands_over_is_heard_whole_by_the_next_one(vendor):
    async with vendor.serving(scenario=LISTENING):
        vendor.simulator.behaviour = Behaviour(expires_in_s=4.0)
        async with Listener(vendor.session()) as line:
            await line.until(lambda: line.of(AgentSaid))
            vendor.simulator.behaviour = Behaviour(handshake_delay_s=0.5)
            async with asyncio.timeout(5):
                while len(vendor.simulator.handshakes) < 2:
                    await asyncio.sleep(0.01)
            spoken = [bytes([number]) * 160 for number in range(10)]
            for frame in spoken[:5]:
                await line.session.send_audio(frame)
            await line.until(lambda: line.of(Reopened))
            for frame in spoken[5:]:
                await line.session.send_audio(frame)
            async with asyncio.timeout(5):
                while len(vendor.simulator.sessions[1].received_audio) < 1600:
                    await asyncio.sleep(0.01)
        assert bytes(vendor.simulator.sessions[1].received_audio) == b"".join(spoken)
        assert bytes(vendor.record.received_audio) == b"".join(spoken[:5]), "it might have had to go on"


async def test_what_tools_have_answered_is_known_to_the_next_session(vendor):
    async with vendor.serving(scenario=OPENING_HOURS):
        vendor.simulator.behaviour = Behaviour(expires_in_s=4.0)
        async with Listener(vendor.session()) as line:
            await line.until(lambda: line.of(AgentSaid))
            vendor.simulator.behaviour = Behaviour()
            await line.say("Hello, when are you open?")
            [asked] = await line.until(lambda: line.of(ToolCall))
            await line.session.answer_tool(asked.call_id, {"success": True, "message": "From nine to five."})
            await line.until(lambda: line.of(Reopened))
        seeds = [one["item"] for one in vendor.simulator.sessions[1].events[1:]]
        told = [seed["content"][0]["text"] for seed in seeds if seed["role"] == "system"]
        assert told == [
            'get_business_hours was called with {} and answered {"success": true, "message": "From nine to five."}'
        ]


async def test_a_session_whose_time_is_up_goes_on_in_another(vendor):
    async with vendor.serving(scenario=LISTENING):
        vendor.simulator.behaviour = Behaviour(
            close=Close(1001, at="greeting", after_s=0.2, reason="Your session hit the maximum duration")
        )
        async with Listener(vendor.session()) as line:
            await line.until(lambda: line.of(AgentSaid))
            vendor.simulator.behaviour = Behaviour()
            await line.until(lambda: line.of(Reopened))
            await vendor.simulator.session(1)
            assert line.error is None


async def test_a_model_that_answers_twice_without_a_sound_is_lost(vendor):
    async with vendor.serving():
        vendor.simulator.behaviour = Behaviour(empty_responses=2)
        async with Listener(vendor.session()) as line:
            await line.ended()
            assert isinstance(line.error, AgentLost)


async def test_a_silent_caller_is_asked_and_in_the_end_left(vendor, monkeypatch):
    initiation = vendor.initiation()
    initiation["session"]["audio"]["input"]["turn_detection"]["idle_timeout_ms"] = 5000
    monkeypatch.setattr(vendor, "initiation", lambda: initiation)
    monkeypatch.setattr("agents.simulators.openai_realtime.conversation.IDLE_SECONDS_PER_MS", 0.00002)
    async with vendor.serving(scenario=LISTENING):
        async with Listener(vendor.session()) as line:
            await line.ended()
            assert line.error is None
            assert [said.text for said in line.of(AgentSaid)][1:] == ["Are you still there?"] * 3
        assert vendor.record.close_code == 1000


async def test_where_the_server_has_no_clock_a_silent_caller_is_asked_by_ours_and_in_the_end_left(
    vendor, monkeypatch
):
    initiation = semantic(vendor, idle_seconds=0.5)
    monkeypatch.setattr(vendor, "initiation", lambda: initiation)
    async with vendor.serving(scenario=LISTENING):
        async with Listener(vendor.session()) as line:
            await line.ended()
            assert line.error is None
            assert [said.text for said in line.of(AgentSaid)][1:] == ["Are you still there?"] * 3
        asked = [one["response"]["instructions"] for one in vendor.record.events if "response" in one]
        assert ["whether they are still there" in words for words in asked] == [False, True, True, True]
        assert all("You answer the phone" in words for words in asked)
        assert (vendor.record.close_code, vendor.record.errors) == (1000, [])


async def test_only_a_session_knows_its_key(vendor):
    async with vendor.serving():
        session = vendor.session()
        assert isinstance(session, OpenAIRealtimeSession)
        assert vendor.simulator.api_key not in json.dumps(session._session)


def test_a_tenants_choices_are_in_the_session_that_is_asked_for(salon):
    with tenant_scope(salon):
        salon.settings |= {
            "openaiModel": "gpt-realtime-2.1-mini",
            "openaiVoice": "cedar",
            "openaiTurnDetection": "semantic_vad",
            "openaiTranscriptionModel": "gpt-live-transcribe",
            "aiInstructions": "Never promise parking.",
        }
        call = Conversation(tenant=salon, caller_e164="+15559876543", carrier_call_id="CA1")
        told = provider.initiation(salon, call, MULAW_8K)
        session = told["session"]
        assert provider.agent_of(salon) == "gpt-realtime-2.1-mini"
        assert told["greeting"] == "Hello! Welcome to Test Salon."
        assert session["audio"]["output"]["voice"] == "cedar"
        assert session["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
        assert session["audio"]["input"]["transcription"]["model"] == "gpt-live-transcribe"
        assert "Never promise parking." in session["instructions"]
        assert "The caller's number is +15559876543." in session["instructions"]
        assert "{{" not in session["instructions"]
        assert {tool["name"] for tool in session["tools"]} == {tool.name for tool in TOOLS}


@pytest.mark.parametrize(
    ("settings_of_tenant", "idle_ms"),
    [({}, 15_000), ({"openaiIdleSeconds": 0}, None), ({"openaiIdleSeconds": 2}, 5_000)]
    + [({"openaiIdleSeconds": wrong}, 15_000) for wrong in ("x", -1, True, 2.5, None)],
)
def test_how_long_a_silence_may_last_is_the_tenants_choice_within_bounds(salon, settings_of_tenant, idle_ms):
    with tenant_scope(salon):
        salon.settings |= {**settings_of_tenant, "openaiTurnDetection": "guessing"}
        told = provider.initiation(salon, Conversation(tenant=salon), MULAW_8K)
    turn_detection = told["session"]["audio"]["input"]["turn_detection"]
    assert turn_detection["type"] == "server_vad"
    assert turn_detection.get("idle_timeout_ms") == idle_ms
    assert told["idle_seconds"] == 0, "the server has a clock"


@pytest.mark.parametrize(("wanted", "seconds"), [({}, 15), ({"openaiIdleSeconds": 0}, 0)])
def test_where_the_server_has_no_clock_the_silence_is_ours_to_watch(salon, wanted, seconds):
    with tenant_scope(salon):
        salon.settings |= {**wanted, "openaiTurnDetection": "semantic_vad"}
        told = provider.initiation(salon, Conversation(tenant=salon), MULAW_8K)
    assert "idle_timeout_ms" not in told["session"]["audio"]["input"]["turn_detection"]
    assert told["idle_seconds"] == seconds


def test_what_calls_used_and_cost_is_kept_and_shown(salon):
    with tenant_scope(salon):
        call = conversations.open_conversation(
            tenant_id=salon.pk,
            provider="openai",
            agent_id="gpt-realtime-2.1",
            caller_e164="",
            called_e164="",
            carrier_call_id="CA1",
        )
        for number in ("1", "2"):
            names = ("openai", f"sess_{number}", "gpt-realtime-2.1", "mulaw", "mulaw")
            opened = conversations.Opened(salon.pk, call.pk, *names, timezone.now())
            write_down(conversations.adding_sessions([opened]))
            spent = Spent({"audio_out": 100}, Decimal("0.0125"))
            conversations.session_closed("openai", f"sess_{number}", Closing(1000, "", spent))
        call.refresh_from_db()
        assert call.cost == Decimal("0.0250")
        assert admin.cost_of(call) == "0.025 US dollars"
        assert "100 audio out" in admin.sessions_of(call)
        conversations.session_closed("openai", "sess_1", Closing(1000))
        call.refresh_from_db()
        assert call.cost == Decimal("0.0250")
