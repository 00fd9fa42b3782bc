"""`manage.py provision TENANT`: agent and numbers, set up at their vendors from what we know."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.providers import DEFAULT, PROVIDERS
from agents.provisioning_log import Log
from telephony.errors import AgentNotConfigured
from telephony.provisioning import provision_agent, provision_numbers
from tenants.management.commands.set_secret import tenant_named
from tenants.scoping import platform_scope
from tenants.vendor_http import VendorError


class Command(BaseCommand):
    help = (
        "Make or update a tenant's agent at its provider (audio formats, overrides, tools, webhooks, prompt) and "
        "point its numbers at their carriers here. Run it again whenever something changed: what is right "
        "stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="id, slug or name")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--carrier-only", action="store_true", help="only the numbers")
        part.add_argument("--agent-only", action="store_true", help="only the agent")

    def handle(self, *args: Any, **options: Any) -> None:
        with platform_scope():
            tenant = tenant_named(options["tenant"])
        log = Log(options["dry_run"], lambda step: self.stdout.write(str(step)))
        try:
            if not options["carrier_only"]:
                provision_agent(tenant, log)
            if not options["agent_only"]:
                provision_numbers(tenant.pk, log)
        except AgentNotConfigured:
            raise CommandError(
                "agentProvider in the business's settings names a provider that this installation does not have. "
                f"Correct it, or remove it to use {PROVIDERS[DEFAULT].label}."
            ) from None
        except VendorError as error:
            raise CommandError(str(error)) from None
