"""What all webhooks of Infobip's have in common: a secret, by Basic authentication or as the path's last segment."""

import base64
import binascii
import logging
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request
from rest_framework.views import APIView

from telephony.carriers.infobip.provisioning import USER
from tenants.loopback import is_local
from tenants.responses import ApiError

security = logging.getLogger("tonris.security")


class Unauthenticated(ApiError):
    def __init__(self) -> None:
        super().__init__("The secret is missing or wrong", "UNAUTHENTICATED", 401)


class InfobipWebhook(APIView):
    def verify(self, request: Request, given: str, *expected: str) -> None:
        """Raises Unauthenticated unless `given` is one of the secrets."""
        if not given and settings.ALLOW_UNSIGNED_WEBHOOKS and is_local(request._request):
            return
        if any(secret and constant_time_compare(given, secret) for secret in expected):
            return
        security.warning("An event in Infobip's name was refused: its secret is missing or wrong")
        raise Unauthenticated

    def handle_exception(self, exc: Exception) -> Any:
        response = super().handle_exception(exc)
        if isinstance(exc, Unauthenticated):
            response["WWW-Authenticate"] = 'Basic realm="TONRIS"'
        return response


def password_of(request: Request) -> str:
    """Of Basic authentication; "" for whatever else there is."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return password if user == USER else ""
