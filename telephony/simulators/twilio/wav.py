"""WAV files as a caller's voice: any mono or stereo PCM16 or mu-law file, turned into 8 kHz mu-law.
(The standard library's `wave` reads no mu-law, hence a small reader of RIFF chunks.)"""

import array
import struct
from functools import lru_cache
from pathlib import Path

from agents.simulators.audio import from_little_endian, mulaw_to_pcm16, pcm16_to_mulaw

RECORDINGS = Path(__file__).parent / "speech"
LOWEST_HZ, HIGHEST_HZ = 4000, 192_000
_PCM, _MULAW, _EXTENSIBLE = 1, 7, 0xFFFE


class WavError(ValueError):
    """The file cannot be played; the message says what to convert it to."""


def recording(name: str) -> bytes | None:
    """The recorded line of that name, if the package ships one."""
    path = RECORDINGS / f"{name}.wav"
    return read_wav(path) if name and path.exists() else None


@lru_cache(maxsize=64)
def read_wav(path: Path) -> bytes:
    """The file's sound as 8 kHz mu-law, or WavError."""
    layout, data = _chunks(path)
    kind, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", layout[:16])
    if not (data and channels and LOWEST_HZ <= rate_hz <= HIGHEST_HZ):
        raise WavError(f"{path} has no sound in it that could be played: {channels} channels, {rate_hz} Hz")
    if kind == _EXTENSIBLE and len(layout) >= 26:
        kind = struct.unpack("<H", layout[24:26])[0]
    if kind == _MULAW and bits == 8:
        if channels == 1 and rate_hz == 8000:
            return data
        samples = mulaw_to_pcm16(data)
    elif kind == _PCM and bits == 16:
        samples = from_little_endian(data[: len(data) & ~1])
    else:
        raise WavError(
            f"{path}: format {kind}, {bits} bits; wanted is 16-bit PCM or 8-bit mu-law, of any rate"
        )
    if channels > 1:
        samples = array.array("h", samples[::channels])
    return pcm16_to_mulaw(_resample(samples, rate_hz))


def _chunks(path: Path) -> tuple[bytes, bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WavError(f"{path}: {error.strerror}") from error
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise WavError(f"{path} is not a WAV file")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        found.setdefault(name, content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    if len(found.get(b"fmt ", b"")) < 16 or b"data" not in found:
        raise WavError(f"{path} has no sound in it")
    return found[b"fmt "], found[b"data"]


def _resample(samples: "array.array[int]", rate_hz: int) -> "array.array[int]":
    """To 8 kHz. Good enough for speech: average what one new sample spans, or interpolate on the way up."""
    if rate_hz == 8000 or not samples:
        return samples
    ratio = rate_hz / 8000
    resampled = array.array("h")
    for index in range(int(len(samples) / ratio)):
        start = index * ratio
        if ratio >= 1:
            span = samples[int(start) : max(int(start + ratio), int(start) + 1)]
            resampled.append(sum(span) // len(span))
        else:
            left = int(start)
            right = min(left + 1, len(samples) - 1)
            resampled.append(int(samples[left] + (samples[right] - samples[left]) * (start - left)))
    return resampled
