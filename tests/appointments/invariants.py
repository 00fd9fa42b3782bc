"""What must hold of a calendar after every commit, counted by SQL alone; and guards switched off for a while."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import connection

from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.owner import as_owner

_PAIRS = {
    # Two who share a group count once: its first seat keeps the time for all.
    "overlaps": (
        "SELECT count(*) FROM appointments_appointment a JOIN appointments_appointment b"
        " ON a.id < b.id AND a.employee_id = b.employee_id AND a.status <> 'cancelled' AND b.status <> 'cancelled'"
        " AND a.blocked_from < b.blocked_until AND b.blocked_from < a.blocked_until"
        " WHERE (a.service_id, a.starts_at) <> (b.service_id, b.starts_at)"
        " OR (SELECT seats FROM appointments_service s WHERE s.id = a.service_id) = 1"
    ),
    "units used twice": (
        "SELECT count(*) FROM appointments_resourceuse a JOIN appointments_resourceuse b"
        " ON a.id < b.id AND a.resource_id = b.resource_id AND a.unit = b.unit AND a.is_active AND b.is_active"
        " AND a.blocked_from < b.blocked_until AND b.blocked_from < a.blocked_until"
    ),
    "units beyond capacity": (
        "SELECT count(*) FROM appointments_resourceuse u JOIN appointments_resource r ON r.id = u.resource_id"
        " WHERE u.is_active AND (u.unit > r.capacity OR u.unit < 1)"
    ),
    "uses that are not their appointment's": (
        "SELECT count(*) FROM appointments_resourceuse u JOIN appointments_appointment a ON a.id = u.appointment_id"
        " WHERE u.is_active AND (a.status = 'cancelled' OR a.seat <> 1"
        " OR (u.blocked_from, u.blocked_until) <> (a.blocked_from, a.blocked_until))"
    ),
    "first seats without their resource": (
        "SELECT count(*) FROM appointments_appointment a JOIN appointments_serviceresource need"
        " ON need.service_id = a.service_id WHERE a.status <> 'cancelled' AND a.seat = 1 AND NOT EXISTS"
        " (SELECT 1 FROM appointments_resourceuse u WHERE u.appointment_id = a.id AND u.is_active"
        " AND u.resource_id = need.resource_id)"
    ),
    "groups without one first seat": (
        "SELECT count(*) FROM (SELECT 1 FROM appointments_appointment WHERE status <> 'cancelled'"
        " GROUP BY employee_id, service_id, starts_at HAVING count(*) FILTER (WHERE seat = 1) <> 1) groups"
    ),
    "groups with too many": (
        "SELECT count(*) FROM (SELECT 1 FROM appointments_appointment a JOIN appointments_service s"
        " ON s.id = a.service_id WHERE a.status <> 'cancelled' GROUP BY a.employee_id, a.service_id, a.starts_at"
        " HAVING count(*) > max(s.seats) OR max(a.seat) > max(s.seats)) groups"
    ),
    "appointments without a history": (
        "SELECT count(*) FROM appointments_appointment a WHERE NOT EXISTS"
        " (SELECT 1 FROM appointments_appointmentchange c WHERE c.appointment_id = a.id)"
        " OR NOT EXISTS (SELECT 1 FROM appointments_outboxmessage o WHERE o.appointment_id = a.id)"
    ),
}


def broken() -> dict[str, int]:
    """Which invariants do not hold, and how often. Needs a scope."""
    counts = {}
    with connection.cursor() as cursor:
        for name, statement in _PAIRS.items():
            cursor.execute(statement)
            counts[name] = cursor.fetchone()[0]
    return {name: count for name, count in counts.items() if count}


def deadlocks() -> int:
    with as_owner() as owner:
        owner.execute("SELECT pg_stat_force_next_flush()")
        owner.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return (owner.fetchone() or [0])[0]


def at_once(tenant: Tenant | None, work: Sequence[Callable[[], Any]]) -> list[Any]:
    """Each in a thread and a connection of its own, all begun together; what came back, or was raised.

    With a tenant, in one scope and so one transaction of it.
    """
    barrier = threading.Barrier(len(work))

    def contend(one: Callable[[], Any]) -> Any:
        barrier.wait(20)
        try:
            with tenant_scope(tenant) if tenant else nullcontext():
                return one()
        except Exception as error:  # noqa: BLE001 - the test says what it expects
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(contend, work))


@contextmanager
def without_constraints(*names: str) -> Iterator[None]:
    """The database without its last word; what broke its rules meanwhile is removed by the test."""
    with as_owner() as owner:
        definitions = []
        for name in names:
            owner.execute(
                "SELECT pg_get_constraintdef(oid), conrelid::regclass FROM pg_constraint WHERE conname = %s",
                [name],
            )
            found = owner.fetchone()
            if found:
                definitions.append(f'ALTER TABLE {found[1]} ADD CONSTRAINT "{name}" {found[0]}')
                owner.execute(f'ALTER TABLE {found[1]} DROP CONSTRAINT "{name}"')
            else:  # a unique constraint with a condition is an index
                owner.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
                definitions += owner.fetchone() or []
                owner.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with as_owner() as owner:
            for definition in definitions:
                owner.execute(definition)
