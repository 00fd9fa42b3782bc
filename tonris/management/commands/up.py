"""`manage.py up`: everything that TONRIS needs, from a database to a demo call, in one terminal."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from telephony.vendors import every_vendor
from tonris import supervisor
from tonris.embedded.ports import free_port
from tonris.home import HomeError, home


class Command(BaseCommand):
    help = "Start TONRIS on this machine: database, queue, web, media, worker; then place a demo call."
    requires_system_checks = []  # there may be no database yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
        parser.add_argument("--port", type=int, help="port to listen on (8000, or the next free one; 0: any)")
        parser.add_argument("--no-call", action="store_true", help="serve only; place no demo call")
        parser.add_argument(
            "--once", action="store_true", help="stop after the demo call; exit code 0 if it worked"
        )

    def handle(self, *, host: str, port: int | None, no_call: bool, once: bool, **options: Any) -> None:
        try:
            code = supervisor.bring_up(
                lambda chosen: _plan(host, chosen),
                host=host,
                port=port,
                place_call=not no_call,
                once=once,
                summary=_summary,
            )
        except KeyboardInterrupt:  # before there was anything to stop
            code = 130 if once else 0
        except (HomeError, supervisor.AlreadyRunning, supervisor.AddressError) as error:
            self.stderr.write(str(error))
            code = 1
        sys.exit(code)


def _plan(host: str, port: int) -> supervisor.Plan:
    return supervisor.standard_plan(
        host,
        port,
        simulator_ports={one.name: free_port() for one in every_vendor() if one.is_simulated()},
        drain_seconds=int(os.environ.get("DRAIN_SECONDS", supervisor.DRAIN_SECONDS)),
    )


def _summary(url: str) -> str:
    return f"""
TONRIS is up: {url}

  Tenant admin   {url}/admin/
  Operators      {url}/ops/
  API            {url}/api/v1/schema
  Health         {url}/healthz  {url}/readyz
  Logs           {home() / "logs"}

  Another call:  .venv/bin/python manage.py simulate_call
  Stop:          Ctrl-C
"""
