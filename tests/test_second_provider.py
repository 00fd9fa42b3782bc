"""A provider fails, and the other one goes on with the same call. On real sockets, over both carriers."""

import asyncio
from typing import Any

import pytest

from agents.costs import costs_of
from agents.models import Conversation, ProviderSession, ToolInvocation, Turn
from agents.simulators.elevenlabs import Session
from agents.simulators.scenarios import BOOKING
from appointments.models import Appointment
from telephony import breaker
from telephony.models import Call, CallEvent, Carrier
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.ears import AgentRecord, heard_at_ms, leg_of, legs_of, longest_silence_ms, until_heard
from tests.exchange import CALLER, Exchange
from tests.second_agents import (
    FIRST,
    HANGS_MS,
    LADDER,
    REFUSED_MS,
    SORRY,
    WELCOME,
    behave,
    end_of_ladder,
    other,
    said_by,
    session_of,
    use,
)
from tests.telephony.far_ends import SIDES

pytestmark = pytest.mark.django_db(transaction=True)

HUNG = {"agent_silent", "agent_unreachable"}


@pytest.fixture(autouse=True)
def both_providers(settings):
    settings.SECOND_PROVIDER = "auto"


@pytest.fixture(params=[Carrier.TWILIO, Carrier.INFOBIP], ids=str)
def side(request):
    return SIDES[request.param]()


async def until_said(call: Any, session: AgentRecord) -> None:
    """Until its first reply is written down, and has begun to be heard."""

    def is_told() -> bool:
        with platform_scope():
            return Turn.objects.filter(text__in=said_by(session)[:1]).exists()

    await until_heard(call, session)
    async with asyncio.timeout(20):
        while not await in_thread(is_told):
            await asyncio.sleep(0.05)


async def told_of(tenant: Tenant, call: Any) -> dict[str, Any]:
    """What is written down of the only call."""

    def read() -> dict[str, Any]:
        record = Call.objects.get(carrier_call_id=call.sid)
        return {
            "outcome": record.outcome,
            "conversation": record.conversation,
            "costs": costs_of(record.conversation) if record.conversation else {},
            "events": {event.kind: event.detail for event in CallEvent.objects.filter(call=record)},
            "sessions": list(ProviderSession.objects.filter(conversation=record.conversation)),
            "turns": list(Turn.objects.order_by("position").values_list("speaker", "text")),
        }

    return await in_tenant(tenant.pk, read)


async def relieved(
    exchange: Exchange, first: str, fault: str, script: Script | None = None
) -> tuple[Any, Any]:
    """A call whose first agent fails like that, until the other one has been heard; and that one's session."""
    behave(exchange, first, fault)
    call = await exchange.carrier.place_call(exchange.number, CALLER, script or Script())
    second = await session_of(exchange, other(first))
    await until_said(call, second)
    call.hang_up()
    await asyncio.wait_for(call.over.wait(), 10)
    await exchange.settled(call)
    return call, second


@pytest.mark.alone
@pytest.mark.parametrize("first", FIRST)
async def test_a_refusal_at_the_start_is_not_even_noticed(salon, settings, side, first):
    await in_tenant(salon.pk, use, salon, first)
    async with side.open(salon) as exchange:
        call, second = await relieved(exchange, first, "refuses")
        told = await told_of(salon, call)
    assert said_by(second)[0] == WELCOME, "nobody has greeted yet"
    assert told["turns"][0] == ("agent", WELCOME)
    assert told["outcome"] == "caller_hung_up"
    assert told["events"]["agent_relieved"]["reason"] == "agent_refused"
    assert [one.provider for one in told["sessions"]] == [other(first)]
    assert call.timeline.says == []
    assert longest_silence_ms(call) <= REFUSED_MS
    assert heard_at_ms(call, second) <= REFUSED_MS


