"""A telephone exchange for tests: our server, a carrier and an agent vendor, all on real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from django.conf import settings

from agents.simulators.elevenlabs import AgentProfile, ElevenLabsSimulator
from agents.simulators.openai_realtime import OpenAISimulator
from telephony.carriers.infobip import errands
from telephony.models import Carrier, PhoneNumber
from telephony.simulators.infobip import Faults, InfobipSimulator
from telephony.simulators.twilio import FarEnd, Script, SimulatedCall, TwilioSimulator
from tenants.models import Tenant
from tenants.scoping import in_thread, platform_scope, tenant_scope
from tonris import demo, server

APPLICATION = "tonris.asgi:application"
CALLER = "+15559876543"
INFOBIP_NUMBER = "+15551230001"
INFOBIP_SECRET = "infobip-tests"
WIDEBAND = AgentProfile(output_format="pcm_16000", input_format="pcm_16000")
UNHEARD_OF = AgentProfile(output_format="pcm_22050", input_format="pcm_22050")
"""Speaks what no carrier carries, and nothing converts: calls with it fail at once."""
"""As an agent must be set up for calls over Infobip."""


@dataclass
class Exchange:
    base_url: str
    carrier: TwilioSimulator | InfobipSimulator
    vendor: ElevenLabsSimulator
    openai: OpenAISimulator
    number: str = demo.SALON.number

    @property
    def infobip(self) -> InfobipSimulator:
        assert isinstance(self.carrier, InfobipSimulator)
        return self.carrier

    async def call(self, script: Script | None = None, *, to: str = "", from_: str = CALLER) -> Any:
        """Dial, and wait until the call is over. As the carrier's simulator records it."""
        call = await self.carrier.place_call(to or self.number, from_, script)
        await asyncio.wait_for(call.over.wait(), 60)
        return call

    async def settled(self, *calls: SimulatedCall) -> None:
        """Until the server has written down the end of these calls' streams."""
        from telephony.models import Call

        def open_streams() -> int:
            with platform_scope():
                sids = [call.sid for call in calls]
                return Call.objects.filter(carrier_call_id__in=sids, stream_ended_at=None).count()

        async with asyncio.timeout(10):
            while await in_thread(open_streams):
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def open_exchange(
    *,
    far_end: FarEnd | None = None,
    openai: dict[str, Any] | None = None,
    application: str = APPLICATION,
    **vendor: Any,
) -> AsyncIterator[Exchange]:
    """Django's settings must allow for change: APP_BASE_URL and the agents' base URLs are set to our ports."""
    async with serving(application) as base_url:
        settings.APP_BASE_URL = settings.MEDIA_BASE_URL = base_url
        agents = ElevenLabsSimulator(
            api_key=settings.ELEVENLABS_API_KEY,
            webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
            backend_url=base_url,
            **vendor,
        )
        lines = TwilioSimulator(
            base_url, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, far_end=far_end
        )
        realtime = OpenAISimulator(api_key=settings.OPENAI_API_KEY, **(openai or {}))
        async with agents, realtime, lines:
            settings.ELEVENLABS_BASE_URL = agents.base_url
            settings.OPENAI_BASE_URL = realtime.base_url
            yield Exchange(base_url, lines, agents, realtime)


@contextlib.asynccontextmanager
async def open_infobip_exchange(
    tenant: Tenant, *, faults: Faults | None = None, far_end: FarEnd | None = None, **vendor: Any
) -> AsyncIterator[Exchange]:
    """The same over Infobip, with a number of its own; DEBUG is set, for addresses without TLS."""
    await in_thread(add_infobip_number, tenant)
    async with serving() as base_url, _while_set(DEBUG=True, INFOBIP_WEBHOOK_SECRET=INFOBIP_SECRET):
        settings.APP_BASE_URL = settings.MEDIA_BASE_URL = base_url
        agents = ElevenLabsSimulator(
            api_key=settings.ELEVENLABS_API_KEY,
            webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
            backend_url=base_url,
            **{"default_agent": WIDEBAND, **vendor},
        )
        lines = InfobipSimulator(
            settings.INFOBIP_API_KEY,
            backend_url=base_url,
            webhook_secret=INFOBIP_SECRET,
            faults=faults,
            far_end=far_end,
        )
        realtime = OpenAISimulator(api_key=settings.OPENAI_API_KEY)
        async with agents, realtime, lines:
            settings.ELEVENLABS_BASE_URL, settings.INFOBIP_BASE_URL = agents.base_url, lines.base_url
            settings.OPENAI_BASE_URL = realtime.base_url
            yield Exchange(base_url, lines, agents, realtime, INFOBIP_NUMBER)
            await in_thread(errands.finish)


@contextlib.asynccontextmanager
async def _while_set(**wanted: Any) -> AsyncIterator[None]:
    before = {name: getattr(settings, name) for name in wanted}
    for name, value in wanted.items():
        setattr(settings, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


def add_infobip_number(tenant: Tenant, e164: str = INFOBIP_NUMBER) -> None:
    with tenant_scope(tenant):
        PhoneNumber.objects.get_or_create(e164=e164, defaults={"tenant": tenant, "carrier": Carrier.INFOBIP})


@contextlib.asynccontextmanager
async def serving(application: str = APPLICATION) -> AsyncIterator[str]:
    """The whole application on a free port, as production configures its server."""
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    uvicorn_server = uvicorn.Server(server.configuration(application))
    setattr(uvicorn_server, "capture_signals", contextlib.nullcontext)  # noqa: B010 - signals stay pytest's
    task = asyncio.create_task(uvicorn_server.serve(sockets=[listener]))
    try:
        while not uvicorn_server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        yield base_url
    finally:
        uvicorn_server.should_exit = True
        await task
