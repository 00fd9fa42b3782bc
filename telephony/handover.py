"""What whoever carries a call must know of it, written down by whoever answered for it.

The webhook is answered by one process, the audio comes to another, seconds later and with a caller on the line: all
that takes queries is done by the first and lies ready, encrypted, in the call's own row.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from agents.assignments import assignment_for
from agents.audio import MULAW_8K, AudioFormat
from agents.session import Assignment
from agents.so_far import Resumption
from telephony import limits, rungs
from telephony.carriers.registry import CARRIERS, DEFAULT
from telephony.dialplan import second_agent
from tenants.encryption import Undecryptable, decrypt_once, encrypt
from tenants.models import Tenant

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handover:
    """A call that is ready to be carried. JSON but for the ids, which the row itself has."""

    provider: str
    agent_id: str
    max_seconds: float
    menu_key: bool
    """Star leads to the menu."""
    api_key: str = field(repr=False)
    initiation_json: str = field(repr=False)
    granted_seconds: int | None = None
    """Of paid time, for the beginning; None: it is not capped."""
    has_relief: bool = False
    """Another provider's agent could take over."""
    used_seconds: int = 0
    """Of paid time, before this."""
    opening: str = field(repr=False, default="")
    """The first words of an agent that goes on with a call; "" for one that greets."""
    history: Sequence[tuple[str, str]] = field(repr=False, default=())
    """What it is told then, as in `Resumption`."""

    def assignment(self, tenant_id: UUID, conversation_id: UUID, session_url: str = "") -> Assignment:
        return Assignment(
            tenant_id=tenant_id,
            conversation_id=conversation_id,
            provider=self.provider,
            agent_id=self.agent_id,
            api_key=self.api_key,
            initiation_json=self.initiation_json,
            session_url=session_url,
            resumption=Resumption(self.opening, self.history) if self.opening else None,
        )


def wire_format(carrier: str, provider: str) -> AudioFormat:
    """What the carrier's leg speaks, and the agent should. A browser speaks as a telephone does."""
    return CARRIERS[carrier].wire_format(provider) if carrier in CARRIERS else MULAW_8K


def prepare(
    tenant: Tenant,
    conversation_id: UUID,
    audio_format: AudioFormat = MULAW_8K,
    carrier: str = DEFAULT,
    *,
    granted_seconds: int | None = None,
    has_menu: bool = True,
) -> Handover:
    """Needs the tenant's scope."""
    assignment = assignment_for(conversation_id, audio_format)
    return Handover(
        provider=assignment.provider,
        agent_id=assignment.agent_id,
        max_seconds=limits.longest_call_seconds(tenant),
        menu_key=has_menu and rungs.has_menu(tenant),
        api_key=assignment.api_key,
        initiation_json=assignment.initiation_json,
        granted_seconds=granted_seconds,
        has_relief=second_agent(tenant, carrier, instead_of=assignment.provider) is not None,
    )


def seal(handover: Handover) -> str:
    return encrypt(json.dumps(asdict(handover)))


def unseal(sealed: str) -> Handover | None:
    """None for what an older or a newer version wrote, or no key opens: it is to be prepared anew."""
    try:
        return Handover(**json.loads(decrypt_once(sealed))) if sealed else None
    except (Undecryptable, ValueError, TypeError) as error:
        logger.warning("A handover cannot be read: %s", type(error).__name__)
        return None


def unseal_url(sealed: str) -> str:
    """The address of a session that waits for the call, or ""."""
    try:
        return decrypt_once(sealed) if sealed else ""
    except Undecryptable:
        return ""
