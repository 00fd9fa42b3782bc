"""The audio formats that carriers and agents speak. Words only: the arithmetic is telephony's (telephony/audio)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono audio without a header. `mulaw` is G.711 mu-law, one byte a sample; `pcm16` is little-endian."""

    encoding: Literal["mulaw", "pcm16"]
    rate_hz: int

    @property
    def bytes_per_second(self) -> int:
        return self.rate_hz * (1 if self.encoding == "mulaw" else 2)

    def duration_ms(self, audio: bytes) -> float:
        """How long these bytes play."""
        return 1000 * len(audio) / self.bytes_per_second

    def silence(self, seconds: float) -> bytes:
        samples = round(self.rate_hz * seconds)
        return b"\xff" * samples if self.encoding == "mulaw" else bytes(2 * samples)

    def __str__(self) -> str:
        return f"{self.encoding} {self.rate_hz} Hz"


MULAW_8K = AudioFormat("mulaw", 8000)
PCM16_8K = AudioFormat("pcm16", 8000)
PCM16_16K = AudioFormat("pcm16", 16000)
PCM16_24K = AudioFormat("pcm16", 24000)
