"""What a caller hears while people are rung: ringing, as a file for Infobip to play.  Source: RIFF WAVE."""

import struct
from functools import lru_cache

from django.http import HttpRequest, HttpResponse

from agents.audio import PCM16_8K
from telephony.ringing import PAUSE_SECONDS, ringing


@lru_cache(maxsize=1)
def wav() -> bytes:
    rate, width = PCM16_8K.rate_hz, 2
    audio = ringing(PCM16_8K) + bytes(rate * width * PAUSE_SECONDS)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * width, width, 8 * width)
    data = struct.pack("<4sI", b"data", len(audio)) + audio
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


def file(request: HttpRequest) -> HttpResponse:
    """Anybody may hear it."""
    return HttpResponse(wav(), content_type="audio/wav", headers={"Cache-Control": "public, max-age=86400"})
