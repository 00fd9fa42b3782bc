"""`manage.py create_api_key <tenant> --name N`: prints a key of the REST API, this once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.api_keys import create_key
from tenants.management.commands.set_secret import tenant_named
from tenants.models import ApiKey
from tenants.scoping import platform_scope

LONGEST_NAME: int = ApiKey._meta.get_field("name").max_length or 0


class Command(BaseCommand):
    help = "Make a key of the REST API for a tenant, and print it. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="id, slug or name")
        parser.add_argument("--name", required=True, help="whose key it is and what for")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name or len(name) > LONGEST_NAME:
            raise CommandError(f"A name has 1 to {LONGEST_NAME} characters")
        with platform_scope():
            tenant = tenant_named(options["tenant"])
            _, text = create_key(tenant, name)
        self.stderr.write(f"A key of {tenant.name}, for {name}. Keep it now: it cannot be shown again.")
        self.stdout.write(text)
