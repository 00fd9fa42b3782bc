"""What placing a call asks of a carrier; each has a dialer."""

from typing import Protocol
from uuid import UUID

from telephony.carriers.registry import CARRIERS
from telephony.incoming import CallStatus
from telephony.models import Call
from telephony.outbound.wanted import Placing


class Dialer(Protocol):
    def missing(self, tenant_id: UUID) -> str:
        """What a business lacks to call over this carrier, as a sentence; "" where nothing is. Needs its scope."""

    def place(self, wanted: Placing) -> str:
        """The carrier's id of the call. Asks once. Raises CarrierRefused."""

    def hang_up(self, call: Call) -> None:
        """End it, answered or not; one that is over is no error. Raises CarrierRefused."""

    def look_up(self, call: Call) -> CallStatus | None:
        """How it stands, where callbacks are missing; None: the carrier does not know it. Raises CarrierRefused."""


def dialer_of(carrier: str) -> Dialer:
    return CARRIERS[carrier].dialer
