"""GET /api/v1/calls: the calls that came in stand beside those that were placed, and can be ended like them."""

import asyncio
import datetime
from typing import Any

import pytest
from django.conf import settings as live
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.simulators.elevenlabs import Behaviour
from telephony.carriers.registry import Carrier
from telephony.models import Call, OutboundCall, PhoneNumber
from telephony.simulators.twilio import Script
from telephony.simulators.twilio.rest import TwilioRestSimulator
from tenants.models import Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.conftest import CALLER
from tests.exchange import Exchange, open_exchange, open_infobip_exchange
from tests.telephony.test_twilio_webhooks import ring, status
from tests.tonris.integrator import Integrator
from tests.tonris.test_api import refused

HOUR = datetime.timedelta(hours=1)
SID = "CA123456789"


@pytest.mark.django_db
def test_a_call_that_came_in_is_told_of_by_either_id(api, salon):
    ring()
    (listed,) = api.data("calls")["calls"]
    assert listed == api.data(f"calls/{SID}")["call"] == api.data(f"calls/{listed['id']}")["call"]
    assert (listed["direction"], listed["from"], listed["to"]) == ("inbound", CALLER, "+15551234567")
    assert (listed["callSid"], listed["state"], listed["isOver"]) == (SID, "ringing", False)
    assert (listed["carrier"], listed["agentProvider"]) == ("twilio", "elevenlabs")
    status("completed", 2)
    after = api.data(f"calls/{SID}")["call"]
    assert (after["state"], after["isOver"]) == ("completed", True)
    assert after["endedAt"] is not None


@pytest.mark.django_db
def test_a_withheld_number_is_null(api, salon):
    ring(From="anonymous")
    assert api.data(f"calls/{SID}")["call"]["from"] is None


@pytest.mark.django_db
def test_other_businesses_and_trials_in_the_browser_are_not_told_of(api, salon, garage):
    for tenant, carrier in ((garage, Carrier.TWILIO), (salon, Carrier.BROWSER)):
        with tenant_scope(tenant):
            Call.objects.create(tenant=tenant, carrier=carrier, carrier_call_id=str(carrier), to_e164="+1555")
        assert refused(api.get(f"calls/{carrier}")) == (404, "NOT_FOUND")
    assert api.data("calls")["calls"] == []


@pytest.fixture
def history(salon) -> list[str]:
    """Ids, the newest first: calls in and out by turns, two of each in the same moment."""
    now, made = timezone.now(), []
    with tenant_scope(salon):
        number = PhoneNumber.objects.get()
        for hour in range(5):
            at = now - hour * HOUR
            called = Call.objects.create(
                tenant=salon, carrier_call_id=f"CA{hour}", from_e164=f"+1555000000{hour}", to_e164=number.e164
            )
            Call.objects.filter(pk=called.pk).update(created_at=at)
            order = OutboundCall.objects.create(
                tenant=salon, to_e164=f"+1555000000{hour}", number=number, origin="api",
                consent="given", due_at=now, not_after=now,
            )  # fmt: skip
            OutboundCall.objects.filter(pk=order.pk).update(created_at=at)
            made += sorted((str(called.pk), str(order.pk)), reverse=True)
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 3, 10])
def test_pages_of_both_follow_one_another(api, history, limit):
    seen: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while len(seen) <= len(history):
        data = api.data("calls", **query)
        seen += [one["id"] for one in data["calls"]]
        if data["nextCursor"] is None:
            break
        query["cursor"] = data["nextCursor"]
    assert seen == history


@pytest.mark.django_db
def test_they_are_found_by_direction_number_and_time(api, history):
    def found(**query: Any) -> list[Any]:
        return api.data("calls", **query)["calls"]

    assert {one["direction"] for one in found(direction="inbound")} == {"inbound"}
    assert len(found(direction="inbound")) == len(found(direction="outbound")) == 5
    theirs = found(customerPhone="+15550000002")
    assert {(one["direction"], one["from"]) for one in theirs} == {
        ("inbound", "+15550000002"),
        ("outbound", "+15551234567"),
    }
    third = theirs[0]["createdAt"]
    assert len(found(since=third)) == 6
    assert len(found(until=third)) == 4
    assert len(found(since=third, direction="inbound")) == 3
    assert refused(api.get("calls", direction="sideways")) == (400, "VALIDATION_ERROR")
    assert refused(api.get("calls", since="soon")) == (400, "VALIDATION_ERROR")


@pytest.mark.django_db
def test_a_longer_list_takes_no_more_queries(api, history):
    def asked(limit: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(api.data("calls", limit=limit)["calls"]) == limit
        return len(queries)

    asked(1)  # the key is marked as used
    assert asked(10) == asked(1)


# --- Ending them ---------------------------------------------------------------------------------


async def _ended_in_the_middle(exchange: Exchange, salon: Tenant) -> dict[str, Any]:
    api = await in_thread(Integrator, salon)
    exchange.vendor.behaviour = Behaviour()
    call = await exchange.carrier.place_call(exchange.number, CALLER, Script(hang_up_after_s=30.0))
    async with asyncio.timeout(10):
        while not (await in_thread(api.data, "calls", direction="inbound"))["calls"]:
            await asyncio.sleep(0.05)
        (found,) = (await in_thread(api.data, "calls"))["calls"]
        while found["state"] != "in-progress":
            await asyncio.sleep(0.05)
            found = (await in_thread(api.data, f"calls/{found['id']}"))["call"]
    answer = await in_thread(api.delete, f"calls/{found['id']}")
    assert answer.json()["data"]["ended"] is True
    await asyncio.wait_for(call.over.wait(), 10)
    async with asyncio.timeout(10):
        while not found["isOver"]:
            await asyncio.sleep(0.05)
            found = (await in_thread(api.data, f"calls/{found['id']}"))["call"]
    again = await in_thread(api.post, f"calls/{found['id']}/hangup")
    assert again.json()["data"]["ended"] is False
    return found


@pytest.mark.django_db(transaction=True)
async def test_a_call_over_twilio_is_ended_in_the_middle(salon):
    async with open_exchange() as exchange:
        async with TwilioRestSimulator(live.TWILIO_ACCOUNT_SID, live.TWILIO_AUTH_TOKEN) as rest:
            rest.switchboard.incoming = exchange.carrier.calls
            live.TWILIO_BASE_URL = rest.base_url
            assert (await _ended_in_the_middle(exchange, salon))["state"] == "completed"


@pytest.mark.django_db(transaction=True)
async def test_a_call_over_infobip_is_ended_in_the_middle(salon):
    async with open_infobip_exchange(salon) as exchange:
        assert (await _ended_in_the_middle(exchange, salon))["carrier"] == "infobip"


@pytest.mark.django_db
def test_a_carrier_that_does_not_end_it_is_a_502(api, salon, settings):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"
    ring()
    assert refused(api.delete(f"calls/{SID}")) == (502, "CARRIER_REFUSED")
    with tenant_scope(salon):
        assert Call.objects.get().events.filter(kind="carrier_refused").count() == 1
