"""`manage.py doctor [TENANT]`: what stands between a business and its next call, and how to mend it."""

import contextlib
import io
import json
import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from telephony import doctor
from telephony.models import PhoneNumber
from tenants.findings import Finding, Severity, broken
from tenants.management.commands.set_secret import tenant_named
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope

CALL_SECONDS = 20
HANG_UP_SECONDS = 8
NOTHING_WORKS = frozenset({"DATABASE_UNREACHABLE", "ENCRYPTION_KEY_INVALID"})
"""Without these no business can be looked at."""


class Command(BaseCommand):
    help = (
        "Examine this installation and a tenant, or all active ones: settings, keys, numbers, webhooks, agent, "
        "tools, calendar. Every finding says how to mend it. Exit status 1 if something is broken."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", nargs="?", help="id, slug or name; default: every active tenant")
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument("--call", action="store_true", help="place a simulated call too")

    def handle(self, *args: Any, **options: Any) -> None:
        ground = doctor.examine_installation()
        chapters: list[tuple[str, list[Finding]]] = [("installation", ground)]
        for tenant in [] if {found.code for found in ground} & NOTHING_WORKS else _tenants(options["tenant"]):
            findings = doctor.examine(tenant.pk)
            if options["call"]:
                findings += try_call(tenant)
            chapters.append((tenant.slug, findings))
        every = [found for _, findings in chapters for found in findings]
        is_broken = any(found.severity is Severity.BROKEN for found in every)
        if options["json"]:
            self._print_json(chapters, ok=not is_broken)
        else:
            self._print_text(chapters)
        if is_broken:
            sys.exit(1)

    def _print_json(self, chapters: list[tuple[str, list[Finding]]], *, ok: bool) -> None:
        told = {name: [found.to_json() for found in findings] for name, findings in chapters}
        installation = told.pop("installation")
        document = {"ok": ok, "installation": installation, "tenants": told}
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))

    def _print_text(self, chapters: list[tuple[str, list[Finding]]]) -> None:
        for name, findings in chapters:
            self.stdout.write(self.style.MIGRATE_HEADING(name))
            for found in findings:
                paint = self.style.ERROR if found.severity is Severity.BROKEN else self.style.WARNING
                self.stdout.write(f"  {paint(found.severity)}  {found.code}: {found.what}")
                self.stdout.write(f"          {found.fix}")
            if not findings:
                self.stdout.write(f"  {self.style.SUCCESS('well')}")


def _tenants(name: str | None) -> list[Tenant]:
    with platform_scope():
        return [tenant_named(name)] if name else list(Tenant.objects.filter(status=Tenant.Status.ACTIVE))


def try_call(tenant: Tenant) -> list[Finding]:
    """Somebody dials and waits to be greeted. No agent understands a simulated voice for certain: none is judged."""
    with tenant_scope(tenant):
        e164 = PhoneNumber.objects.filter(is_active=True).values_list("e164", flat=True).first()
    if e164 is None:
        return []
    out = io.StringIO()
    with contextlib.suppress(SystemExit):  # what the caller wanted may well have come to nothing
        call_command(
            "simulate_call",
            to=e164,
            scenario="opening-hours",
            json=True,
            hangup_after=HANG_UP_SECONDS,
            timeout=CALL_SECONDS,
            stdout=out,
            stderr=io.StringIO(),
        )
    heard = json.loads(out.getvalue() or "{}")
    if heard.get("firstAudioMs") is not None:
        return []
    return [
        broken(
            "CALL_UNANSWERED",
            f"A simulated call heard nobody (outcome: {heard.get('outcome') or 'not recorded'}).",
            "Mend what is listed above first; then look at the call in the admin, which tells what happened to it.",
        )
    ]
