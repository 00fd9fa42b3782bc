"""A version of an agent's settings. Rows are inserted by `keeping`, and stay as they are."""

from django.db import models

from tenants.models import TenantOwned


class AgentVersion(TenantOwned):
    """What a business's agent was told to be from then on."""

    number = models.PositiveIntegerField(help_text="Counted for each business from 1.")
    facts = models.JSONField(default=dict, help_text="The settings that make up the agent.")
    changed = models.JSONField(default=list, help_text="Which of them the version before had otherwise.")
    restores = models.PositiveIntegerField(
        null=True, blank=True, help_text="The version that it went back to."
    )
    actor_kind = models.CharField("by", max_length=12)
    actor_label = models.CharField("who", max_length=150, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="agent_version_once_per_tenant")
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"
