"""An agent that fails everybody is not waited for; one call at a time finds out when it is back."""

import time
from uuid import UUID

import pytest

from telephony import breaker, calls
from telephony.breaker import Circuit
from telephony.frames import StreamStarted
from telephony.models import Call
from tenants.scoping import tenant_scope
from tests.statements import claim_stream
from tests.telephony.test_twilio_webhooks import parameters, ring, said

SALON, GARAGE = (Circuit(UUID(int=n), "elevenlabs", "agent") for n in (1, 2))


def fail(circuit: Circuit = SALON, times: int = 1, outcome: str = "agent_lost") -> None:
    for _ in range(times):
        breaker.note(circuit, outcome, agent_was_heard=True)


def test_five_failures_open_it_for_that_agent_alone():
    fail(times=4)
    assert breaker.allows(SALON)
    fail()
    assert not breaker.allows(SALON)
    assert breaker.allows(GARAGE)


@pytest.mark.parametrize("outcome", sorted(breaker.BAD))
def test_every_failure_of_an_agent_counts(outcome):
    fail(times=5, outcome=outcome)
    assert not breaker.allows(SALON)


@pytest.mark.parametrize("outcome", ["caller_hung_up", "stream_lost", "error", "drained", ""])
def test_what_is_not_the_agents_doing_neither_opens_nor_closes(outcome):
    for _ in range(9):
        breaker.note(SALON, outcome, agent_was_heard=False)
    assert breaker.allows(SALON)
    fail(times=5)
    breaker.note(SALON, outcome, agent_was_heard=False)
    assert not breaker.allows(SALON)


def test_a_good_call_in_between_starts_the_count_anew():
    fail(times=4)
    breaker.note(SALON, "agent_ended", agent_was_heard=True)
    fail(times=4)
    assert breaker.allows(SALON)


def test_failures_long_apart_do_not_open_it(monkeypatch):
    monkeypatch.setattr(breaker, "WINDOW_SECONDS", 0.05)
    for _ in range(7):
        fail()
        time.sleep(0.02)
    assert breaker.allows(SALON)


def test_half_open_lets_one_call_try_and_its_success_closes(monkeypatch):
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.05)
    fail(times=5)
    time.sleep(0.1)
    assert [breaker.allows(SALON) for _ in range(3)] == [True, False, False]
    breaker.note(SALON, "agent_ended", agent_was_heard=True)
    assert [breaker.allows(SALON) for _ in range(3)] == [True, True, True]


def test_half_open_one_failure_opens_it_again(monkeypatch):
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.05)
    fail(times=5)
    monkeypatch.setattr(breaker, "WINDOW_SECONDS", 0.05)  # the five are long ago when it is tried
    monkeypatch.setattr(breaker, "PROBE_SECONDS", 0.05)
    time.sleep(0.1)
    assert breaker.allows(SALON)
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 60)
    fail()
    time.sleep(0.1)  # longer than a try may take: it is the breaker that says no
    assert not breaker.allows(SALON)


def test_a_try_that_is_never_heard_of_leaves_it_to_another(monkeypatch):
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.05)
    monkeypatch.setattr(breaker, "PROBE_SECONDS", 0.05)
    fail(times=5)
    time.sleep(0.1)
    assert breaker.allows(SALON)
    time.sleep(0.1)
    assert breaker.allows(SALON)


def test_without_redis_every_call_tries_its_agent(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    fail(times=9)
    assert breaker.allows(SALON)


@pytest.mark.django_db(transaction=True)
def test_after_five_failed_calls_the_next_is_answered_without_the_agent(salon):
    for number in range(5):
        token = parameters(ring(CallSid=f"CA{number}"))["token"]
        claimed = claim_stream(StreamStarted(f"MZ{number}", f"CA{number}", {"token": token}))
        with tenant_scope(salon):
            calls.finish_stream(claimed, "agent_unreachable", first_audio_ms=None)
    answer = ring(CallSid="CA9")
    assert b"<Stream" not in answer.content
    assert said(answer) == [
        "I'm sorry, our assistant is not available. One moment, I'm connecting you with someone."
    ]
    with tenant_scope(salon):
        assert Call.objects.get(carrier_call_id="CA9").outcome == "agent_fails_everybody"
