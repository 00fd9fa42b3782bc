"""The only writer of the audit trail."""

import json
import secrets
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from tenants.audit import actors
from tenants.audit.chain import commitment
from tenants.audit.models import AuditDetail, AuditEntry
from tenants.scoping import Scope, ScopeRequired, active_scope, platform_scope

SALT_BYTES = 16
LONGEST_VALUE = 2000
MASK = "(secret)"
_SECRET_WORDS = ("secret", "token", "password", "apikey", "api_key", "privatekey")

# One statement for both rows: bookings wait for it.
_RECORD = f"""
WITH entry AS (
  INSERT INTO {AuditEntry._meta.db_table} (id, tenant_id, occurred_at, actor_kind, actor_id, action,
    subject_kind, subject_id, erases, commitment, previous_hash, hash)
  VALUES (%(id)s, %(tenant)s, %(now)s, %(actor_kind)s, %(actor_id)s, %(action)s,
    %(subject_kind)s, %(subject_id)s, %(erases)s, %(commitment)s, '', '')
)
INSERT INTO {AuditDetail._meta.db_table} (id, tenant_id, entry_id, salt, content, about)
VALUES (gen_random_uuid(), %(tenant)s, %(id)s, %(salt)s, %(content)s, %(about)s)
"""  # noqa: S608 - put together of constants


def record(
    action: str,
    subject: Any = None,
    *,
    tenant_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    about: UUID | None = None,
    label: str = "",
    erases: Collection[int] = (),
) -> None:
    """Note what whoever is active does, in the transaction that does it.

    `subject` is a row, or its kind and id. `tenant_id` is that of the scope, if nothing else is said; in the
    platform's, and outside of any, the platform's own chain. Values whose names say that they are secret are masked.
    """
    if _scope() is None:
        with platform_scope():
            record(
                action, subject, tenant_id=tenant_id, before=before, after=after, about=about, label=label,
                erases=erases,
            )  # fmt: skip
        return
    actor, salt = actors.active(), secrets.token_bytes(SALT_BYTES).hex()
    told = {"by": label or actor.label, "before": without_secrets(before), "after": without_secrets(after)}
    content = json.dumps({name: value for name, value in told.items() if value}, default=str, sort_keys=True)
    kind, which = subject if isinstance(subject, tuple) else _named(subject)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "id": uuid4(),
                "tenant": tenant_id or active_scope().tenant_id,
                "now": timezone.now(),
                "actor_kind": actor.kind,
                "actor_id": _short(actor.id, 64),
                "action": _short(action, 48),
                "subject_kind": _short(kind, 32),
                "subject_id": _short(which, 64),
                "erases": ",".join(map(str, sorted(erases))),
                "commitment": commitment(salt, content),
                "salt": salt,
                "content": content,
                "about": about,
            },
        )


def without_secrets(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _masked(name, value) for name, value in (values or {}).items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_secrets(value)
    plain = name.lower().replace("-", "_")
    if value and any(word in plain for word in _SECRET_WORDS):
        return MASK
    return value[:LONGEST_VALUE] if isinstance(value, str) else value


def _scope() -> Scope | None:
    try:
        return active_scope()
    except ScopeRequired:
        return None


def _named(subject: Any) -> tuple[str, str]:
    return ("", "") if subject is None else (str(subject._meta.model_name), str(subject.pk))


def _short(text: object, length: int) -> str:
    """One line: lines are what the chain is hashed of."""
    return " ".join(str(text).split())[:length]
