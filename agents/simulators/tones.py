"""A tone for each call, so that thirty calls at once can be told apart by ear: find a stranger's and there is
cross-talk."""

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import mul

from agents.simulators.audio import mulaw_to_pcm16, pcm16_to_mulaw

FIRST_HZ, STEP_HZ, COUNT = 300, 50, 60
_AMPLITUDE = 6000
_PERIOD = 160
_PIECE = 5 * _PERIOD


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


def tone_level(mulaw: bytes, hz: int) -> float:
    """How loud one tone is in the audio: about 1.0 where `add_tone` added it, near 0.0 elsewhere."""
    return _level(_fold(mulaw), hz)


def heard_tones(mulaw: bytes, threshold: float = 0.4) -> set[int]:
    """The indexes of all tones that sound anywhere in the audio, if only for a tenth of a second.
    Wants silence beneath them: a voice has tones of its own."""
    pieces = [_fold(mulaw[at : at + _PIECE]) for at in range(0, len(mulaw) - _PIECE + 1, _PIECE)]
    return {
        index
        for index in range(COUNT)
        if any(_level(piece, tone_hz(index)) > threshold for piece in pieces if any(piece))
    }


def _fold(mulaw: bytes) -> Sequence[float]:
    """The mean of all stretches of 160 samples: each tone has a whole number of periods in one."""
    samples = mulaw_to_pcm16(mulaw[: len(mulaw) // _PERIOD * _PERIOD])
    stretches = max(len(samples) // _PERIOD, 1)
    return [sum(samples[at::_PERIOD]) / stretches for at in range(_PERIOD)]


def _level(folded: Sequence[float], hz: int) -> float:
    in_phase, behind = _one_period(hz), _one_period(hz, quarter_turns=1)
    power = sum(map(mul, folded, in_phase)) ** 2 + sum(map(mul, folded, behind)) ** 2
    return 2 * math.sqrt(power) / _PERIOD / _AMPLITUDE**2


@lru_cache(maxsize=2 * COUNT)
def _one_period(hz: int, quarter_turns: int = 0) -> list[int]:
    """160 samples: a whole number of periods of each multiple of 50 Hz."""
    phase = quarter_turns * math.pi / 2
    return [int(_AMPLITUDE * math.sin(2 * math.pi * hz * index / 8000 + phase)) for index in range(_PERIOD)]
