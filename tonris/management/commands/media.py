"""`manage.py media`: media streams only, in a process that deploys can drain."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tonris import server


class Command(BaseCommand):
    help = "Serve media streams (and health); on SIGTERM stop accepting and let live calls finish."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--fd", type=int, help="accept on this inherited socket, see deploy/handover.py")

    def handle(self, *args: Any, **options: Any) -> None:
        server.run(
            "tonris.asgi:media",
            host=options["host"],
            port=options["port"],
            fd=options["fd"],
            drain_seconds=settings.DRAIN_SECONDS,
            keep_listening=False,
        )
