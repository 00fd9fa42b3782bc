"""A tenant's Infobip account, and what of it a call needs: the key, and a media-stream config for its rate."""

from dataclasses import dataclass, field
from uuid import UUID

from telephony.carriers.infobip.addresses import is_private, media_socket_url
from telephony.carriers.infobip.rest import InfobipRest
from tenants.credentials import secret
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

CONFIGURATION_ID = "infobipCallsConfigurationId"
MEDIA_CONFIGS = "infobipMediaConfigs"
"""Names in the tenant's settings: the second is sample rate -> id."""


@dataclass(frozen=True, slots=True)
class Account:
    tenant_id: UUID
    slug: str
    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    configuration_id: str
    media_configs: dict[str, str]


def account_of(tenant_id: UUID) -> Account:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        known = tenant.settings.get(MEDIA_CONFIGS)
        return Account(
            tenant_id,
            tenant.slug,
            secret(tenant_id, Credential.Name.INFOBIP_API_KEY),
            secret(tenant_id, Credential.Name.INFOBIP_WEBHOOK_SECRET),
            str(tenant.settings.get(CONFIGURATION_ID) or ""),
            {str(rate): str(one) for rate, one in known.items()} if isinstance(known, dict) else {},
        )


def find_media_config(api: InfobipRest, url: str, rate_hz: int) -> str:
    """The id of the config with this address and rate, or ""."""
    for one in api.media_configs():
        if one.get("url") == url and str(one.get("sampleRate") or "8000") == str(rate_hz):
            return str(one.get("id") or "")
    return ""


def make_media_config(api: InfobipRest, account: Account, rate_hz: int) -> str:
    """Found by its address or made, and written down."""
    url = media_socket_url(account.tenant_id, rate_hz)
    require_private(url)
    name = f"TONRIS {account.slug} {rate_hz}"
    try:
        made = find_media_config(api, url, rate_hz)
    except VendorError as error:  # a key may be allowed to make one and not to look
        if error.status not in {403, 404, 405}:
            raise
        made = ""
    made = made or api.create_media_config(name, url, rate_hz)
    remember_media_config(account.tenant_id, rate_hz, made)
    return made


def require_private(url: str) -> None:
    if not is_private(url):
        raise VendorError(
            "Infobip would send callers' voices and tokens in the clear: the media address is not wss.",
            fix="Set APP_BASE_URL, or MEDIA_BASE_URL, to an https URL.",
        )


def remember_media_config(tenant_id: UUID, rate_hz: int, config_id: str) -> None:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        known = tenant.settings.get(MEDIA_CONFIGS)
        tenant.settings[MEDIA_CONFIGS] = {
            **(known if isinstance(known, dict) else {}),
            str(rate_hz): config_id,
        }
        tenant.save(update_fields=["settings"])


def remember_configuration(tenant_id: UUID, configuration_id: str) -> None:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        tenant.settings[CONFIGURATION_ID] = configuration_id
        tenant.save(update_fields=["settings"])
