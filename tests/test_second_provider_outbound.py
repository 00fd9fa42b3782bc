"""A call that we place goes on with the other provider too: when it is ordered, when it is answered, and later."""

import asyncio
from typing import Any

import pytest

from agents.models import ProviderSession, Turn
from agents.simulators.scenarios import BOOKING
from appointments.models import Appointment
from telephony import breaker
from telephony.models import CallEvent, Carrier
from telephony.outbound import orders
from telephony.outbound.errors import AgentUnavailable
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.callees import Callee
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.calling import Office, open_infobip_office, open_twilio_office
from tests.ears import legs_of, longest_silence_ms, until_heard
from tests.second_agents import FIRST, HANGS_MS, REFUSED_MS, SORRY, behave, other, said_by, session_of, use

pytestmark = pytest.mark.django_db(transaction=True)

OFFICES = {Carrier.TWILIO: open_twilio_office, Carrier.INFOBIP: open_infobip_office}
GREETS = "Hello, this is the virtual assistant of Test Salon."


@pytest.fixture(autouse=True)
def both_providers(settings):
    settings.SECOND_PROVIDER = "auto"


@pytest.fixture(params=OFFICES.values(), ids=[str(one) for one in OFFICES])
def office(request):
    return request.param


async def fails_everybody(tenant: Tenant, settings: Any, *providers: str) -> None:
    """So often that nobody is connected to their agents any more."""
    agents = {"elevenlabs": "agent_demo_salon", "openai": settings.OPENAI_REALTIME_MODEL}
    for provider in providers:
        for _ in range(breaker.FAILURES):
            circuit = breaker.Circuit(tenant.pk, provider, agents[provider])
            await in_thread(breaker.note, circuit, "agent_refused", agent_was_heard=False)


async def told_of(tenant: Tenant, order: Any) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        events = CallEvent.objects.filter(call=order.call)
        sessions = ProviderSession.objects.filter(conversation=order.call.conversation)
        return {
            "events": {event.kind: event.detail for event in events},
            "providers": list(sessions.values_list("provider", flat=True)),
            "said": list(Turn.objects.filter(speaker="agent").values_list("text", flat=True)),
        }

    return await in_tenant(tenant.pk, read)


async def relieved(place: Office, first: str, fault: str) -> tuple[Any, Any, Any]:
    """The order of a call whose first agent fails like that, the call, and the other one's session."""
    behave(place.exchange, first, fault)
    order = await place.order(purpose="Ask whether they want a haircut.")
    (call,) = place.carrier.calls
    second = await session_of(place.exchange, other(first))
    await until_heard(call, second)
    async with asyncio.timeout(20):
        while not (await told_of(place.tenant, await place.look(order)))["said"]:
            await asyncio.sleep(0.05)
    call.hang_up()
    await call.wait(20)
    return await place.settled(order), call, second


@pytest.mark.alone
@pytest.mark.parametrize(
    ("first", "fault", "budget_ms"),
    [("elevenlabs", "refuses", REFUSED_MS), ("openai", "refuses", REFUSED_MS), ("openai", "mute", HANGS_MS)],
)
async def test_an_agent_that_never_speaks_is_not_noticed_by_whom_we_call(
    salon, office, first, fault, budget_ms
):
    await in_tenant(salon.pk, use, salon, first)
    async with office(salon) as place:
        order, call, second = await relieved(place, first, fault)
        told = await told_of(salon, order)
        heard_ms = await until_heard(call, second)
    assert said_by(second)[0].startswith(GREETS), "nobody has said yet who calls"
    assert (told["events"]["agent_relieved"]["agent"], order.state) == (first, "completed")
    assert told["providers"][-1] == other(first)
    assert heard_ms <= budget_ms
    assert longest_silence_ms(call) <= budget_ms


@pytest.mark.alone
@pytest.mark.parametrize("first", FIRST)
async def test_in_the_middle_of_a_call_that_we_placed_the_other_one_goes_on(salon, office, first):
    await in_tenant(salon.pk, use, salon, first)
    async with office(salon) as place:
        order, call, second = await relieved(place, first, "closes")
        told = await told_of(salon, order)
    assert said_by(second)[0] == SORRY
    assert told["said"][0].startswith(GREETS)
    assert told["providers"] == [first, other(first)]
    assert len(legs_of(call)) == 1
    assert longest_silence_ms(call) <= REFUSED_MS


@pytest.mark.parametrize("first", FIRST)
async def test_when_both_fail_whom_we_called_hears_who_it_was_and_is_rung_through_to_nobody(
    salon, office, first
):
    await in_tenant(salon.pk, use, salon, first)
    async with office(salon) as place:
        behave(place.exchange, first, "refuses")
        behave(place.exchange, other(first), "refuses")
        order, call = await place.call()
    (said,) = call.timeline.says
    assert said.startswith("This was Test Salon. We are sorry")
    assert not call.timeline.all_of("dial")
    assert (order.state, order.call.outcome) == ("completed", "agent_refused")


async def test_while_the_first_fails_everybody_a_call_is_placed_with_the_second(salon, office, settings):
    await fails_everybody(salon, settings, "elevenlabs")
    async with office(salon, Callee(script=Script.of(BOOKING))) as place:
        order, call = await place.call(purpose="Ask whether they want a haircut.")
        assert place.exchange.vendor.signed_url_requests == []
        told = await told_of(salon, order)
        assert "You have called them" in place.exchange.openai.sessions[0].updates[0]["instructions"]
    assert (order.state, order.call.outcome) == ("completed", "agent_ended")
    assert order.call.conversation.provider == "openai"
    assert told["providers"] == ["openai"]
    assert await in_tenant(salon.pk, Appointment.objects.count) == 1
    assert call.warnings == []


async def test_an_agent_that_fails_while_it_rings_is_not_waited_for_by_whoever_answers(
    salon, office, settings
):
    async with office(salon, Callee(rings_s=1.5, script=Script(hang_up_after_s=4.0))) as place:
        order = await place.order()
        await fails_everybody(salon, settings, "elevenlabs")
        (call,) = place.carrier.calls
        await call.wait(30)
        order = await place.settled(order)
        assert place.exchange.vendor.sessions == []
    assert call.first_audio_ms is not None
    assert order.call.conversation.provider == "openai"


async def test_while_both_fail_everybody_nobody_is_called(salon, office, settings):
    await fails_everybody(salon, settings, "elevenlabs", "openai")
    async with office(salon) as place:
        with pytest.raises(AgentUnavailable):
            await place.order()
        assert place.carrier.calls == []


async def test_a_business_that_wants_no_second_one_calls_nobody_either(salon, office, settings):
    await in_tenant(salon.pk, lambda: use(salon, "elevenlabs", secondProvider="none"))
    await fails_everybody(salon, settings, "elevenlabs")
    async with office(salon) as place:
        with pytest.raises(AgentUnavailable):
            await place.order()
        assert place.exchange.openai.handshakes == []


@pytest.mark.parametrize("wish", [{}, {"provider": "openai"}])
async def test_who_would_speak_is_known_when_a_call_is_ordered(salon, settings, wish):
    """`provider`: the order names one, and that is the first of the two then."""
    first = wish.get("provider", "elevenlabs")

    def speaker() -> str:
        number = orders.number_to_call_from(salon)
        return orders.refuse_route(salon, number, first if wish else "").provider

    assert await in_tenant(salon.pk, speaker) == first
    await fails_everybody(salon, settings, first)
    assert await in_tenant(salon.pk, speaker) == other(first)
