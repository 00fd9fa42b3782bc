"""Infobip's `WEBSOCKET` endpoint leg: the path says whose, the first message which call, and we keep the pace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from uuid import UUID

from asgiref.typing import WebSocketScope
from django.conf import settings

from telephony.carriers.infobip.addresses import read_media_secret
from telephony.carriers.infobip.codec import InfobipCodec
from telephony.carriers.infobip.pacer import Pacer
from telephony.carriers.infobip.playout import playing
from telephony.carriers.media import MediaCodec, Send, Way
from telephony.frames import StreamStarted
from telephony.models import Carrier


class InfobipLeg:
    carrier: str = Carrier.INFOBIP
    has_lane = False
    has_menu = True

    def __init__(self, tenant_id: UUID, rate_hz: int) -> None:
        self._tenant_id = tenant_id
        self._codec = InfobipCodec(rate_hz)
        self.codec: MediaCodec = self._codec

    async def prove(self, started: StreamStarted) -> None:
        started.parameters["tenant_id"] = str(self._tenant_id)

    def mismatch(self) -> str:
        if self._codec.is_as_agreed:
            return ""
        return f"the leg speaks {self._codec.declared}, its configuration {self.codec.audio_format}"

    @asynccontextmanager
    async def sending(self, send: Send) -> AsyncIterator[Way]:
        pacer = Pacer(self.codec.audio_format, monotonic(), sends_silence=settings.INFOBIP_SEND_SILENCE)
        async with playing(send, pacer) as playout:
            yield Way(playout.send, playout)


def open_leg(scope: WebSocketScope) -> InfobipLeg | None:
    known = read_media_secret(scope["path"].rpartition("/")[2])
    return InfobipLeg(*known) if known else None
