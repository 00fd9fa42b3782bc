"""What the doctor found last: examining takes seconds, and a page that opens all day must not ask vendors.

Kept in the process's cache for a day. It may be gone, or another process's be newer: nothing is decided by it.
"""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone

from tenants.findings import Finding

KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Examination:
    examined_at: datetime.datetime
    findings: list[Finding]


def remember(tenant_id: UUID, findings: list[Finding]) -> None:
    cache.set(_key(tenant_id), Examination(timezone.now(), findings), KEPT_SECONDS)


def last_of(tenant_id: UUID) -> Examination | None:
    found: Examination | None = cache.get(_key(tenant_id))
    return found


def _key(tenant_id: UUID) -> str:
    return f"doctor:{tenant_id}"
