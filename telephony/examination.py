"""What the doctor found last at a business, for every process to tell."""

from django.db import models

from tenants.models import TenantOwned


class Examination(TenantOwned):
    examined_at = models.DateTimeField()
    findings = models.JSONField(default=list)

    class Meta(TenantOwned.Meta):
        verbose_name = "doctor's findings"
        verbose_name_plural = "doctor's findings"
        ordering = ["-examined_at"]
        constraints = [models.UniqueConstraint(fields=["tenant"], name="examination_once")]

    def __str__(self) -> str:
        return f"{len(self.findings)} findings"
