"""A Twilio media stream: marks tell what was played, and the handshake may be signed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asgiref.typing import WebSocketScope

from telephony import calls
from telephony.addresses import media_url
from telephony.carriers.media import MediaCodec, Send, Way, header
from telephony.carriers.twilio.codec import TwilioCodec
from telephony.frames import StreamStarted


class TwilioLeg:
    has_lane = True
    has_menu = True

    def __init__(self, scope: WebSocketScope) -> None:
        self.codec: MediaCodec = TwilioCodec()
        self._url = media_url(scope["path"])
        self._signature = header(scope, b"x-twilio-signature")

    def claim(self, started: StreamStarted) -> calls.ClaimedCall:
        return calls.claim_stream(started, url=self._url, signature=self._signature)

    def mismatch(self) -> str:
        return ""

    @asynccontextmanager
    async def sending(self, send: Send) -> AsyncIterator[Way]:
        yield Way(send)
