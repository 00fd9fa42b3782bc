"""`manage.py simulate_vendors`: the agents' server and the carriers' APIs, for as long as they are left running."""

import asyncio
import signal
from argparse import ArgumentParser
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from django.core.management.base import BaseCommand

from agents.providers import PROVIDERS
from agents.simulators import facts as agents
from telephony.carriers.registry import CARRIERS
from telephony.simulators import facts as telephony
from telephony.simulators.twilio.messages import Fault
from telephony.vendors import every_vendor


class Command(BaseCommand):
    help = (
        "Run simulated servers of agent providers and of carriers' APIs, whose accounts have every number that is "
        "known here. `manage.py up` runs it in a development checkout."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        for vendor in every_vendor():
            parser.add_argument(
                f"--{vendor.name}-port", type=int, help=f"of {vendor.label}; left out: none is run"
            )
        parser.add_argument(
            "--text-faults",
            default="",
            help="for the next text messages, with commas: a status such as 429, slow, drop, lost, error",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        faults = [int(one) if one.isdecimal() else one for one in options["text_faults"].split(",") if one]
        wanted = {name: options[f"{name}_port"] for name in (*PROVIDERS, *CARRIERS)}
        ports = {name: port for name, port in wanted.items() if port is not None}
        asyncio.run(self._serve(ports, faults))

    async def _serve(self, ports: dict[str, int], text_faults: list[Fault]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with AsyncExitStack() as running:
            for name, port in ports.items():
                if name in PROVIDERS:
                    server: AbstractAsyncContextManager[Any] = agents.simulated(name).make(port=port)
                else:
                    server = telephony.simulated(name).serve(port, text_faults)
                await running.enter_async_context(server)
            await stop.wait()
