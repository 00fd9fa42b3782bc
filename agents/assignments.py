"""Everything that a session needs, loaded in one unit of work before the call begins."""

from uuid import UUID

from agents.audio import MULAW_8K, AudioFormat
from agents.briefings import brief, overrides_of
from agents.initiation import build_initiation
from agents.models import Conversation
from agents.session import Assignment
from tenants.credentials import secret
from tenants.models import Credential, Tenant

_API_KEYS = {"elevenlabs": Credential.Name.ELEVENLABS_API_KEY, "openai": Credential.Name.OPENAI_API_KEY}


def api_key_for(tenant_id: UUID, provider: str) -> str:
    """The key that opens this provider for this tenant, or "". Needs the tenant's scope."""
    return secret(tenant_id, _API_KEYS[provider])


def assignment_for(conversation_id: UUID, audio_format: AudioFormat = MULAW_8K) -> Assignment:
    """`audio_format` is the carrier's. Needs the tenant's scope."""
    conversation = Conversation.objects.get(pk=conversation_id)
    tenant = Tenant.objects.get(pk=conversation.tenant_id)
    briefing = brief(
        tenant,
        caller_number=conversation.caller_e164,
        call_sid=conversation.carrier_call_id,
        conversation_id=None,
    )
    return Assignment(
        tenant_id=tenant.pk,
        conversation_id=conversation.pk,
        provider=conversation.provider,
        agent_id=conversation.agent_id,
        api_key=api_key_for(tenant.pk, conversation.provider),
        initiation=build_initiation(briefing, overrides_of(tenant, conversation.agent_id), audio_format),
    )
