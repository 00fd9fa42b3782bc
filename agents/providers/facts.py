"""What the product knows of an agent provider: a value, made in the provider's own folder, in its `provider.py`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.checks import CheckMessage

from agents.audio import AudioFormat
from agents.models import Conversation
from agents.provisioning_log import Log
from agents.session import AgentSession, Assignment
from agents.tools.contract import Tool
from tenants.findings import Finding
from tenants.models import Tenant

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Provider:
    """All that differs from provider to provider: elsewhere the product asks for these facts, and for no one's name."""

    name: str
    """As in `settings.agentProvider` of a tenant."""
    label: str
    """As people write it."""
    api_key: str
    """The name of the secret that opens it, as `manage.py set_secret` takes it."""

    # A call.
    session: Callable[[Assignment, AudioFormat], AgentSession]
    """Not open yet, and in the carrier's format where the provider lets a session choose."""
    agent_of: Callable[[Tenant], str]
    """The provider's id of the tenant's agent, "" where none is chosen."""
    initiation: Callable[[Tenant, Conversation, AudioFormat], Json]
    """What a session is begun with, on a carrier of this format. Needs the tenant's scope."""
    pcm: AudioFormat
    """What it speaks best, without conversion, on a line wider than the telephone's mu-law."""
    cost_unit: str
    """What it counts in, for people to read; with `cost_places` digits after the point where sums are told."""
    tools: Callable[[Iterable[Tool]], list[Json]]
    """The tools as it wants to be told of them."""

    # Going live.
    simulator: str
    """The package of its simulator, whose `simulated.py` says how it is run."""
    is_simulated: Callable[[], bool]
    """Whether it is a simulator on this machine that is asked."""
    examine: Callable[[UUID, AudioFormat], Iterable[Finding]]
    """What stands in the way of its answering a business's calls, in this format. Asks it; outside of any scope."""
    provision: Callable[[UUID, Log, AudioFormat], None] | None = None
    """Make the business's agent there, or bring it up to date. Raises VendorError. None: it keeps no agents."""
    addresses: Callable[[], Mapping[str, str]] = dict
    """What to enter by hand: where at the provider, and our address."""
    deploy_checks: Callable[[], Iterable[CheckMessage]] = tuple

    head_start: Callable[[str, str], str] | None = None
    """Ask for a session before it is opened: API key and agent id in, an address or "" out. Blocking."""
    fetch_missed: Callable[[UUID], int] | None = None
    """Fetch what its webhook never told of a tenant's conversations; how many there were. None: it tells nothing."""
    delete: Callable[[UUID, str], None] | None = None
    """A tenant's conversation, by the provider's id. Raises VendorError. None: it keeps none that could be deleted."""
    cost_places: int = 0
    formats_are_agents: bool = False
    """An agent speaks one format, whatever is wanted: carriers of different formats need different agents."""
