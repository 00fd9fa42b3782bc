"""What an agent would be told if a call began now: by the builders that tell it. Needs the tenant's scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.audio import MULAW_8K
from agents.instructions import prompt_of
from agents.models import Conversation
from agents.providers import PROVIDERS
from agents.versions.facts import LANGUAGE, settings_with
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Preview:
    provider: str
    greeting: str
    instructions: str
    voice: str
    lives_there: bool
    """The instructions are kept by the provider's agent: they reach it when the agent is set up anew."""


def as_told(tenant: Tenant, told: Mapping[str, Any]) -> Tenant:
    """The business as it would be with that agent. Never saved."""
    return Tenant(
        **{
            field.attname: getattr(tenant, field.attname)
            for field in Tenant._meta.concrete_fields
            if field.attname not in {"settings", LANGUAGE}
        },
        language=told.get(LANGUAGE) or tenant.language,
        settings=settings_with(tenant.settings, told),
    )


def preview(tenant: Tenant) -> Preview:
    """Of a caller whose number is withheld. A provider that is not there any more counts as the usual one."""
    wanted = tenant.settings.get("agentProvider") or "elevenlabs"
    provider = PROVIDERS.get(str(wanted), PROVIDERS["elevenlabs"])
    call = Conversation(tenant=tenant, provider=provider.name)
    begun = provider.initiation(tenant, call, MULAW_8K)
    if "session" in begun:
        voice = begun["session"]["audio"]["output"]["voice"]
        return Preview(provider.label, begun["greeting"], begun["session"]["instructions"], voice, False)
    variables = begun["dynamic_variables"]
    instructions = prompt_of(tenant)
    for name, value in {**variables, "caller_number": variables["caller_number"] or "withheld"}.items():
        instructions = instructions.replace(f"{{{{{name}}}}}", value)
    voice = begun.get("conversation_config_override", {}).get("tts", {}).get("voice_id", "")
    return Preview(provider.label, variables["greeting"], instructions, voice, True)
