"""Where Infobip reaches us. The address of a media socket is a secret: it names a tenant and a rate, signed."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from telephony.addresses import media_url

MEDIA_PATH = "/media-stream/infobip/"
EVENTS_PATH = "/api/webhooks/infobip/calls"
TEXTS_PATH = "/api/webhooks/infobip/sms"
REPORTS_PATH = "/api/webhooks/infobip/sms-status/"
HOLD_PATH = "/api/webhooks/infobip/hold.wav"

_SECRET = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{3,4})-([0-9a-f]{40})")


def media_secret(tenant_id: UUID, rate_hz: int) -> str:
    """The last segment of the address: made of the installation's own key, so that there is nothing to store."""
    return f"{tenant_id.hex}-{rate_hz}-{_mac(tenant_id, rate_hz)}"


def read_media_secret(secret: str) -> tuple[UUID, int] | None:
    """Tenant and sample rate; None for what we have not made. Asks no database."""
    match = _SECRET.fullmatch(secret)
    if match is None:
        return None
    tenant_id, rate_hz = UUID(match[1]), int(match[2])
    return (tenant_id, rate_hz) if constant_time_compare(match[3], _mac(tenant_id, rate_hz)) else None


def _mac(tenant_id: UUID, rate_hz: int) -> str:
    told = f"{tenant_id.hex}-{rate_hz}"
    return salted_hmac("telephony.infobip.media", told, algorithm="sha256").hexdigest()[:40]


def media_socket_url(tenant_id: UUID, rate_hz: int) -> str:
    return media_url(MEDIA_PATH + media_secret(tenant_id, rate_hz))


def reports_secret(tenant_id: UUID) -> str:
    """The last segment of the address that a tenant's delivery reports come to: it goes along with each text."""
    mac = salted_hmac("telephony.infobip.reports", tenant_id.hex, algorithm="sha256").hexdigest()
    return f"{tenant_id.hex}-{mac[:40]}"


def reports_url(tenant_id: UUID) -> str:
    return f"{settings.APP_BASE_URL}{REPORTS_PATH}{reports_secret(tenant_id)}"


def texts_url() -> str:
    return settings.APP_BASE_URL + TEXTS_PATH


def events_url() -> str:
    return settings.APP_BASE_URL + EVENTS_PATH


def hold_url() -> str:
    """What is played to a caller while people are rung."""
    return settings.APP_BASE_URL + HOLD_PATH


def is_private(url: str) -> bool:
    """TLS, or this very machine in development: tokens and voices travel there."""
    parts = urlsplit(url)
    return parts.scheme == "wss" or (parts.scheme == "ws" and settings.DEBUG and _is_loopback(parts.hostname))


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
