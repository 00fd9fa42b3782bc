"""What must be configured before a number is pointed here, said when a process starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_carriers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """`manage.py check --deploy`. Tenants may bring their own secrets, but the platform's are the safe ground."""
    problems: list[CheckMessage] = []
    if not settings.TWILIO_AUTH_TOKEN:
        hint = "Twilio's webhooks cannot be verified and will all be refused: set it in the environment."
        problems.append(Error("TWILIO_AUTH_TOKEN is not set.", hint=hint, id="telephony.E001"))
    if not settings.ELEVENLABS_WEBHOOK_SECRET:
        hint = "Tenants need one each, as manage.py provision makes them; or set ELEVENLABS_WEBHOOK_SECRET."
        problems.append(Warning("ELEVENLABS_WEBHOOK_SECRET is not set.", hint=hint, id="telephony.W002"))
    if not settings.ELEVENLABS_API_KEY and not settings.OPENAI_API_KEY:
        hint = "Set one of them, or give every tenant a key with manage.py set_secret."
        problem = "Neither ELEVENLABS_API_KEY nor OPENAI_API_KEY is set."
        problems.append(Warning(problem, hint=hint, id="telephony.W001"))
    if settings.INFOBIP_API_KEY and not settings.INFOBIP_WEBHOOK_SECRET:
        hint = "Infobip's events are refused, but for tenants with a secret of their own: set it in the environment."
        problems.append(Warning("INFOBIP_WEBHOOK_SECRET is not set.", hint=hint, id="telephony.W003"))
    if not settings.APP_BASE_URL.startswith("https://"):
        hint = "Callers' audio and tokens would travel in the clear; set APP_BASE_URL to an https URL."
        problems.append(Error("APP_BASE_URL is not https.", hint=hint, id="telephony.E003"))
    return problems