@pytest.mark.alone
@pytest.mark.parametrize("first", FIRST)
async def test_after_a_close_in_mid_sentence_the_other_one_goes_on_without_greeting(
    salon, settings, side, first
):
    await in_tenant(salon.pk, use, salon, first)
    async with side.open(salon) as exchange:
        call, second = await relieved(exchange, first, "closes")
        began = await session_of(exchange, first)
        told = await told_of(salon, call)
    assert said_by(second)[0] == SORRY
    assert told["turns"][:2] == [("agent", WELCOME), ("agent", SORRY)]
    assert told["outcome"] == "caller_hung_up"
    assert {one.provider: one.close_code for one in told["sessions"]} == {first: 1011, other(first): 1000}
    assert told["conversation"].provider == first
    assert WELCOME in str(second.messages if isinstance(second, Session) else second.events)
    assert (second.violations if isinstance(second, Session) else second.errors) == []
    assert began.closed_by in {"agent", "server"}
    assert len(legs_of(call)) == 1, "the carrier's stream stays up"
    assert longest_silence_ms(call) <= REFUSED_MS
    assert heard_at_ms(call, began) < heard_at_ms(call, second)


@pytest.mark.alone
@pytest.mark.parametrize("fault", ["hangs", "mute"])
@pytest.mark.parametrize("first", FIRST)
async def test_a_hang_is_not_waited_out(salon, settings, side, first, fault):
    """`hangs`: no word after the beginning. `mute`: a socket that opens, and nothing at all."""
    await in_tenant(salon.pk, use, salon, first)
    async with side.open(salon) as exchange:
        call, second = await relieved(exchange, first, fault)
        told = await told_of(salon, call)
    greeted = (first, fault) == ("elevenlabs", "hangs")
    assert told["events"]["agent_relieved"]["reason"] in HUNG
    assert said_by(second)[0] == (SORRY if greeted else WELCOME)
    assert told["outcome"] == "caller_hung_up"
    assert call.timeline.says == []
    assert longest_silence_ms(call) <= HANGS_MS
    if not greeted:  # the ringing breaks the silence, and is nobody's voice
        assert heard_at_ms(call, second) <= HANGS_MS


@pytest.mark.alone
async def test_an_answer_that_openai_never_begins_is_not_waited_out_in_mid_call(salon, settings):
    """It has greeted, hears the caller, and its socket answers every ping."""
    await in_tenant(salon.pk, use, salon, "openai")
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        call, second = await relieved(exchange, "openai", "stops", Script.saying("Are you open?"))
        began = await session_of(exchange, "openai")
        told = await told_of(salon, call)
    assert said_by(began) == [WELCOME]
    assert said_by(second)[0].startswith(SORRY)
    assert told["events"]["agent_relieved"]["reason"] == "agent_silent"
    assert (told["outcome"], call.timeline.says) == ("caller_hung_up", [])
    asked, leg = call.lines[0], leg_of(call)
    went_on_ms = leg.connected_ms + heard_at_ms(call, second)
    assert asked.end_ms < went_on_ms <= asked.end_ms + HANGS_MS + leg.late_ms


@pytest.mark.alone
@pytest.mark.parametrize(
    ("first", "second_fault", "left"),
    [
        ("elevenlabs", "refuses", "a person"),
        ("elevenlabs", "refuses", "the apology"),
        ("openai", "mute", "a person"),
        ("openai", "mute", "voicemail"),
    ],
)
async def test_when_both_fail_the_caller_goes_down_the_ladder(
    salon, settings, side, first, second_fault, left
):
    rungs, words, sound = LADDER[left]
    await in_tenant(salon.pk, lambda: use(salon, first, only=rungs))
    async with side.open(salon) as exchange:
        behave(exchange, first, "closes")
        behave(exchange, other(first), second_fault)
        call = await end_of_ladder(exchange, words, sound)
        told = await told_of(salon, call)
    assert told["outcome"] == ("agent_refused" if second_fault == "refuses" else "agent_silent")
    assert len(legs_of(call)) == 1
    assert longest_silence_ms(call) <= REFUSED_MS


@pytest.mark.alone
async def test_when_both_are_mute_the_caller_has_heard_of_it_in_time(salon, settings, side):
    _, words, sound = LADDER["the apology"]
    await in_tenant(salon.pk, lambda: use(salon, "elevenlabs", only={}))
    async with side.open(salon) as exchange:
        behave(exchange, "elevenlabs", "mute")
        behave(exchange, "openai", "mute")
        call = await end_of_ladder(exchange, words, sound)
    said_at_ms = next(one.start_ms for one in call.timeline.all_of("say"))
    assert said_at_ms - leg_of(call).connected_ms - leg_of(call).late_ms <= HANGS_MS


