"""Versions of agents as rows. Members read them on the page of the agent, with differences and a way back."""

from django.contrib import admin
from django.utils.safestring import SafeString

from agents.models import AgentVersion
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, pretty, register


@register(AgentVersion)
class AgentVersionAdmin(ScopedModelAdmin):
    area = Area.BUSINESS
    read_only = True
    listed_for_members = False
    list_display = ["number", "made_at", "actor_kind", "actor_label", "restores"]
    search_fields = ["actor_label", "facts"]
    ordering = ["-made_at"]
    fields = ["number", "made_at", "actor_kind", "actor_label", "restores", "told"]
    readonly_fields = ["made_at", "told"]

    @admin.display(description="the agent")
    def told(self, version: AgentVersion) -> SafeString | str:
        return pretty(version.facts)
