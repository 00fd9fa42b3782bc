"""What is forgotten here is asked for to be deleted at the vendors, until they have done it."""

import datetime
from typing import Any

import pytest
from django.conf import settings as live
from django.utils import timezone

from agents.models import Conversation, Message, ProviderSession
from telephony import tasks
from telephony.forgetting import retention, vendors
from telephony.forgetting.erasure import erase_customer
from telephony.models import Call, InboundText, VendorErasure
from telephony.simulators.twilio.rest import TwilioRestSimulator
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.agents.test_missed_conversations import fetch, spoke
from tests.telephony.test_forgetting import PHONE, a_customer, private_files
from tests.vendors import vendors as vendors_of

__all__ = ["private_files"]
State = VendorErasure.State
LONG_AGO = datetime.timedelta(days=90)


def asked(tenant: Tenant) -> set[tuple[str, str, str]]:
    with tenant_scope(tenant):
        return set(VendorErasure.objects.values_list("vendor", "kind", "external_id"))


@pytest.mark.django_db
def test_who_is_erased_is_erased_at_the_vendors_too(salon, garage):
    customer = a_customer(salon)
    a_customer(garage)
    with tenant_scope(salon):
        call = Call.objects.create(
            tenant=salon, carrier_call_id="CA99", from_e164=PHONE, to_e164="+15551234567", state="completed"
        )
        Message.objects.create(tenant=salon, text="x", callback_e164=PHONE, recording_ref="twilio:RE99")
        Message.objects.create(
            tenant=salon, text="x", callback_e164="+15550000001", recording_ref="twilio:RE1"
        )
        InboundText.objects.create(
            tenant=salon, carrier_message_id="SM99", from_e164=PHONE, to_e164="+15551234567"
        )
        erased = erase_customer(customer)
    told = asked(salon)
    assert {
        ("elevenlabs", "conversation", f"conv_{salon.slug}"),
        ("twilio", "call", call.carrier_call_id),
        ("twilio", "recording", "RE99"),
        ("twilio", "message", "SM99"),
    } <= told
    assert ("twilio", "recording", "RE1") not in told
    assert "twilio: recording RE99" in erased.at_vendors
    assert asked(garage) == set()


@pytest.mark.django_db
def test_what_is_forgotten_with_time_is_asked_for_too_and_the_rest_is_not(salon):
    with tenant_scope(salon):
        salon.settings = {"keepTranscriptsDays": 30, "keepRecordingsDays": 30, "keepCallsDays": 30}
        salon.save()
        for name, age in (("old", LONG_AGO), ("new", datetime.timedelta())):
            at = timezone.now() - age
            talk = Conversation.objects.create(
                tenant=salon, provider="elevenlabs", summary="words", started_at=at, ended_at=at
            )
            Conversation.objects.filter(pk=talk.pk).update(started_at=at)
            ProviderSession.objects.create(
                tenant=salon, conversation=talk, provider="elevenlabs", external_id=f"conv_{name}"
            )
            call = Call.objects.create(
                tenant=salon,
                carrier_call_id=f"CA-{name}",
                from_e164=PHONE,
                to_e164="+15551234567",
                ended_at=at,
            )
            Call.objects.filter(pk=call.pk).update(created_at=at)
            voicemail = Message.objects.create(tenant=salon, text="x", recording_ref=f"twilio:RE{name}")
            Message.objects.filter(pk=voicemail.pk).update(taken_at=at)
            text = InboundText.objects.create(
                tenant=salon, carrier_message_id=f"SM{name}", from_e164=PHONE, to_e164="+15551234567"
            )
            InboundText.objects.filter(pk=text.pk).update(received_at=at)
    retention.forget_old(salon.pk, timezone.now())
    assert asked(salon) == {
        ("elevenlabs", "conversation", "conv_old"),
        ("twilio", "call", "CA-old"),
        ("twilio", "recording", "REold"),
        ("twilio", "message", "SMold"),
    }


def waiting(tenant: Tenant, *wanted: tuple[str, str], at: str = "twilio") -> None:
    with tenant_scope(tenant):
        for kind, external_id in wanted:
            VendorErasure.objects.create(
                tenant=tenant, vendor=at, kind=kind, external_id=external_id, due_at=timezone.now()
            )


