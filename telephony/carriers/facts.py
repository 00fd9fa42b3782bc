"""What the product knows of a carrier: a value, made in the carrier's own folder, in its `carrier.py`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.checks import CheckMessage

from agents.audio import AudioFormat
from agents.provisioning_log import Log
from telephony.carriers.media import OpenLeg
from telephony.notifications.carriers import TextCarrier
from telephony.outbound.dialers import Dialer
from tenants.findings import Finding

Download = Callable[[str, int], bytes]
"""By the recording's id, so many bytes at most. Raises VendorError. Asks the carrier: no scope, no transaction."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """All that differs from carrier to carrier: elsewhere the product asks for these facts, and for no one's name."""

    name: str
    label: str
    """As people write it."""

    secrets: Sequence[str]
    """Names of a business's secrets for it, as `manage.py set_secret` takes them."""

    # The line.
    open_leg: OpenLeg
    media_paths: Sequence[str]
    """WebSocket paths, as Django's `path` takes them."""
    urls: str
    """The module with its webhooks."""
    wire_format: Callable[[str], AudioFormat]
    """What the leg speaks with this agent provider on the other side."""
    agent_format: AudioFormat
    """What an agent should speak that has one format, for a business with numbers at this carrier alone."""

    # What we ask of it.
    dialer: Dialer
    texts: Callable[[UUID], TextCarrier]
    """A business's account for text messages. Needs its scope."""
    recordings: Callable[[UUID], Download]
    """Voicemails that it keeps for a business. Needs its scope."""

    # Going live.
    simulator: str
    """The package of its simulator, whose `simulated.py` says how it is run."""
    is_simulated: Callable[[], bool]
    """Whether it is a simulator on this machine that is asked."""
    provision: Callable[[UUID, Log], None]
    """Set up a tenant's numbers, as `manage.py provision` does. Raises VendorError."""
    examine: Callable[[UUID], Iterable[Finding]]
    """What stands in the way of calls to a business that has active numbers there. Asks it; outside of any scope."""
    addresses: Callable[[], Mapping[str, str]]
    """What to enter by hand: where at the carrier, and our address."""
    deploy_checks: Callable[[], Iterable[CheckMessage]] = tuple

    delete: Callable[[UUID, str, str], None] | None = None
    """Of a business: a "recording", "message" or "call", by the carrier's id. Raises VendorError. None: it cannot."""

    agent_setting: str = ""
    """In a tenant's settings: the agent that takes its calls, where an agent speaks one format alone."""
