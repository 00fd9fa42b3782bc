"""`manage.py services status|stop`: what of TONRIS runs in this checkout, and an end to it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from tonris import supervisor
from tonris.embedded import EmbeddedError
from tonris.home import HomeError


class Command(BaseCommand):
    help = "Show what of TONRIS runs in this checkout (status), or stop all of it (stop)."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["status", "stop"])
        parser.add_argument("--erase", action="store_true", help="after stopping, remove the local databases")

    def handle(self, *, action: str, erase: bool, **options: Any) -> None:
        try:
            for line in _lines(action, erase=erase):
                self.stdout.write(line)
        except (HomeError, EmbeddedError, supervisor.StopFailed) as error:
            self.stderr.write(str(error))
            sys.exit(1)


def _lines(action: str, *, erase: bool) -> Iterator[str]:
    if action == "status":
        yield from supervisor.status()
        return
    yield from supervisor.stop_everything()
    if erase:
        yield from supervisor.erase()
