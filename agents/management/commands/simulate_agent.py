"""`manage.py simulate_agent`: an agent provider's server of one's own, for as long as it is left running."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.providers import DEFAULT, PROVIDERS
from agents.simulators.facts import simulated
from agents.simulators.scenarios import SCENARIOS


class Command(BaseCommand):
    help = (
        "Run a simulated agent provider's server, with a scripted agent that waits for the caller's voice. "
        "Point the provider's own *_BASE_URL at it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agent", choices=list(PROVIDERS), default=DEFAULT)
        parser.add_argument("--port", type=int, default=0, help="default: any free one, which is printed")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--backend-url",
            default=settings.APP_BASE_URL,
            help="where tools and webhooks are; default APP_BASE_URL",
        )
        parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="default: what the caller wants")

    def handle(self, *_args: Any, **options: Any) -> None:
        if missing := simulated(options["agent"]).missing():
            raise CommandError(missing)
        asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        wanted = simulated(options["agent"])
        try:
            simulator = wanted.make(
                port=options["port"],
                host=options["host"],
                backend_url=options["backend_url"],
                scenario=SCENARIOS.get(options["scenario"]),
            )
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error.strerror}") from error
        async with simulator:
            self.stdout.write(wanted.describe(simulator))
            self.stdout.flush()
            await stop.wait()
