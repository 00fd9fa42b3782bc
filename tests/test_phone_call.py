"""The whole walk: somebody dials, the agent answers, an appointment stands in the database."""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from agents import events_inbox
from agents.audio import PCM16_16K, PCM16_24K
from agents.models import Conversation, ProviderEvent, ProviderSession, ToolInvocation, Turn
from agents.simulators.audio import Format
from agents.simulators.elevenlabs import AgentProfile, Behaviour, Close
from agents.simulators.openai_realtime import Behaviour as OpenAIBehaviour
from agents.simulators.scenarios import BOOKING
from appointments.models import Appointment
from telephony import live
from telephony.audio import Converter
from telephony.models import Call, CallEvent
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.callees import Callee
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.calling import open_infobip_office, open_twilio_office
from tests.ears import leg_of, line_format, on_the_line, spoken_format
from tests.exchange import CALLER, Exchange, open_exchange, open_infobip_exchange
from tests.second_agents import FIRST, LADDER, behave, end_of_ladder, problems_of, said_by, session_of, use
from tests.telephony.far_ends import SIDES, Side
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)


def the_call(sid: str) -> Call:
    with platform_scope():
        return Call.objects.select_related("conversation", "tenant").get(carrier_call_id=sid)


def external_id_of(conversation: Conversation) -> str:
    return conversation.sessions.get().external_id


@dataclass(frozen=True)
class Pair:
    side: Side
    provider: str

    def behave(self, exchange: Exchange, *, echo: bool) -> None:
        """`echo`: the agent says what the caller says."""
        exchange.vendor.behaviour = Behaviour(echo="exact") if echo else Behaviour()
        exchange.openai.behaviour = OpenAIBehaviour(echo=echo)

    async def session(self, exchange: Exchange) -> Any:
        return await session_of(exchange, self.provider)

    async def talk(
        self, tenant: Tenant, direction: str, script: Script, *, echo: bool = False
    ) -> tuple[Any, Any]:
        """A whole call with somebody who follows the script, and the agent's session in it."""
        if direction == "inbound":
            async with self.side.open(tenant) as exchange:
                self.behave(exchange, echo=echo)
                call = await exchange.call(script)
                await exchange.settled(call)
                return call, await self.session(exchange)
        async with OFFICES[self.side.carrier](tenant, Callee(script=script)) as place:
            self.behave(place.exchange, echo=echo)
            _, call = await place.call()
            return call, await self.session(place.exchange)


PAIRS = list(itertools.product(SIDES, FIRST))
OFFICES = {"twilio": open_twilio_office, "infobip": open_infobip_office}
both_directions = pytest.mark.parametrize("direction", ["inbound", "outbound"])


@pytest.fixture(params=PAIRS, ids="-".join)
async def pair(request, salon, settings) -> Pair:
    """Every carrier with every agent."""
    carrier, provider = request.param
    await in_tenant(salon.pk, use, salon, provider)
    return Pair(SIDES[carrier](), provider)


OWN_TOOLS: dict[str, tuple[str, ...]] = {"elevenlabs": (), "openai": ("end_call",)}
"""Besides those that book: ElevenLabs' agents hang up by themselves."""
OPENAI_SPEAKS = {"twilio": {"type": "audio/pcmu"}, "infobip": {"type": "audio/pcm", "rate": 24000}}


def told_by_elevenlabs(session: Any) -> None:
    """When all is over, and with what it cost."""
    assert session.webhook_status == 200
    event = ProviderEvent.objects.get()
    assert event.kind == "post_call_transcription"
    assert events_inbox.process(event.pk)


def told_by_openai(session: Any) -> None:
    """With each response what it has used."""
    assert Conversation.objects.get().agent_id == "gpt-realtime-2.1"
    assert ProviderSession.objects.get().usage["responses"] == len(session.statuses)
    assert session.types().count("response.create") == 1 + 4, "the greeting, and one for each tool"
    assert all(use.answered for use in session.tools)


