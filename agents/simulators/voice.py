"""A voice for simulators: text to speech-like audio of plausible length. Not words, but their rhythm: each
syllable is a vowel's formants under a pitch, each word ends in a breath, each sentence in a pause."""

import array
import math
import re
from functools import lru_cache

from agents.simulators.audio import Format

MULAW_8K = Format("ulaw", 8000)
CHARS_PER_SECOND = 14.0

_VOWELS = {  # first and second formant, Hz.  Source: Peterson and Barney, 1952
    "a": (730, 1090),
    "e": (530, 1840),
    "i": (270, 2290),
    "o": (570, 840),
    "u": (300, 870),
    "y": (390, 1990),
}
_PITCH_HZ = 125
_VOICED_SHARE = 0.8  # of a word; the rest is the gap before the next one
_STEP_MS = 10  # syllables are cut to this, so that few distinct ones have to be computed


def speech_ms(text: str, chars_per_second: float = CHARS_PER_SECOND) -> float:
    """How long `speak` takes for the text, to within a few milliseconds a word."""
    return len(" ".join(text.split())) / chars_per_second * 1000


@lru_cache(maxsize=256)
def speak(text: str, audio_format: Format = MULAW_8K, chars_per_second: float = CHARS_PER_SECOND) -> bytes:
    """The same text always gives the same bytes."""
    sounds = []
    owed_ms = 0.0  # what rounding has taken so far is given back by the next gap
    for word in text.split():
        owed_ms += (len(word) + 1) / chars_per_second * 1000
        syllables = re.findall(r"[aeiouy]+", word.lower()) or ["e"]
        each_ms = max(round(owed_ms * _VOICED_SHARE / len(syllables) / _STEP_MS) * _STEP_MS, _STEP_MS)
        sounds += [_syllable(vowels[0], each_ms, audio_format) for vowels in syllables]
        owed_ms -= each_ms * len(syllables)
        gap_ms = max(round(owed_ms), 0)
        sounds.append(audio_format.silence(gap_ms))
        owed_ms -= gap_ms
    return b"".join(sounds)


@lru_cache(maxsize=1024)
def _syllable(vowel: str, duration_ms: int, audio_format: Format) -> bytes:
    first_hz, second_hz = _VOWELS[vowel]
    count = audio_format.bytes_for(duration_ms) // audio_format.sample_bytes
    turn = 2 * math.pi / audio_format.rate_hz
    samples = array.array("h")
    for index in range(count):
        swell = math.sin(math.pi * (index + 0.5) / count) ** 0.5
        glottis = 0.65 + 0.35 * math.sin(turn * _PITCH_HZ * index)
        tone = 0.65 * math.sin(turn * first_hz * index) + 0.35 * math.sin(turn * second_hz * index)
        samples.append(int(14000 * swell * glottis * tone))
    return audio_format.encode(samples)
