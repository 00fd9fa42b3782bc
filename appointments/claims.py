"""A request that may come again: its row is claimed first, and keeps the answer.

The claim dies with its transaction, so nothing is left to tidy up when a process is killed half-way.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection

from appointments.errors import IdempotencyConflict
from appointments.models import IdempotencyRecord
from tenants.models import Tenant

_INSERT = f"""
INSERT INTO {IdempotencyRecord._meta.db_table} (id, tenant_id, scope, key, request_hash, answer, created_at)
VALUES (%s, %s, %s, %s, %s, %s, now()) ON CONFLICT (tenant_id, scope, key) DO NOTHING RETURNING id"""  # noqa: S608 - of our own words


def digest(body: Any) -> str:
    """Of a JSON value: the same for the same request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Claim:
    """A request's own row, locked; `answer` is what it got before, None for a new one."""

    pk: uuid.UUID
    answer: dict[str, Any] | None

    @property
    def is_new(self) -> bool:
        return self.answer is None


def claim(
    tenant: Tenant, scope: str, key: str, request_hash: str, facts: dict[str, Any] | None = None
) -> Claim:
    """Take the request's row. A concurrent twin waits here until the first commits or fails.

    `facts` is the answer that a new request will get, where that is known beforehand: only what succeeds is
    committed. Raises IdempotencyConflict when the key belongs to a request with another body.
    """
    rows = IdempotencyRecord.objects.for_tenant(tenant)
    pk = uuid.uuid4()
    with connection.cursor() as cursor:  # the ORM does not tell whether a conflict was ignored
        kept = None if facts is None else json.dumps(facts)
        cursor.execute(_INSERT, [pk, tenant.pk, scope, key, request_hash, kept])
        if cursor.fetchone():
            return Claim(pk, None)
    record: IdempotencyRecord = rows.select_for_update().get(scope=scope, key=key)
    if record.request_hash != request_hash:
        raise IdempotencyConflict
    return Claim(record.pk, record.answer)


def peek(tenant: Tenant, scope: str, key: str) -> Claim | None:
    """A request that came before, as it stands; nothing is claimed or locked."""
    record = IdempotencyRecord.objects.for_tenant(tenant).filter(scope=scope, key=key).first()
    return Claim(record.pk, record.answer) if record else None


def answer(request: Claim, facts: dict[str, Any]) -> None:
    IdempotencyRecord.objects.filter(pk=request.pk).update(answer=facts)


def forget(request: Claim) -> None:
    IdempotencyRecord.objects.filter(pk=request.pk).delete()
