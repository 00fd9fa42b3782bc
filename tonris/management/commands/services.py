"""`manage.py services status|stop`: what of TONRIS runs in this checkout, and an end to it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
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

    def handle(self, *, action: str, **options: Any) -> None:
        try:
            lines = supervisor.status() if action == "status" else supervisor.stop_everything()
        except (HomeError, EmbeddedError, supervisor.StopFailed) as error:
            self.stderr.write(str(error))
            sys.exit(1)
        for line in lines:
            self.stdout.write(line)
