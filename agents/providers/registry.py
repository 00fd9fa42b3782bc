"""The agent providers that we know: one line here, and one folder beside this file, for each."""

from typing import TYPE_CHECKING

from agents.audio import PCM16_16K, AudioFormat
from tenants.folders import Folders
from tenants.models import Tenant

if TYPE_CHECKING:
    from agents.providers.facts import Provider

PROVIDERS: "Folders[Provider]" = Folders(
    {
        "elevenlabs": "agents.providers.elevenlabs",
        "openai": "agents.providers.openai_realtime",
    },
    module="provider",
    attribute="PROVIDER",
)
DEFAULT = next(iter(PROVIDERS))
"""Of a business that has chosen none."""


def chosen_by(tenant: Tenant) -> str:
    """The name in its settings, whether or not there is such a provider."""
    name = tenant.settings.get("agentProvider")
    return name if name and isinstance(name, str) else DEFAULT


def pcm_of(provider: str) -> AudioFormat:
    """What a provider speaks best on a line wider than the telephone's mu-law."""
    return PROVIDERS[provider].pcm if provider in PROVIDERS else PCM16_16K


def rates_hz() -> tuple[int, ...]:
    """Of those formats, each once."""
    return tuple(sorted({one.pcm.rate_hz for one in PROVIDERS.values()}))