def states(tenant: Tenant) -> dict[str, tuple[str, int]]:
    with tenant_scope(tenant):
        rows = VendorErasure.objects.values_list("external_id", "state", "attempts")
        return {external_id: (state, attempts) for external_id, state, attempts in rows}


@pytest.mark.django_db(transaction=True)
async def test_twilio_is_asked_until_it_has_deleted(salon, settings):
    async with TwilioRestSimulator(live.TWILIO_ACCOUNT_SID, live.TWILIO_AUTH_TOKEN) as twilio:
        settings.TWILIO_BASE_URL = twilio.base_url
        twilio.recordings["RE1"] = b"words"
        twilio.desk.sent += [{"sid": "SM1", "status": "delivered"}, {"sid": "SM2", "status": "queued"}]
        wanted = [("recording", "RE1"), ("recording", "RE404"), ("message", "SM1"), ("message", "SM2")]
        await in_thread(waiting, salon, *wanted)
        assert await in_thread(vendors.tenants_with_work, timezone.now()) == [salon.pk]
        assert await in_thread(tasks.delete_at_vendors_of, str(salon.pk)) == 4
        assert twilio.recordings == {}
        assert [one["sid"] for one in twilio.desk.sent] == ["SM2"]
        assert await in_thread(states, salon) == {
            "RE1": ("done", 1),
            "RE404": ("done", 1),
            "SM1": ("done", 1),
            "SM2": ("waiting", 1),
        }
        assert await in_thread(vendors.work_for, salon.pk) == 0  # not before its pause is over
        twilio.desk.sent[0]["status"] = "delivered"
        await in_thread(due_now, salon)
        assert await in_thread(vendors.work_for, salon.pk) == 1
        assert twilio.desk.sent == []
        assert (await in_thread(states, salon))["SM2"] == ("done", 2)


@pytest.mark.django_db
def test_what_was_deleted_long_ago_is_shown_no_more(salon, garage):
    now = timezone.now()
    old, new = (
        now - vendors.SHOWN - datetime.timedelta(hours=1),
        now - vendors.SHOWN + datetime.timedelta(hours=1),
    )
    for tenant in (salon, garage):
        waiting(tenant, ("call", "old"), ("call", "new"), ("call", "given up"), ("call", "asked"))
        with tenant_scope(tenant):
            for name, state, at in (("old", "done", old), ("new", "done", new), ("given up", "failed", old)):
                VendorErasure.objects.filter(external_id=name).update(state=state, settled_at=at)
    tasks.forget_old()
    for tenant in (salon, garage):
        assert set(states(tenant)) == {"new", "given up", "asked"}


def due_now(tenant: Tenant, **changes: Any) -> None:
    with tenant_scope(tenant):
        VendorErasure.objects.filter(state="waiting").update(due_at=timezone.now(), **changes)


@pytest.mark.django_db(transaction=True)
def test_a_vendor_that_never_does_is_given_up_and_said_so(salon, settings, monkeypatch):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"  # nobody
    monkeypatch.setattr("tenants.vendor_http.pause", lambda seconds: None)
    waiting(salon, ("call", "CA1"))
    vendors.work_for(salon.pk)
    due_now(salon, attempts=vendors.MOST_ATTEMPTS - 1)
    vendors.work_for(salon.pk)
    with tenant_scope(salon):
        row = VendorErasure.objects.get()
    assert (row.state, row.attempts) == (State.FAILED, vendors.MOST_ATTEMPTS)
    assert "cannot be reached" in row.error
    assert vendors.tenants_with_work(timezone.now()) == []


@pytest.mark.django_db(transaction=True)
async def test_elevenlabs_deletes_the_conversation(salon):
    async with vendors_of(agents=None) as world:
        conversation_id = spoke(world)
        await in_thread(
            waiting,
            salon,
            ("conversation", conversation_id),
            ("conversation", "conv_nobody"),
            at="elevenlabs",
        )
        assert await in_thread(vendors.work_for, salon.pk) == 2
        assert set((await in_thread(states, salon)).values()) == {("done", 1)}
        assert await fetch(salon) == 0  # it is not there any more
