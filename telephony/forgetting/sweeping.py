"""A last look through every text that a business keeps, for what was written down where nobody expected it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection, models

from agents.models import AgentVersion
from appointments.models import AddOn, Customer, Employee, Resource, Service
from telephony.models import PhoneNumber, RingGroup, RingPerson, TransferLeg
from tenants.models import ApiKey, AuditDetail, AuditEntry, Credential, Member, Tenant, TenantOwned

OF_THE_BUSINESS = frozenset(
    {
        AddOn,
        AgentVersion,
        ApiKey,
        Credential,
        Employee,
        Member,
        PhoneNumber,
        Resource,
        RingGroup,
        RingPerson,
        Service,
        Tenant,
        TransferLeg,
    }
)
"""What a business is called by, and not its customers: an employee may have a customer's name."""
ELSEWHERE = frozenset({AuditDetail, AuditEntry, Customer})
"""Dealt with on their own: one may not be changed, and the other's rows are people."""
_TEXTS = (models.CharField, models.TextField)


@dataclass(frozen=True, slots=True)
class Column:
    """Where a name may stand."""

    table: str
    name: str
    is_json: bool
    longest: int | None


def columns() -> Iterator[Column]:
    """Of all that a business owns and is not called by; choices are no place for a name."""
    for model in apps.get_models():
        if not issubclass(model, TenantOwned) or model in OF_THE_BUSINESS | ELSEWHERE:
            continue
        for field in model._meta.concrete_fields:
            is_json, name = isinstance(field, models.JSONField), field.column or field.name
            if is_json or (isinstance(field, _TEXTS) and not field.choices):
                yield Column(model._meta.db_table, name, is_json, getattr(field, "max_length", None))


def sweep(tenant_id: UUID, needles: Sequence[str], instead: str) -> dict[str, int]:
    """Put `instead` in every needle's place, whatever its case. Rows changed, by table. Needs the tenant's scope."""
    changed: dict[str, int] = {}
    if not needles:
        return changed
    for column in columns():
        if count := _replace(column, tenant_id, needles, instead):
            changed[column.table] = changed.get(column.table, 0) + count
    for needle in needles:
        LogEntry.objects.filter(object_repr__icontains=needle).update(object_repr=instead, change_message="")
        LogEntry.objects.filter(change_message__icontains=needle).update(change_message="")
    return changed


def _replace(column: Column, tenant_id: UUID, needles: Sequence[str], instead: str) -> int:
    pattern = "|".join(_escaped(needle, is_json=column.is_json) for needle in needles)
    text = f'"{column.name}"::text'
    renewed = f"regexp_replace({text}, %s, %s, 'gi')"
    if column.is_json:
        renewed += "::jsonb"
    elif column.longest:
        renewed = f"left({renewed}, {column.longest})"
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{column.table}" SET "{column.name}" = {renewed} WHERE tenant_id = %s AND {text} ~* %s',  # noqa: S608
            [pattern, instead, tenant_id, pattern],
        )
        return int(cursor.rowcount)


def _escaped(needle: str, *, is_json: bool) -> str:
    written = json.dumps(needle, ensure_ascii=False)[1:-1] if is_json else needle
    return re.sub(r"([^\w\s])", r"\\\1", written)
