"""What every business here stands on. Pure."""

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from telephony.doctor.facts import Installation
from tenants.findings import Finding, broken, note, warning

LOCAL_NAMES = (".local", ".internal", ".localhost", ".lan")


def public_address(facts: Installation) -> Iterator[Finding]:
    problem = _not_public(facts.app_base_url)
    if problem:
        yield (note if facts.simulated else broken)(
            "APP_BASE_URL_NOT_PUBLIC",
            f"APP_BASE_URL is {facts.app_base_url}, which {problem}.",
            "Set APP_BASE_URL to the https address by which the internet reaches us: your domain, or a tunnel's.",
        )


def _not_public(url: str) -> str:
    """Why vendors cannot call this, or ""."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "is not https"
    if host == "localhost" or host.endswith(LOCAL_NAMES) or "." not in host.strip("[]").replace(":", "."):
        return "only this network knows"
    try:
        return "" if ipaddress.ip_address(host).is_global else "is not a public address"
    except ValueError:
        return ""


def encryption(facts: Installation) -> Iterator[Finding]:
    for position, key in enumerate(facts.encryption_keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield broken(
                "ENCRYPTION_KEY_INVALID",
                f"Key number {position} of FIELD_ENCRYPTION_KEYS is no Fernet key.",
                "Make one with the command in .env.example, and put it before the keys that are still needed.",
            )


def caution(facts: Installation) -> Iterator[Finding]:
    if facts.unsigned_allowed:
        yield broken(
            "UNSIGNED_ALLOWED",
            "ALLOW_UNSIGNED_WEBHOOKS is on: behind a tunnel anybody may play the vendors.",
            "Remove ALLOW_UNSIGNED_WEBHOOKS from the environment before a number points here.",
        )
    if facts.debug and not _not_public(facts.app_base_url):
        yield warning(
            "DEBUG_ON",
            "DEBUG is on at a public address: error pages would show the inside.",
            "Set DJANGO_SECRET_KEY and DEBUG=0.",
        )


def background(facts: Installation) -> Iterator[Finding]:
    if facts.database != "ok":
        yield broken(
            "DATABASE_UNREACHABLE",
            "The database does not answer.",
            "Start PostgreSQL, or correct DATABASE_URL.",
        )
    if facts.redis != "ok":
        yield broken("BROKER_UNREACHABLE", "Redis does not answer.", "Start Redis, or correct REDIS_URL.")
    elif not facts.workers:
        yield broken(
            "NO_WORKER",
            "No worker answers: transcripts, reminders and the nightly fetch wait.",
            "Start one: celery -A tonris worker, or manage.py up, which brings one along.",
        )


CHECKS: tuple[Callable[[Installation], Iterator[Finding]], ...] = (
    public_address,
    encryption,
    caution,
    background,
)
