"""`manage.py simulate_agent`: an ElevenLabs server of one's own, for as long as it is left running."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.simulators.elevenlabs import ElevenLabsSimulator
from agents.simulators.scenarios import SCENARIOS


class Command(BaseCommand):
    help = (
        "Run a simulated ElevenLabs server: signed URLs, conversations with a scripted agent that waits for "
        "the caller's voice, tools and webhooks over HTTP. Point ELEVENLABS_BASE_URL at it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=0, help="default: any free one, which is printed")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--backend-url",
            default=settings.APP_BASE_URL,
            help="where tools and webhooks are; default APP_BASE_URL",
        )
        parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="default: what the caller wants")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.ELEVENLABS_API_KEY or not settings.ELEVENLABS_WEBHOOK_SECRET:
            raise CommandError(
                "Set ELEVENLABS_API_KEY and ELEVENLABS_WEBHOOK_SECRET: the simulator checks both."
            )
        asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            simulator = ElevenLabsSimulator(
                api_key=settings.ELEVENLABS_API_KEY,
                webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
                backend_url=options["backend_url"],
                scenario=SCENARIOS.get(options["scenario"]),
                host=options["host"],
                port=options["port"],
            )
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error.strerror}") from error
        async with simulator:
            self.stdout.write(
                f"Simulated ElevenLabs at {simulator.base_url}, tools at {simulator.backend_url}"
            )
            self.stdout.flush()
            await stop.wait()
