"""A model's session lives for an hour; a call may go on in the next one, and nobody hears of that."""

import asyncio
import math
from typing import Any

import pytest

from agents.models import ProviderSession, ToolInvocation, Turn
from agents.simulators.openai_realtime import Behaviour, Close, Record
from agents.simulators.scenarios import BOOKING, OPENING_HOURS
from appointments.models import Appointment
from telephony.models import Call, CallEvent, Carrier
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tenants.scoping import in_tenant
from tests.ears import heard_at_ms, leg_of, legs_of, line_format, on_the_line, until_heard, voice_of
from tests.exchange import CALLER
from tests.second_agents import REFUSED_MS, WELCOME, use
from tests.telephony.far_ends import SIDES

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = Behaviour(expires_in_s=6.0)
"""Half of that is left to whoever hands over in good time."""
EXPIRED = "Your session hit the maximum duration of 60 minutes."


@pytest.fixture(params=[Carrier.TWILIO, Carrier.INFOBIP], ids=str)
def side(request, settings):
    return SIDES[request.param]()


async def told_of(tenant: Tenant, call: Any) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        record = Call.objects.select_related("conversation").get(carrier_call_id=call.sid)
        assert record.conversation is not None
        return {
            "outcome": record.outcome,
            "conversation": record.conversation,
            "sessions": list(ProviderSession.objects.order_by("started_at")),
            "events": [one.kind for one in CallEvent.objects.filter(call=record)],
            "booked": Appointment.objects.count(),
            "tools": list(ToolInvocation.objects.order_by("occurred_at").values_list("tool", flat=True)),
            "said": list(Turn.objects.order_by("position").values_list("speaker", "text")),
        }

    return await in_tenant(tenant.pk, read)


def told_before(session: Record) -> list[str]:
    """What it was given to read, before anybody spoke to it."""
    items = [one["item"] for one in session.events if one["type"] == "conversation.item.create"]
    return [item["content"][0]["text"] for item in items if item.get("id", "").startswith("seed_")]


async def test_a_booking_goes_on_in_the_next_session_and_nobody_hears_of_it(salon, side):
    await in_tenant(salon.pk, use, salon, "openai")
    async with side.open(salon) as exchange:
        exchange.openai.behaviour = SHORT
        call = await exchange.carrier.place_call(exchange.number, CALLER, Script.of(BOOKING))
        first = await exchange.openai.session()
        exchange.openai.behaviour = Behaviour()
        second = await exchange.openai.session(1, timeout_s=30)
        await asyncio.wait_for(call.over.wait(), 60)
        await exchange.settled(call)
        told = await told_of(salon, call)
        heard_ms = heard_at_ms(call, second)
    assert (told["outcome"], told["booked"], told["tools"].count("book_appointment")) == ("agent_ended", 1, 1)
    assert len(legs_of(call)) == 1
    assert call.timeline.says == []
    assert "agent_relieved" not in told["events"], "it is the same agent"
    # Of the first session nothing was cut, and the second one was heard.
    line = line_format(call)
    said, heard = on_the_line(call, first), bytes(leg_of(call).audio_received)
    assert voice_of(said, line) in voice_of(heard, line)
    assert heard_ms < math.inf
    assert [speaker for speaker, _ in told["said"]].count("caller") == len(BOOKING.lines)
    assert [text for _, text in told["said"]].count(WELCOME) == 1, "nobody is greeted twice"
    read = told_before(second)
    assert read[0] == WELCOME
    assert [words for words in read if words.startswith("check_availability was called with")], (
        "what it has offered it can book"
    )
    assert (first.errors, second.errors, call.warnings) == ([], [], [])
    assert [one.close_code for one in told["sessions"]] == [1000, 1000]
    assert told["conversation"].cost == sum(one.cost for one in told["sessions"])
    assert all(one.usage["responses"] for one in told["sessions"])


@pytest.mark.alone
async def test_no_answer_is_waited_for_any_longer_because_of_it(salon, side):
    await in_tenant(salon.pk, use, salon, "openai")
    async with side.open(salon) as exchange:
        exchange.openai.behaviour = SHORT
        script = Script.of(OPENING_HOURS, reply_after_ms=250)
        call = await exchange.carrier.place_call(exchange.number, OPENING_HOURS.caller, script)
        await exchange.openai.session()
        exchange.openai.behaviour = Behaviour()
        await asyncio.wait_for(call.over.wait(), 60)
        await exchange.settled(call)
        told = await told_of(salon, call)
    assert (told["outcome"], len(told["sessions"])) == ("agent_ended", 2)
    answers = call.timeline.all_of("agent")
    for line in call.lines:
        answered_ms = next(one.start_ms for one in answers if one.start_ms > line.start_ms)
        assert answered_ms - line.end_ms - leg_of(call).late_ms <= REFUSED_MS


@pytest.mark.alone
async def test_a_session_that_ends_when_it_should_answer_is_followed_by_one_that_speaks_in_time(salon, side):
    """Its time is up in the moment in which the caller has finished: nobody had handed over before."""
    await in_tenant(salon.pk, use, salon, "openai")
    script = Script.saying("Hi, I would like to book a haircut.", hang_up_after_s=30.0)
    async with side.open(salon) as exchange:
        exchange.openai.behaviour = Behaviour(close=Close(1001, at="utterance", reason=EXPIRED))
        call = await exchange.carrier.place_call(exchange.number, CALLER, script)
        await exchange.openai.session()
        exchange.openai.behaviour = Behaviour()
        second = await exchange.openai.session(1, timeout_s=30)
        heard_ms = await until_heard(call, second)
        call.hang_up()
        await asyncio.wait_for(call.over.wait(), 20)
        await exchange.settled(call)
        told = await told_of(salon, call)
    leg, [line] = leg_of(call), call.lines
    assert heard_ms + leg.connected_ms - line.end_ms - leg.late_ms <= REFUSED_MS
    assert told_before(second) == [WELCOME]
    assert told["outcome"] == "caller_hung_up"
    assert "agent_relieved" not in told["events"]
    assert len(told["sessions"]) == 2
