"""Calls made of known sounds: what each side says and when, and the frames in which it comes."""

import math
import random
from array import array
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from agents.audio import MULAW_8K, AudioFormat
from agents.simulators.audio import Format, pcm16_to_mulaw
from telephony.feel.figures import Figures, figures_of
from telephony.feel.observer import Observer

Spoken = list[tuple[float, float]]
"""[start, end) in seconds since the stream began."""


def tone(at: int, rate_hz: int) -> float:
    return 3000 * math.sin(2 * math.pi * 440 * at / rate_hz)


def noise(rms: float, seed: int = 1) -> Callable[[int, int], float]:
    chance = random.Random(seed)
    return lambda at, rate_hz: chance.gauss(0, rms)


def silence(at: int, rate_hz: int) -> float:
    return 0.0


def sounding(
    spoken: Spoken,
    seconds: float,
    sound: Callable[[int, int], float] = tone,
    background: Callable[[int, int], float] = silence,
    audio_format: AudioFormat = MULAW_8K,
) -> bytes:
    rate = audio_format.rate_hz
    samples = [background(at, rate) for at in range(round(seconds * rate))]
    for start, end in spoken:
        for at in range(round(start * rate), min(round(end * rate), len(samples))):
            samples[at] += sound(at, rate)
    pcm = array("h", (max(-32768, min(32767, round(sample))) for sample in samples))
    return pcm16_to_mulaw(pcm) if audio_format.encoding == "mulaw" else Format("pcm", rate).encode(pcm)


def pieces(audio: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    at = 0
    while at < len(audio):
        size = next(sizes)
        yield audio[at : at + size]
        at += size


@dataclass
class Line:
    """An observed call; times are seconds since its stream began."""

    audio_format: AudioFormat = MULAW_8K
    base64: bool = True
    began: float = 1000.0

    def __post_init__(self) -> None:
        self.observer = Observer(self.audio_format, self.began)
        self.played_out_at = 0.0

    def hear(self, now: float, audio: bytes) -> None:
        ear = self.observer.caller
        take = ear.hear_base64 if self.base64 else ear.hear
        take(self.began + now, b64encode(audio) if self.base64 else audio)

    def say(self, now: float, audio: bytes) -> None:
        """As the bridge does it: what was sent is played when all before it has been."""
        begins = max(self.played_out_at, now)
        self.played_out_at = begins + len(audio) / self.audio_format.bytes_per_second
        ear = self.observer.agent
        take = ear.hear_base64 if self.base64 else ear.hear
        take(self.began + begins, b64encode(audio) if self.base64 else audio)

    def clear(self, now: float) -> None:
        self.played_out_at = 0.0
        self.observer.cleared(self.began + now)

    def end(self, now: float, *, caller_left: bool = False) -> Figures:
        self.observer.ended(self.began + now)
        heard = self.observer.heard
        assert heard is not None
        return figures_of(heard, caller_left=caller_left)


def caller_frames(
    audio: bytes,
    sizes: Iterator[int],
    bytes_per_second: int = 8000,
    delay: Callable[[float], float] = lambda _: 0.0,
) -> Iterator[tuple[float, bytes]]:
    """When each frame comes: when it has sounded, and `delay` later, but never before the one before it."""
    sounded = came = 0.0
    for frame in pieces(audio, sizes):
        sounded += len(frame) / bytes_per_second
        came = max(came, sounded + delay(sounded))
        yield came, frame


def play(line: Line, *events: Iterable[tuple[float, bytes | None]]) -> None:
    """The caller's frames first, then the agent's pieces, in the order of time; None is a clear."""
    caller, *agent = events
    told = [(at, 0, audio) for at, audio in caller]
    told += [(at, 1, audio) for stream in agent for at, audio in stream]
    for at, side, audio in sorted(told, key=lambda each: each[:2]):
        if audio is None:
            line.clear(at)
        elif side:
            line.say(at, audio)
        else:
            line.hear(at, audio)
