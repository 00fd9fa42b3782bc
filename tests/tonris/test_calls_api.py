"""POST /api/v1/calls: who is called, who is not and why, and that a request is one call however often it comes."""

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from appointments.models import Customer
from telephony.models import Call, Carrier, OptOut, OutboundCall, PhoneNumber
from telephony.outbound import orders, placing
from telephony.outbound.errors import OutboundRefused
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.callees import Callee
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import set_settings
from tests.calling import open_twilio_office
from tests.conftest import CALLER
from tests.tonris.integrator import Integrator
from tests.tonris.test_api import book, refused

STRANGER = "+15557770000"
PURPOSE = "Their stylist is ill: find another time."


@pytest.fixture
def nobody_answers(settings):
    """No carrier: whatever reaches it would fail with another code than a refusal's."""
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"


def strict(salon: Tenant, **changes: Any) -> None:
    """As a real business has it, but for the hour."""
    own = {"elevenLabsAgentId": "agent_demo_salon", "outboundQuietHours": False, "outboundConsent": None}
    set_settings(salon, **{**own, **changes})


# --- A call --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_a_call_is_placed_followed_and_told_in_the_seeds_words(salon, settings):
    api = await in_thread(Integrator, salon)
    async with open_twilio_office(salon, Callee(script=Script(hang_up_after_s=2.0))) as place:
        body = {"to": CALLER, "purpose": PURPOSE, "consent": True}
        answer = await in_thread(api.post, "calls", body, Idempotency_Key="once")
        told = answer.json()
        (call,) = place.carrier.calls
        assert (answer.status_code, told["success"], told["message"]) == (201, True, "Call initiated")
        assert told["callSid"] == call.sid
        again = await in_thread(api.post, "calls", body, Idempotency_Key="once")
        assert (again.status_code, again.json()["callSid"]) == (200, call.sid)
        assert again.headers["Idempotency-Replayed"] == "true"
        other = await in_thread(api.post, "calls", {**body, "to": "+15559870009"}, Idempotency_Key="once")
        assert refused(other) == (422, "IDEMPOTENCY_CONFLICT")
        in_body = await in_thread(api.post, "calls", {**body, "idempotencyKey": "once"})
        assert in_body.json()["callSid"] == call.sid
        one = told["data"]["call"]["id"]
        await call.wait(30)
        await place.settled(await in_thread(_order, salon, one))
        known = (await in_thread(api.get, f"calls/{one}")).json()["data"]["call"]
        by_sid = (await in_thread(api.get, f"calls/{call.sid}")).json()["data"]["call"]
        listed = (await in_thread(api.get, "calls")).json()["data"]["calls"]
    assert known == by_sid == listed[0]
    assert (known["state"], known["isOver"], known["outcome"]) == ("completed", True, "caller_hung_up")
    assert (known["from"], known["to"], known["consent"]) == ("+15551234567", CALLER, "given")
    assert len(place.carrier.calls) == 1


def _order(salon: Tenant, pk: str) -> OutboundCall:
    with tenant_scope(salon):
        return OutboundCall.objects.get(pk=pk)


@pytest.mark.django_db(transaction=True)
async def test_a_call_is_hung_up_by_verb_and_by_delete(salon, settings):
    api = await in_thread(Integrator, salon)
    async with open_twilio_office(salon, Callee(rings_s=20)) as place:
        for end in ("post", "delete"):
            told = (await in_thread(api.post, "calls", {"to": CALLER})).json()["data"]["call"]
            path = f"calls/{told['id']}" + ("/hangup" if end == "post" else "")
            answer = await in_thread(getattr(api, end), path)
            assert answer.json()["data"]["ended"] is True
            await place.carrier.calls[-1].wait(10)
        again = await in_thread(api.delete, path)
        assert again.json()["data"]["ended"] is False
    assert [call.status for call in place.carrier.calls] == ["canceled", "canceled"]


