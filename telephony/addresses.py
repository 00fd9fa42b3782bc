"""Where carriers reach us, as they are told and as they sign it."""

from django.conf import settings

MEDIA_STREAM_PATH = "/media-stream"
OUTBOUND_STREAM_PATH = "/outbound-stream"
"""The same socket under another name."""


def media_url(path: str) -> str:
    """A media socket's public URL. No query string: Twilio drops it, identity travels in parameters."""
    scheme, _, rest = settings.MEDIA_BASE_URL.partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}"


def callback_url(name: str) -> str:
    return f"{settings.APP_BASE_URL}/api/webhooks/twilio/{name}"
