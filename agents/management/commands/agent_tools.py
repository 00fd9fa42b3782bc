"""`manage.py agent_tools [TENANT]`: the tools as JSON, for people who set up an agent by hand."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agents.instructions import prompt_of
from agents.providers import DEFAULT, PROVIDERS
from agents.tools.registry import TOOLS
from tenants.management.commands.set_secret import tenant_named
from tenants.scoping import platform_scope


class Command(BaseCommand):
    help = "Print the agent's tools as a provider wants to be told of them; with a tenant its prompt too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", nargs="?", help="id, slug or name")
        parser.add_argument("--provider", choices=list(PROVIDERS), default=DEFAULT)

    def handle(self, *args: Any, **options: Any) -> None:
        document: dict[str, Any] = {"tools": PROVIDERS[options["provider"]].tools(TOOLS)}
        if options["tenant"]:
            with platform_scope():
                document["prompt"] = prompt_of(tenant_named(options["tenant"]))
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
