"""`manage.py simulate_vendors`: the agents' server and the carriers' APIs, for as long as they are left running."""

import asyncio
import signal
from argparse import ArgumentParser
from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from agents.simulators.elevenlabs import AgentProfile, ElevenLabsSimulator
from agents.simulators.openai_realtime import OpenAISimulator
from telephony.carriers.infobip.account import CONFIGURATION_ID
from telephony.carriers.infobip.provisioning import own_id
from telephony.models import Carrier, PhoneNumber
from telephony.simulators.infobip import InfobipSimulator
from telephony.simulators.infobip.simulator import CONFIGURATION
from telephony.simulators.twilio import TwilioRestSimulator
from telephony.simulators.twilio.demo_callees import demo_callees
from telephony.simulators.twilio.messages import Fault
from tenants.scoping import in_thread, platform_scope
from tonris import demo


class Command(BaseCommand):
    help = (
        "Run simulated servers of ElevenLabs, of OpenAI Realtime, of Twilio's REST API and of Infobip, whose "
        "accounts have every number that is known here. `manage.py up` runs it in a development checkout."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agents-port", type=int, help="of ElevenLabs; left out: none is run")
        parser.add_argument("--openai-port", type=int, help="of OpenAI; left out: none is run")
        parser.add_argument("--carrier-port", type=int, help="of Twilio; left out: none is run")
        parser.add_argument("--infobip-port", type=int, help="of Infobip; left out: none is run")
        parser.add_argument(
            "--text-faults",
            default="",
            help="for the next text messages, with commas: a status such as 429, slow, drop, lost, error",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        faults = [int(one) if one.isdecimal() else one for one in options["text_faults"].split(",") if one]
        names = ("agents_port", "openai_port", "carrier_port", "infobip_port")
        asyncio.run(self._serve(**{name: options[name] for name in names}, text_faults=faults))

    async def _serve(
        self,
        agents_port: int | None,
        openai_port: int | None,
        carrier_port: int | None,
        infobip_port: int | None,
        text_faults: list[Fault],
    ) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with AsyncExitStack() as running:
            if agents_port is not None:
                await running.enter_async_context(_agents(agents_port))
            if openai_port is not None:
                openai = OpenAISimulator(api_key=settings.OPENAI_API_KEY, port=openai_port)
                await running.enter_async_context(openai)
            if carrier_port is not None:
                carrier = await running.enter_async_context(await in_thread(_carrier, carrier_port))
                carrier.desk.faults += text_faults
            if infobip_port is not None:
                numbers = await in_thread(_infobip_numbers)
                await running.enter_async_context(_infobip(infobip_port, numbers))
            await stop.wait()


def _agents(port: int) -> ElevenLabsSimulator:
    return ElevenLabsSimulator(
        api_key=settings.ELEVENLABS_API_KEY,
        webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
        backend_url=settings.APP_BASE_URL,
        odd_agents=[AgentProfile(demo.WIDEBAND_AGENT, output_format="pcm_16000", input_format="pcm_16000")],
        port=port,
    )


def _carrier(port: int) -> TwilioRestSimulator:
    with platform_scope():
        numbers = tuple(PhoneNumber.objects.values_list("e164", flat=True))
    carrier = TwilioRestSimulator(
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, numbers=numbers, port=port
    )
    callees = demo_callees()
    carrier.switchboard.callees, carrier.switchboard.usual = callees, next(iter(callees.values()))
    return carrier


def _infobip_numbers() -> dict[str, str]:
    """Each forwarded to its tenant's own calls configuration, under the id that provisioning gives it."""
    with platform_scope():
        lines = PhoneNumber.objects.filter(carrier=Carrier.INFOBIP).select_related("tenant")
        return {
            line.e164.removeprefix("+"): str(
                line.tenant.settings.get(CONFIGURATION_ID) or own_id(line.tenant_id)
            )
            for line in lines
        }


def _infobip(port: int, numbers: dict[str, str]) -> InfobipSimulator:
    """Its own account is set up already, so that a call needs no provisioning."""
    simulator = InfobipSimulator(
        settings.INFOBIP_API_KEY,
        backend_url=settings.APP_BASE_URL,
        webhook_secret=settings.INFOBIP_WEBHOOK_SECRET,
        configurations=tuple(dict.fromkeys(numbers.values())) or (CONFIGURATION,),
        numbers=numbers,
        port=port,
    )
    callees = demo_callees()
    simulator.callees = {number.removeprefix("+"): callee for number, callee in callees.items()}
    simulator.callee = next(iter(callees.values()))
    return simulator
