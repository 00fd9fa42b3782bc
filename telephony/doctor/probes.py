"""Requests to our own public address, as the vendors would send them; and what runs behind it."""

import base64
import hmac
import time
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import urlencode

import httpx2 as httpx
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from telephony.doctor.facts import RoundTrip

TIMEOUT_S = 10.0
NO_CALL = "CAd0c70d0c70d0c70d0c70d0c70d0c70d0c7"
"""A call that never was: its status is acknowledged and changes nothing."""

transport: httpx.BaseTransport | None = None
"""Another way to the public address; None is the network."""


def as_twilio(account_sid: str, auth_token: str, called_e164: str) -> RoundTrip:
    """A status callback, signed with the account's token."""
    url = f"{settings.APP_BASE_URL}/api/webhooks/twilio/status"
    form = {
        "AccountSid": account_sid,
        "CallSid": NO_CALL,
        "CallStatus": "completed",
        "From": called_e164,
        "To": called_e164,
    }
    told = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    mac = base64.b64encode(hmac.new(auth_token.encode(), told.encode(), sha1).digest()).decode()
    return _send("POST", url, data=form, headers={"X-Twilio-Signature": mac})


def as_elevenlabs(tenant_id: str, secret: str) -> RoundTrip:
    """A client-data request, which only reads, signed as webhooks are."""
    query = urlencode({"tenantId": tenant_id})
    now = int(time.time())
    mac = hmac.new(secret.encode(), f"{now}.{query}".encode(), sha256).hexdigest()
    url = f"{settings.APP_BASE_URL}/api/webhooks/elevenlabs/services?{query}"
    return _send("GET", url, headers={"ElevenLabs-Signature": f"t={now},v0={mac}"})


def as_infobip(secret: str, configuration_id: str) -> RoundTrip:
    """An event of a call that never was, with the password that the notification profile has."""
    coded = base64.b64encode(f"tonris:{secret}".encode()).decode()
    url = f"{settings.APP_BASE_URL}/api/webhooks/infobip/calls"
    event = {"type": "DOCTOR", "callsConfigurationId": configuration_id}
    return _send("POST", url, json=event, headers={"Authorization": f"Basic {coded}"})


def _send(method: str, url: str, **parts: Any) -> RoundTrip:
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=TIMEOUT_S) as client:
            response = client.request(method, url, **parts)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return RoundTrip(None, type(error).__name__)
    return RoundTrip(response.status_code)


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def redis() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as server:
            server.ping()
    except RedisError:
        return "unreachable"
    return "ok"


def workers() -> int:
    """How many answer within a second."""
    try:
        return len(current_app.control.ping(timeout=1.0) or [])
    except (OperationalError, OSError):
        return 0
