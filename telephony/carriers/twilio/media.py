"""A Twilio media stream: marks tell what was played, and the handshake may be signed."""

from contextlib import AbstractAsyncContextManager, nullcontext

from asgiref.typing import WebSocketScope
from django.conf import settings

from telephony import calls
from telephony.addresses import media_url
from telephony.carriers.media import MediaCodec, Send, Way, header
from telephony.carriers.registry import Carrier
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.carriers.twilio.webhooks import stream_is_signed
from telephony.errors import StreamRefused
from telephony.frames import StreamStarted
from tenants.credentials import secret
from tenants.models import Credential
from tenants.scoping import in_thread, platform_scope


class TwilioLeg:
    carrier: str = Carrier.TWILIO
    has_lane = True
    has_menu = True

    def __init__(self, scope: WebSocketScope) -> None:
        self.codec: MediaCodec = TwilioCodec()
        self._url = media_url(scope["path"])
        self._signature = header(scope, b"x-twilio-signature")

    async def prove(self, started: StreamStarted) -> None:
        if self._signature or settings.TWILIO_REQUIRE_STREAM_SIGNATURE:
            await in_thread(self._check_signature, started)

    def _check_signature(self, started: StreamStarted) -> None:
        """Twilio does not sign every handshake. Raises StreamRefused."""
        tenant_id = calls.tenant_of_stream(started)
        with platform_scope():
            token = secret(tenant_id, Credential.Name.TWILIO_AUTH_TOKEN) if tenant_id else ""
        if not stream_is_signed(self._url, self._signature, token):
            raise StreamRefused("a handshake with a wrong signature")

    def mismatch(self) -> str:
        return ""

    def sending(self, send: Send) -> AbstractAsyncContextManager[Way]:
        return nullcontext(Way(send))
