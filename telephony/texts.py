"""A text message at once, from a tenant's own number. Needs the tenant's scope."""

import logging
from uuid import UUID, uuid4

from telephony.notifications.carriers import CannotSend, MaybeSent, sender_of
from tenants.phone import mask
from tenants.vendor_http import ATTEMPTS

logger = logging.getLogger(__name__)


def send(tenant_id: UUID, to_e164: str, text: str) -> bool:
    """Whether the carrier of the number took it. The text is never logged: it may hold a code."""
    sender = sender_of(tenant_id)
    if sender is None:
        logger.warning("No number to send a text message from")
        return False
    try:
        sender.carrier.send(sender=sender.e164, to=to_e164, text=text, reference=uuid4(), attempts=ATTEMPTS)
    except (CannotSend, MaybeSent) as error:
        logger.warning("A text message to %s was not sent: %s", mask(to_e164), error)
        return False
    return True
