"""A request that may come again: its row is claimed first, and keeps the answer.

The claim dies with its transaction, so nothing is left to tidy up when a process is killed half-way.
"""

import hashlib
import json
import uuid
from typing import Any

from django.db import connection

from appointments.errors import IdempotencyConflict
from appointments.models import IdempotencyRecord
from tenants.models import Tenant

_INSERT = f"""
INSERT INTO {IdempotencyRecord._meta.db_table} (id, tenant_id, scope, key, request_hash, created_at)
VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT (tenant_id, scope, key) DO NOTHING RETURNING id"""  # noqa: S608 - of our own words


def digest(body: Any) -> str:
    """Of a JSON value: the same for the same request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


def claim(tenant: Tenant, scope: str, key: str, request_hash: str) -> IdempotencyRecord:
    """The request's own row, locked. A concurrent twin waits here until the first commits or fails.

    Raises IdempotencyConflict when the key belongs to a request with another body.
    """
    rows = IdempotencyRecord.objects.for_tenant(tenant)
    with connection.cursor() as cursor:  # the ORM does not tell whether a conflict was ignored
        cursor.execute(_INSERT, [uuid.uuid4(), tenant.pk, scope, key, request_hash])
        inserted = cursor.fetchone()
    if inserted:
        return rows.model(pk=inserted[0], tenant=tenant, scope=scope, key=key, request_hash=request_hash)
    record: IdempotencyRecord = rows.select_for_update().get(scope=scope, key=key)
    if record.request_hash != request_hash:
        raise IdempotencyConflict
    return record


def answer(record: IdempotencyRecord, facts: dict[str, Any]) -> None:
    record.answer = facts
    IdempotencyRecord.objects.filter(pk=record.pk).update(answer=facts)
