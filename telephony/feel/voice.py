"""Where in a sketch somebody speaks.

A window of 20 ms is loud when 15 % of its samples are. White noise below -37 dBm0 never is; speech is from about
-35 dBm0 on, where telephone speech has -30 to -10. On a caller's line louder noise is found out by what speech cannot
do: it makes no pause. After six seconds in which fewer than one window in twenty was silent, the sound was noise: it
is taken back, and the threshold rises until the line is mostly silent again, or falls when it would be.
"""

from collections.abc import Iterator

from telephony.feel.loud import WINDOW, count_loud
from telephony.feel.sketch import STEPS
from telephony.feel.speech import Speech

LOUD_SAMPLES = 8
SILENT_SAMPLES = 1
"""No more loud samples than this are in a window of silence."""
_IS_LOUD_WINDOW = bytes(loud >= LOUD_SAMPLES for loud in range(256))
SILENT_SHARE = 0.05
"""Of the windows of speech at least this many are silent."""
WATCHED_WINDOWS = 300


def sounds(marks: bytes, counts: bytes) -> Iterator[tuple[int, int]]:
    """[first, last) of the samples in each run of loud windows, from its first loud sample to its last."""
    loud = counts.translate(_IS_LOUD_WINDOW)
    first = loud.find(1)
    while first >= 0:
        after = loud.find(0, first)
        end = after if after >= 0 else len(loud)
        yield marks.find(1, first * WINDOW), marks.rfind(1, 0, end * WINDOW) + 1
        first = loud.find(1, end)


def silent_windows(counts: bytes) -> int:
    return sum(map(counts.count, range(SILENT_SAMPLES + 1)))


class Listener:
    """Follows one side's voice, block by block."""

    __slots__ = ("_may_be_noisy", "_speech", "_step", "_watched")

    def __init__(self, speech: Speech, *, may_be_noisy: bool) -> None:
        self._speech = speech
        self._may_be_noisy = may_be_noisy
        self._step = 0
        self._watched: list[tuple[float, int, int]] = []
        """Of each block, a handful: when it began, and how many of its windows were silent, of how many."""

    def listen(self, sketch: bytes, began: float, seconds: float) -> None:
        marks, counts = count_loud(sketch, self._step)
        a_sample = seconds / len(sketch)
        for first, last in sounds(marks, counts):
            self._speech.add(began + first * a_sample, began + last * a_sample)
        if self._may_be_noisy:
            self._watch(sketch, began, silent_windows(counts), len(counts))

    def _watch(self, sketch: bytes, began: float, silent: int, windows: int) -> None:
        watched = self._watched
        watched.append((began, silent, windows))
        total = sum(block[2] for block in watched)
        if total < WATCHED_WINDOWS:
            return
        while total - watched[0][2] >= WATCHED_WINDOWS:
            total -= watched.pop(0)[2]
        if sum(block[1] for block in watched) < SILENT_SHARE * total:
            since = watched[0][0]
            self._speech.cut_sound(since, led_in_by=watched[1][0] - since if len(watched) > 1 else 0.0)
            watched.clear()
            self._step = _quietest(sketch, self._step + 1)
        elif self._step:
            self._step = _quietest(sketch, 0, self._step)


def _quietest(sketch: bytes, lowest: int, highest: int = len(STEPS) - 1) -> int:
    """The lowest threshold at which half of this is silent."""
    for step in range(lowest, highest):
        _, counts = count_loud(sketch, step)
        if silent_windows(counts) * 2 >= len(counts):
            return step
    return highest
