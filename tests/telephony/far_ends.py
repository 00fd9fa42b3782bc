"""What a test needs to know of a carrier to hold it to the contract: how it is simulated, and how it speaks."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx2
from django.conf import settings
from twilio.request_validator import RequestValidator

from agents.simulators.audio import Format
from agents.simulators.voice import MULAW_8K
from telephony.carriers.infobip.addresses import media_secret
from telephony.models import Carrier
from telephony.simulators.infobip import InfobipCall
from telephony.simulators.twilio import FarEnd, SimulatedCall
from tenants.models import Tenant
from tests.exchange import (
    CALLER,
    INFOBIP_NUMBER,
    INFOBIP_SECRET,
    Exchange,
    open_exchange,
    open_infobip_exchange,
)
from tonris import demo


class Side(Protocol):
    carrier: Carrier
    audio_format: Format

    def open(
        self, tenant: Tenant, *, far_end: FarEnd | None = None, **vendor: Any
    ) -> AbstractAsyncContextManager[Exchange]: ...
    def heard(self, call: Any) -> bytes:
        """The agent's audio as it came."""
        ...

    def stream(self, call: Any) -> Any:
        """The call's first media stream."""
        ...

    def clears(self, call: Any) -> int: ...
    async def announce(self, exchange: Exchange, call_id: str) -> int:
        """The webhook of an incoming call, genuine; its status."""
        ...

    def socket(self, exchange: Exchange, tenant: Tenant) -> str: ...
    def first_message(self, call_id: str, token: str | None) -> str: ...
    def audio_message(self, audio: bytes) -> str | bytes: ...


class TwilioSide:
    carrier = Carrier.TWILIO
    audio_format = MULAW_8K

    def open(
        self, tenant: Tenant, *, far_end: FarEnd | None = None, **vendor: Any
    ) -> AbstractAsyncContextManager[Exchange]:
        return open_exchange(far_end=far_end, **vendor)

    def heard(self, call: SimulatedCall) -> bytes:
        return bytes(call.stream.audio_received)

    def stream(self, call: SimulatedCall) -> Any:
        return call.streams[0]

    def clears(self, call: SimulatedCall) -> int:
        return len(call.stream.clears)

    async def announce(self, exchange: Exchange, call_id: str) -> int:
        url = f"{exchange.base_url}/api/webhooks/twilio/elevenlabs"
        form = {"CallSid": call_id, "AccountSid": "AC1", "From": CALLER, "To": demo.SALON.number}
        signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(url, form)
        return await _post(url, data=form, headers={"X-Twilio-Signature": signature})

    def socket(self, exchange: Exchange, tenant: Tenant) -> str:
        return exchange.base_url.replace("http", "ws") + "/media-stream"

    def first_message(self, call_id: str, token: str | None) -> str:
        custom = {} if token is None else {"token": token}
        start = {"streamSid": "MZ1", "callSid": call_id, "customParameters": custom}
        return json.dumps({"event": "start", "streamSid": "MZ1", "start": start})

    def audio_message(self, audio: bytes) -> str:
        return json.dumps({"event": "media", "media": {"payload": base64.b64encode(audio).decode()}})


class InfobipSide:
    carrier = Carrier.INFOBIP
    audio_format = Format("pcm", 16000)

    def open(
        self, tenant: Tenant, *, far_end: FarEnd | None = None, **vendor: Any
    ) -> AbstractAsyncContextManager[Exchange]:
        return open_infobip_exchange(tenant, far_end=far_end, **vendor)

    def heard(self, call: InfobipCall) -> bytes:
        return bytes(call.sockets[-1].audio_received)

    def stream(self, call: InfobipCall) -> Any:
        return call.sockets[0]

    def clears(self, call: InfobipCall) -> int:
        return len(call.sockets[-1].clears)

    async def announce(self, exchange: Exchange, call_id: str) -> int:
        event = received(call_id)
        url = f"{exchange.base_url}/api/webhooks/infobip/calls"
        return await _post(url, json=event, auth=httpx2.BasicAuth("tonris", INFOBIP_SECRET))

    def socket(self, exchange: Exchange, tenant: Tenant) -> str:
        secret = media_secret(tenant.pk, 16000)
        return f"{exchange.base_url.replace('http', 'ws')}/media-stream/infobip/{secret}"

    def first_message(self, call_id: str, token: str | None) -> str:
        custom = {"callId": call_id, **({} if token is None else {"token": token})}
        return json.dumps({"event": "websocket:connected", "content-type": "audio/l16;rate=16000", **custom})

    def audio_message(self, audio: bytes) -> bytes:
        return audio


def received(call_id: str, to: str = INFOBIP_NUMBER, **more: Any) -> dict[str, Any]:
    """A CALL_RECEIVED as Infobip sends one."""
    call = {
        "id": call_id,
        "endpoint": {"type": "PHONE", "phoneNumber": CALLER[1:]},
        "from": CALLER[1:],
        "to": to.removeprefix("+"),
        "direction": "INBOUND",
        "state": "RINGING",
        "startTime": "2026-11-20T09:00:00.100+0000",
    }
    return {
        "type": "CALL_RECEIVED",
        "callId": call_id,
        "callsConfigurationId": "simulated",
        "timestamp": "2026-11-20T09:00:00.123+0000",
        "properties": {"call": call, "apiBaseUrl": "https://evil.example.com"},
        **more,
    }


async def _post(url: str, **parts: Any) -> int:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.post(url, **parts)).status_code


SIDES: dict[str, Callable[[], Side]] = {Carrier.TWILIO: TwilioSide, Carrier.INFOBIP: InfobipSide}
