"""Audio from one format to another: what a frame of twenty milliseconds costs, and how late it becomes."""

import random
import time
from collections.abc import Iterator

from agents.audio import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K
from telephony.audio import Converter

HEADINGS = ("Audio, per 20 ms frame", "median", "p99", "delay", "calls/core")
FRAMES = 3000
PAIRS = (
    (MULAW_8K, PCM16_8K),
    (PCM16_8K, MULAW_8K),
    (MULAW_8K, PCM16_16K),
    (PCM16_16K, MULAW_8K),
    (MULAW_8K, PCM16_24K),
    (PCM16_24K, MULAW_8K),
    (PCM16_16K, PCM16_24K),
    (PCM16_24K, PCM16_16K),
)


def set_up() -> None:
    """No database."""


def run(_subject: None) -> Iterator[tuple[str, ...]]:
    """`calls/core`: how many calls' frames one core could convert in this direction, doing nothing else."""
    for source, target in PAIRS:
        made = Converter(source, target)
        frame = random.Random(1).randbytes(source.bytes_per_second // 50)  # noqa: S311
        times = sorted(_microseconds(made, frame) for _ in range(FRAMES))
        median, p99 = times[FRAMES // 2], times[FRAMES * 99 // 100]
        name = f"{source} to {target}"
        yield name, f"{median:.1f} us", f"{p99:.1f} us", f"{made.delay_ms:.2f} ms", f"{20_000 / median:.0f}"


def _microseconds(made: Converter, frame: bytes) -> float:
    began = time.perf_counter()
    made.convert(frame)
    return 1e6 * (time.perf_counter() - began)