async def test_a_call_books_an_appointment(salon, pair):
    async with pair.side.open(salon) as exchange:
        call = await exchange.call(Script.of(BOOKING))
        await exchange.settled(call)
        session = await pair.session(exchange)
        over = session.finished if pair.provider == "elevenlabs" else session.ended
        await asyncio.wait_for(over.wait(), 10)
        assert len(exchange.vendor.sessions) + len(exchange.openai.sessions) == 1

    def check() -> None:
        record = Call.objects.get(carrier_call_id=call.sid)
        assert (record.outcome, record.from_e164) == ("agent_ended", CALLER)
        assert record.first_agent_audio_ms is not None
        appointment = Appointment.objects.get()
        assert (appointment.customer.name, appointment.customer.phone_e164) == ("Alex Taylor", CALLER)
        assert appointment.source == Appointment.Source.AGENT
        said = list(Turn.objects.values_list("speaker", "text"))
        assert said[:2] == [
            ("agent", "Hello! Welcome to Test Salon."),
            ("caller", "Hi, I'd like to book a haircut."),
        ]
        assert said[-1] == ("agent", said_by(session)[-1])
        tools = list(ToolInvocation.objects.order_by("occurred_at").values_list("tool", "succeeded"))
        wanted = ["get_services", "check_availability", "book_appointment", *OWN_TOOLS[pair.provider]]
        assert tools == [(tool, True) for tool in wanted]
        assert ToolInvocation.objects.get(tool="book_appointment").appointment == appointment
        conversation = Conversation.objects.get()
        assert (conversation.provider, conversation.ended_at is not None) == (pair.provider, True)
        opened = conversation.sessions.get()
        external_id = session.session_id if pair.provider == "openai" else session.conversation_id
        assert (opened.external_id, opened.close_code) == (external_id, 1000)
        (told_by_openai if pair.provider == "openai" else told_by_elevenlabs)(session)
        conversation.refresh_from_db()
        assert conversation.cost is not None
        assert conversation.cost > 0

    await in_tenant(salon.pk, check)
    assert call.warnings == []
    assert problems_of(session) == []
    if pair.provider == "openai":
        asked = session.updates[0]["audio"]
        assert asked["input"]["format"] == asked["output"]["format"] == OPENAI_SPEAKS[pair.side.carrier]
    # The last words were heard before the line was closed: the agent had left long before.
    if pair.side.carrier == "twilio":
        assert call.streams[0].marks_echoed[-1][0] == "last-words"
    assert bytes(session.sent_audio)[-400:] in bytes(leg_of(call).audio_heard)


def said_by_caller(call: Any) -> bytes:
    """The script's first line, as its leg has to carry it."""
    line = line_format(call)
    return call.caller.script.lines[0].in_format(
        Format("ulaw" if line.encoding == "mulaw" else "pcm", line.rate_hz)
    )


@both_directions
async def test_audio_passes_both_ways_bit_for_bit(salon, pair, direction):
    script = Script.saying("One two three four", patience_ms=200, hang_up_after_s=3.0)
    call, session = await pair.talk(salon, direction, script, echo=True)
    assert line_format(call) == spoken_format(call, session), "nothing is to be converted"
    spoken = said_by_caller(call)
    assert spoken in bytes(session.received_audio)
    assert spoken in bytes(leg_of(call).audio_received)
    assert call.warnings == []


async def test_where_formats_differ_audio_passes_as_if_it_were_converted_at_once(salon, settings):
    """Infobip's leg is made for the agent that was to come, and another one comes that speaks at another rate."""
    settings.SECOND_PROVIDER = "auto"
    script = Script.saying("One two three four", patience_ms=1500, hang_up_after_s=4.0)
    async with open_infobip_exchange(salon) as exchange:
        exchange.vendor.behaviour = Behaviour(handshake_status=403)
        exchange.openai.behaviour = OpenAIBehaviour(echo=True)
        call = await exchange.call(script)
        await exchange.settled(call)
        session = exchange.openai.sessions[0]
    line, agent = line_format(call), spoken_format(call, session)
    assert (line, agent) == (PCM16_16K, PCM16_24K)
    heard = Converter(line, agent).convert(said_by_caller(call) + line.silence(0.04))
    assert heard in bytes(session.received_audio)
    answered = bytes(session.sent_audio)
    begins = answered.index(heard)
    said = Converter(agent, line).convert(answered[: begins + len(heard)])
    assert said in bytes(leg_of(call).audio_received)
    assert call.warnings == []


async def test_thirty_calls_at_once_never_hear_each_other(salon, garage, settings):
    from agents.simulators.tones import heard_tones

    numbers = [demo.SALON.number, demo.GARAGE.number] * 15
    async with open_exchange(behaviour=Behaviour(echo="toned")) as exchange:
        calls = await asyncio.gather(
            *(exchange.carrier.place_call(number, CALLER, Script(hang_up_after_s=5.0)) for number in numbers)
        )
        await asyncio.wait_for(asyncio.gather(*(call.over.wait() for call in calls)), 60)
        await exchange.settled(*calls)
        sessions = {session.conversation_id: session for session in exchange.vendor.sessions}
    assert len(sessions) == 30
    for call in calls:
        record = await in_thread(the_call, call.sid)
        owner = demo.SALON if call.to == demo.SALON.number else demo.GARAGE
        assert record.tenant_id == owner.pk
        external_id = await in_tenant(record.tenant_id, external_id_of, record.conversation)
        own = sessions[external_id]
        assert heard_tones(bytes(call.streams[0].audio_received)) == {own.index}


