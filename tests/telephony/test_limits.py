"""Limits on calls: each is said to the caller, and staff see why."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from telephony import limits
from telephony.models import Call
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.telephony.test_twilio_webhooks import fields, post, ring, said, status

pytestmark = pytest.mark.django_db
BUSY = ["I'm sorry, all our lines are busy. Please call again in a few minutes."]
OFTEN = ["I'm sorry, you have called us very often today. Please call again tomorrow."]


def limited(salon: Tenant, **settings_: object) -> None:
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(
            settings={"elevenLabsAgentId": "agent_demo_salon", "keypadMenu": False, **settings_}
        )


def outcome_of(salon: Tenant, sid: str) -> str:
    with tenant_scope(salon):
        return Call.objects.get(carrier_call_id=sid).outcome


def test_one_call_too_many_for_the_business_hears_that_lines_are_busy(salon):
    limited(salon, maxConcurrentCalls=2, maxCallsPerCaller=9)
    assert [b"<Connect" in ring(CallSid=f"CA{n}").content for n in range(2)] == [True, True]
    answer = ring(CallSid="CA2")
    assert said(answer) == BUSY
    assert b"<Hangup" in answer.content
    assert outcome_of(salon, "CA2") == "lines_busy"
    assert said(ring(CallSid="CA2")) == BUSY  # asked again, the same
    assert b"<Connect" in ring(CallSid="CA1").content
    status("completed", 1, CallSid="CA0")
    assert b"<Connect" in ring(CallSid="CA3").content


def test_a_caller_has_three_lines_and_whoever_withholds_the_number_is_not_one_caller(salon):
    limited(salon)
    for n in range(3):
        assert b"<Connect" in ring(CallSid=f"CA{n}").content
    assert said(ring(CallSid="CA4")) == BUSY
    assert outcome_of(salon, "CA4") == "caller_on_many_lines"
    assert b"<Connect" in ring(CallSid="CA5", From="+15553332211").content
    for n in range(5):
        assert b"<Connect" in ring(CallSid=f"CAx{n}", From="anonymous").content


def test_a_caller_who_has_called_all_day_is_asked_to_call_tomorrow(salon):
    limited(salon, maxDailyCallsPerCaller=2)
    for n in range(2):
        ring(CallSid=f"CA{n}")
        status("completed", 1, CallSid=f"CA{n}")
    assert said(ring(CallSid="CA2")) == OFTEN
    assert outcome_of(salon, "CA2") == "caller_calls_too_often"
    with tenant_scope(salon):
        Call.objects.update(
            created_at=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1, minutes=1)
        )
    assert b"<Connect" in ring(CallSid="CA3").content


def test_calls_without_an_agent_are_limited_too(salon):
    limited(salon, maxConcurrentCalls=1)
    assert said(post("voice", fields(CallSid="CA0"))) == [
        "Hello! Welcome to Test Salon.",
        "We encountered an error. Please try again later.",
    ]
    assert said(post("voice", fields(CallSid="CA1"))) == BUSY


def test_a_limit_is_one_tenants_own(salon, garage):
    from tonris import demo

    limited(salon, maxConcurrentCalls=1)
    ring(CallSid="CA0")
    assert said(ring(CallSid="CA1")) == BUSY
    assert b"<Connect" in ring(CallSid="CA2", To=demo.GARAGE.number).content


@pytest.mark.parametrize("value", [0, -1, True, "5", None, 1.5, [3]])
def test_what_is_no_number_of_calls_is_no_limit(salon, value):
    limited(salon, maxConcurrentCalls=value, maxCallsPerCaller=9)
    assert all(b"<Connect" in ring(CallSid=f"CA{n}").content for n in range(3))


@pytest.mark.django_db(transaction=True)
def test_of_calls_that_come_at_once_no_more_are_let_in_than_there_are_lines(salon):
    limited(salon, maxConcurrentCalls=3, maxCallsPerCaller=9)

    def one(number: int) -> bool:
        try:
            return b"<Connect" in ring(CallSid=f"CA{number}").content
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as together:
        assert sum(together.map(one, range(8))) == 3


@pytest.mark.parametrize(
    ("wanted", "installed", "longest"),
    [(600, 3600, 600), (9000, 3600, 3600), (None, 3600, 3600), (600, 0, 600), (None, 0, 0)],
)
def test_a_tenant_may_shorten_calls_and_not_lengthen_them(salon, settings, wanted, installed, longest):
    settings.MAX_CALL_SECONDS = installed
    salon.settings = {"maxCallSeconds": wanted}
    assert limits.longest_call_seconds(salon) == longest
