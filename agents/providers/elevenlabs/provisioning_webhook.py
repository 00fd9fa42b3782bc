"""The workspace webhook that tells us of a tenant's calls, and the workspace secret that its tools present."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from agents.providers.elevenlabs.rest import ElevenLabsRest
from agents.providers.elevenlabs.wishes import WEBHOOK_ID, Wishes, remember
from agents.provisioning_log import Log
from tenants.models import Tenant
from tenants.vendor_http import VendorError

Json = dict[str, Any]

EVENTS_PATH = "/api/ai/webhook/elevenlabs"
TO_BE_MADE = "(to be made)"


def webhook_name(tenant: Tenant) -> str:
    return f"TONRIS {tenant.slug}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """`secret` is what it signs with; `left_over` are former ones of ours that may go."""

    id: str
    secret: str = field(repr=False)
    left_over: tuple[str, ...] = ()


def keep_webhook(api: ElevenLabsRest, wishes: Wishes, log: Log) -> Webhook:
    """The vendor chooses the secret and tells it once: one that we have lost cannot be kept."""
    name, url = webhook_name(wishes.tenant), settings.APP_BASE_URL + EVENTS_PATH
    there = {str(one.get("webhook_id")): one for one in api.webhooks()}
    ours = there.get(wishes.webhook_id)
    if ours and ours.get("webhook_url") == url and wishes.own_webhook_secret:
        _switch_on(api, wishes.webhook_id, ours, name, log)
        return Webhook(wishes.webhook_id, wishes.own_webhook_secret)
    why = _why_anew(ours, url, wishes)
    if log.dry_run:
        log.add("created", "post-call webhook", why)
        return Webhook(TO_BE_MADE, "")
    left_over = tuple(
        one_id
        for one_id, one in there.items()
        if one_id == wishes.webhook_id or (one.get("name") == name and one.get("webhook_url") == url)
    )
    webhook_id, webhook_secret = api.create_webhook(name, url)
    remember(wishes.tenant.pk, {WEBHOOK_ID: webhook_id}, webhook_secret)
    api.update_webhook(webhook_id, name=name, retry_enabled=True)
    log.add("created", "post-call webhook", why)
    return Webhook(webhook_id, webhook_secret, left_over)


def _why_anew(ours: Json | None, url: str, wishes: Wishes) -> str:
    if ours is None:
        why = url
    elif ours.get("webhook_url") != url:
        why = f"{url}, no longer {ours.get('webhook_url')}"
    else:
        why = "its secret was lost, and ElevenLabs tells it only once"
    if wishes.own_webhook_secret:
        why += "; the business's former webhook secret is replaced"
    return why


def _switch_on(api: ElevenLabsRest, webhook_id: str, ours: Json, name: str, log: Log) -> None:
    off = ours.get("is_disabled") or ours.get("is_auto_disabled")
    # Not every answer tells whether it retries: only a plain no is a difference.
    if not off and ours.get("retry_enabled") is not False:
        log.add("unchanged", "post-call webhook")
        return
    if not log.dry_run:
        api.update_webhook(webhook_id, name=name, retry_enabled=True)
    log.add("updated", "post-call webhook", "switched on again" if off else "retries switched on")


def delete_webhooks(api: ElevenLabsRest, webhook_ids: tuple[str, ...], log: Log) -> None:
    """Former ones of ours. What the vendor keeps all the same does no harm: nothing refers to it."""
    for webhook_id in webhook_ids:
        try:
            api.delete_webhook(webhook_id)
        except VendorError as error:
            log.add("unchanged", "former webhook", f"left in the workspace: {error.message}")


def secret_name(tenant: Tenant, value: str) -> str:
    """Values cannot be read back: the name says, to us alone, which one it holds."""
    return f"{_secret_prefix(tenant)}{salted_hmac('agents.providers.elevenlabs.provisioning', value).hexdigest()[:12]}"


def _secret_prefix(tenant: Tenant) -> str:
    return f"tonris_{tenant.pk.hex}_"


def keep_secret(api: ElevenLabsRest, tenant: Tenant, value: str, log: Log) -> str:
    """The workspace secret that tools and the initiation webhook present in `Authorization`."""
    ours = next(
        (one for one in api.secrets() if str(one.get("name", "")).startswith(_secret_prefix(tenant))), None
    )
    wanted = secret_name(tenant, value)
    if ours and ours["name"] == wanted:
        log.add("unchanged", "workspace secret")
        return str(ours["secret_id"])
    if log.dry_run:
        log.add("updated" if ours else "created", "workspace secret")
        return str(ours["secret_id"]) if ours else TO_BE_MADE
    if ours:
        api.update_secret(str(ours["secret_id"]), wanted, f"Bearer {value}")
        log.add("updated", "workspace secret")
        return str(ours["secret_id"])
    made = api.create_secret(wanted, f"Bearer {value}")
    log.add("created", "workspace secret")
    return made