async def test_the_caller_who_hangs_up_ends_the_agents_session(salon, settings):
    async with open_exchange() as exchange:
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
        session = exchange.vendor.sessions[0]
        await asyncio.wait_for(session.ended.wait(), 3)
    assert session.close_code == 1000
    record = await in_thread(the_call, call.sid)
    assert (record.outcome, record.state) == ("caller_hung_up", Call.State.COMPLETED)


@both_directions
async def test_who_interrupts_is_heard_and_the_agent_knows_what_of_it_was(salon, pair, direction):
    await in_tenant(salon.pk, lambda: use(salon, pair.provider, aiGreeting="Welcome " * 30))
    script = Script.saying("Wait please", interrupt_after_ms=1000, hang_up_after_s=3.8)
    call, session = await pair.talk(salon, direction, script)
    corrected = await in_tenant(salon.pk, lambda: Turn.objects.exclude(heard_text=None).first())
    leg = leg_of(call)
    assert leg.clears
    assert 0 < len(corrected.heard_text) < len(corrected.text)
    assert on_the_line(call, session) not in bytes(leg.audio_heard), "it has more to say than was heard"
    assert call.warnings == []
    if pair.provider == "openai":
        [(_, heard_ms)] = session.truncations
        assert abs(heard_ms - (leg.clears[0] - call.first_audio_ms)) < 300 + leg.late_ms
        assert (len(leg.clears), session.errors) == (1, [])
    else:
        assert session.interruptions


