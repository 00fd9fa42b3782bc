"""What the product knows of an agent provider: a value, made where the provider lives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.audio import AudioFormat
from agents.models import Conversation
from agents.session import AgentSession, Assignment
from tenants.models import Credential, Tenant


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    """As in `settings.agentProvider` of a tenant."""
    label: str
    """As people write it."""
    api_key: Credential.Name
    session: Callable[[Assignment, AudioFormat], AgentSession]
    """Not open yet, and in the carrier's format where the provider lets a session choose."""
    agent_of: Callable[[Tenant], str]
    """The provider's id of the tenant's agent, "" where none is chosen."""
    initiation: Callable[[Tenant, Conversation, AudioFormat], dict[str, Any]]
    """What a session is begun with, on a carrier of this format. Needs the tenant's scope."""
    head_start: Callable[[str, str], str] | None = None
    """Ask for a session before it is opened: API key and agent id in, an address or "" out. Blocking."""
    formats_are_agents: bool = False
    """An agent speaks one format, whatever is wanted: carriers of different formats need different agents."""
