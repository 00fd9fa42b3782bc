"""The agent's session is asked for while the carrier still connects, and dialled when the stream has proved itself."""

import asyncio
from xml.etree import ElementTree

import httpx2
import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection

from agents.simulators.elevenlabs import Behaviour
from agents.simulators.elevenlabs.signed_urls import SignedUrls
from telephony import calls
from telephony.incoming import CallStatus
from telephony.models import Call
from tenants.scoping import in_tenant, in_thread, platform_scope
from tests.exchange import CALLER, Exchange, open_exchange
from tests.telephony.test_media_socket import CONNECTED, dial, start
from tonris import demo

pytestmark = pytest.mark.django_db(transaction=True)


async def ring(exchange: Exchange, settings) -> str:
    """Ask the webhook as the carrier does; the stream's token."""
    url = f"{exchange.base_url}/api/webhooks/twilio/elevenlabs"
    form = {
        "CallSid": "CA1",
        "AccountSid": "AC1",
        "From": CALLER,
        "To": demo.SALON.number,
        "CallStatus": "ringing",
    }
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(url, form)
    async with httpx2.AsyncClient(trust_env=False) as carrier:
        answer = await carrier.post(url, data=form, headers={"X-Twilio-Signature": signature})
    parameters = ElementTree.fromstring(answer.text).iter("Parameter")
    return {one.attrib["name"]: one.attrib["value"] for one in parameters}["token"]


async def the_call() -> Call:
    def read() -> Call:
        with platform_scope():
            return Call.objects.get(carrier_call_id="CA1")

    return await in_thread(read)


async def session_is_waiting() -> str:
    async with asyncio.timeout(5):
        while not (kept := (await the_call()).session_url):
            await asyncio.sleep(0.02)
    return kept


async def connected(exchange: Exchange, token: str) -> ClientConnection:
    socket = await dial(exchange)
    await socket.send(CONNECTED)
    await socket.send(start(token))
    return socket


async def test_when_the_stream_starts_its_signed_url_is_there_already(salon, settings):
    async with open_exchange() as exchange:
        token = await ring(exchange, settings)
        kept = await session_is_waiting()
        assert exchange.vendor.sessions == []  # asked for, not dialled
        assert "wss:" not in kept
        assert "conversation" not in kept
        async with await connected(exchange, token):
            await exchange.vendor.session()
    assert len(exchange.vendor.signed_url_requests) == 1
    call = await the_call()
    assert (call.session_url, call.handover) == ("", "")


async def test_a_url_that_has_waited_for_too_long_is_asked_for_again(salon, settings):
    async with open_exchange() as exchange:
        token = await ring(exchange, settings)
        await session_is_waiting()
        exchange.vendor._signed_urls = SignedUrls()
        async with await connected(exchange, token):
            await exchange.vendor.session()
    assert len(exchange.vendor.signed_url_requests) == 2


async def test_a_vendor_that_fails_beforehand_is_asked_again(salon, settings):
    async with open_exchange(behaviour=Behaviour(signed_url_status=503)) as exchange:
        token = await ring(exchange, settings)
        async with asyncio.timeout(5):
            while not exchange.vendor.signed_url_requests:
                await asyncio.sleep(0.02)
        exchange.vendor.behaviour = Behaviour()
        async with await connected(exchange, token):
            await exchange.vendor.session()


async def test_a_repeated_webhook_leaves_no_url_of_the_older_one(salon, settings):
    async with open_exchange() as exchange:
        older = await ring(exchange, settings)
        await session_is_waiting()
        await ring(exchange, settings)
        newest = await session_is_waiting()
        await in_tenant(salon.pk, lambda: calls.note_session(older, "wss://older"))
    assert (await the_call()).session_url == newest


async def test_a_handover_that_no_key_opens_is_made_anew(salon, settings):
    async with open_exchange() as exchange:
        token = await ring(exchange, settings)
        await session_is_waiting()
        await in_tenant(salon.pk, lambda: Call.objects.update(handover="garbage", session_url="garbage"))
        async with await connected(exchange, token):
            session = await exchange.vendor.session()
    assert session.agent_id == "agent_demo_salon"


async def test_what_is_handed_over_is_gone_when_the_call_never_comes(salon, settings):
    async with open_exchange() as exchange:
        await ring(exchange, settings)
        await session_is_waiting()
        await in_thread(calls.apply_status, CallStatus("CA1", "canceled", "", None))
    call = await the_call()
    assert (call.session_url, call.handover) == ("", "")
