"""What somebody has uploaded and not agreed to yet."""

from django.db import models

from tenants.models import TenantOwned, User


class ImportDraft(TenantOwned):
    """A spreadsheet between its preview and its import: where every web process sees it, and gone within the hour."""

    kind = models.CharField(max_length=16, help_text="What its rows are.")
    uploaded_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", editable=False)
    keys = models.JSONField(default=list, help_text="What its columns mean.")
    lines = models.JSONField(default=list, help_text="Number and cells of each.")
    notes = models.JSONField(default=list, help_text="How it was read.")
    verdicts = models.JSONField(default=list, help_text="What was shown of each line.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_at"], name="import_draft_by_age")]

    def __str__(self) -> str:
        return f"Import of {self.kind}s"
