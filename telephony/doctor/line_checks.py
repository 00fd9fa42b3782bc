"""Is the business in service, at numbers that somebody carries, by a provider that there is? Pure."""

from collections.abc import Iterator

from agents.providers import DEFAULT, PROVIDERS
from telephony.doctor.business_checks import Check
from telephony.doctor.facts import Business
from tenants.findings import Finding, broken, note
from tenants.phone import short


def tenant(facts: Business) -> Iterator[Finding]:
    if not facts.tenant.is_active:
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
    for e164 in facts.numbers_off:
        yield note(
            "NUMBER_INACTIVE",
            f"The number {short(e164)} is switched off.",
            "Switch it on under Phone numbers if callers should reach you there.",
        )


def provider(facts: Business) -> Iterator[Finding]:
    if facts.provider not in PROVIDERS:
        yield broken(
            "PROVIDER_UNKNOWN",
            f"agentProvider is {facts.provider!r}, which this installation does not have.",
            f"Correct agentProvider in the business's settings, or remove it to use {PROVIDERS[DEFAULT].label}.",
        )


CHECKS: tuple[Check, ...] = (tenant, numbers, provider)
