"""What vendors were asked to delete, and whether they have."""

from django.contrib import admin

from telephony.models import VendorErasure
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, register, tenant_time


@register(VendorErasure)
class VendorErasureAdmin(ScopedModelAdmin):
    area = Area.SCENES
    read_only = True
    list_display = ["what", "vendor", "state", "attempts", "asked", "settled", "error"]
    list_filter = ["state", "vendor", "kind"]
    search_fields = ["external_id"]
    fields = readonly_fields = [
        "vendor",
        "kind",
        "external_id",
        "state",
        "attempts",
        "asked",
        "settled",
        "error",
    ]

    @admin.display(description="what", ordering="kind")
    def what(self, row: VendorErasure) -> str:
        return str(row)

    @admin.display(description="asked for", ordering="created_at")
    def asked(self, row: VendorErasure) -> str:
        return tenant_time(row.created_at, row.tenant)

    @admin.display(description="settled", ordering="settled_at")
    def settled(self, row: VendorErasure) -> str:
        return tenant_time(row.settled_at, row.tenant) or "-"