@pytest.mark.django_db
def test_a_carrier_that_fails_is_told_in_the_seeds_words(salon, nobody_answers):
    answer = Integrator(salon).post("calls", {"to": CALLER}, Idempotency_Key="once")
    told = answer.json()
    assert (answer.status_code, told["success"], told["message"]) == (500, False, "Failed to initiate call")
    assert "cannot be reached" in told["error"]
    assert told["data"]["call"]["state"] == "failed"
    again = Integrator(salon).post("calls", {"to": CALLER}, Idempotency_Key="once")
    assert again.status_code == 500
    with tenant_scope(salon):
        assert OutboundCall.objects.count() == Call.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("call_id", ["junk", "%00", "CA%001"])
def test_a_call_that_nobody_placed_is_a_404(api, call_id):
    assert refused(api.get(f"calls/{call_id}")) == (404, "NOT_FOUND")
    assert refused(api.delete(f"calls/{call_id}")) == (404, "NOT_FOUND")
    assert refused(api.post(f"calls/{call_id}/hangup")) == (404, "NOT_FOUND")


# --- Refusals ------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        ("", 400, "VALIDATION_ERROR"),
        ("5559876543", 400, "NOT_E164"),
        ("+1 555 987 6543", 400, "NOT_E164"),
        ("+15551234567", 403, "NUMBER_NOT_ALLOWED"),
        ("+19005550123", 403, "NUMBER_NOT_ALLOWED"),
        ("+12129765555", 403, "NUMBER_NOT_ALLOWED"),
        ("+18005550123", 403, "NUMBER_NOT_ALLOWED"),
        ("+11115550123", 403, "NUMBER_NOT_ALLOWED"),
        ("+18765550123", 403, "COUNTRY_NOT_ALLOWED"),
        ("+14165550123", 403, "COUNTRY_NOT_ALLOWED"),
        ("+4915112345678", 403, "COUNTRY_NOT_ALLOWED"),
        ("+88216123456", 403, "COUNTRY_NOT_ALLOWED"),
    ],
)
def test_numbers_that_are_not_called(salon, nobody_answers, to, status, code):
    answer = Integrator(salon).post("calls", {"to": to, "consent": True})
    assert refused(answer) == (status, code)
    with tenant_scope(salon):
        assert not OutboundCall.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("to", ["+491801234567", "+49900512345", "+4932212345678901"])
def test_premium_numbers_of_an_allowed_country_are_not_called(salon, nobody_answers, to):
    set_settings(salon, outboundCountries=["DE"], outboundQuietHours=False)
    answer = Integrator(salon).post("calls", {"to": to, "consent": True})
    assert refused(answer)[1] in {"NUMBER_NOT_ALLOWED", "NOT_E164"}


@pytest.mark.django_db
def test_nobody_is_called_without_consent(salon, api, day, nobody_answers):
    strict(salon)
    assert refused(api.post("calls", {"to": STRANGER})) == (403, "CONSENT_REQUIRED")
    assert refused(api.post("calls", {"to": STRANGER, "consent": False})) == (403, "CONSENT_REQUIRED")
    booked = book(api, day, customerPhone=STRANGER)
    told = api.post("calls", {"to": STRANGER, "appointmentId": booked["id"]}).json()["data"]["call"]
    assert (told["consent"], told["customerId"]) == ("customer", booked["customerId"])
    assert refused(api.post("calls", {"to": STRANGER, "consent": False})) == (403, "CONSENT_REQUIRED")
    wrong = api.post("calls", {"to": CALLER, "consent": True, "appointmentId": booked["id"]})
    assert refused(wrong) == (409, "NOT_THEIR_APPOINTMENT")
    with tenant_scope(salon):
        OptOut.objects.create(tenant=salon, e164=STRANGER)
    assert refused(api.post("calls", {"to": STRANGER, "consent": True})) == (403, "OPTED_OUT")


