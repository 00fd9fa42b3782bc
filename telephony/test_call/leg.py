"""A browser's media socket: it speaks Twilio's Media Streams, so that a test call is carried as a real one is."""

from asgiref.typing import WebSocketScope

from telephony import calls
from telephony.carriers.twilio.media import TwilioLeg
from telephony.frames import StreamStarted
from telephony.models import Carrier
from telephony.same_site import is_same_site

PATH = "media-stream/browser"


class BrowserLeg(TwilioLeg):
    has_menu = False

    def claim(self, started: StreamStarted) -> calls.ClaimedCall:
        return calls.claim_stream(started, carrier=Carrier.BROWSER)


def open_leg(scope: WebSocketScope) -> BrowserLeg | None:
    return BrowserLeg(scope) if is_same_site(scope) else None
