"""Voicemails that Twilio has recorded for a business."""

from uuid import UUID

from telephony.carriers.facts import Download
from telephony.carriers.twilio.rest import TwilioRest
from tenants.credentials import secret
from tenants.models import Credential


def recordings(tenant_id: UUID) -> Download:
    """Needs the tenant's scope."""
    account = secret(tenant_id, Credential.Name.TWILIO_ACCOUNT_SID)
    token = secret(tenant_id, Credential.Name.TWILIO_AUTH_TOKEN)

    def download(recording_id: str, most_bytes: int) -> bytes:
        with TwilioRest(account, token, read_only=True) as api:
            return api.recording(recording_id, most_bytes=most_bytes)

    return download
