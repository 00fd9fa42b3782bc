"""`manage.py erase_customer <tenant> <customer>`: forgets a customer. The audit trail still verifies."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from appointments.models import Customer
from telephony.forgetting.erasure import erase_customer
from tenants.management.commands.set_secret import tenant_named
from tenants.phone import InvalidNumber, to_e164
from tenants.scoping import platform_scope, tenant_scope


class Command(BaseCommand):
    help = "Erase a customer: name, numbers, words, recordings, from everything that is kept here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="id, slug or name")
        parser.add_argument("customer", help="id, or the phone number: then everybody who has it")

    def handle(self, *args: Any, **options: Any) -> None:
        with platform_scope():
            tenant = tenant_named(options["tenant"])
        with tenant_scope(tenant):
            ids = _wanted(options["customer"])
            if not ids:
                raise CommandError(f"{tenant.name} has no such customer")
            for customer_id in ids:
                erased = erase_customer(customer_id)
                self.stdout.write(
                    f"Erased {customer_id}: {erased.calls} calls, {erased.conversations} conversations, "
                    f"the words of {erased.entries} entries of the audit trail"
                )
                for table, count in sorted(erased.swept.items()):
                    self.stdout.write(f"  named in {count} more rows of {table}")
                for kept in erased.at_vendors:
                    self.stdout.write(f"  is to be deleted at {kept}")


def _wanted(told: str) -> list[UUID]:
    try:
        found = Customer.objects.filter(pk=UUID(told))
    except ValueError:
        try:
            found = Customer.objects.filter(phone_e164=to_e164(told))
        except InvalidNumber:
            raise CommandError("Name a customer by id, or by a phone number with its country") from None
    return list(found.values_list("pk", flat=True))
