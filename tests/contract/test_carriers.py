"""What the product promises itself of every carrier, whoever it is; no vendor answers here.

How calls sound and end is held against the same carriers in tests/telephony/test_carrier_contract.py.
"""

import datetime
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.core.checks import CheckMessage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import URLPattern
from django.utils import timezone

from agents.providers import PROVIDERS
from agents.provisioning_log import Log
from telephony.audio.resampling import RATES_HZ
from telephony.carriers.facts import Adapter
from telephony.carriers.registry import CARRIERS, label_of
from telephony.handover import wire_format
from telephony.models import Call, PhoneNumber
from telephony.outbound.errors import CarrierRefused
from telephony.outbound.wanted import Placing
from telephony.routing import legs
from telephony.simulators.facts import SimulatedCarrier, simulated
from telephony.text_errors import CannotSend, MaybeSent
from tenants.findings import Severity
from tenants.models import Tenant, secret_choices
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError
from tests.contract.members import carrier, made_up, penniless

__all__ = ["carrier", "made_up", "penniless"]

pytestmark = pytest.mark.django_db
CALLER = "+15559876543"
REFUSED = {401, 403, 404, 405}


def test_it_is_known_by_its_name_and_label(carrier: Adapter, salon: Tenant):
    assert CARRIERS[carrier.name] is carrier
    assert label_of(carrier.name) == carrier.label
    with tenant_scope(salon):
        number = PhoneNumber.objects.get()
        number.full_clean()
    assert number.get_carrier_display() == carrier.label


def test_its_secrets_can_be_set(carrier: Adapter):
    assert set(carrier.secrets) <= dict(secret_choices()).keys()


def test_its_media_paths_lead_to_its_own_legs(carrier: Adapter):
    assert [legs()[one] for one in carrier.media_paths] == [carrier.open_leg] * len(carrier.media_paths)
    assert carrier.media_paths


def test_what_its_leg_speaks_can_be_carried(carrier: Adapter):
    spoken = [carrier.agent_format, *(wire_format(carrier.name, one) for one in PROVIDERS)]
    assert {one.rate_hz for one in spoken} <= RATES_HZ


def test_a_stranger_gets_nothing_from_its_webhooks(carrier: Adapter, penniless, settings, rf):
    settings.ALLOW_UNSIGNED_WEBHOOKS = False
    patterns = import_module(carrier.urls).urlpatterns
    assert patterns
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        arguments = dict.fromkeys(pattern.pattern.converters, "guessed")
        request = rf.post("/anything", {"CallSid": "CA1", "To": CALLER}, REMOTE_ADDR="203.0.113.9")
        response = refused_or_answered(pattern, request, arguments)
        is_music = response.headers.get("Content-Type", "").startswith("audio/")
        assert response.status_code in REFUSED or is_music, pattern.name


def refused_or_answered(pattern: URLPattern, request: HttpRequest, arguments: dict[str, str]) -> HttpResponse:
    try:
        return pattern.callback(request, **arguments)
    except Http404:
        return HttpResponseNotFound()


def test_without_an_account_no_call_is_placed(carrier: Adapter, salon: Tenant, penniless):
    with tenant_scope(salon):
        assert carrier.dialer.missing(salon.pk)
    wanted = Placing(salon.pk, uuid4(), "+15551234567", CALLER, 30, 600, timezone.now())
    with pytest.raises(CarrierRefused):
        carrier.dialer.place(wanted)
    call = Call(tenant=salon, carrier=carrier.name, carrier_call_id="c1", state=Call.State.RINGING)
    with pytest.raises(CarrierRefused):
        carrier.dialer.hang_up(call)
    with pytest.raises(CarrierRefused):
        carrier.dialer.look_up(call)


def test_without_an_account_no_text_goes_out_and_none_is_found(carrier: Adapter, salon: Tenant, penniless):
    message: dict[str, Any] = {"sender": "+15551234567", "to": CALLER, "text": "Hello", "reference": uuid4()}
    with tenant_scope(salon):
        texts = carrier.texts(salon.pk)
    assert isinstance(texts.takes_replies, bool)
    with pytest.raises((CannotSend, MaybeSent)):
        texts.send(**message)
    with pytest.raises(CannotSend):
        texts.find(**message, since=timezone.now() - datetime.timedelta(hours=1))


def test_without_an_account_no_recording_comes(carrier: Adapter, salon: Tenant, penniless):
    with tenant_scope(salon):
        download = carrier.recordings(salon.pk)
    with pytest.raises(VendorError):
        download("recording", 1024)


@pytest.mark.django_db(transaction=True)
def test_provisioning_says_what_is_missing(carrier: Adapter, salon: Tenant, penniless):
    log = Log(dry_run=True)
    with pytest.raises(VendorError) as refused:
        carrier.provision(salon.pk, log)
    assert refused.value.fix.endswith(".")
    assert not [step for step in log.steps if not step.done.startswith("would")]


@pytest.mark.django_db(transaction=True)
def test_the_doctor_is_told_what_stands_in_the_way(carrier: Adapter, salon: Tenant, penniless):
    findings = list(carrier.examine(salon.pk))
    assert Severity.BROKEN in {found.severity for found in findings}
    assert all(found.code.isupper() and found.what and found.fix.endswith(".") for found in findings)


def test_what_is_to_be_entered_by_hand_leads_to_us(carrier: Adapter, settings):
    assert all(url.startswith(settings.APP_BASE_URL) for url in carrier.addresses().values())


def test_what_a_deployment_lacks_is_said_in_checks(carrier: Adapter, penniless):
    assert all(isinstance(one, CheckMessage) and one.id for one in carrier.deploy_checks())


def test_it_can_be_simulated(carrier: Adapter):
    assert isinstance(simulated(carrier.name), SimulatedCarrier)
    assert isinstance(carrier.is_simulated(), bool)
