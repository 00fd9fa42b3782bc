"""Where carriers reach us, as they are told and as they sign it."""

from django.conf import settings
from django.urls import reverse


def media_url(path: str) -> str:
    """A media socket's public URL. No query string: carriers drop it, identity travels in parameters."""
    scheme, _, rest = settings.MEDIA_BASE_URL.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}"


def public_url(name: str, *arguments: str) -> str:
    """Of one of our paths, by its name."""
    return f"{settings.APP_BASE_URL}{reverse(name, args=arguments)}"
