"""`manage.py set_secret <tenant> <name>`: the value comes from standard input, never from the command line."""

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from tenants.credentials import set_secret
from tenants.models import Tenant, secret_choices
from tenants.scoping import platform_scope


def tenant_named(name: str) -> Tenant:
    """By id, slug or name. Raises CommandError. Needs the platform's scope."""
    try:
        wanted = [Q(pk=UUID(name))]
    except ValueError:
        wanted = [Q(slug=name), Q(name__iexact=name)]
    for which in wanted:
        match list(Tenant.objects.filter(which)[:20]):
            case [tenant]:
                return tenant
            case [_, *_] as several:
                slugs = ", ".join(one.slug for one in several)
                raise CommandError(f"Several tenants have the name {name!r}: {slugs}")
    known = ", ".join(Tenant.objects.values_list("slug", flat=True)[:20]) or "none"
    raise CommandError(f"There is no tenant {name!r}. Known: {known}")


class Command(BaseCommand):
    help = "Keep a tenant's secret, encrypted. The value is read from standard input; empty forgets it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="id, slug or name")
        parser.add_argument("name", choices=[name for name, _ in secret_choices()])

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.stdin.isatty():
            self.stderr.write(f"Value of {options['name']}, then Enter and Ctrl-D:")
        value = sys.stdin.read().strip()
        with platform_scope():
            tenant = tenant_named(options["tenant"])
            set_secret(tenant, options["name"], value)
        self.stdout.write(f"{options['name']} of {tenant.name} is {'kept' if value else 'forgotten'}.")
