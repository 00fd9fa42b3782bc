"""A test call: staff talk to their agent from the browser, over the same wire as a carrier."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from telephony.errors import CallRefused
from telephony.models import Call, CallEvent, PhoneNumber
from telephony.test_call.beginning import begin
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread
from tests.exchange import open_exchange

pytestmark = pytest.mark.django_db(transaction=True)

SILENCE = base64.b64encode(b"\xff" * 160).decode()


@contextlib.asynccontextmanager
async def line(base_url: str, begun: dict[str, Any], *, origin: str = "") -> AsyncIterator[ClientConnection]:
    async with connect(
        base_url.replace("http", "ws", 1) + begun["path"], origin=Origin(origin or base_url)
    ) as browser:
        await browser.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await browser.send(json.dumps({"event": "start", "streamSid": "MZ1", "start": begun["start"]}))
        yield browser


async def first_audio(browser: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            await browser.send(
                json.dumps({"event": "media", "streamSid": "MZ1", "media": {"payload": SILENCE}})
            )
            with contextlib.suppress(TimeoutError):
                message: dict[str, Any] = json.loads(await asyncio.wait_for(browser.recv(), 0.02))
                if message["event"] == "media":
                    return message


async def the_call(tenant: Tenant, begun: dict[str, Any]) -> Call:
    def read() -> Call:
        return Call.objects.get(carrier_call_id=begun["start"]["callSid"])

    async with asyncio.timeout(10):
        while (call := await in_tenant(tenant.pk, read)).ended_at is None:
            await asyncio.sleep(0.05)
    return call


async def test_the_agent_is_heard_and_the_call_ends_with_the_page(salon, settings):
    async with open_exchange() as exchange:
        begun = await in_thread(begin, salon, caller="+15550009999")
        async with line(exchange.base_url, begun) as browser:
            assert (await first_audio(browser))["streamSid"] == "MZ1"
        call = await the_call(salon, begun)
    assert (call.carrier, call.state, call.outcome) == ("browser", "completed", "caller_hung_up")
    assert call.from_e164 == "+15550009999"
    assert call.duration_seconds is not None
    kinds = await in_tenant(salon.pk, lambda: list(CallEvent.objects.values_list("kind", flat=True)))
    assert "stream_ended" in kinds


async def test_a_business_without_a_number_hears_its_agent_all_the_same(salon, settings):
    await in_tenant(salon.pk, lambda: PhoneNumber.objects.update(is_active=False))
    async with open_exchange() as exchange:
        begun = await in_thread(begin, salon)
        async with line(exchange.base_url, begun) as browser:
            await first_audio(browser)
        call = await the_call(salon, begun)
    assert (call.number_id, call.to_e164, call.from_e164) == (None, "", "")


async def test_a_token_is_for_one_stream_of_a_page_of_ours(salon, settings):
    async with open_exchange() as exchange:
        begun = await in_thread(begin, salon)
        with pytest.raises(InvalidStatus):
            async with line(exchange.base_url, begun, origin="https://elsewhere.example"):
                pass
        carriers = {**begun, "path": "/media-stream"}
        async with line(exchange.base_url, carriers) as elsewhere:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(elsewhere.recv(), 10)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1008
        async with line(exchange.base_url, begun) as browser:
            await first_audio(browser)
            async with line(exchange.base_url, begun) as second:
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(second.recv(), 10)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1008
        await the_call(salon, begun)


def test_what_an_incoming_call_is_refused_for_refuses_a_test_call(salon, settings):
    settings.ELEVENLABS_API_KEY = ""
    with pytest.raises(CallRefused) as refused:
        begin(salon)
    assert refused.value.spoken
