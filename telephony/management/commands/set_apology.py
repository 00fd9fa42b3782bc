"""`manage.py set_apology <tenant> < sorry.mp3`: what callers hear when the agent fails them."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from telephony import apologies
from tenants.management.commands.set_secret import tenant_named
from tenants.scoping import platform_scope, tenant_scope


class Command(BaseCommand):
    help = (
        "Keep a tenant's recorded apology: MP3 or WAV from standard input, 2 MiB at most; empty forgets it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="id, slug or name")

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.stdin.isatty():
            raise CommandError("The recording comes from standard input: set_apology TENANT < sorry.mp3")
        audio = sys.stdin.buffer.read(apologies.MAX_BYTES + 1)
        with platform_scope():
            tenant = tenant_named(options["tenant"])
        try:
            with tenant_scope(tenant):
                apologies.keep(tenant, audio)
        except apologies.NotAudio as error:
            raise CommandError(f"The recording cannot be played: {error}") from None
        self.stdout.write(f"The apology of {tenant.name} is {'kept' if audio else 'forgotten'}.")
