"""A tenant's side of Infobip: calls configuration, media-stream configs, profile, subscription.

All but the media-stream configs have ids of our choosing, so that a second run, or one after a failure, finds them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.providers.registry import rates_hz
from agents.provisioning_log import Log
from telephony.carriers.infobip.account import (
    Account,
    account_of,
    find_media_config,
    make_media_config,
    remember_configuration,
    remember_media_config,
    require_private,
)
from telephony.carriers.infobip.addresses import events_url, media_socket_url, texts_url
from telephony.carriers.infobip.rest import InfobipRest
from telephony.carriers.infobip.sms import REPLIES
from telephony.models import Carrier, PhoneNumber
from tenants.credentials import own_secret, set_secret
from tenants.models import Credential, Tenant
from tenants.phone import short
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

Json = dict[str, Any]

USER = "tonris"
EVENTS = (
    "CALL_RECEIVED",
    "CALL_RINGING",
    "CALL_ESTABLISHED",
    "CALL_FINISHED",
    "CALL_FAILED",
    "DIALOG_ESTABLISHED",
    "DIALOG_FINISHED",
    "DIALOG_FAILED",
    "SAY_FINISHED",
    "DTMF_CAPTURED",
    "CALL_RECORDING_READY",
    "MACHINE_DETECTION_FINISHED",
    "MACHINE_DETECTION_FAILED",
    "MACHINE_MESSAGE_DETECTION_FINISHED",
    "ERROR",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What Infobip should have for one tenant."""

    name: str
    configuration_id: str
    profile: Json
    subscription: Json


def wanted(account: Account) -> Wanted:
    name, one_id = f"TONRIS {account.slug}", account.configuration_id or own_id(account.tenant_id)
    # Passwords are not told again: the name of this one says whether it is still ours.
    mark = hashlib.sha256(f"infobip {account.webhook_secret}".encode()).hexdigest()[:12]
    security = {
        "authId": f"tonris-{mark}",
        "type": "BASIC",
        "credentials": {"username": USER, "password": account.webhook_secret},
    }
    return Wanted(
        name,
        one_id,
        {
            "profileId": own_id(account.tenant_id),
            "webhook": {"notifyUrl": events_url()},
            "security": security,
        },
        {
            "subscriptionId": own_id(account.tenant_id),
            "name": name,
            "events": list(EVENTS),
            "profile": {"profileId": own_id(account.tenant_id)},
            "criteria": [{"callsConfigurationId": one_id}],
        },
    )


def own_id(tenant_id: UUID) -> str:
    return f"tonris-{tenant_id}"


def provision(tenant_id: UUID, log: Log) -> None:
    """Raises VendorError, at the step that failed: those before it stand. Asks nobody while a transaction is open."""
    _have_own_secret(tenant_id, log)
    account = account_of(tenant_id)
    require_login(account)
    for rate_hz in rates_hz():  # one media-stream config each: a provider speaks its own
        require_private(media_socket_url(tenant_id, rate_hz))
    with InfobipRest(account.api_key, read_only=log.dry_run) as api:
        want = wanted(account)
        _configuration(api, account, want, log)
        for rate_hz in rates_hz():
            _media_config(api, account, rate_hz, log)
        _profile(api, want, log)
        _subscription(api, want, log)
    with tenant_scope(tenant_id):
        rows = PhoneNumber.objects.filter(carrier=Carrier.INFOBIP, is_active=True).order_by("e164")
        numbers = list(rows.values_list("e164", flat=True))
    for e164 in numbers:
        detail = (
            f"at Infobip, under Numbers, forward its calls to the calls configuration {want.configuration_id}, and "
            f"its texts, where customers shall answer ours, to {texts_url()} (then set {REPLIES} to true)"
        )
        log.add("unchanged", f"number {short(e164)}", detail)


