"""Everything that a session needs, loaded in one unit of work before the call begins."""

import json
from uuid import UUID

from agents.audio import MULAW_8K, AudioFormat
from agents.models import Conversation
from agents.providers import PROVIDERS
from agents.session import Assignment
from tenants.credentials import secret
from tenants.models import Tenant


def api_key_for(tenant_id: UUID, provider: str) -> str:
    """The key that opens this provider for this tenant, or "". Needs the tenant's scope."""
    return secret(tenant_id, PROVIDERS[provider].api_key)


def assignment_for(
    conversation_id: UUID, audio_format: AudioFormat = MULAW_8K, agent: tuple[str, str] | None = None
) -> Assignment:
    """`audio_format` is the carrier's; `agent` is provider and id, if another takes over. Needs the tenant's scope."""
    conversation = Conversation.objects.get(pk=conversation_id)
    if agent is not None:
        conversation.provider, conversation.agent_id = agent
    tenant = Tenant.objects.get(pk=conversation.tenant_id)
    return Assignment(
        tenant_id=tenant.pk,
        conversation_id=conversation.pk,
        provider=conversation.provider,
        agent_id=conversation.agent_id,
        api_key=api_key_for(tenant.pk, conversation.provider),
        initiation_json=json.dumps(
            PROVIDERS[conversation.provider].initiation(tenant, conversation, audio_format)
        ),
    )
