"""What is hashed, and how. Pure; the trigger of the migration computes the same in the database."""

import datetime
import hashlib
from collections.abc import Iterable
from uuid import UUID

VERSION = "tonris-audit-1"
PLATFORM = "platform"
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def commitment(salt: str, content: str) -> str:
    return _sha256(f"{salt}\n{content}")


def link(
    previous_hash: str,
    *,
    tenant_id: UUID | None,
    position: int,
    occurred_at: datetime.datetime,
    facts: Iterable[str],
    commitment: str,
) -> str:
    """`facts`: kind and id of the actor, action, kind and id of the subject, what it erases."""
    micros = (occurred_at - _EPOCH) // datetime.timedelta(microseconds=1)
    whose = str(tenant_id) if tenant_id else PLATFORM
    return _sha256("\n".join([VERSION, previous_hash, whose, str(position), str(micros), *facts, commitment]))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
