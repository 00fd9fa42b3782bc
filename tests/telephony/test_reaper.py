"""Calls whose process was killed: closed in time, with their conversations and what was held for them."""

import datetime
import threading

import pytest
import time_machine
from django.db.models import F

from agents.models import Conversation
from agents.tools import registry
from appointments.holds import CUT_OFF
from appointments.models import Hold
from telephony import calls, heartbeat
from telephony.frames import StreamStarted
from telephony.models import Call
from telephony.tasks import sweep_calls
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.agents.toolbox import HAIRCUT
from tests.statements import claim_stream
from tests.telephony.test_twilio_webhooks import fields, parameters, post, ring, state_of, status
from tests.telephony.writers import writing_about

pytestmark = pytest.mark.django_db
SECONDS, MINUTES = datetime.timedelta(seconds=1), datetime.timedelta(minutes=1)


@pytest.fixture
def killed(salon) -> Conversation:
    """A call in the middle of booking; nothing more will be heard of the process that carries it."""
    claim_stream(StreamStarted("MZ1", "CA123456789", {"token": parameters(ring())["token"]}))
    with tenant_scope(salon):
        conversation = Conversation.objects.get()
    free = registry.run(salon.pk, conversation, "check_availability", {"serviceId": HAIRCUT}).envelope
    registry.run(salon.pk, conversation, "hold_slot", {"slotId": free["data"]["slots"][0]["slotId"]})
    return conversation


def in_(delay: datetime.timedelta) -> time_machine.travel:
    return time_machine.travel(datetime.datetime.now(datetime.UTC) + delay, tick=False)


def passes(delay: datetime.timedelta, salon: Tenant) -> None:
    """Signs of life are told by the database's clock, which no test can turn: they grow older instead."""
    with tenant_scope(salon):
        Call.objects.update(seen_at=F("seen_at") - delay, created_at=F("created_at") - delay)


def test_a_call_that_somebody_carries_is_left_alone(salon, killed):
    passes(80 * SECONDS, salon)
    heartbeat._refresh([str(killed.pk)], sign=True)
    passes(80 * SECONDS, salon)
    assert sweep_calls() == 0
    assert state_of(salon).stream_ended_at is None


@pytest.mark.parametrize("seconds", [90, -90])
def test_a_call_is_not_lost_by_whose_clock_is_wrong(salon, killed, seconds):
    """Of the worker that sweeps and of the process that carries the call, either may be ahead."""
    with in_(seconds * SECONDS):
        heartbeat._refresh([str(killed.pk)], sign=True)
    with in_(-seconds * SECONDS):
        assert sweep_calls() == 0
    assert state_of(salon).stream_ended_at is None


@pytest.mark.parametrize("seconds", [90, -90])
def test_a_token_is_as_good_for_whose_clock_is_wrong(salon, seconds):
    with in_(seconds * SECONDS):
        token = parameters(ring())["token"]
    with in_(-seconds * SECONDS):
        claim_stream(StreamStarted("MZ1", "CA123456789", {"token": token}))
    assert state_of(salon).stream_started_at is not None


def test_a_call_that_nobody_carries_is_closed_in_minutes(salon, killed):
    passes(100 * SECONDS, salon)
    sweep_calls()
    call = state_of(salon)
    assert (call.outcome, call.stream_ended_at is not None) == (calls.MEDIA_LOST, True)
    with tenant_scope(salon):
        assert Conversation.objects.get().ended_at is not None
    with in_(8 * MINUTES):
        assert sweep_calls() == 1
        assert state_of(salon).state == Call.State.COMPLETED
        assert sweep_calls() == 0


def test_without_a_limit_on_calls_a_long_one_is_left_alone(salon, killed, settings):
    settings.MAX_CALL_SECONDS = 0
    passes(120 * MINUTES, salon)
    heartbeat._refresh([str(killed.pk)], sign=True)
    assert sweep_calls() == 0


def test_when_the_carrier_says_first_that_the_call_is_over_the_conversation_ends_too(salon, killed):
    status("completed", 2)
    passes(100 * SECONDS, salon)
    sweep_calls()
    call = state_of(salon)
    assert (call.state, call.outcome) == ("completed", calls.MEDIA_LOST)
    with tenant_scope(salon):
        assert Conversation.objects.get().ended_at is not None


def test_what_was_held_for_a_lost_call_is_kept_for_the_caller(salon, killed, monkeypatch):
    monkeypatch.setattr("telephony.ladder.SETTLE_SECONDS", 0)
    post("stream-ended", fields(CallStatus="in-progress"))
    with tenant_scope(salon):
        assert Hold.objects.get().holder == CUT_OFF
        assert Conversation.objects.get().ended_at is not None
    ring(CallSid="CA2")
    with tenant_scope(salon):
        assert Hold.objects.get().holder == str(Call.objects.get(carrier_call_id="CA2").conversation_id)


def test_the_menu_of_a_refused_call_is_not_swept_away_while_it_is_used(salon, settings):
    settings.ELEVENLABS_API_KEY = ""
    ring()
    with tenant_scope(salon):
        call = Call.objects.get()
    passes(9 * MINUTES, salon)
    with tenant_scope(salon):
        calls.attend(call)
    passes(3 * MINUTES, salon)
    assert sweep_calls() == 0
    passes(3 * MINUTES, salon)
    assert sweep_calls() == 1
    with tenant_scope(salon):
        assert Conversation.objects.get().ended_at is not None


@pytest.mark.django_db(transaction=True)
def test_who_is_told_to_have_hung_up_at_this_moment_was_not_cut_off(salon):
    """The carrier's callback and the end of its socket come together, and either may be written down first."""
    token = parameters(ring())["token"]
    claimed = claim_stream(StreamStarted("MZ1", "CA123456789", {"token": token}))
    with writing_about(salon.pk, "CA123456789", state=Call.State.COMPLETED) as let_go, tenant_scope(salon):
        threading.Timer(0.3, let_go.set).start()
        calls.finish_stream(claimed, calls.STREAM_LOST, first_audio_ms=None)
    with tenant_scope(salon):
        assert Call.objects.get().outcome == calls.CALLER_HUNG_UP
