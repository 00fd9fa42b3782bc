"""Text messages, from a tenant's own number. Needs the tenant's scope."""

import logging
from uuid import UUID

from telephony.carriers.twilio.rest import TwilioRest
from telephony.models import Carrier, PhoneNumber
from tenants.credentials import secret
from tenants.models import Credential
from tenants.phone import mask
from tenants.vendor_http import VendorError

logger = logging.getLogger(__name__)


def send(tenant_id: UUID, to_e164: str, text: str) -> bool:
    """Whether the carrier took it. The text is never logged: it may hold a code."""
    numbers = PhoneNumber.objects.for_tenant(tenant_id).filter(carrier=Carrier.TWILIO, is_active=True)
    sender = numbers.values_list("e164", flat=True).order_by("pk").first()
    if sender is None:
        logger.warning("No number to send a text message from")
        return False
    account = secret(tenant_id, Credential.Name.TWILIO_ACCOUNT_SID)
    token = secret(tenant_id, Credential.Name.TWILIO_AUTH_TOKEN)
    try:
        with TwilioRest(account, token) as api:
            api.send_text(sender=sender, to=to_e164, text=text)
    except VendorError as error:
        logger.warning("A text message to %s was not sent: %s", mask(to_e164), error.message)
        return False
    return True
