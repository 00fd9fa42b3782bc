"""The keys of the REST API: who has one, whether it is used, and a way to revoke it. Never the key.

Keys are made by `manage.py create_api_key`, which prints them once; a page would leave them in browsers' histories.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from tenants.api_keys import revoke
from tenants.models import ApiKey
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, register


@register(ApiKey)
class ApiKeyAdmin(ScopedModelAdmin):
    area = Area.KEYS
    read_only = True
    list_display = ["name", "beginning", "created_at", "last_used_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "prefix"]
    fieldsets = [(None, {"fields": ["name", "beginning", "created_at", "last_used_at", "revoked_at"]})]
    readonly_fields = ["beginning", "created_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    @admin.display(description="begins with", ordering="prefix")
    def beginning(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        revoked = [key for key in queryset.order_by("pk") if revoke(key)]
        for key in revoked:
            self.log_change(request, key, [{"changed": {"fields": ["Revoked at"]}}])
        messages.success(
            request, f"Revoked: {len(revoked)}. A program that shows one is refused from now on."
        )
