"""Does a call to the business's number reach us, and do we believe that it is the carrier? Pure."""

from collections.abc import Callable, Iterator

from telephony.carriers.twilio.wiring import wired_to, wrong_wiring
from telephony.doctor.facts import Business
from telephony.doctor.findings import Finding, broken, note
from tenants.phone import short


def tenant(facts: Business) -> Iterator[Finding]:
    if not facts.wishes.tenant.is_active:
        yield broken(
            "TENANT_SUSPENDED",
            "The business is suspended: its callers hear that the number is not in service.",
            "Set its status to active in the operators' admin.",
        )
    for name in facts.unreadable_secrets:
        yield broken(
            "SECRET_UNREADABLE",
            f"The secret {name} cannot be read: the key that it was encrypted with is gone.",
            f"Put the old key back into FIELD_ENCRYPTION_KEYS, or set the secret anew: "
            f"manage.py set_secret {facts.slug} {name}.",
        )


def numbers(facts: Business) -> Iterator[Finding]:
    if not facts.numbers:
        yield broken(
            "NUMBER_NONE",
            "The business has no active phone number.",
            "Add the number that callers dial under Phone numbers.",
        )
    for line in facts.lines:
        if not line.is_active:
            yield note(
                "NUMBER_INACTIVE",
                f"The number {short(line.e164)} is switched off.",
                "Switch it on under Phone numbers if callers should reach you there.",
            )


def login(facts: Business) -> Iterator[Finding]:
    if not any(line.is_active for line in facts.lines):
        return
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


def account(facts: Business) -> Iterator[Finding]:
    error, status = facts.twilio.error, facts.twilio.account_status
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


def wiring(facts: Business) -> Iterator[Finding]:
    for e164, number in facts.twilio.numbers.items():
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


def round_trip(facts: Business) -> Iterator[Finding]:
    trips = [trip for trip in (facts.carrier_trip, facts.agent_trip) if trip is not None]
    lost = next((trip for trip in trips if trip.status is None), None)
    if lost is not None:
        yield broken(
            "APP_UNREACHABLE",
            f"Nobody answers at {facts.app_base_url} ({lost.problem}).",
            "Start the web process, and check the domain, the tunnel or the proxy that leads to it.",
        )
        return
    if facts.carrier_trip and facts.carrier_trip.status != 200:
        yield broken(
            "TWILIO_SIGNATURE_REFUSED",
            f"A request signed as Twilio signs was answered {facts.carrier_trip.status} at {facts.app_base_url}.",
            "Make APP_BASE_URL exactly what Twilio calls, restart the web process, and let the proxy change nothing.",
        )
    if facts.agent_trip and facts.agent_trip.status != 200:
        yield broken(
            "ELEVENLABS_SECRET_REFUSED",
            f"A request signed as ElevenLabs signs was answered {facts.agent_trip.status} at {facts.app_base_url}.",
            "Check that the web process runs with the same database, keys and ELEVENLABS_WEBHOOK_SECRET as this one.",
        )


CHECKS: tuple[Callable[[Business], Iterator[Finding]], ...] = (
    tenant,
    numbers,
    login,
    account,
    wiring,
    round_trip,
)
