"""`manage.py simulate_agent`: an agent provider's server of one's own, for as long as it is left running."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.simulators.elevenlabs import ElevenLabsSimulator
from agents.simulators.openai_realtime import OpenAISimulator
from agents.simulators.scenarios import SCENARIOS


class Command(BaseCommand):
    help = (
        "Run a simulated agent provider's server, with a scripted agent that waits for the caller's voice: "
        "ElevenLabs (point ELEVENLABS_BASE_URL at it) or OpenAI Realtime (OPENAI_BASE_URL)."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agent", choices=["elevenlabs", "openai"], default="elevenlabs")
        parser.add_argument("--port", type=int, default=0, help="default: any free one, which is printed")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--backend-url",
            default=settings.APP_BASE_URL,
            help="where tools and webhooks are; default APP_BASE_URL",
        )
        parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="default: what the caller wants")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["agent"] == "openai":
            if not settings.OPENAI_API_KEY:
                raise CommandError("Set OPENAI_API_KEY: the simulator checks it.")
        elif not settings.ELEVENLABS_API_KEY or not settings.ELEVENLABS_WEBHOOK_SECRET:
            raise CommandError(
                "Set ELEVENLABS_API_KEY and ELEVENLABS_WEBHOOK_SECRET: the simulator checks both."
            )
        asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        make = _openai if options["agent"] == "openai" else _elevenlabs
        try:
            simulator, told = make(options)
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error.strerror}") from error
        async with simulator:
            self.stdout.write(told)
            self.stdout.flush()
            await stop.wait()


def _elevenlabs(options: dict[str, Any]) -> tuple[ElevenLabsSimulator, str]:
    simulator = ElevenLabsSimulator(
        api_key=settings.ELEVENLABS_API_KEY,
        webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
        backend_url=options["backend_url"],
        scenario=SCENARIOS.get(options["scenario"]),
        host=options["host"],
        port=options["port"],
    )
    return simulator, f"Simulated ElevenLabs at {simulator.base_url}, tools at {simulator.backend_url}"


def _openai(options: dict[str, Any]) -> tuple[OpenAISimulator, str]:
    simulator = OpenAISimulator(
        api_key=settings.OPENAI_API_KEY,
        scenario=SCENARIOS.get(options["scenario"]),
        host=options["host"],
        port=options["port"],
    )
    return simulator, f"Simulated OpenAI at {simulator.base_url}"
