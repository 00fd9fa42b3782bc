"""A tenant's Twilio numbers, pointed at us. A second run changes nothing."""

from dataclasses import dataclass, field
from uuid import UUID

from django.urls import Resolver404, resolve

from agents.provisioning_log import Log
from telephony.carriers.twilio.addresses import callback_url
from telephony.carriers.twilio.rest import TwilioRest
from telephony.carriers.twilio.wiring import desired_wiring, wired_to, wrong_wiring
from telephony.models import Carrier, PhoneNumber
from tenants.credentials import own_secret, platform_secret
from tenants.models import Credential
from tenants.phone import short
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError


@dataclass(frozen=True, slots=True)
class TwilioLogin:
    """Account and token belong together: both the tenant's, or both the platform's."""

    account_sid: str
    auth_token: str = field(repr=False)
    mixed: bool = False
    """One half is the tenant's own and the other is missing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One number of a tenant."""

    pk: UUID
    e164: str
    sid: str
    is_active: bool


def twilio_login(tenant_id: UUID) -> TwilioLogin:
    """Needs the tenant's scope."""
    sid, token = Credential.Name.TWILIO_ACCOUNT_SID, Credential.Name.TWILIO_AUTH_TOKEN
    own_sid, own_token = own_secret(tenant_id, sid), own_secret(tenant_id, token)
    if own_sid is None and own_token is None:
        return TwilioLogin(platform_secret(sid), platform_secret(token))
    return TwilioLogin(own_sid or "", own_token or "", mixed=not (own_sid and own_token))


def twilio_lines(tenant_id: UUID) -> list[Line]:
    """Needs the tenant's scope."""
    rows = PhoneNumber.objects.for_tenant(tenant_id).filter(carrier=Carrier.TWILIO).order_by("e164")
    return [Line(one.pk, one.e164, one.carrier_number_id, one.is_active) for one in rows]


def wiring_here() -> dict[str, str]:
    """What this installation wants of every number."""
    return desired_wiring(callback_url("").rstrip("/"), takes_sms=_answers("/api/webhooks/twilio/sms"))


def provision(tenant_id: UUID, log: Log) -> None:
    """Raises VendorError. Asks nobody while a transaction is open."""
    with tenant_scope(tenant_id):
        login, lines = twilio_login(tenant_id), [one for one in twilio_lines(tenant_id) if one.is_active]
    require_login(login)
    with TwilioRest(login.account_sid, login.auth_token, read_only=log.dry_run) as api:
        for line in lines:
            _provision(api, tenant_id, line, log)


def require_login(login: TwilioLogin) -> None:
    if login.mixed:
        raise VendorError(
            "The business has only one half of a Twilio login of its own.",
            fix="Set both twilio_account_sid and twilio_auth_token with manage.py set_secret, or forget both.",
        )
    if not login.account_sid or not login.auth_token:
        raise VendorError(
            "There is no Twilio login.",
            fix="Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or the business's own with manage.py set_secret.",
        )


def not_in_account(e164: str) -> VendorError:
    return VendorError(
        f"Twilio says the number {short(e164)} isn't in this account.",
        fix="Buy it there, or correct it under Phone numbers.",
        status=404,
    )


def _provision(api: TwilioRest, tenant_id: UUID, line: Line, log: Log) -> None:
    number = api.number(line.e164)
    if number is None:
        raise not_in_account(line.e164)
    if line.sid != number["sid"] and not log.dry_run:
        with tenant_scope(tenant_id):
            PhoneNumber.objects.filter(pk=line.pk).update(carrier_number_id=number["sid"])
    wrong = wrong_wiring(wiring_here(), number)
    what = f"number {short(line.e164)}"
    if not wrong:
        log.add("unchanged", what)
        return
    if not log.dry_run:
        left = wrong_wiring(wrong, api.update_number(number["sid"], wrong))
        if left:
            raise VendorError(
                f"Twilio took the number {short(line.e164)} but not its {', '.join(left)}.",
                fix="Set that in the Twilio console, then run this again.",
            )
    before = (f"{name} (was {wired_to(number, name)})" for name in wrong if not name.endswith("Method"))
    log.add("updated", what, ", ".join(before) or ", ".join(wrong))


def _answers(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
