"""The audio that simulators speak and hear: formats, G.711 mu-law, loudness.  Kept apart from the product's
own arithmetic on purpose, so that each checks the other."""

import array
import sys
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Format:
    """One mono audio format by the name that ElevenLabs gives it: `ulaw_8000`, `pcm_16000`, ..."""

    encoding: Literal["ulaw", "pcm"]
    rate_hz: int

    @classmethod
    def parse(cls, name: str) -> "Format":
        encoding, _, rate = name.partition("_")
        if encoding == "ulaw":
            return cls("ulaw", int(rate))
        if encoding == "pcm":
            return cls("pcm", int(rate))
        raise ValueError(f"not an audio format: {name!r}")

    @property
    def name(self) -> str:
        return f"{self.encoding}_{self.rate_hz}"

    @property
    def sample_bytes(self) -> int:
        return 1 if self.encoding == "ulaw" else 2

    def bytes_for(self, duration_ms: float) -> int:
        """Whole samples that fill `duration_ms`, in bytes."""
        return round(self.rate_hz * duration_ms / 1000) * self.sample_bytes

    def duration_ms(self, byte_count: int) -> float:
        return byte_count / self.sample_bytes / self.rate_hz * 1000

    def silence(self, duration_ms: float) -> bytes:
        byte = b"\xff" if self.encoding == "ulaw" else b"\x00"
        return byte * self.bytes_for(duration_ms)

    def encode(self, samples: "array.array[int]") -> bytes:
        """Samples of 16-bit PCM at this format's rate to its bytes."""
        return pcm16_to_mulaw(samples) if self.encoding == "ulaw" else little_endian(samples)


def _expand(code: int) -> int:
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _compress(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), 32635) + 0x84
    exponent = biased.bit_length() - 8
    return ~(sign | exponent << 4 | (biased >> (exponent + 3)) & 0x0F) & 0xFF


_EXPANDED = [_expand(code) for code in range(256)]
_COMPRESSED = bytes(_compress((high << 2) - 0x8000) for high in range(0x4000))  # by the top 14 bits
_LOUDNESS = bytes(min(abs(sample) >> 7, 255) for sample in _EXPANDED)


def mulaw_to_pcm16(payload: bytes) -> "array.array[int]":
    """Source: ITU-T G.711."""
    return array.array("h", map(_EXPANDED.__getitem__, payload))


def pcm16_to_mulaw(samples: "array.array[int]") -> bytes:
    return bytes(_COMPRESSED[(sample + 0x8000) >> 2] for sample in samples)


def little_endian(samples: "array.array[int]") -> bytes:
    if sys.byteorder == "big":
        samples = array.array("h", samples)
        samples.byteswap()
    return samples.tobytes()


def from_little_endian(payload: bytes) -> "array.array[int]":
    samples = array.array("h", payload)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def loudness(payload: bytes, audio_format: Format) -> float:
    """Mean magnitude, 0 (silence) to 255 (full scale). In mu-law two C calls: it runs 50 times a second."""
    if not payload:
        return 0.0
    if audio_format.encoding == "ulaw":
        return sum(payload.translate(_LOUDNESS)) / len(payload)
    samples = from_little_endian(payload[: len(payload) & ~1])
    return sum(map(abs, samples)) / max(len(samples), 1) / 128
