"""The ringing that callers hear while their agent is being reached.  Tones: ITU-T E.180, North America."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache

from agents.audio import AudioFormat
from telephony.codec import Codec

TONES_HZ = (440, 480)
PERIODS_PER_SECOND = 40
"""The two tones together repeat so often: a fortieth of a second of arithmetic makes a second of sound."""
LOUDNESS = 2500
TONE_SECONDS, PAUSE_SECONDS = 1, 2
RING_AFTER_SECONDS = 1.5
"""An agent that takes longer to be reached is rung for, audibly."""

Send = Callable[[str | bytes], Awaitable[None]]


@asynccontextmanager
async def ringing_meanwhile(codec: Codec, send: Send, *, since: float) -> AsyncIterator[None]:
    """The caller, on the line `since` then, hears that somebody is being reached, if that takes a while."""
    ring: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal ring
        ring = asyncio.create_task(_ring(codec, send), name="ringing")

    wait = max(0.0, since + RING_AFTER_SECONDS - time.monotonic())
    timer = asyncio.get_running_loop().call_later(wait, begin)
    try:
        yield
    finally:
        timer.cancel()
        if ring is not None:
            ring.cancel()
            await asyncio.wait({ring})
            await send(codec.encode_clear())


async def _ring(codec: Codec, send: Send) -> None:
    tone = ringing(codec.audio_format)
    while True:
        await send(codec.encode_audio(tone))
        await asyncio.sleep(TONE_SECONDS + PAUSE_SECONDS)


@lru_cache(maxsize=8)
def ringing(audio_format: AudioFormat) -> bytes:
    """TONE_SECONDS of it."""
    rate = audio_format.rate_hz
    one = b"".join(_encode(audio_format, _sample(n / rate)) for n in range(rate // PERIODS_PER_SECOND))
    return one * (PERIODS_PER_SECOND * TONE_SECONDS)


def _sample(at_s: float) -> int:
    return round(sum(LOUDNESS * math.sin(2 * math.pi * tone * at_s) for tone in TONES_HZ))


def _encode(audio_format: AudioFormat, sample: int) -> bytes:
    if audio_format.encoding == "pcm16":
        return sample.to_bytes(2, "little", signed=True)
    return bytes([_mulaw(sample)])


def _mulaw(sample: int) -> int:
    """ITU-T G.711."""
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = magnitude.bit_length() - 8
    code = exponent << 4 | magnitude >> exponent + 3 & 0x0F
    return 0xFF ^ (code | (0x80 if sample < 0 else 0))
