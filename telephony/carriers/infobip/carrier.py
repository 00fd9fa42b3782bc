"""Infobip: events and REST lead a call, and a leg to our own socket carries it in the provider's best format."""

from collections.abc import Iterator, Mapping

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from agents.audio import PCM16_16K
from agents.providers.registry import pcm_of
from telephony.addresses import public_url
from telephony.carriers.facts import Adapter
from telephony.carriers.infobip.dialer import InfobipDialer
from telephony.carriers.infobip.doctor import examine
from telephony.carriers.infobip.media import open_leg
from telephony.carriers.infobip.provisioning import provision
from telephony.carriers.infobip.recordings import recordings
from telephony.carriers.infobip.sms import InfobipTexts
from telephony.carriers.registry import Carrier
from tenants.models import Credential


def addresses() -> Mapping[str, str]:
    return {"calls configuration: events": public_url("infobip-calls")}


def deploy_checks() -> Iterator[CheckMessage]:
    if settings.INFOBIP_API_KEY and not settings.INFOBIP_WEBHOOK_SECRET:
        hint = "Infobip's events are refused, but for tenants with a secret of their own: set it in the environment."
        yield Warning("INFOBIP_WEBHOOK_SECRET is not set.", hint=hint, id="telephony.W003")


CARRIER = Adapter(
    name=Carrier.INFOBIP.value,
    label=str(Carrier.INFOBIP.label),
    secrets=(Credential.Name.INFOBIP_API_KEY, Credential.Name.INFOBIP_WEBHOOK_SECRET),
    open_leg=open_leg,
    media_paths=("media-stream/infobip/<str:secret>",),
    urls="telephony.carriers.infobip.urls",
    wire_format=pcm_of,
    agent_format=PCM16_16K,
    dialer=InfobipDialer(),
    texts=InfobipTexts.of,
    recordings=recordings,
    simulator="telephony.simulators.infobip",
    is_simulated=lambda: settings.INFOBIP_SIMULATED,
    provision=provision,
    examine=examine,
    addresses=addresses,
    deploy_checks=deploy_checks,
    agent_setting="infobipAgentId",
)
