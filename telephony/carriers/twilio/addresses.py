"""Where Twilio reaches us."""

from collections.abc import Callable

from django.conf import settings

CallbackUrl = Callable[[str], str]

MEDIA_STREAM_PATH = "/media-stream"
OUTBOUND_STREAM_PATH = "/outbound-stream"
"""The same socket under an older name."""


def callback_url(name: str) -> str:
    return f"{settings.APP_BASE_URL}/api/webhooks/twilio/{name}"
