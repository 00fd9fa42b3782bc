"""The arithmetic of audio: from one format to another while it streams. Pure.

Where both ends of a call share a format there is none: bytes pass as they came. Otherwise one converter stands in
each direction, for one call, and remembers what the next chunk needs of this one:

    bytes -> samples (mu-law table, or PCM16 with half a sample kept back) -> resampler -> bytes
"""

from agents.audio import AudioFormat
from telephony.audio import g711
from telephony.audio.resampling import RATES_HZ, Resampler


class NoConversion(ValueError):
    """Formats between which there is no way here."""


class Converter:
    """One direction of one call. Chunks may have any size: together they give what the whole would give.

    Twenty milliseconds in are exactly twenty milliseconds out; the sound in them is `delay_ms` late.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        """Raises NoConversion."""
        for spoken in (source, target):
            if spoken.rate_hz not in RATES_HZ:
                raise NoConversion(f"from {source} to {target}")
        self._source, self._target = source, target
        self._resampler = (
            Resampler(source.rate_hz, target.rate_hz) if source.rate_hz != target.rate_hz else None
        )
        self._half = b""
        self._decode = g711.samples_of_mulaw if source.encoding == "mulaw" else g711.samples_of_pcm16
        self._encode = g711.mulaw_of if target.encoding == "mulaw" else g711.pcm16_of

    @property
    def delay_ms(self) -> float:
        return self._resampler.delay_ms if self._resampler else 0.0

    def convert(self, audio: bytes) -> bytes:
        samples = self._decode(self._whole(audio))
        if self._resampler is not None:
            samples = self._resampler.process(samples)
        return self._encode(samples)

    def reset(self) -> None:
        """What comes next has nothing to do with what came."""
        self._half = b""
        if self._resampler is not None:
            self._resampler.reset()

    def _whole(self, audio: bytes) -> bytes:
        """Whole samples; half a one waits for its other half."""
        if self._source.encoding == "mulaw":
            return audio
        if self._half:
            audio = self._half + audio
        cut = len(audio) & ~1
        self._half = audio[cut:]
        return audio[:cut] if self._half else audio


def converter(source: AudioFormat, target: AudioFormat) -> Converter | None:
    """None where nothing has to be done. Raises NoConversion."""
    return None if source == target else Converter(source, target)