def _have_own_secret(tenant_id: UUID, log: Log) -> None:
    """The platform's secret speaks for every tenant: into an account of a tenant's own it must not be written."""
    name = Credential.Name.INFOBIP_WEBHOOK_SECRET
    with tenant_scope(tenant_id):
        if own_secret(tenant_id, Credential.Name.INFOBIP_API_KEY) is None or own_secret(tenant_id, name):
            return
        log.add("created", "secret of the events", "of this business's own, as its account is")
        if not log.dry_run:
            set_secret(Tenant.objects.get(pk=tenant_id), name, secrets.token_urlsafe(32))


def require_login(account: Account) -> None:
    if not account.api_key:
        raise VendorError(
            "There is no Infobip key for this business.",
            fix=f"Set INFOBIP_API_KEY, or give it one: manage.py set_secret {account.slug} infobip_api_key.",
        )
    if not account.webhook_secret:
        raise VendorError(
            "There is no secret for Infobip's events: they would all be refused.",
            fix=f"Set INFOBIP_WEBHOOK_SECRET, or manage.py set_secret {account.slug} infobip_webhook_secret.",
        )


def missing_steps(api: InfobipRest, account: Account) -> list[str]:
    """What a half-provisioned account lacks, in the order in which it is made. Only reads. Raises VendorError."""
    want = wanted(account)
    missing = [] if api.configuration(want.configuration_id) else ["calls configuration"]
    for rate_hz in rates_hz():
        if not find_media_config(api, media_socket_url(account.tenant_id, rate_hz), rate_hz):
            missing.append(f"media-stream config for {rate_hz} Hz")
    profile = api.profile(str(want.profile["profileId"]))
    if profile is None or _differs(want.profile, profile):
        missing.append("notification profile")
    subscription = api.subscription(str(want.subscription["subscriptionId"]))
    if subscription is None or _differs(want.subscription, subscription):
        missing.append("subscription")
    return missing


def _configuration(api: InfobipRest, account: Account, want: Wanted, log: Log) -> None:
    what = "calls configuration"
    if api.configuration(want.configuration_id):
        log.add("unchanged", what, want.configuration_id)
    else:
        if not log.dry_run:
            api.create_configuration(want.configuration_id, want.name)
        log.add("created", what, want.configuration_id)
    if not log.dry_run and account.configuration_id != want.configuration_id:
        remember_configuration(account.tenant_id, want.configuration_id)


def _media_config(api: InfobipRest, account: Account, rate_hz: int, log: Log) -> None:
    what = f"media-stream config {rate_hz} Hz"
    there = find_media_config(api, media_socket_url(account.tenant_id, rate_hz), rate_hz)
    if there:
        if not log.dry_run and account.media_configs.get(str(rate_hz)) != there:
            remember_media_config(account.tenant_id, rate_hz, there)
        log.add("unchanged", what, there)
        return
    made = "" if log.dry_run else make_media_config(api, account, rate_hz)
    log.add("created", what, made)


def _profile(api: InfobipRest, want: Wanted, log: Log) -> None:
    there = api.profile(str(want.profile["profileId"]))
    if _note("notification profile", want.profile, there, log) and not log.dry_run:
        api.save_profile(want.profile, is_new=there is None)


def _subscription(api: InfobipRest, want: Wanted, log: Log) -> None:
    there = api.subscription(str(want.subscription["subscriptionId"]))
    if _note("subscription", want.subscription, there, log) and not log.dry_run:
        api.save_subscription(want.subscription, is_new=there is None)


def _note(what: str, want: Json, there: Json | None, log: Log) -> bool:
    """Whether it has to be saved."""
    if there is not None and not _differs(want, there):
        log.add("unchanged", what)
        return False
    log.add("created" if there is None else "updated", what)
    return True


def _differs(want: Json, there: Json) -> bool:
    """Whether what is there says something else of our fields; the vendor's own are its own."""
    for name, value in want.items():
        now = there.get(name)
        if name == "credentials":
            continue
        if isinstance(value, dict):
            if not isinstance(now, dict) or _differs(value, now):
                return True
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            if not isinstance(now, list) or sorted(map(str, now)) != sorted(value):
                return True
        elif now != value:
            return True
    return False
