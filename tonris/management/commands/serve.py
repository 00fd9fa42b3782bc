"""`manage.py serve`: HTTP and media streams on one port."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tonris import server


class Command(BaseCommand):
    help = "Serve HTTP and media streams on one port; on SIGTERM live calls finish first."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        server.run(
            "tonris.asgi:application",
            host=options["host"],
            port=options["port"],
            drain_seconds=settings.DRAIN_SECONDS,
            keep_listening=True,
        )
