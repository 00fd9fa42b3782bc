"""Calls that we place, from the order to its end, over every carrier: the outbound part of the carriers' contract."""

import asyncio
import datetime

import pytest
from django.utils import timezone

from agents.simulators.elevenlabs import Behaviour
from agents.simulators.scenarios import BOOKING
from telephony.carriers.registry import CARRIERS
from telephony.models import Call, Carrier, OutboundCall
from telephony.outbound import course, due, hanging_up, placing
from telephony.outbound.errors import CarrierRefused
from telephony.outbound.standing import standing
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.callees import Callee
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, tenant_scope
from tests.calling import open_infobip_office, open_twilio_office
from tests.conftest import CALLER

pytestmark = pytest.mark.django_db(transaction=True)

OFFICES = {Carrier.TWILIO: open_twilio_office, Carrier.INFOBIP: open_infobip_office}


def test_every_carrier_can_be_called_over():
    assert OFFICES.keys() == CARRIERS.keys()


@pytest.fixture(params=OFFICES.values(), ids=[str(one) for one in OFFICES])
def office(request, settings):
    return request.param


async def settings_are(tenant: Tenant, **wanted) -> None:
    def change() -> None:
        row = Tenant.objects.get()
        row.settings = {**row.settings, **wanted}
        row.save()

    await in_tenant(tenant.pk, change)


async def test_a_person_who_answers_talks_to_the_agent(salon, office):
    async with office(salon, Callee(script=Script.of(BOOKING))) as place:
        order, call = await place.call(purpose="Ask whether they want a haircut.")
        session = place.exchange.vendor.sessions[0]
        kinds = await place.kinds(order.call)
    assert (order.state, order.answered_by, order.attempts) == ("completed", "human", 1)
    assert (order.call.direction, order.call.outcome, order.call.to_e164) == (
        "outbound",
        "agent_ended",
        CALLER,
    )
    assert order.call.conversation.is_outbound
    told = session.initiation["dynamic_variables"]
    assert (told["call_direction"], told["caller_number"]) == ("outbound", CALLER)
    assert "Ask whether they want a haircut." in told["call_brief"]
    first = session.initiation["conversation_config_override"]["agent"]["first_message"]
    assert first.startswith("Hello, this is the virtual assistant of Test Salon.")
    assert {"placed", "status:ringing", "status:in-progress", "stream_started", "status:completed"} <= kinds
    assert call.warnings == []


async def test_a_machine_is_told_why_we_called_after_its_tone(salon, office):
    async with office(salon, Callee("machine", greeting_s=1.5)) as place:
        order, call = await place.call()
        kinds = await place.kinds(order.call)
    assert (order.state, order.call.outcome, order.call.state) == ("machine", "machine", "completed")
    assert order.answered_by.startswith("machine")
    (said,) = call.timeline.says
    assert said.startswith("Hello, this is Test Salon. We tried to reach you. Please call us back at 1 5 5 5")
    assert call.timeline.all_of("say")[0].start_ms >= call.answered_ms + 1400
    assert "machine" in kinds
    assert call.warnings == []


async def test_a_fax_machine_is_hung_up_on_and_not_called_again(salon):
    async with open_twilio_office(salon, Callee("fax")) as place:
        order, call = await place.call()
    assert (order.state, order.error_code, order.answered_by) == ("failed", course.FAX, "fax")
    assert (order.call.outcome, order.call.state, order.attempts) == ("machine", "completed", 1)
    assert call.timeline.says == []
    assert call.warnings == []


async def test_a_machine_that_is_told_of_before_there_is_a_stream_is_the_calls_outcome(salon):
    def settled_without_a_stream() -> str:
        with tenant_scope(salon):
            OutboundCall.objects.update(state=OutboundCall.State.UNDER_WAY)
            Call.objects.update(outcome="", stream_started_at=None, stream_ended_at=None)
        course.settle(order.call)
        with tenant_scope(salon):
            return Call.objects.get().outcome

    async with open_twilio_office(salon, Callee("fax")) as place:
        order, _ = await place.call()
    assert await in_thread(settled_without_a_stream) == "machine"


async def test_a_business_that_leaves_no_message_hangs_up(salon, office):
    await settings_are(salon, outboundVoicemail=False)
    async with office(salon, Callee("machine")) as place:
        order, call = await place.call()
    assert order.state == "machine"
    assert call.timeline.says == []


@pytest.mark.parametrize("answers", ["busy", "no-answer", "failed"])
async def test_who_is_not_reached_is_tried_again_later_and_not_for_ever(salon, office, answers):
    await settings_are(salon, outboundAttempts=2, outboundRetryMinutes=15)
    async with office(salon, Callee(answers, rings_s=0.1)) as place:
        order, _ = await place.call()
        assert (order.state, standing(order), order.attempts) == ("waiting", answers, 1)
        wait = (order.due_at - order.call.ended_at).total_seconds()
        assert 14 * 60 < wait < 16 * 60
        assert await in_thread(placing.place_due, salon.pk) == 0
        await in_tenant(salon.pk, lambda: OutboundCall.objects.update(due_at=timezone.now()))
        assert await in_thread(placing.place_due, salon.pk) == 1
        await place.carrier.calls[1].wait(20)
        order = await place.settled(order)
    assert (order.state, order.attempts, len(place.carrier.calls)) == (answers, 2, 2)


