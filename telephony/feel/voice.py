"""Where in a sketch somebody speaks.

A window of 20 ms is loud when 15 % of its samples are. White noise below -37 dBm0 never is; speech is from about
-35 dBm0 on, where telephone speech has -30 to -10. On a caller's line louder noise is found out by what speech cannot
do: it makes no pause. After six seconds in which fewer than one window in twenty was silent, the sound was noise: it
is taken back, and the threshold rises until the line is mostly silent again, or falls when it would be.
"""

from collections.abc import Iterator

from telephony.feel.sketch import IS_LOUD, STEPS
from telephony.feel.speech import Speech

WINDOW = 53
"""Characters of a sketch: 19.9 ms."""
LOUD_SAMPLES = 8
SILENT_SAMPLES = 1
"""No more loud samples than this are in a window of silence."""
SILENT_SHARE = 0.05
"""Of the windows of speech at least this many are silent."""
WATCHED_WINDOWS = 300


def count_loud(sketch: bytes, step: int) -> tuple[bytes, list[int]]:
    """Which samples are loud, and how many in each window; no counts for a sketch that is silent throughout."""
    marks = sketch.translate(IS_LOUD[step])
    if marks.count(1) <= SILENT_SAMPLES:
        return marks, []
    count = marks.count
    return marks, [count(1, at, at + WINDOW) for at in range(0, len(marks), WINDOW)]


def sounds(marks: bytes, counts: list[int]) -> Iterator[tuple[int, int]]:
    """[first, last) of the samples in each run of loud windows, from its first loud sample to its last."""
    begun = -1
    for index, loud in enumerate([*counts, 0]):
        if loud >= LOUD_SAMPLES:
            if begun < 0:
                begun = index
        elif begun >= 0:
            yield marks.find(1, begun * WINDOW), marks.rfind(1, 0, index * WINDOW) + 1
            begun = -1


def silent_windows(counts: list[int]) -> int:
    return sum(loud <= SILENT_SAMPLES for loud in counts)


class Listener:
    """Follows one side's voice, block by block."""

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
            windows = -(-len(sketch) // WINDOW)
            silent = silent_windows(counts) if counts else windows
            self._watch(sketch, began, silent, windows)

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
