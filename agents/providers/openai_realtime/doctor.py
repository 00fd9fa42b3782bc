"""Will OpenAI take the call? Facts first, then the checks, which are pure."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from agents.audio import AudioFormat
from agents.briefings import text_setting
from agents.providers.openai_realtime.rest import read_model
from tenants.credentials import secret
from tenants.findings import Finding, broken, warning
from tenants.models import Credential, Tenant
from tenants.scoping import tenant_scope
from tenants.vendor_http import VendorError

SOON = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Facts:
    """`told` is None where nobody asked, or `error` says why not."""

    slug: str
    has_key: bool
    model: str
    today: datetime.date
    told: dict[str, Any] | None = None
    error: VendorError | None = None


def examine(tenant_id: UUID, audio_format: AudioFormat) -> Iterator[Finding]:
    """It takes whichever format it is asked for. Needs no scope."""
    facts = _facts(tenant_id)
    yield from key(facts)
    yield from model(facts)


def _facts(tenant_id: UUID) -> Facts:
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        api_key = secret(tenant_id, Credential.Name.OPENAI_API_KEY)
    name = text_setting(tenant, "openaiModel") or settings.OPENAI_REALTIME_MODEL
    facts = Facts(tenant.slug, bool(api_key), name, timezone.now().date())
    if not api_key:
        return facts
    try:
        return replace(facts, told=read_model(api_key, name))
    except VendorError as error:
        return replace(facts, error=error)


def key(facts: Facts) -> Iterator[Finding]:
    if not facts.has_key:
        yield broken(
            "AGENT_KEY_MISSING",
            "There is no key for openai: callers hear that the assistant is unavailable.",
            f"Give the business one: manage.py set_secret {facts.slug} openai_api_key.",
        )


def model(facts: Facts) -> Iterator[Finding]:
    error = facts.error
    if error is None:
        yield from _ending(facts)
    elif error.status in {401, 403}:
        yield broken("OPENAI_KEY_REFUSED", error.message, error.fix)
    elif error.status == 404:
        yield broken(
            "MODEL_UNKNOWN",
            f"OpenAI has no model {facts.model} for this key.",
            "Correct openaiModel in the business's settings, or OPENAI_REALTIME_MODEL.",
        )
    else:
        yield broken("OPENAI_UNREACHABLE", error.message, error.fix or "Try again in a minute.")


def _ending(facts: Facts) -> Iterator[Finding]:
    ends_on = _date((facts.told or {}).get("shutdown_date"))
    if ends_on is not None and ends_on - facts.today < SOON:
        yield warning(
            "MODEL_ENDS",
            f"OpenAI switches {facts.model} off on {ends_on}.",
            "Choose another one: openaiModel in the business's settings, or OPENAI_REALTIME_MODEL.",
        )


def _date(told: Any) -> datetime.date | None:
    """An ISO date, or seconds since 1970."""
    try:
        if isinstance(told, int) and not isinstance(told, bool):
            return datetime.datetime.fromtimestamp(told, datetime.UTC).date()
        return datetime.date.fromisoformat(told[:10]) if isinstance(told, str) else None
    except (ValueError, OverflowError, OSError):
        return None
