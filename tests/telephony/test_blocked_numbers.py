"""Numbers that a business takes no calls from: turned away before anything is asked of an agent."""

import pytest
from django.urls import reverse

from agents.models import Conversation
from telephony.models import BlockedNumber, Call
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, tenant_scope
from tests.conftest import CALLER
from tests.exchange import open_infobip_exchange
from tests.telephony.test_admin_notifications import staff, uncollected
from tests.telephony.test_twilio_webhooks import fields, post, ring
from tonris import demo

__all__ = ["uncollected"]

REJECTED = b'<?xml version="1.0" encoding="UTF-8"?><Response><Reject /></Response>'


def block(tenant: Tenant, e164: str = CALLER) -> None:
    with tenant_scope(tenant):
        BlockedNumber.objects.create(tenant=tenant, e164=e164)


@pytest.mark.django_db
def test_a_blocked_caller_is_rejected_however_often_it_is_asked(salon):
    block(salon)
    assert [ring().content, ring().content, post("voice", fields()).content] == [REJECTED] * 3
    with tenant_scope(salon):
        assert Call.objects.get().outcome == "caller_blocked"
        assert not Conversation.objects.exists()
        BlockedNumber.objects.get().delete()
    assert b"<Connect" in ring(CallSid="CA2").content


@pytest.mark.django_db
def test_a_number_that_has_no_agent_rejects_them_too(salon):
    block(salon)
    assert post("voice", fields()).content == REJECTED


@pytest.mark.django_db
def test_nobody_else_is_rejected(salon, garage):
    block(salon)
    assert b"<Connect" in ring(From="+15553332211", CallSid="CA2").content
    assert b"<Connect" in ring(From="anonymous", CallSid="CA3").content
    assert ring(To=demo.GARAGE.number, CallSid="CA4").content != REJECTED  # it is the salon's list
    with tenant_scope(garage):
        assert not BlockedNumber.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_over_infobip_a_blocked_caller_is_rejected_unanswered(salon):
    await in_tenant(salon.pk, lambda: BlockedNumber.objects.create(tenant=salon, e164=CALLER))
    async with open_infobip_exchange(salon) as exchange:
        call = await exchange.call(Script(hang_up_after_s=5.0))
    assert call.actions == [("hangup", {"errorCode": "REJECTED"})]
    assert call.answered_ms is None


@pytest.mark.django_db
def test_staff_block_a_number_as_it_is_written_in_their_country_and_once(salon):
    page, client = reverse("admin:telephony_blockednumber_add"), staff(salon, "staff")
    typed = {"e164": "(212) 555-0123", "reason": "Sells advertisements"}
    assert client.post(page, typed).status_code == 302
    with tenant_scope(salon):
        row = BlockedNumber.objects.get()
    assert (row.e164, row.reason) == ("+12125550123", "Sells advertisements")
    assert "This number is blocked already." in client.post(page, typed).text
    assert "This is not a telephone number" in client.post(page, {"e164": "advertisers"}).text
