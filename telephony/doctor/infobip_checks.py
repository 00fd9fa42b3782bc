"""Does a call over Infobip reach us? Pure."""

from collections.abc import Callable, Iterator

from telephony.doctor.facts import Business
from telephony.doctor.findings import Finding, broken


def login(facts: Business) -> Iterator[Finding]:
    infobip = facts.infobip
    if infobip is None:
        return
    if not infobip.has_key:
        yield broken(
            "INFOBIP_KEY_MISSING",
            "There is no Infobip key: calls come in and cannot be answered.",
            f"Set INFOBIP_API_KEY, or give the business one: manage.py set_secret {facts.slug} infobip_api_key.",
        )
    if not infobip.has_secret:
        yield broken(
            "INFOBIP_SECRET_MISSING",
            "There is no secret for Infobip's events: they are all refused.",
            f"Set INFOBIP_WEBHOOK_SECRET, or manage.py set_secret {facts.slug} infobip_webhook_secret.",
        )
    if not infobip.media_is_private:
        yield broken(
            "INFOBIP_MEDIA_NOT_PRIVATE",
            "Callers' voices would travel to us in the clear: the media address is not wss.",
            "Set APP_BASE_URL, or MEDIA_BASE_URL, to an https URL.",
        )


def account(facts: Business) -> Iterator[Finding]:
    error = facts.infobip.error if facts.infobip else None
    if error is not None:
        refused = error.status in {401, 403}
        code = "INFOBIP_REFUSED" if refused else "INFOBIP_UNREACHABLE"
        yield broken(code, error.message, error.fix or "Try again in a minute.")


def set_up(facts: Business) -> Iterator[Finding]:
    if facts.infobip and facts.infobip.missing:
        yield broken(
            "INFOBIP_HALF_SET_UP",
            f"At Infobip this is missing, or not as it should be: {', '.join(facts.infobip.missing)}.",
            f"Run manage.py provision {facts.slug} --carrier-only.",
        )


def round_trip(facts: Business) -> Iterator[Finding]:
    trip = facts.infobip.trip if facts.infobip else None
    if trip is None or trip.status == 200:
        return
    if trip.status is None:
        yield broken(
            "INFOBIP_EVENTS_UNREACHABLE",
            f"Nobody answers to Infobip's events at {facts.app_base_url} ({trip.problem}).",
            "Start the web process, and check the domain, the tunnel or the proxy that leads to it.",
        )
    else:
        yield broken(
            "INFOBIP_EVENT_REFUSED",
            f"An event with the password that Infobip has was answered {trip.status} at {facts.app_base_url}.",
            "Check that the web process has the same INFOBIP_WEBHOOK_SECRET and keys, and let the proxy pass "
            "Authorization on.",
        )


CHECKS: tuple[Callable[[Business], Iterator[Finding]], ...] = (login, account, set_up, round_trip)
