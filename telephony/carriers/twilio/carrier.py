"""Twilio: TwiML answers a call, and Media Streams carry it in the telephone's own format."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage, Error

from agents.audio import MULAW_8K
from telephony.addresses import public_url
from telephony.carriers.facts import Adapter
from telephony.carriers.registry import Carrier
from telephony.carriers.twilio.dialer import TwilioDialer
from telephony.carriers.twilio.doctor import examine
from telephony.carriers.twilio.media import TwilioLeg
from telephony.carriers.twilio.provisioning import provision
from telephony.carriers.twilio.recordings import recordings
from telephony.carriers.twilio.rest import TwilioRest
from telephony.carriers.twilio.sms import TwilioTexts
from tenants.credentials import secret
from tenants.models import Credential
from tenants.scoping import tenant_scope


def addresses() -> Mapping[str, str]:
    return {
        "number: a call comes in": public_url("twilio-incoming"),
        "number: primary handler fails": public_url("twilio-fallback"),
        "number: call status changes": public_url("twilio-status"),
        "number: a message comes in": public_url("twilio-text"),
    }


def deploy_checks() -> Iterator[CheckMessage]:
    if not settings.TWILIO_AUTH_TOKEN:
        hint = "Twilio's webhooks cannot be verified and will all be refused: set it in the environment."
        yield Error("TWILIO_AUTH_TOKEN is not set.", hint=hint, id="telephony.E001")


_KEPT = {"recording": "Recordings", "message": "Messages", "call": "Calls"}


def delete(tenant_id: UUID, kind: str, external_id: str) -> None:
    with tenant_scope(tenant_id):
        account = secret(tenant_id, Credential.Name.TWILIO_ACCOUNT_SID)
        token = secret(tenant_id, Credential.Name.TWILIO_AUTH_TOKEN)
    with TwilioRest(account, token) as api:
        api.delete(_KEPT[kind], external_id)


CARRIER = Adapter(
    name=Carrier.TWILIO.value,
    label=str(Carrier.TWILIO.label),
    secrets=(Credential.Name.TWILIO_ACCOUNT_SID, Credential.Name.TWILIO_AUTH_TOKEN),
    open_leg=TwilioLeg,
    media_paths=("media-stream", "outbound-stream"),
    urls="telephony.carriers.twilio.urls",
    wire_format=lambda provider: MULAW_8K,
    agent_format=MULAW_8K,
    dialer=TwilioDialer(),
    texts=TwilioTexts.of,
    recordings=recordings,
    simulator="telephony.simulators.twilio",
    is_simulated=lambda: settings.TWILIO_SIMULATED,
    provision=provision,
    examine=examine,
    addresses=addresses,
    deploy_checks=deploy_checks,
    delete=delete,
)
