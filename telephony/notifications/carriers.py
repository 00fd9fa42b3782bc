"""What every carrier of text messages promises, and which of them a business has. Needs the tenant's scope.

CannotSend      it did not go out
├── permanent   and never will: a wrong number, a closed account
└── otherwise   for the moment: too many requests, nobody answers
MaybeSent       it may have gone out: nobody knows before the carrier is asked
"""

import datetime
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from telephony.carriers.registry import CARRIERS, preference
from telephony.models import PhoneNumber
from telephony.text_errors import CannotSend, MaybeSent

__all__ = ["CannotSend", "MaybeSent", "Sender", "TextCarrier", "sender_of"]


class TextCarrier(Protocol):
    """`reference` is our own id of the message: carriers tell it to us again."""

    takes_replies: bool

    def send(self, *, sender: str, to: str, text: str, reference: UUID, attempts: int = 1) -> str:
        """The carrier's id of the message. Raises CannotSend or MaybeSent.

        `attempts`: how often it is asked in all, as long as it certainly took nothing.
        """

    def find(
        self, *, sender: str, to: str, text: str, reference: UUID, since: datetime.datetime
    ) -> list[str]:
        """The carrier's ids of what may be this message; none where it never had it. Raises CannotSend."""


@dataclass(frozen=True, slots=True)
class Sender:
    """From which number a business sends its texts, and by whom."""

    e164: str
    carrier_name: str
    carrier: TextCarrier


def sender_of(tenant_id: UUID, e164: str = "") -> Sender | None:
    """Its first number in use, or the one that is named; None where there is none."""
    numbers = PhoneNumber.objects.for_tenant(tenant_id)
    numbers = numbers.filter(e164=e164) if e164 else numbers.filter(is_active=True)
    number = numbers.order_by(preference(), "pk").first()
    if number is None:
        return None
    return Sender(number.e164, number.carrier, CARRIERS[number.carrier].texts(tenant_id))
