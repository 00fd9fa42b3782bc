"""What `appointments.taken` searches by: where taken time begins, and the few that last very long.

The conditions are written there as they are here. An index on ranges would serve as well, but PostgreSQL does
not search one on behalf of a role that is under row-level security.
"""

from django.db import migrations

TABLES = {
    "appointments_appointment": ("appointment", "employee_id", "status <> 'cancelled'"),
    "appointments_resourceuse": ("resource_use", "resource_id", "is_active"),
}
LONG = "blocked_until - blocked_from > interval '12 hours'"


def indexes(table: str) -> list[tuple[str, str]]:
    name, whose, live = TABLES[table]
    return [
        (
            f"{name}_taken",
            f"CREATE INDEX {name}_taken ON {table} (tenant_id, {whose}, blocked_from)"
            f" INCLUDE (blocked_until) WHERE {live}",
        ),
        (
            f"{name}_taken_long",
            f"CREATE INDEX {name}_taken_long ON {table} (tenant_id, {whose}, blocked_until)"
            f" WHERE {live} AND {LONG}",
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [("appointments", "0004_isolate_rules")]

    operations = [
        migrations.RunSQL(create, f"DROP INDEX {name}") for table in TABLES for name, create in indexes(table)
    ]