@pytest.mark.django_db
def test_nobody_is_called_at_night_where_they_are(salon, api, nobody_answers):
    """Somewhere on this list it is night."""
    strict(salon, outboundQuietHours={"from": "00:00", "to": "23:59"}, outboundCountries=["US"])
    answer = api.post("calls", {"to": "+12125550123", "consent": True})
    assert refused(answer) == (409, "QUIET_HOURS")
    until = datetime.datetime.fromisoformat(answer.json()["nextAllowedAt"])
    assert until > datetime.datetime.now(datetime.UTC)
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600


@pytest.mark.django_db
def test_a_business_that_cannot_call_says_why(salon, garage, api, nobody_answers, settings):
    strict(salon)
    call = {"to": CALLER, "consent": True}
    assert refused(api.post("calls", {**call, "from": "+15557654321"})) == (403, "FROM_NOT_YOURS")
    assert refused(api.post("calls", {**call, "from": "nonsense"})) == (400, "NOT_E164")
    assert refused(api.post("calls", {**call, "agentProvider": "nobody"})) == (400, "VALIDATION_ERROR")
    assert refused(api.post("calls", {**call, "appointmentId": str(garage.pk)})) == (404, "NOT_FOUND")
    set_settings(salon, elevenLabsAgentId="")
    assert refused(api.post("calls", call)) == (409, "AGENT_NOT_CHOSEN")
    set_settings(salon, elevenLabsAgentId="agent_demo_salon", outboundCalls=False)
    assert refused(api.post("calls", call)) == (403, "OUTBOUND_OFF")
    set_settings(salon, outboundCalls=True)
    settings.TWILIO_AUTH_TOKEN = ""
    assert refused(api.post("calls", call)) == (409, "CARRIER_NOT_CONFIGURED")
    with tenant_scope(salon):
        PhoneNumber.objects.update(is_active=False)
    assert refused(api.post("calls", call)) == (409, "NO_NUMBER")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("outboundPerMinute", "TOO_MANY_PER_MINUTE"),
        ("outboundAtOnce", "TOO_MANY_AT_ONCE"),
        ("outboundPerDay", "TOO_MANY_PER_DAY"),
        ("outboundPerNumber", "TOO_MANY_TO_NUMBER"),
        ("maxConcurrentCalls", "LINES_BUSY"),
    ],
)
def test_one_call_too_many_is_refused(salon, api, settings, setting, code):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"
    set_settings(salon, **{setting: 1})
    with tenant_scope(salon):
        Call.objects.create(
            tenant=salon,
            carrier=Carrier.TWILIO,
            carrier_call_id="CA1",
            direction=Call.Direction.OUTBOUND,
            to_e164=CALLER,
            from_e164="+15551234567",
        )
    answer = api.post("calls", {"to": CALLER, "consent": True})
    assert refused(answer) == (429, code)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.django_db(transaction=True)
def test_limits_hold_however_many_ask_at_once(salon, monkeypatch):
    set_settings(salon, outboundPerMinute=3, outboundAtOnce=100)
    monkeypatch.setattr(placing, "place", lambda order_id, wanted: None)

    def ask(number: int) -> str:
        try:
            placing.order_and_place(salon.pk, orders.Wish(to=f"+1555777{number:04}", consent=True))
        except OutboundRefused as refusal:
            return refusal.code
        finally:
            connection.close()
        return "placed"

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(ask, range(16)))
    assert told.count("placed") == 3
    assert set(told) == {"placed", "TOO_MANY_PER_MINUTE"}


@pytest.mark.django_db(transaction=True)
def test_one_request_that_comes_many_times_at_once_is_one_call(salon, monkeypatch):
    monkeypatch.setattr(placing, "place", lambda order_id, wanted: None)

    def ask(_number: int) -> bool:
        wish = orders.Wish(to=CALLER, consent=True, idempotency_key="once", request_hash="same")
        try:
            return placing.order_and_place(salon.pk, wish).is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(ask, range(12)))
    assert told.count(True) == 1
    with tenant_scope(salon):
        assert OutboundCall.objects.count() == Call.objects.count() == 1
        assert not Customer.objects.exists()
