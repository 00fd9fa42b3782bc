"""What the doctor's checks look at: asked of the tenant's rows first, and of ElevenLabs after."""

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from agents.audio import AudioFormat
from agents.initiation import format_name
from agents.providers.elevenlabs.provisioning import attached_tools
from agents.providers.elevenlabs.rest import ElevenLabsRest
from agents.providers.elevenlabs.wishes import Wishes, load_wishes
from tenants.credentials import secret
from tenants.models import Credential
from tenants.round_trip import RoundTrip, send
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AtElevenLabs:
    """`agent` is None when it could not be read; `error` says why, `agent_error` when only the agent is missing."""

    agent: Json | None = None
    tools: Mapping[str, Json] = field(default_factory=dict)
    """Those attached to the agent: id -> tool_config."""
    webhooks: Mapping[str, Json] | None = None
    """None when the key may not see them."""
    secret_names: Mapping[str, str] | None = None
    """Secret id -> name; None when the key may not see them."""
    error: VendorError | None = None
    agent_error: VendorError | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    wishes: Wishes
    agent_id: str
    """The business's own, else the installation's."""
    webhook_secret: str = field(repr=False)
    audio_format: str
    """What the agent should speak."""
    app_base_url: str
    there: AtElevenLabs
    trip: RoundTrip | None
    """A request to ourselves, signed as webhooks are; None when there is nothing to sign with."""

    @property
    def slug(self) -> str:
        return self.wishes.tenant.slug


def gather(tenant_id: UUID, audio_format: AudioFormat) -> Facts:
    wishes = load_wishes(tenant_id)
    with tenant_scope(tenant_id):
        webhook_secret = secret(tenant_id, Credential.Name.WEBHOOK_SECRET)
    agent_id = wishes.agent_id or settings.ELEVENLABS_AGENT_ID
    return Facts(
        wishes=wishes,
        agent_id=agent_id,
        webhook_secret=webhook_secret,
        audio_format=format_name(audio_format),
        app_base_url=settings.APP_BASE_URL,
        there=_elevenlabs(wishes, agent_id),
        # A suspended business is refused everything, and the doctor says so already.
        trip=signed_request(str(tenant_id), webhook_secret)
        if webhook_secret and wishes.tenant.is_active
        else None,
    )


def signed_request(tenant_id: str, secret: str) -> RoundTrip:
    """A client-data request, which only reads."""
    query = urlencode({"tenantId": tenant_id})
    now = int(time.time())
    mac = hmac.new(secret.encode(), f"{now}.{query}".encode(), sha256).hexdigest()
    path = f"/api/webhooks/elevenlabs/services?{query}"
    return send("GET", path, headers={"ElevenLabs-Signature": f"t={now},v0={mac}"})


def _elevenlabs(wishes: Wishes, agent_id: str) -> AtElevenLabs:
    if not wishes.api_key:
        return AtElevenLabs()
    with ElevenLabsRest(wishes.api_key, read_only=True) as api:
        try:
            api.check_key()
        except VendorError as error:
            return AtElevenLabs(error=error)
        if not agent_id:
            return AtElevenLabs()
        try:
            agent = api.agent(agent_id)
            tools = {str(one["id"]): one.get("tool_config") or {} for one in api.tools()}
        except VendorError as error:
            return AtElevenLabs(agent_error=error)
        return AtElevenLabs(
            agent=agent,
            tools={one: tools[one] for one in attached_tools(agent) if one in tools},
            webhooks=_webhooks(api),
            secret_names=_secret_names(api),
        )


def _webhooks(api: ElevenLabsRest) -> dict[str, Json] | None:
    try:
        return {str(one.get("webhook_id")): one for one in api.webhooks()}
    except VendorError:
        return None


def _secret_names(api: ElevenLabsRest) -> dict[str, str] | None:
    try:
        return {str(one["secret_id"]): str(one.get("name", "")) for one in api.secrets()}
    except VendorError:
        return None
