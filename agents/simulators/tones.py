"""A tone for each call, so that thirty calls at once can be told apart by ear: find a stranger's and there is
cross-talk."""

import math
from functools import lru_cache

from agents.simulators.audio import Format, mulaw_to_pcm16, pcm16_to_mulaw
from agents.simulators.voice import MULAW_8K

FIRST_HZ, STEP_HZ, COUNT = 300, 50, 60
_AMPLITUDE = 6000


def tone_hz(index: int) -> int:
    """Sixty different tones, all of them inside the telephone band."""
    return FIRST_HZ + STEP_HZ * (index % COUNT)


def add_tone(mulaw: bytes, hz: int, at_sample: int) -> bytes:
    """Mix the tone into 8 kHz mu-law; `at_sample` keeps its phase from one chunk to the next."""
    period = _one_period(hz)
    samples = mulaw_to_pcm16(mulaw)
    for index, sample in enumerate(samples):
        mixed = sample + period[(at_sample + index) % len(period)]
        samples[index] = max(-32768, min(32767, mixed))
    return pcm16_to_mulaw(samples)


def tone_level(mulaw: bytes, hz: int, audio_format: Format = MULAW_8K) -> float:
    """How loud one tone is in the audio: about 1.0 where `add_tone` added it, near 0.0 elsewhere.
    Source: Goertzel, 1958. Wants a tenth of a second or more."""
    turn = 2 * math.cos(2 * math.pi * hz / audio_format.rate_hz)
    before, last = 0.0, 0.0
    samples = mulaw_to_pcm16(mulaw)
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = max(before * before + last * last - turn * before * last, 0.0)
    return 2 * math.sqrt(power) / max(len(samples), 1) / _AMPLITUDE


@lru_cache(maxsize=COUNT)
def _one_period(hz: int) -> list[int]:
    """160 samples hold a whole number of periods of each multiple of 50 Hz."""
    return [int(_AMPLITUDE * math.sin(2 * math.pi * hz * index / 8000)) for index in range(160)]
