"""The carriers that we know: one folder and one line here for each."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from agents.provisioning_log import Log
from telephony.carriers.infobip.media import open_leg as open_infobip_leg
from telephony.carriers.infobip.provisioning import provision as provision_infobip
from telephony.carriers.media import OpenLeg
from telephony.carriers.twilio.media import TwilioLeg
from telephony.carriers.twilio.provisioning import provision as provision_twilio
from telephony.models import Carrier


@dataclass(frozen=True, slots=True)
class Adapter:
    """What differs from carrier to carrier where the product asks no one's name."""

    open_leg: OpenLeg
    media_paths: tuple[str, ...]
    """WebSocket paths, as Django's `path` takes them."""
    urls: str
    """The module with its webhooks."""
    provision: Callable[[UUID, Log], None]
    """Set up a tenant's numbers, as `manage.py provision` does. Raises VendorError."""


CARRIERS: dict[Carrier, Adapter] = {
    Carrier.TWILIO: Adapter(
        TwilioLeg, ("media-stream", "outbound-stream"), "telephony.carriers.twilio.urls", provision_twilio
    ),
    Carrier.INFOBIP: Adapter(
        open_infobip_leg,
        ("media-stream/infobip/<str:secret>",),
        "telephony.carriers.infobip.urls",
        provision_infobip,
    ),
}
