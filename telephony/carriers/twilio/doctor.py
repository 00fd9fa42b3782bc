"""Does a call over Twilio reach us, and do we believe it? Facts first, then the checks, which are pure."""

import base64
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any
from uuid import UUID

from django.conf import settings

from telephony.carriers.twilio.provisioning import TwilioLogin, twilio_lines, twilio_login, wiring_here
from telephony.carriers.twilio.rest import TwilioRest
from telephony.carriers.twilio.wiring import wired_to, wrong_wiring
from tenants.findings import Finding, broken
from tenants.models import Tenant
from tenants.phone import short
from tenants.round_trip import RoundTrip, not_believed, send
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

Json = dict[str, Any]

NO_CALL = "CAd0c70d0c70d0c70d0c70d0c70d0c70d0c7"
"""A call that never was: its status is acknowledged and changes nothing."""


@dataclass(frozen=True, slots=True)
class AtTwilio:
    account_status: str = ""
    numbers: Mapping[str, Json | None] = field(default_factory=dict)
    """By E.164; None for one that is not in the account."""
    error: VendorError | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    slug: str
    login: TwilioLogin
    wiring: Mapping[str, str]
    there: AtTwilio
    trip: RoundTrip | None
    """A request to ourselves, signed as Twilio signs; None when there is nothing to sign with."""


def examine(tenant_id: UUID) -> Iterator[Finding]:
    """Takes seconds: Twilio is asked. Needs no scope."""
    facts = _gather(tenant_id)
    for check in CHECKS:
        yield from check(facts)


def _gather(tenant_id: UUID) -> Facts:
    with tenant_scope(tenant_id):
        slug = Tenant.objects.get(pk=tenant_id).slug
        login = twilio_login(tenant_id)
        numbers = [line.e164 for line in twilio_lines(tenant_id) if line.is_active]
    signs = bool(login.auth_token and numbers)
    return Facts(
        slug=slug,
        login=login,
        wiring=wiring_here(),
        there=_twilio(login, numbers),
        trip=signed_request(login.account_sid, login.auth_token, numbers[0]) if signs else None,
    )


def _twilio(login: TwilioLogin, numbers: Sequence[str]) -> AtTwilio:
    if not numbers or login.mixed or not login.account_sid or not login.auth_token:
        return AtTwilio()
    with TwilioRest(login.account_sid, login.auth_token, read_only=True) as api:
        try:
            status = str(api.account().get("status", ""))
            return AtTwilio(status, {e164: api.number(e164) for e164 in numbers})
        except VendorError as error:
            return AtTwilio(error=error)


def signed_request(account_sid: str, auth_token: str, called_e164: str) -> RoundTrip:
    """A status callback, signed with the account's token."""
    path = "/api/webhooks/twilio/status"
    form = {
        "AccountSid": account_sid,
        "CallSid": NO_CALL,
        "CallStatus": "completed",
        "From": called_e164,
        "To": called_e164,
    }
    told = settings.APP_BASE_URL + path + "".join(f"{name}{form[name]}" for name in sorted(form))
    mac = base64.b64encode(hmac.new(auth_token.encode(), told.encode(), sha1).digest()).decode()
    return send("POST", path, data=form, headers={"X-Twilio-Signature": mac})


def login(facts: Facts) -> Iterator[Finding]:
    if facts.login.mixed:
        yield broken(
            "TWILIO_LOGIN_HALF",
            "The business has only one half of a Twilio login of its own.",
            "Set both twilio_account_sid and twilio_auth_token with manage.py set_secret, or forget both.",
        )
    elif not facts.login.account_sid or not facts.login.auth_token:
        yield broken(
            "TWILIO_LOGIN_MISSING",
            "There is no Twilio login: calls cannot be verified and are refused.",
            "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or the business's own with manage.py set_secret.",
        )


def account(facts: Facts) -> Iterator[Finding]:
    error, status = facts.there.error, facts.there.account_status
    if error and error.status in {401, 403, 404}:
        yield broken("TWILIO_REFUSED", error.message, error.fix)
    elif error:
        yield broken("TWILIO_UNREACHABLE", error.message, error.fix or "Try again in a minute.")
    elif status and status != "active":
        yield broken(
            "TWILIO_ACCOUNT_INACTIVE",
            f"Twilio says that the account is {status}.",
            "Open the Twilio console: most often a payment is due.",
        )


def wiring(facts: Facts) -> Iterator[Finding]:
    for e164, number in facts.there.numbers.items():
        if number is None:
            yield broken(
                "NUMBER_NOT_IN_ACCOUNT",
                f"Twilio says the number {short(e164)} isn't in this account.",
                "Buy it there, or correct it under Phone numbers.",
            )
            continue
        wrong = wrong_wiring(facts.wiring, number)
        if wrong:
            told = ", ".join(f"{name} is {wired_to(number, name)}" for name in wrong)
            yield broken(
                "NUMBER_MISWIRED",
                f"The number {short(e164)} is not wired to us: {told}.",
                f"Run manage.py provision {facts.slug} --carrier-only.",
            )


def round_trip(facts: Facts) -> Iterator[Finding]:
    return not_believed(
        facts.trip,
        "TWILIO_SIGNATURE_REFUSED",
        "Twilio",
        "Make APP_BASE_URL exactly what Twilio calls, restart the web process, and let the proxy change nothing.",
    )


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    login,
    account,
    wiring,
    round_trip,
)
