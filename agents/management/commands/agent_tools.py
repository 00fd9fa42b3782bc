"""`manage.py agent_tools [TENANT]`: the tools as JSON, for people who set up an agent by hand."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from agents.providers.elevenlabs.tool_definitions import tool_configs
from agents.providers.openai_realtime.tool_definitions import functions
from agents.provisioning_wishes import prompt_of
from agents.tools.registry import TOOLS
from tenants.management.commands.set_secret import tenant_named
from tenants.scoping import platform_scope

SECRET_ID = "<id of the workspace secret whose value is: Bearer, a space, the business's webhook secret>"  # noqa: S105


class Command(BaseCommand):
    help = "Print the agent's tools as a provider wants to be told of them; with a tenant its prompt too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", nargs="?", help="id, slug or name")
        parser.add_argument("--provider", choices=["elevenlabs", "openai"], default="elevenlabs")

    def handle(self, *args: Any, **options: Any) -> None:
        document: dict[str, Any] = {"tools": _tools(options["provider"])}
        if options["tenant"]:
            with platform_scope():
                document["prompt"] = prompt_of(tenant_named(options["tenant"]))
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))


def _tools(provider: str) -> list[dict[str, Any]]:
    if provider == "openai":
        return functions(TOOLS)
    return tool_configs(TOOLS, base_url=settings.APP_BASE_URL, secret_id=SECRET_ID)
