"""When Python's collector looks for what holds itself: every call of the process waits while it does.

What is new it looks at often and quickly. All there is takes it a fifth of a second with 400 calls: that is done while
nobody is on the line. A process that is never quiet waits for it: calls leave next to nothing to collect
(`tests/test_gone.py`), but webhooks some ten kilobytes each, if their carrier keeps its connection for a while.
"""

import gc

from telephony import doorstep, live

THRESHOLDS = 1_000, 5, 300
"""So many objects more than went: new ones are looked at. So often: those left over. So often, after thousands of
calls: all there is, whoever speaks."""
LEFT_OVER = 20
"""So many looks at what is left over, and in the next quiet moment all is looked at."""


def begin() -> None:
    """What is there now stays, and is looked at no more."""
    gc.collect()
    gc.freeze()
    # All are looked at only when a quarter of what was last counted is new: now that is nothing.
    gc.collect()
    gc.set_threshold(*THRESHOLDS)


def tidy() -> None:
    """If this is a quiet moment, and there may be something."""
    if not (live.count() or doorstep.count()) and gc.get_count()[2] >= LEFT_OVER:
        gc.collect()
