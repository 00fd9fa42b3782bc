"""Bytes to samples and back.  Source for mu-law: ITU-T G.711."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_BIAS = 0x84
_CLIP = 32635


def _expanded() -> Samples:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitudes = (((codes & 0x0F) << 3) + _BIAS << ((codes & 0x70) >> 4)) - _BIAS
    return np.where(codes & 0x80, -magnitudes, magnitudes).astype(np.int16)


def _compressed() -> NDArray[np.uint8]:
    """By a sample's upper fourteen bits: the lower two change nothing but the rounding of the smallest step."""
    samples = np.arange(-0x8000, 0x8000, 4, dtype=np.int32)
    biased = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponents = np.floor(np.log2(biased)).astype(np.int32) - 7
    codes = exponents << 4 | biased >> (exponents + 3) & 0x0F
    return (~(np.where(samples < 0, 0x80, 0) | codes) & 0xFF).astype(np.uint8)


_EXPANDED = _expanded()
_COMPRESSED = np.roll(_compressed(), -0x2000)  # so that a sample's own bits are its place


def samples_of_mulaw(audio: bytes) -> Samples:
    return _EXPANDED[np.frombuffer(audio, np.uint8)]


def mulaw_of(samples: Samples) -> bytes:
    return _COMPRESSED[samples.view(np.uint16) >> 2].tobytes()


def samples_of_pcm16(audio: bytes) -> Samples:
    """Of whole samples, little-endian."""
    return np.frombuffer(audio, "<i2").astype(np.int16, copy=False)


def pcm16_of(samples: Samples) -> bytes:
    return samples.astype("<i2", copy=False).tobytes()