@pytest.mark.parametrize("first", FIRST)
async def test_what_the_caller_said_last_is_asked_for_or_dealt_with(salon, settings, first):
    await in_tenant(salon.pk, use, salon, first)
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        call, second = await relieved(exchange, first, "drops", Script.of(BOOKING))
        told = await told_of(salon, call)
    assert said_by(second)[0].startswith(SORRY)
    if first == "openai":  # its words had not been made out yet: nobody knows of them
        return
    assert told["turns"][0] == ("agent", WELCOME)


async def test_a_tool_that_has_answered_nobody_is_not_called_again_and_its_answer_is_said(salon, settings):
    """OpenAI closes as soon as it has called its last tool; ours books, and the other one says so."""
    await in_tenant(salon.pk, use, salon, "openai")
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        behave(exchange, "openai", "tool")
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script.of(BOOKING))
        second = await session_of(exchange, "elevenlabs")
        await until_said(call, second)
        call.hang_up()
        await asyncio.wait_for(call.over.wait(), 10)
        await exchange.settled(call)
        used = await in_tenant(
            salon.pk, lambda: list(ToolInvocation.objects.values_list("tool", "answer__data__message"))
        )
    [(tool, message)] = used
    assert tool == "get_services"
    assert said_by(second)[0] == f"{SORRY} {message}"
    assert f"{tool} was called with" in str(second.messages)


@pytest.mark.parametrize("first", FIRST)
async def test_a_booking_goes_on_with_the_other_one(salon, settings, first):
    await in_tenant(salon.pk, use, salon, first)
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        behave(exchange, first, "closes")
        call = await exchange.call(Script.of(BOOKING))
        await exchange.settled(call)
        told = await told_of(salon, call)
        booked = await in_tenant(salon.pk, Appointment.objects.count)
    assert (told["outcome"], booked) == ("agent_ended", 1)
    assert call.timeline.says == []
    openai = next(one for one in told["sessions"] if one.provider == "openai")
    assert openai.usage["responses"] > 0
    assert openai.cost is not None
    assert told["costs"]["openai"] == openai.cost, "whoever was the first"
    if first == "openai":
        assert told["conversation"].cost == openai.cost


@pytest.mark.parametrize("wish", [{"secondProvider": "none"}, {"secondProvider": "elevenlabs"}])
async def test_a_business_may_want_no_second_one(salon, settings, wish):
    await in_tenant(salon.pk, lambda: use(salon, "elevenlabs", **wish))
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        behave(exchange, "elevenlabs", "refuses")
        call = await exchange.call(Script(hang_up_after_s=4.0))
        assert exchange.openai.handshakes == []
        assert "I'm connecting you with someone." in str(call.timeline.says)


async def test_an_agent_that_fails_everybody_is_not_even_tried(salon, settings, side, monkeypatch):
    circuit = breaker.Circuit(salon.pk, "elevenlabs", "agent_demo_salon")
    async with side.open(salon) as exchange:
        for _ in range(breaker.FAILURES):
            await in_thread(breaker.note, circuit, "agent_refused", agent_was_heard=False)
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script())
        second = await session_of(exchange, "openai")
        await until_said(call, second)
        call.hang_up()
        await asyncio.wait_for(call.over.wait(), 10)
        await exchange.settled(call)
        conversation = await in_tenant(salon.pk, Conversation.objects.get)
    assert exchange.vendor.signed_url_requests == []
    assert (conversation.provider, said_by(second)[0]) == ("openai", WELCOME)


async def test_a_second_one_that_fails_everybody_takes_nothing_over(salon, settings):
    circuit = breaker.Circuit(salon.pk, "openai", settings.OPENAI_REALTIME_MODEL)
    async with SIDES[Carrier.TWILIO]().open(salon) as exchange:
        for _ in range(breaker.FAILURES):
            await in_thread(breaker.note, circuit, "agent_refused", agent_was_heard=False)
        behave(exchange, "elevenlabs", "refuses")
        call = await exchange.call(Script(hang_up_after_s=4.0))
    assert exchange.openai.handshakes == []
    assert "I'm connecting you with someone." in str(call.timeline.says)
