"""One character for each three samples at 8 kHz: enough to tell speech from silence, and nearly free.

Base64 writes three bytes as four characters, and the first of them holds the top six bits of the first byte. Of a
mu-law sample these are its sign, its exponent and two bits of its mantissa: its level in steps of 1.5 dB or so, for
every third sample, without decoding anything. `audio[::4]` is therefore the sketch of base64 mu-law; other audio is
put into the same characters.  Sources: RFC 4648, section 4; ITU-T G.711.
"""

from collections.abc import Callable
from functools import cache

from agents.audio import AudioFormat

STEPS = (8, 10, 12, 14, 16)
"""Thresholds, the usual one first, counted in quarters of an octave: a sample is loud from a magnitude of 396, 652,
924, 1436 or 1980 of 32124 on. A sine with these peaks has -35, -31, -28, -24 or -21 dBm0."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BIAS = 0x84
_CLIP = 32635
_THIRD = 3


def _mulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), _CLIP) + _BIAS
    exponent = biased.bit_length() - 8
    return ~(sign | exponent << 4 | (biased >> (exponent + 3)) & 0x0F) & 0xFF


_OF_MULAW = bytes(_ALPHABET[code >> 2] for code in range(256))
_OF_HIGH_BYTE = bytes(
    _ALPHABET[_mulaw((high if high < 0x80 else 0xFF - high) * 256) >> 2] for high in range(256)
)
"""By the least magnitude that a sample with this byte has: such audio is loud from 512 on."""


def _is_loud_table(step: int) -> bytes:
    """Mu-law is stored inverted: the fewer of its bits are set, the louder."""
    loud = {_ALPHABET[code] for code in range(64) if ~code & 0x1F >= step}
    return bytes(character in loud for character in range(256))


IS_LOUD = tuple(map(_is_loud_table, STEPS))
"""For `sketch.translate`: 1 for a loud sample, 0 for a quiet one, by index of STEPS."""


@cache
def sketcher(audio_format: AudioFormat) -> Callable[[bytes], bytes]:
    """What makes the sketch of audio in this format."""
    stride = _THIRD * audio_format.rate_hz // 8000
    if audio_format.encoding == "mulaw":
        return lambda audio: audio[::stride].translate(_OF_MULAW)
    # Of a little-endian pair the second byte.
    return lambda audio: audio[1 :: 2 * stride].translate(_OF_HIGH_BYTE)
