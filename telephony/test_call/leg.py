"""A browser's media socket: it speaks Twilio's Media Streams, so that a test call is carried as a real one is."""

from asgiref.typing import WebSocketScope

from telephony.carriers.twilio.media import TwilioLeg
from telephony.frames import StreamStarted
from telephony.models import Carrier
from telephony.same_site import is_same_site

PATH = "media-stream/browser"


class BrowserLeg(TwilioLeg):
    carrier: str = Carrier.BROWSER
    has_menu = False

    async def prove(self, started: StreamStarted) -> None:
        """There is a token, and no carrier."""


def open_leg(scope: WebSocketScope) -> BrowserLeg | None:
    return BrowserLeg(scope) if is_same_site(scope) else None
