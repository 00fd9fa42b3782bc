"""Voicemails that Infobip has recorded for a business."""

from uuid import UUID

from telephony.carriers.facts import Download
from telephony.carriers.infobip.rest import InfobipRest
from tenants.credentials import secret
from tenants.models import Credential


def recordings(tenant_id: UUID) -> Download:
    """Needs the tenant's scope."""
    key = secret(tenant_id, Credential.Name.INFOBIP_API_KEY)

    def download(recording_id: str, most_bytes: int) -> bytes:
        with InfobipRest(key, read_only=True) as api:
            return api.recording(recording_id, most_bytes=most_bytes)

    return download