async def test_an_agent_that_fails_leaves_an_apology_and_nobody_else(salon, office):
    async with office(salon, behaviour=Behaviour(signed_url_status=403)) as place:
        order, call = await place.call()
    (said,) = call.timeline.says
    assert said.startswith("This was Test Salon. We are sorry")
    assert not call.timeline.all_of("dial")
    assert (order.state, order.call.outcome) == ("completed", "agent_refused")


async def test_we_hang_up_while_it_rings(salon, office):
    async with office(salon, Callee(rings_s=20)) as place:
        order = await place.order()
        call = place.carrier.calls[0]
        assert await in_thread(hanging_up.hang_up, salon.pk, order.pk)
        await call.wait(10)
        order = await place.settled(order)
        assert not await in_thread(hanging_up.hang_up, salon.pk, order.pk)
    assert (order.state, order.call.state, call.answered_ms) == ("canceled", "canceled", None)


async def test_we_hang_up_in_the_middle(salon, office):
    async with office(salon) as place:
        order = await place.order()
        call = place.carrier.calls[0]
        await asyncio.wait_for(call.agent_spoke.wait(), 15)
        assert standing(await place.look(order)) == "in-progress"
        assert await in_thread(hanging_up.hang_up, salon.pk, order.pk)
        await call.wait(10)
        order = await place.settled(order)
    assert (order.state, order.call.state) == ("completed", "completed")


async def test_a_carrier_that_would_not_end_a_call_is_asked_again_until_it_does(salon, office):
    def refuse(carrier) -> None:
        if hasattr(carrier.faults, "rest"):
            carrier.faults.rest.append(("hangup", 400))
        else:
            carrier.update_faults.append(400)

    async def tidied(seconds: float) -> None:
        await in_thread(course.tidy, salon.pk, timezone.now() + datetime.timedelta(seconds=seconds))

    async with office(salon) as place:
        order = await place.order()
        call = place.carrier.calls[0]
        await asyncio.wait_for(call.agent_spoke.wait(), 15)
        refuse(place.carrier)
        with pytest.raises(CarrierRefused):
            await in_thread(hanging_up.hang_up, salon.pk, order.pk)
        long_ago = timezone.now() - datetime.timedelta(minutes=1)
        await in_tenant(salon.pk, lambda: OutboundCall.objects.update(canceled_at=long_ago))
        await tidied(0)  # it has refused just now
        assert not call.over.is_set()
        refuse(place.carrier)
        await tidied(20)
        assert not call.over.is_set()
        await tidied(40)
        await call.wait(10)
        order = await place.settled(order)
        kinds = await in_tenant(salon.pk, lambda: list(order.call.events.values_list("kind", flat=True)))
    assert (kinds.count("carrier_refused"), kinds.count("hung_up_by_us")) == (2, 1)
    assert order.state == "completed"


async def test_a_call_that_a_worker_did_not_live_to_end_is_ended(salon, office):
    async with office(salon, Callee(rings_s=20)) as place:
        order = await place.order()
        wish = await in_thread(hanging_up.cancel, salon.pk, order.pk)
        assert wish is hanging_up.Wish.NOTED_AND_TO_END
        soon = timezone.now() + hanging_up.AGAIN_AFTER + datetime.timedelta(seconds=1)
        assert await in_thread(due.tenants_with_work, soon) == [salon.pk]
        await in_thread(course.tidy, salon.pk, soon)
        await place.carrier.calls[0].wait(10)
        order = await place.settled(order)
    assert order.state == "canceled"


async def test_tools_act_for_whom_we_called(salon, office):
    async with office(salon, Callee(script=Script.of(BOOKING))) as place:
        await place.call()

    def booked() -> list[str]:
        from appointments.models import Appointment

        return list(Appointment.objects.values_list("customer__phone_e164", flat=True))

    assert await in_tenant(salon.pk, booked) == [CALLER]


async def test_a_call_whose_answer_was_lost_goes_on_and_is_not_placed_again(salon, office):
    async with office(salon, Callee(script=Script(hang_up_after_s=1.5))) as place:
        faults = place.carrier.faults
        getattr(faults, "create_call", faults).append("lost")
        order = await place.order()
        (call,) = place.carrier.calls
        await call.wait(30)
        order = await place.settled(order)
        for _ in range(3):
            await in_thread(placing.place_due, salon.pk)
    assert (order.state, order.attempts, order.call.carrier_call_id) == ("completed", 1, call.sid)
    assert len(place.carrier.calls) == 1


async def test_a_carrier_that_refuses_ends_the_order(salon, office):
    async with office(salon) as place:
        rest = getattr(place.carrier.faults, "rest", None)
        if rest is None:
            place.carrier.faults.append(400)
        else:
            rest.append(("/calls/1/calls", 400))
        order = await place.order()
    assert (order.state, order.call.state, order.call.outcome) == ("failed", "failed", "not_placed")
    assert place.carrier.calls == []


async def test_nothing_is_placed_for_a_claim_whose_process_died(salon, office):
    async with office(salon) as place:

        def claim_and_die() -> OutboundCall:
            from telephony.outbound import orders

            ordered = orders.make(salon.pk, orders.Wish(to=CALLER, from_e164=place.exchange.number))
            assert placing.claim(salon.pk, only=ordered.order.pk)
            return ordered.order

        order = await in_thread(claim_and_die)
        for _ in range(3):
            assert await in_thread(placing.place_due, salon.pk) == 0
        assert place.carrier.calls == []
    assert (await place.look(order)).state == "placing"
    assert await in_tenant(salon.pk, Call.objects.count) == 1
