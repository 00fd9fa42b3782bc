"""A caller is put through to a person, by either carrier: whole calls on real sockets, with people who act."""

import asyncio

import pytest

from agents.live_calls import Act
from agents.simulators.elevenlabs import AgentProfile
from agents.simulators.scenarios import Line as Saying
from agents.simulators.scenarios import Scenario, ToolUse
from telephony.line import Line
from telephony.models import Call, Carrier, RingGroup, RingPerson, Transfer, TransferLeg
from telephony.simulators.infobip import Faults
from telephony.simulators.twilio import FarEnd, Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.exchange import CALLER, Exchange
from tests.second_agents import problems_of, said_by, session_of, told
from tests.telephony.far_ends import SIDES, Side

pytestmark = pytest.mark.django_db(transaction=True)

ANA, BEN = "+15550002221", "+15550002222"


@pytest.fixture(params=SIDES, ids=str)
def side(request, settings) -> Side:
    return SIDES[request.param]()


def and_openai_over(carrier: Carrier) -> pytest.MarkDecorator:
    """Both carriers with ElevenLabs, and OpenAI with one of them: calls take their time."""
    pairs = [*((one, "elevenlabs") for one in SIDES), (carrier, "openai")]
    names = ["-".join(pair) for pair in pairs]
    return pytest.mark.parametrize(("side", "provider"), pairs, ids=names, indirect=["side"])


def the_call(call_id: str) -> Call:
    with platform_scope():
        return Call.objects.select_related("conversation", "tenant").get(carrier_call_id=call_id)


async def people_are(tenant: Tenant, *numbers: str, order: str = "in_order", mode: str = "warm", **wanted):
    def write() -> None:
        row = Tenant.objects.get()
        row.settings = {"elevenLabsAgentId": "agent_demo_salon", "transferMode": mode, **wanted}
        row.save()
        group = RingGroup.objects.create(tenant=row, name="Front desk", when="always", order=order)
        for place, e164 in enumerate(numbers):
            name = {ANA: "Ana", BEN: "Ben"}[e164]
            RingPerson.objects.create(tenant=row, group=group, name=name, e164=e164, position=place)

    await in_tenant(tenant.pk, write)


async def transferred(exchange: Exchange, **script):
    """A call in which the agent, once it has spoken, puts the caller through."""
    chosen = {"hang_up_after_s": 12.0, **script}
    call = await exchange.carrier.place_call(exchange.number, CALLER, Script(**chosen))
    await asyncio.wait_for(call.agent_spoke.wait(), 10)
    record = await in_thread(the_call, call.sid)
    assert record.conversation_id
    await in_thread(Line().perform, record.conversation_id, Act.TRANSFER)
    return call


async def over(exchange: Exchange, call) -> Call:
    await asyncio.wait_for(call.over.wait(), 30)
    await exchange.settled(call)
    return await in_thread(the_call, call.sid)


async def legs_of(tenant: Tenant) -> dict[str, str]:
    rows = await in_tenant(tenant.pk, lambda: list(TransferLeg.objects.order_by("round", "place")))
    return {leg.name: leg.state for leg in rows}


async def kinds_of(tenant: Tenant, record: Call) -> list[str]:
    return await in_tenant(tenant.pk, lambda: [event.kind for event in record.events.all()])


@and_openai_over(Carrier.TWILIO)
async def test_who_hears_the_whisper_and_presses_one_talks_to_the_caller(salon, side, provider):
    await people_are(salon, ANA, BEN, agentProvider=provider)
    async with side.open(salon, far_end=FarEnd(talks_s=0.4)) as exchange:
        call = await transferred(exchange)
        record = await over(exchange, call)
    assert call.joined == [ANA]
    heard = " ".join(text for number, text in call.told_to_people if number == ANA)
    assert "A call for Test Salon" in heard
    assert "Press 1" in heard
    assert not [number for number, _ in call.told_to_people if number == BEN]
    assert record.outcome == "transferred"
    assert call.timeline.says == ["Goodbye!"] or "Goodbye" in call.timeline.says[-1]
    assert call.ended_by == "server"
    assert call.warnings == []
    kinds = await kinds_of(salon, record)
    assert {"person_rung", "person_listens", "person_accepted", "person_left"} <= set(kinds)


WISH = "Ask about the colour of a wig"
WANTS_A_PERSON = Scenario(
    name="person",
    lines=(
        Saying(
            "I have a question about my wig, may I talk to somebody?",
            reply=lambda _facts: "One moment please.",
            tools=(ToolUse("transfer_to_human", lambda _facts: {"reason": WISH}),),
        ),
    ),
)


