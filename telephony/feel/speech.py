"""One side's speech on the call's clock: stretches, in order."""

from dataclasses import dataclass

PAUSE_SECONDS = 0.25
"""Less silence than this is within a stretch: between two words, or before a plosive."""
SHORTEST_SECONDS = 0.06
"""Less sound than this, however it is spread over a stretch, is a click."""
MAX_STRETCHES = 5000
"""An hour of short words. Nobody who sends more is measured further."""


@dataclass(slots=True)
class Stretch:
    """[start, end), in seconds of the call's clock."""

    start: float
    end: float
    sound: float
    """Seconds of it that were loud."""

    @property
    def is_speech(self) -> bool:
        return self.sound >= SHORTEST_SECONDS


class Speech:
    __slots__ = ("_stretches",)

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []

    def add(self, start: float, end: float) -> None:
        """A sound. Sounds come in order; a correction of the clock may set one back a little."""
        if self._stretches:
            last = self._stretches[-1]
            if start - last.end < PAUSE_SECONDS:
                last.end = max(last.end, end)
                last.sound += end - start
                return
            if not last.is_speech:
                self._stretches.pop()
        if len(self._stretches) < MAX_STRETCHES:
            self._stretches.append(Stretch(start, end, end - start))

    def cut(self, at: float) -> float:
        """Forget what comes after; how many seconds of speech that was."""
        forgotten = 0.0
        while self._stretches and self._stretches[-1].end > at:
            last = self._stretches[-1]
            gone = last.end - max(at, last.start)
            forgotten += gone if last.is_speech else 0.0
            if last.start < at:
                last.sound -= min(last.sound, gone)
                last.end = at
                break
            self._stretches.pop()
        return forgotten

    def cut_sound(self, at: float, *, led_in_by: float) -> None:
        """Forget a sound that was recognised at `at` and may have begun `led_in_by` seconds before."""
        self.cut(at)
        if self._stretches and self._stretches[-1].start > at - led_in_by:
            self._stretches.pop()

    def stretches(self) -> list[tuple[float, float]]:
        return [(each.start, each.end) for each in self._stretches if each.is_speech]
