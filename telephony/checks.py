"""What must be configured before a number is pointed here, said when a process starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from agents.providers import PROVIDERS
from telephony.vendors import every_vendor
from tenants.credentials import platform_secret


@register(Tags.security, deploy=True)
def check_carriers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """`manage.py check --deploy`. Tenants may bring their own secrets, but the platform's are the safe ground."""
    problems: list[CheckMessage] = []
    for vendor in every_vendor():
        problems.extend(vendor.deploy_checks())
    keys = [one.api_key for one in PROVIDERS.values()]
    if not any(map(platform_secret, keys)):
        hint = "Set one of them, or give every tenant a key with manage.py set_secret."
        problem = f"Neither {' nor '.join(key.upper() for key in keys)} is set."
        problems.append(Warning(problem, hint=hint, id="telephony.W001"))
    if not settings.APP_BASE_URL.startswith("https://"):
        hint = "Callers' audio and tokens would travel in the clear; set APP_BASE_URL to an https URL."
        problems.append(Error("APP_BASE_URL is not https.", hint=hint, id="telephony.E003"))
    return problems
