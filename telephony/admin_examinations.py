"""What the doctor found last, as it is kept: the pages of a business tell it in words."""

from django.contrib import admin

from telephony.models import Examination
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, pretty, register, tenant_time


@register(Examination)
class ExaminationAdmin(ScopedModelAdmin):
    area = Area.SCENES
    read_only = True
    list_display = ["examined", "count"]
    fields = readonly_fields = ["examined", "told"]

    @admin.display(description="examined", ordering="examined_at")
    def examined(self, row: Examination) -> str:
        return tenant_time(row.examined_at, row.tenant)

    @admin.display(description="findings")
    def count(self, row: Examination) -> int:
        return len(row.findings)

    @admin.display(description="findings")
    def told(self, row: Examination) -> str:
        return pretty(row.findings)