async def test_an_agent_that_refuses_leaves_the_caller_with_the_apology(salon, pair):
    rungs, words, sound = LADDER["the apology"]
    await in_tenant(salon.pk, lambda: use(salon, pair.provider, only=rungs))
    async with pair.side.open(salon) as exchange:
        behave(exchange, pair.provider, "refuses")
        call = await end_of_ladder(exchange, words, sound)
    assert (await in_thread(the_call, call.sid)).outcome == "agent_refused"
    assert call.timeline.says == [words]
    assert call.warnings == []


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour(signed_url_status=401), "agent_refused"),
        (Behaviour(signed_url_status=500), "agent_refused"),
        (Behaviour(handshake_status=403), "agent_refused"),
        (Behaviour(close=Close(1008, at="initiated", reason="override_error")), "agent_refused"),
        (Behaviour(close=Close(1011, at="greeting", after_s=0.2)), "agent_lost"),
        (Behaviour(close=Close(None, at="greeting", after_s=0.2)), "agent_lost"),
        (Behaviour(output_format="pcm_22050"), "unsupported_audio"),
        (Behaviour(input_format="pcm_44100"), "unsupported_audio"),
        (Behaviour(output_format="opus_48000"), "unsupported_audio"),
        (Behaviour(metadata=False), "agent_unreachable"),
        (Behaviour(close=Close(1000, at="metadata")), "agent_lost"),
        (Behaviour(mute=True), "agent_unreachable"),
        (Behaviour(silent=True), "agent_silent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_when_the_agent_fails_the_caller_hears_something(salon, settings, behaviour, outcome):
    async with open_exchange(behaviour=behaviour) as exchange:
        call = await exchange.call(Script(hang_up_after_s=11.0))
        await exchange.settled(call)
    record = await in_thread(the_call, call.sid)
    assert record.outcome == outcome
    assert any("I'm connecting you" in text for text in call.timeline.says), call.timeline.says


async def test_without_person_or_voicemail_the_caller_hears_the_apology(salon, settings):
    def plain(tenant: Tenant = salon) -> None:
        tenant.settings = {"elevenLabsAgentId": "agent_demo_salon", "keypadMenu": False}
        tenant.save()

    await in_tenant(salon.pk, plain)
    async with open_exchange(behaviour=Behaviour(signed_url_status=403)) as exchange:
        call = await exchange.call(Script())
    assert call.timeline.says == ["We encountered an error. Please try again later."]


async def test_noise_from_the_agent_does_not_cost_the_call(salon, settings):
    from agents.simulators.elevenlabs import behaviour as frames

    noise = (frames.BAD_JSON, frames.UNKNOWN_EVENT, frames.BAD_BASE64, frames.EMPTY_AUDIO, frames.HUGE_FRAME)
    async with open_exchange(behaviour=Behaviour(frames=noise)) as exchange:
        call = await exchange.call(Script(hang_up_after_s=3.0))
        await exchange.settled(call)
    record = await in_thread(the_call, call.sid)
    assert record.outcome == "caller_hung_up"
    assert call.warnings == []


async def test_a_calls_events_tell_its_story(salon, settings):
    async with open_exchange() as exchange:
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
    record = await in_thread(the_call, call.sid)
    kinds = await in_tenant(
        salon.pk, lambda: list(CallEvent.objects.filter(call=record).values_list("kind", flat=True))
    )
    assert {"stream_started", "stream_ended", "agent_closed", "status:completed"} <= set(kinds)


async def test_a_deploy_hands_callers_on_instead_of_cutting_them_off(salon, settings):
    async with open_exchange() as exchange:
        call = await exchange.carrier.place_call(demo.SALON.number, CALLER, Script(hang_up_after_s=8.0))
        await exchange.vendor.session()
        await asyncio.wait_for(call.agent_spoke.wait(), 5)
        live.hand_on()
        await asyncio.wait_for(call.over.wait(), 20)
        await exchange.settled(call)
    assert (await in_thread(the_call, call.sid)).outcome == "drained"
    assert any("I'm connecting you" in text for text in call.timeline.says)


async def test_while_it_drains_a_process_opens_no_stream(salon, settings, monkeypatch):
    monkeypatch.setattr(live, "_draining", True)
    async with open_exchange() as exchange:
        call = await exchange.call(Script(hang_up_after_s=6.0))
    assert call.streams == []
    assert any("I'm connecting you" in text for text in call.timeline.says)


@pytest.mark.parametrize(
    "vendor",
    [
        {"default_agent": AgentProfile(allowed_overrides=frozenset())},
        {"behaviour": Behaviour(close=Close(1008, at="metadata", reason="override_error"))},
    ],
    ids=["refused at once", "refused after the metadata"],
)
async def test_an_agent_that_forbids_overrides_is_asked_again_without_and_remembered(salon, settings, vendor):
    async with open_exchange(**vendor) as exchange:
        call = await exchange.carrier.place_call(demo.SALON.number, CALLER, Script(hang_up_after_s=3.0))
        first = await exchange.vendor.session()
        exchange.vendor.behaviour = Behaviour()
        await asyncio.wait_for(call.over.wait(), 10)
        await exchange.settled(call)
        await exchange.call(Script(hang_up_after_s=1.5))
    asked = [session.initiation or {} for session in exchange.vendor.sessions]
    assert ["conversation_config_override" in one for one in asked] == [True, False, False]
    assert call.first_audio_ms is not None
    assert first.close_code == 1008
    kept = await in_tenant(salon.pk, Tenant.objects.get)
    assert kept.settings["overridesRefusedBy"] == ["agent_demo_salon"]


# --- The same walk, with OpenAI --------------------------------------------------------------------


def through_openai(tenant: Tenant, **names: object) -> None:
    tenant.settings = {**tenant.settings, "agentProvider": "openai", **names}
    tenant.save()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"handshake_status": 401}, "agent_refused"),
        ({"output_format": {"type": "audio/pcm", "rate": 24000}}, "agent_refused"),
        ({"mute": True}, "agent_unreachable"),
        ({"silent": True}, "agent_silent"),
        ({"failing": ("insufficient_quota",)}, "agent_lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_when_openai_fails_the_caller_hears_something(salon, settings, fault, outcome):
    await in_tenant(salon.pk, through_openai, salon)
    async with open_exchange(openai={"behaviour": OpenAIBehaviour(**fault)}) as exchange:
        call = await exchange.call(Script(hang_up_after_s=11.0))
        await exchange.settled(call)
    assert (await in_thread(the_call, call.sid)).outcome == outcome
    assert any("I'm connecting you" in text for text in call.timeline.says), call.timeline.says


# --- The other pairs, and the other direction ------------------------------------------------------


@pytest.mark.parametrize("provider", ["elevenlabs", "openai"])
@pytest.mark.parametrize("carrier", ["twilio", "infobip"])
async def test_whom_we_call_books_an_appointment(salon, settings, carrier, provider):
    office = open_twilio_office if carrier == "twilio" else open_infobip_office
    async with office(salon, Callee(script=Script.of(BOOKING))) as place:
        order, call = await place.call(provider=provider, purpose="Ask whether they want a haircut.")
        if provider == "openai":
            told = place.exchange.openai.sessions[0].updates[0]["instructions"]
        else:
            told = (place.exchange.vendor.sessions[0].initiation or {})["dynamic_variables"]["call_brief"]
    assert "You have called them" in told
    assert "Ask whether they want a haircut." in told
    assert call.warnings == []

    def check() -> None:
        record = Call.objects.get(carrier_call_id=call.sid)
        assert (record.direction, record.outcome, record.to_e164) == ("outbound", "agent_ended", CALLER)
        assert record.first_agent_audio_ms is not None
        conversation = record.conversation
        assert conversation is not None
        assert (conversation.provider, conversation.is_outbound, conversation.caller_e164) == (
            provider,
            True,
            CALLER,
        )
        appointment = Appointment.objects.get()
        assert (appointment.customer.name, appointment.customer.phone_e164) == ("Alex Taylor", CALLER)
        assert "virtual assistant of Test Salon" in Turn.objects.filter(speaker="agent").first().text

    await in_tenant(salon.pk, check)
    assert order.state == "completed"