@and_openai_over(Carrier.INFOBIP)
async def test_a_person_hears_why_the_caller_wants_them_and_what_they_said_last(salon, side, provider):
    """By the agent's own tool, and before they take the call."""
    await people_are(salon, ANA, agentProvider=provider)
    profile = AgentProfile(
        output_format=side.audio_format.name,
        input_format=side.audio_format.name,
        client_tools=frozenset({"transfer_to_human"}),
    )
    vendor = {"scenario": WANTS_A_PERSON, "default_agent": profile}
    async with side.open(salon, far_end=FarEnd(talks_s=0.3), **vendor) as exchange:
        exchange.openai.scenario = WANTS_A_PERSON
        script = Script.saying(WANTS_A_PERSON.lines[0].text, hang_up_after_s=25.0)
        call = await exchange.carrier.place_call(exchange.number, CALLER, script)
        record = await over(exchange, call)
        session = await session_of(exchange, provider)
    assert said_by(session)[-1] == "One moment please."
    assert bytes(session.sent_audio)[-400:] in bytes(side.stream(call).audio_heard), "before anybody was rung"
    whispered = [text for number, text in call.told_to_people if number == ANA]
    sentences = (
        "A call for Test Salon",
        f"It is about: {WISH}.",
        "They said: I have a question about my wig, may I talk to somebody.",
        "Press 1 to take the call.",
    )
    heard = " ".join(whispered)
    places = [heard.find(sentence) for sentence in sentences]
    assert -1 not in places, whispered
    assert places == sorted(places)
    assert (call.joined, record.outcome) == ([ANA], "transferred")


DECLINES = {
    "voicemail": FarEnd("voicemail", rings_s=0.1),
    "another key": FarEnd(presses="2", rings_s=0.1),
    "no key": FarEnd(presses="", rings_s=0.1),
    "hangs up": FarEnd(hangs_up=True, rings_s=0.1),
    "busy": FarEnd("busy", rings_s=0.1),
}


@pytest.mark.parametrize("how", DECLINES)
async def test_who_does_not_take_the_call_leaves_it_to_the_next(salon, side, how):
    await people_are(salon, ANA, BEN)
    far_end = FarEnd(rings_s=0.1, talks_s=0.3, others={ANA: DECLINES[how]})
    async with side.open(salon, far_end=far_end) as exchange:
        call = await transferred(exchange)
        record = await over(exchange, call)
    assert call.joined == [BEN]
    assert record.outcome == "transferred"
    legs = await legs_of(salon)
    assert legs == {"Ana": "busy" if how == "busy" else "declined", "Ben": "took"}


@and_openai_over(Carrier.TWILIO)
async def test_when_nobody_takes_it_the_agent_comes_back_and_knows_why(salon, side, provider):
    await people_are(salon, ANA, BEN, agentProvider=provider)
    far_end = FarEnd("no-answer", rings_s=0.1)
    async with side.open(salon, far_end=far_end) as exchange:
        call = await transferred(exchange)
        session = await session_of(exchange, provider, 1)
        async with asyncio.timeout(15):
            while not session.sent_audio:
                await asyncio.sleep(0.05)
        call.hang_up()
        record = await over(exchange, call)
    assert call.joined == []
    assert record.outcome == "caller_hung_up"
    assert "nobody can come to the phone" in said_by(session)[0]
    facts = " ".join(told(session))
    assert "Ana did not answer." in facts
    assert "Offer to take a message (take_message), to book" in facts
    assert problems_of(session) == []
    assert call.warnings == []
    state = await in_tenant(salon.pk, lambda: Transfer.objects.get().state)
    assert state == "returned"


async def test_of_several_rung_at_once_the_first_who_presses_one_gets_the_caller(salon, side):
    await people_are(salon, ANA, BEN, order="at_once")
    far_end = FarEnd(talks_s=0.3, others={ANA: FarEnd("voicemail", rings_s=0.05), BEN: FarEnd(rings_s=0.4)})
    async with side.open(salon, far_end=far_end) as exchange:
        call = await transferred(exchange)
        record = await over(exchange, call)
    assert call.joined == [BEN]
    assert record.outcome == "transferred"


