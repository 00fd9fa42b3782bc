"""From one sampling rate to another, sample by sample the same however the stream is cut.

A linear-phase low-pass at the common multiple of both rates, of which only the samples that are wanted are computed:

    rates        passes up to   stops from   delay
    8k  <-> 24k  3.35 kHz       4 kHz        1.875 ms
    8k  <-> 16k  3.35 kHz       4 kHz        1.875 ms
    16k <-> 24k  7 kHz          8 kHz        1.167 ms

The passband is flat within 0.3 dB. What lies above half the lower rate, and would fold into it or be its mirror image,
is 60 dB down: two milliseconds of delay buy no narrower transition than this.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from telephony.audio.g711 import Samples

Taps = NDArray[np.float64]

RATES_HZ = frozenset({8000, 16000, 24000})
_BITS = 20
"""Taps are whole multiples of 2^-20: all sums are exact in a double, whatever their order."""
_ROUNDS = 20


class Resampler:
    def __init__(self, source_hz: int, target_hz: int) -> None:
        common = math.lcm(source_hz, target_hz)
        self._up, self._down = common // source_hz, common // target_hz
        self._phases, self.delay_ms = _polyphase(common, min(source_hz, target_hz), self._up)
        self.reset()

    def reset(self) -> None:
        self._before = np.zeros(len(self._phases[0]) - 1)
        self._next = 0
        """Where the next sample to be computed stands, at the common rate, counted from the first input to come."""

    def process(self, samples: Samples) -> Samples:
        """As many as the time they cover has at the target's rate, to within one."""
        heard: Taps = np.concatenate((self._before, samples.astype(np.float64)))
        length, width = len(samples), len(self._phases[0])
        if not length:
            return samples
        end = length * self._up
        count = max(0, -(-(end - self._next) // self._down))
        spoken = np.empty(count)
        windows: Taps = np.lib.stride_tricks.sliding_window_view(heard, width)
        for turn in range(min(self._up, count)):
            place, phase = divmod(self._next + turn * self._down, self._up)
            wanted = len(spoken[turn :: self._up])
            spoken[turn :: self._up] = windows[place :: self._down][:wanted] @ self._phases[phase]
        self._next += count * self._down - end
        self._before = heard[length:]
        np.rint(np.ldexp(spoken, -_BITS, out=spoken), out=spoken)
        return spoken.clip(-0x8000, 0x7FFF).astype(np.int16)


@cache
def _polyphase(rate_hz: int, lower_hz: int, up: int) -> tuple[list[Taps], float]:
    """The taps for each place between two inputs, latest input last; and the delay in milliseconds."""
    half, stop_hz = _HALVES[rate_hz], lower_hz / 2
    taps = _low_pass(half, _PASS[lower_hz] / rate_hz, stop_hz / rate_hz) * up
    taps = np.rint(np.ldexp(taps, _BITS))
    width = -(-len(taps) // up)
    padded = np.concatenate((taps, np.zeros(width * up - len(taps))))
    phases = [np.ascontiguousarray(padded[phase::up][::-1]) for phase in range(up)]
    return phases, 1000 * half / rate_hz


_HALVES = {24000: 45, 16000: 30, 48000: 56}
"""Taps on each side of the middle one, which are the delay, by the rate that both rates divide."""
_PASS = {8000: 3350.0, 16000: 7000.0}
_STOP_WEIGHT = 45.0
"""How much less may get through than may be missing."""


def _low_pass(half: int, passes: float, stops: float) -> Taps:
    """The symmetric filter whose worst error is least; edges in parts of the sampling rate.

    Least squares over and over, each time minding more where the error was large.  Source: C. L. Lawson, 1961.
    """
    edges = np.concatenate((np.linspace(0, passes, 150), np.linspace(stops, 0.5, 450)))
    wanted = (edges <= passes).astype(float)
    importance = np.where(edges <= passes, 1.0, _STOP_WEIGHT)
    waves = 2 * np.cos(2 * np.pi * np.outer(edges, np.arange(half + 1)))
    waves[:, 0] = 1
    minded = np.ones_like(edges)
    taps = np.zeros(half + 1)
    for _ in range(_ROUNDS):
        weight = importance * np.sqrt(minded)
        taps = np.linalg.lstsq(waves * weight[:, None], wanted * weight)[0]
        error = importance * np.abs(waves @ taps - wanted)
        minded *= error
        minded /= minded.mean()
    return np.concatenate((taps[:0:-1], taps))


for _source in RATES_HZ:  # now, and not in the middle of a call
    for _target in RATES_HZ - {_source}:
        Resampler(_source, _target)
