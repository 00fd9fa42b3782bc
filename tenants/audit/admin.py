"""The audit trail, to be read."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tenants.audit.models import AuditDetail, AuditEntry
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, pretty, register


@register(AuditEntry)
class AuditEntryAdmin(ScopedModelAdmin):
    read_only = True
    area = Area.TRAIL
    list_display = ["occurred_at", "action", "who", "subject_kind", "subject_id"]
    list_filter = ["actor_kind", "action", "occurred_at"]
    search_fields = ["action", "subject_id", "actor_id"]
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at"]
    fieldsets = [
        (None, {"fields": ["occurred_at", "action", "who", "subject_kind", "subject_id", "told"]}),
        ("In the chain", {"fields": ["position", "previous_hash", "hash", "commitment", "erases"]}),
    ]
    readonly_fields = [
        *("occurred_at", "action", "who", "subject_kind", "subject_id", "told"),
        *("position", "previous_hash", "hash", "commitment", "erases"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("tenant", "detail")

    @admin.display(description="who")
    def who(self, entry: AuditEntry) -> str:
        label = _content(entry).get("by") or entry.actor_id
        return f"{entry.actor_kind.replace('_', ' ')} {label}".strip()

    @admin.display(description="before and after")
    def told(self, entry: AuditEntry) -> SafeString | str:
        content = _content(entry)
        return pretty({name: content[name] for name in ("before", "after") if name in content})


@register(AuditDetail)
class AuditDetailAdmin(ScopedModelAdmin):
    """A part of an entry; here for operators, who see every table."""

    read_only = True
    area = Area.TRAIL
    listed_for_members = False
    list_display = ["entry", "about"]
    list_select_related = ["entry"]
    search_fields = ["content"]
    fieldsets = [(None, {"fields": ["entry", "about", "content"]})]
    readonly_fields = ["entry", "about", "content"]


def _content(entry: AuditEntry) -> dict[str, Any]:
    detail = getattr(entry, "detail", None)
    content: dict[str, Any] = json.loads(detail.content) if detail is not None else {"before": "erased"}
    return content
