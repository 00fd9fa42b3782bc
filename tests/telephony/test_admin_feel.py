"""How calls felt, as staff and operators read it."""

import datetime
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from telephony.admin_feel import NOT_MEASURED, RECENT_CALLS
from telephony.models import Call
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.telephony.test_admin import operator, page_of, staff, static_files_need_no_collecting, words_of

__all__ = ["operator", "staff", "static_files_need_no_collecting"]

FELT: dict[str, Any] = {
    "version": 1,
    "length_ms": 61_000,
    "caller_speech_ms": 14_000,
    "agent_speech_ms": 30_000,
    "greeting_delay_ms": 812,
    "response_gaps_ms": [700, 900, 1450],
    "response_gap_p50_ms": 900,
    "response_gap_p95_ms": 1450,
    "talk_over_ms": 420,
    "dead_airs_ms": [3300, 4600],
    "dead_air_ms": 7900,
    "barge_in_reactions_ms": [380],
    "false_interruptions": 2,
    "clipped_ending_ms": 1200,
}
WENT_WELL: dict[str, Any] = {
    "version": 1,
    "length_ms": 9000,
    "caller_speech_ms": 0,
    "agent_speech_ms": 2000,
    "response_gaps_ms": [],
    "talk_over_ms": 0,
    "dead_airs_ms": [],
    "dead_air_ms": 0,
    "barge_in_reactions_ms": [],
    "false_interruptions": 0,
    "clipped_ending_ms": 0,
}


def a_call(tenant: Tenant, sid: str, feel: dict[str, Any]) -> Call:
    with tenant_scope(tenant):
        call: Call = Call.objects.create(
            tenant=tenant, carrier_call_id=sid, to_e164="+15551234567", feel=feel
        )
    return call


def test_a_calls_page_tells_how_it_felt(staff, salon):
    words = words_of(staff, page_of(a_call(salon, "CA1", FELT)))
    for line in (
        "Greeting after 0.81 s",
        "Answers 3: half within 0.90 s, 95 % within 1.4 s",
        "Both at once 0.42 s",
        "Dead air 2 times, 7.9 s in all, 4.6 s at worst nobody speaks for longer than 3 s",
        "Interruptions once, after 0.38 s",
        "False interruptions twice",
        "Last words 1.2 s of them not heard",
    ):
        assert line in words


def test_a_call_without_trouble_says_so(staff, salon):
    words = words_of(staff, page_of(a_call(salon, "CA1", WENT_WELL)))
    for line in (
        "Greeting none",
        "Answers none",
        "Both at once never",
        "Dead air none",
        "Last words not cut",
    ):
        assert line in words


def test_a_call_that_was_not_measured_says_so(staff, salon):
    assert NOT_MEASURED in words_of(staff, page_of(a_call(salon, "CA1", {})))


def test_the_list_sums_up_its_own_calls(staff, salon, garage):
    for number in range(3):
        a_call(salon, f"CA{number}", FELT)
    a_call(salon, "CA3", {**WENT_WELL, "response_gaps_ms": [100]})
    a_call(salon, "CA4", {})
    a_call(garage, "CA5", {**FELT, "greeting_delay_ms": 5000})
    words = words_of(staff, "/admin/telephony/call/")
    assert "Test Salon 4 0.8 / 0.8 0.9 / 1.4 0.4 / 0.4 0.4 / 0.4 7.9 / 7.9 6 3" in words
    assert "Test Garage" not in words
    assert "5.0 /" not in words


def test_an_operator_sees_each_business_for_itself(operator, salon, garage):
    a_call(salon, "CA1", FELT)
    a_call(garage, "CA2", {**FELT, "greeting_delay_ms": 5000})
    words = words_of(operator, "/ops/telephony/call/")
    assert "Test Garage 1 5.0 / 5.0" in words
    assert "Test Salon 1 0.8 / 0.8" in words
    only = words_of(operator, f"/ops/telephony/call/?tenant__id__exact={garage.pk}")
    assert "Test Salon 1 0.8" not in only


def test_a_list_without_measured_calls_has_no_table(staff, salon):
    a_call(salon, "CA1", {})
    assert "How these calls felt" not in words_of(staff, "/admin/telephony/call/")


def test_only_the_latest_calls_count_and_they_are_asked_for_once(staff, salon, monkeypatch):
    monkeypatch.setattr("telephony.admin_feel.RECENT_CALLS", 2)
    a_call(salon, "CA1", {**FELT, "greeting_delay_ms": 9000})
    with tenant_scope(salon):
        Call.objects.update(created_at=timezone.now() - datetime.timedelta(days=1))
    for number in range(2, 4):
        a_call(salon, f"CA{number}", FELT)
    with CaptureQueriesContext(connection) as asked:
        words = words_of(staff, "/admin/telephony/call/")
    assert "Test Salon 2 0.8 / 0.8" in words
    assert sum('"telephony_call"."feel" = ' in query["sql"] for query in asked) == 1
    assert RECENT_CALLS >= 100