@pytest.mark.parametrize("act", [Act.HANG_UP, Act.TRANSFER])
@and_openai_over(Carrier.INFOBIP)
async def test_the_last_words_are_played_to_their_end_before_anything_is_done(salon, side, provider, act):
    await people_are(salon, ANA, agentProvider=provider)
    async with side.open(salon, far_end=FarEnd("busy", rings_s=0.1)) as exchange:
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=12.0))
        await asyncio.wait_for(call.agent_spoke.wait(), 10)
        record = await in_thread(the_call, call.sid)
        assert record.conversation_id
        await in_thread(Line().perform, record.conversation_id, act)
        session = await session_of(exchange, provider)
        await asyncio.wait_for(session.ended.wait(), 12)
        heard = bytes(side.stream(call).audio_heard)
        call.hang_up()
        await over(exchange, call)
    assert bytes(session.sent_audio)[-1600:] in heard
    if side.carrier == "twilio":
        assert "last-words" in [name for name, _ in side.stream(call).marks_echoed]


async def test_events_that_come_twice_ring_nobody_twice(salon):
    await people_are(salon, ANA, BEN)
    side = SIDES[Carrier.INFOBIP]()
    far_end = FarEnd(rings_s=0.1, talks_s=0.3, others={ANA: FarEnd(presses="", rings_s=0.1)})
    async with side.open(salon, far_end=far_end, faults=Faults(event_copies=2)) as exchange:
        call = await transferred(exchange)
        await over(exchange, call)
    assert call.joined == [BEN]
    assert [leg.to for leg in call.legs if leg.endpoint["type"] == "PHONE"] == [ANA[1:], BEN[1:]]
    assert call.warnings == []


async def test_whose_ringing_we_lost_track_of_is_not_left_on_a_line_where_nobody_is(salon):
    """Infobip rang Ana, and its answer was lost: Ben is rung, and Ana picks up meanwhile."""
    await people_are(salon, ANA, BEN)
    side = SIDES[Carrier.INFOBIP]()
    faults = Faults(create_call=["lost"])
    far_end = FarEnd(rings_s=0.1, talks_s=6.0, others={ANA: FarEnd(rings_s=0.3)})
    async with side.open(salon, far_end=far_end, faults=faults) as exchange:
        call = await transferred(exchange)
        async with asyncio.timeout(10):
            while not (ana := [leg for leg in call.legs if leg.to == ANA[1:]]) or not ana[0].is_over:
                await asyncio.sleep(0.05)
        await over(exchange, call)
    assert call.joined == [BEN]
    assert [leg.to for leg in call.legs if leg.endpoint["type"] == "PHONE"] == [ANA[1:], BEN[1:]]


async def test_a_leg_that_may_have_no_second_dialog_meets_people_and_the_agent_in_a_conference(salon):
    await people_are(salon, ANA)
    side = SIDES[Carrier.INFOBIP]()
    faults = Faults(one_dialog_only=True)
    async with side.open(salon, far_end=FarEnd(talks_s=0.3), faults=faults) as exchange:
        call = await transferred(exchange)
        record = await over(exchange, call)
    assert call.joined == [ANA]
    assert record.outcome == "transferred"
    assert call.dialogs[-1].is_conference


async def test_the_agent_comes_back_into_a_conference_where_it_must(salon):
    await people_are(salon, ANA)
    side = SIDES[Carrier.INFOBIP]()
    faults = Faults(one_dialog_only=True)
    async with side.open(salon, far_end=FarEnd("busy", rings_s=0.1), faults=faults) as exchange:
        call = await transferred(exchange)
        async with asyncio.timeout(15):
            while len(exchange.vendor.sessions) < 2 or not exchange.vendor.sessions[1].sent_audio:
                await asyncio.sleep(0.05)
        call.hang_up()
        record = await over(exchange, call)
    assert call.timeline.all_of("ringing")[1:]
    assert record.outcome in {"caller_hung_up", "stream_lost"}


async def test_a_caller_who_leaves_while_it_rings_leaves_nobody_ringing(salon, side):
    await people_are(salon, ANA)
    async with side.open(salon, far_end=FarEnd(rings_s=8.0)) as exchange:
        call = await transferred(exchange)
        async with asyncio.timeout(10):
            while not await in_tenant(salon.pk, lambda: Transfer.objects.exists()):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        call.hang_up()
        record = await over(exchange, call)
        async with asyncio.timeout(5):
            while await in_tenant(salon.pk, lambda: Transfer.objects.get().state) == "ringing":
                await asyncio.sleep(0.05)
        if side.carrier == "infobip":
            async with asyncio.timeout(5):
                while not all(leg.is_over for leg in call.legs if leg.endpoint["type"] == "PHONE"):
                    await asyncio.sleep(0.05)
    assert record.outcome != "transferred"
    assert await in_tenant(salon.pk, lambda: Transfer.objects.get().state) == "stopped"
    assert call.joined == []
