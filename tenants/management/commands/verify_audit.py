"""`manage.py verify_audit [tenant]`: whether the audit trail is as it was written. Exit code 1 if it is not."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.audit.verifying import verify
from tenants.management.commands.set_secret import tenant_named
from tenants.models import Tenant
from tenants.scoping import platform_scope


class Command(BaseCommand):
    help = "Recompute the audit trail of every tenant, or of one, and of the platform. Exit code 1 if it is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "tenant", nargs="?", help="id, slug or name; all of them and the platform without it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with platform_scope():
            broken = [
                name for name, tenant_id in self._chains(options["tenant"]) if not self._tell(name, tenant_id)
            ]
        if broken:
            raise CommandError(f"The audit trail is broken: {', '.join(broken)}", returncode=1)

    def _chains(self, wanted: str | None) -> list[tuple[str, UUID | None]]:
        if wanted:
            tenant = tenant_named(wanted)
            return [(tenant.name, tenant.pk)]
        return [*Tenant.objects.values_list("name", "pk"), ("platform", None)]

    def _tell(self, name: str, tenant_id: UUID | None) -> bool:
        verdict = verify(tenant_id)
        if verdict.broken_at is not None:
            self.stdout.write(f"{name}: broken at entry {verdict.broken_at}: {verdict.why}")
            return False
        told = f"{name}: {verdict.entries} entries, {verdict.erased} erased"
        # Kept elsewhere, the last hash also shows that entries at the end are gone.
        self.stdout.write(f"{told}, last hash {verdict.head or '-'}")
        return True
