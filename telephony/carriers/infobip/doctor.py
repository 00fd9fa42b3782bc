"""Does a call over Infobip reach us? Facts first, then the checks, which are pure."""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings

from agents.providers.registry import rates_hz
from telephony.carriers.infobip.account import account_of
from telephony.carriers.infobip.addresses import is_private, media_socket_url
from telephony.carriers.infobip.provisioning import missing_steps, own_id
from telephony.carriers.infobip.rest import InfobipRest
from tenants.findings import Finding, broken
from tenants.round_trip import RoundTrip, send
from tenants.vendor_http import VendorError


@dataclass(frozen=True, slots=True)
class Facts:
    """`missing` names what a half-provisioned account lacks; nothing was asked without a key."""

    slug: str
    has_key: bool = False
    has_secret: bool = False
    media_is_private: bool = False
    missing: Sequence[str] = ()
    error: VendorError | None = None
    trip: RoundTrip | None = None


def examine(tenant_id: UUID) -> Iterator[Finding]:
    """Takes seconds: Infobip is asked. Needs no scope."""
    facts = _gather(tenant_id)
    for check in CHECKS:
        yield from check(facts)


def _gather(tenant_id: UUID) -> Facts:
    account = account_of(tenant_id)
    known = Facts(
        slug=account.slug,
        has_key=bool(account.api_key),
        has_secret=bool(account.webhook_secret),
        media_is_private=is_private(media_socket_url(tenant_id, rates_hz()[0])),
    )
    if account.webhook_secret:
        known = replace(known, trip=_event(account.webhook_secret, own_id(tenant_id)))
    if not account.api_key:
        return known
    with InfobipRest(account.api_key, read_only=True) as api:
        try:
            return replace(known, missing=missing_steps(api, account))
        except VendorError as error:
            return replace(known, error=error)


def _event(secret: str, configuration_id: str) -> RoundTrip:
    """Of a call that never was, with the password that the notification profile has."""
    coded = base64.b64encode(f"tonris:{secret}".encode()).decode()
    event = {"type": "DOCTOR", "callsConfigurationId": configuration_id}
    return send(
        "POST", "/api/webhooks/infobip/calls", json=event, headers={"Authorization": f"Basic {coded}"}
    )


def login(facts: Facts) -> Iterator[Finding]:
    if not facts.has_key:
        yield broken(
            "INFOBIP_KEY_MISSING",
            "There is no Infobip key: calls come in and cannot be answered.",
            f"Set INFOBIP_API_KEY, or give the business one: manage.py set_secret {facts.slug} infobip_api_key.",
        )
    if not facts.has_secret:
        yield broken(
            "INFOBIP_SECRET_MISSING",
            "There is no secret for Infobip's events: they are all refused.",
            f"Set INFOBIP_WEBHOOK_SECRET, or manage.py set_secret {facts.slug} infobip_webhook_secret.",
        )
    if not facts.media_is_private:
        yield broken(
            "INFOBIP_MEDIA_NOT_PRIVATE",
            "Callers' voices would travel to us in the clear: the media address is not wss.",
            "Set APP_BASE_URL, or MEDIA_BASE_URL, to an https URL.",
        )


def account(facts: Facts) -> Iterator[Finding]:
    error = facts.error
    if error is not None:
        refused = error.status in {401, 403}
        code = "INFOBIP_REFUSED" if refused else "INFOBIP_UNREACHABLE"
        yield broken(code, error.message, error.fix or "Try again in a minute.")


def set_up(facts: Facts) -> Iterator[Finding]:
    if facts.missing:
        yield broken(
            "INFOBIP_HALF_SET_UP",
            f"At Infobip this is missing, or not as it should be: {', '.join(facts.missing)}.",
            f"Run manage.py provision {facts.slug} --carrier-only.",
        )


def round_trip(facts: Facts) -> Iterator[Finding]:
    trip = facts.trip
    if trip is None or trip.status == 200:
        return
    if trip.status is None:
        yield broken(
            "INFOBIP_EVENTS_UNREACHABLE",
            f"Nobody answers to Infobip's events at {settings.APP_BASE_URL} ({trip.problem}).",
            "Start the web process, and check the domain, the tunnel or the proxy that leads to it.",
        )
    else:
        yield broken(
            "INFOBIP_EVENT_REFUSED",
            f"An event with the password that Infobip has was answered {trip.status} at {settings.APP_BASE_URL}.",
            "Check that the web process has the same INFOBIP_WEBHOOK_SECRET and keys, and let the proxy pass "
            "Authorization on.",
        )


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (login, account, set_up, round_trip)
