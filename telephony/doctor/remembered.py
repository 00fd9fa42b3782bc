"""What the doctor found last: examining takes seconds, and a page that opens all day must not ask vendors.

Kept in the database, so that every process tells the same. Nothing is decided by it. Needs the tenant's scope, or the
platform's.
"""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from telephony.models import Examination as Row
from tenants.findings import Finding, Severity

STANDS = datetime.timedelta(days=1)
"""What was found longer ago says nothing of today."""


@dataclass(frozen=True, slots=True)
class Examination:
    examined_at: datetime.datetime
    findings: list[Finding]


def remember(tenant_id: UUID, findings: list[Finding]) -> None:
    told = {"examined_at": timezone.now(), "findings": [one.to_json() for one in findings]}
    Row.objects.update_or_create(tenant_id=tenant_id, defaults=told)


def last_of(tenant_id: UUID) -> Examination | None:
    rows = Row.objects.filter(tenant_id=tenant_id, examined_at__gt=timezone.now() - STANDS)
    row = rows.first()
    return Examination(row.examined_at, [_read(one) for one in row.findings]) if row else None


def _read(told: dict[str, str]) -> Finding:
    return Finding(told["code"], Severity(told["severity"]), told["what"], told["fix"])
