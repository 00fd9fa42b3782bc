"""`manage.py rotate_keys`: re-encrypts everything under the first of FIELD_ENCRYPTION_KEYS. May run while calls do."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.audit.writing import record
from tenants.rotation import encrypted_columns, rotate, rotate_second_factors


class Command(BaseCommand):
    help = (
        "Re-encrypt every secret under the first of FIELD_ENCRYPTION_KEYS. First give every process the new key in "
        "front of the old ones; then run this; then take the old ones away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = lost = 0
        counts = {
            f"{model._meta.model_name}.{column}": rotate(model, column)
            for model, column in encrypted_columns()
        }
        counts["second factors"] = rotate_second_factors()
        for name, count in counts.items():
            rotated, lost = rotated + count.rotated, lost + count.lost
            self.stdout.write(
                f"{name}: {count.rotated} re-encrypted, {count.current} under the first key already"
            )
            if count.lost:
                self.stderr.write(f"{name}: {count.lost} cannot be read with any key")
        record("keys.rotated", after={"values": rotated, "lost": lost})
        if lost:
            raise CommandError(f"{lost} values are under a key that FIELD_ENCRYPTION_KEYS lacks")
