"""Which samples of a sketch are loud, and how many in each window of 20 ms: half of what an ear costs.

In C (`agents/fast_lane/pump`) where audio is carried in C, too: in Python it takes three times as long.
"""

from ctypes import PyDLL, create_string_buffer, string_at
from itertools import repeat

from agents.fast_lane.pump.library import at_hand
from telephony.feel.sketch import IS_LOUD

WINDOW = 53
"""Characters of a sketch: 19.9 ms."""
_MOST = 8192
"""Characters that are looked at in C: a block of an ear's, as good as always."""
# For all of them: each array that ctypes makes may be of a new class, and classes are dear.
_marks, _counts = create_string_buffer(_MOST), create_string_buffer(_MOST)


def count_loud(sketch: bytes, step: int) -> tuple[bytes, bytes]:
    """For each sample 1 if it is loud, or 0; and how many are in each window, of which the last may be shorter."""
    library = at_hand()
    if library is None or len(sketch) > _MOST:
        return _in_python(sketch, step)
    return _in_c(library, sketch, step)


def _in_python(sketch: bytes, step: int) -> tuple[bytes, bytes]:
    marks = sketch.translate(IS_LOUD[step])
    end = len(marks)
    if 1 not in marks:  # half of a call is silence
        return marks, bytes(-(-end // WINDOW))
    begins, ends = range(0, end, WINDOW), range(WINDOW, end + WINDOW, WINDOW)
    return marks, bytes(map(marks.count, repeat(1), begins, ends))


def _in_c(library: PyDLL, sketch: bytes, step: int) -> tuple[bytes, bytes]:
    size = len(sketch)
    library.count_loud(sketch, size, IS_LOUD[step], WINDOW, _marks, _counts)
    return string_at(_marks, size), string_at(_counts, -(-size // WINDOW))
