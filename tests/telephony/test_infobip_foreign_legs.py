"""A genuine event of one call that names the leg of another: nothing happens to that leg, nor to its call."""

from typing import Any

import pytest

from telephony.carriers.infobip import course, errands, events, people
from telephony.models import Call, Transfer, TransferLeg
from telephony.people import transfers
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.exchange import add_infobip_number

pytestmark = pytest.mark.django_db


def rung(tenant: Tenant, name: str) -> Call:
    """A call for which a person is rung."""
    its = {"tenant": tenant}
    with tenant_scope(tenant):
        call = Call.objects.create(
            **its,
            carrier="infobip",
            carrier_call_id=f"call-{name}",
            state="in-progress",
            to_e164="+15551234567",
        )
        transfer = Transfer.objects.create(**its, call=call, purpose="wanted", is_warm=True, state="ringing")
        TransferLeg.objects.create(
            **its,
            transfer=transfer,
            round=0,
            place=0,
            name=name,
            e164="+15550001111",
            carrier_leg_id=f"leg-{name}",
        )
    return call


def event(kind: str, leg: str, parent: str, **more: Any) -> events.Event:
    log = {"callId": leg, "parentCallId": parent, "state": "FINISHED", "endpoint": {"type": "PHONE"}}
    told = {"type": kind, "callId": leg, "timestamp": "2026-11-20T09:03:12.500+0000"}
    return events.parse({**told, "properties": {"call": log, "callLog": log, **more}})


@pytest.mark.parametrize("kind", ["CALL_ESTABLISHED", "DTMF_CAPTURED", "CALL_FINISHED", "CALL_FAILED"])
@pytest.mark.parametrize("whose", ["another call's", "another business's"])
def test_an_event_does_nothing_to_a_leg_of_another_call(salon, garage, whose, kind, monkeypatch):
    add_infobip_number(salon)
    mine = rung(salon, "mine")
    rung(salon if whose == "another call's" else garage, "theirs")
    done: list[Any] = []
    monkeypatch.setattr(people, "FIND_TRIES", 1)
    monkeypatch.setattr(errands, "run", lambda work, after_s=0.0: work())
    for name in ("_answered", "_pressed", "_next_if_over"):
        monkeypatch.setattr(people, name, lambda *told: done.append(told))
    monkeypatch.setattr(transfers, "leg_ends", lambda *told: done.append(told))
    course.take(event(kind, "leg-theirs", "call-mine", dtmf="1"), mine, None)
    assert done == []
    with platform_scope():
        assert set(TransferLeg.objects.values_list("state", flat=True)) == {"ringing"}
    course.take(event(kind, "leg-mine", "call-mine", dtmf="1"), mine, None)
    assert done  # its own it does move
