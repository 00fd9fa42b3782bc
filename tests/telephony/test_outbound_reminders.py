"""Reminders by telephone: one call for each appointment and time, none for what has changed."""

import datetime

import pytest

from appointments import lifecycle
from appointments.models import Appointment
from telephony.models import Call, OutboundCall, PhoneNumber
from telephony.notifications import dispatcher, due, unanswered
from telephony.notifications.models import Channel
from telephony.outbound import course, placing
from telephony.outbound.policy import problems
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.callees import Callee
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import appointment_of, next_monday, set_settings
from tests.calling import open_infobip_office, open_twilio_office
from tests.conftest import CALLER
from tests.second_agents import problems_of, session_of
from tests.telephony.letters import HOUR, rows

pytestmark = pytest.mark.django_db(transaction=True)

OFFICES = {"twilio": open_twilio_office, "infobip": open_infobip_office}


def reminded(salon: Tenant) -> Appointment:
    """An appointment of which a reminder by telephone is due now."""
    made = appointment_of(salon, next_monday(salon, 10))
    start = made.starts_at
    lead = int((start - datetime.datetime.now(datetime.UTC)) / HOUR) + 1
    set_settings(salon, reminders=[{"hoursBefore": lead, "channel": "call"}], quietHours=False)
    with tenant_scope(salon):
        Appointment.objects.update(created_at=start - 400 * HOUR)
        made.history.update(changed_at=start - 400 * HOUR)
        made.outbox.all().delete()
    due.plan_reminders_for(salon.pk)
    return made


def orders(salon: Tenant) -> list[OutboundCall]:
    with tenant_scope(salon):
        return list(OutboundCall.objects.select_related("call"))


def calls_with(salon: Tenant, carrier: str, provider: str) -> None:
    """No number elsewhere, so that this carrier's is the one to call from."""
    set_settings(salon, agentProvider=provider)
    with tenant_scope(salon):
        PhoneNumber.objects.exclude(carrier=carrier).update(is_active=False)


@pytest.mark.parametrize(
    ("carrier", "provider"), [("twilio", "elevenlabs"), ("infobip", "openai")], ids=["twilio", "infobip"]
)
async def test_a_reminder_is_a_call_about_the_appointment(salon, settings, carrier, provider):
    made = await in_thread(reminded, salon)
    await in_thread(calls_with, salon, carrier, provider)
    async with OFFICES[carrier](salon, Callee(script=Script(hang_up_after_s=2.5))) as place:
        for _ in range(3):
            await in_thread(dispatcher.send_due, salon.pk)
        for _ in range(3):
            await in_thread(placing.place_due, salon.pk)
        (call,) = place.carrier.calls
        await call.wait(30)
        (order,) = await in_thread(orders, salon)
        order = await place.settled(order)
        session = await session_of(place.exchange, provider)
    assert (order.to_e164, order.appointment_id, order.origin, order.consent) == (
        CALLER,
        made.pk,
        "reminder",
        "customer",
    )
    if provider == "elevenlabs":
        told = session.initiation["dynamic_variables"]
        assert told["appointment_id"] == str(made.pk)
        assert "Haircut with Ana" in told["appointment"]
        assert "Remind them" in told["call_purpose"]
    else:
        told = session.updates[0]["instructions"]
        assert "Remind them" in told
        assert "It is about this appointment: Haircut with Ana" in told
    assert (problems_of(session), call.warnings) == ([], [])
    (row,) = await in_thread(rows, salon)
    assert (row.channel, row.state, row.carrier_message_id) == ("call", "delivered", str(order.pk))


def test_what_has_been_moved_is_not_called_about(salon, monkeypatch):
    made = reminded(salon)
    dispatcher.send_due(salon.pk)
    with tenant_scope(salon):
        lifecycle.reschedule(salon, made.pk, made.starts_at + 4 * HOUR, actor="test")
    placed = []
    monkeypatch.setattr(placing, "place", lambda order_id, wanted: placed.append(order_id))
    placing.place_due(salon.pk)  # the change has not been read: nothing is done
    assert [order.state for order in orders(salon)] == ["waiting"]
    due.work_for(salon.pk)
    with tenant_scope(salon):
        OutboundCall.objects.update(due_at=made.created_at)
    placing.place_due(salon.pk)
    (order,) = orders(salon)
    assert (order.state, order.error_code, placed) == ("canceled", "SUPERSEDED", [])
    assert [row.state for row in rows(salon, channel="call")][0] == "superseded"


def test_a_claim_that_died_before_its_order_is_tried_again_and_one_after_it_is_not(salon, monkeypatch):
    reminded(salon)
    looked = dispatcher.claim_next(salon.pk)
    assert looked
    assert looked.claim
    monkeypatch.setattr(unanswered, "UNANSWERED", datetime.timedelta(seconds=-60))
    unanswered.resolve(salon.pk)
    assert [row.state for row in rows(salon)] == ["waiting"]
    looked = dispatcher.claim_next(salon.pk)
    assert looked
    assert looked.claim
    dispatcher._send(looked.claim)  # killed after it
    unanswered.resolve(salon.pk)
    assert [row.state for row in rows(salon)] == ["sent"]
    assert len(orders(salon)) == 1


def test_who_was_never_reached_was_not_reminded(salon, monkeypatch):
    reminded(salon)
    set_settings(salon, outboundAttempts=1)
    dispatcher.send_due(salon.pk)
    monkeypatch.setattr(placing, "place", lambda order_id, wanted: None)
    with tenant_scope(salon):
        OutboundCall.objects.update(max_attempts=1)
    placing.place_due(salon.pk)
    (order,) = orders(salon)
    with tenant_scope(salon):
        now = order.created_at
        Call.objects.update(carrier_call_id="CA1", state="no-answer", ended_at=now)
    assert order.call
    course.tidy(salon.pk)
    (row,) = rows(salon)
    assert (row.state, orders(salon)[0].state) == ("undelivered", "no-answer")


def test_calls_are_a_way_to_remind_and_to_nothing_else():
    from telephony.notifications.wishes import problems as wishes_problems

    assert list(wishes_problems({"reminders": [{"hoursBefore": 24, "channel": "call"}]})) == []
    assert list(wishes_problems({"notifications": "call"}))
    assert list(problems({})) == []
    assert Channel.CALL in Channel.values
