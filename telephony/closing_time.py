"""A call's end that is known beforehand: the agent is told a minute before, and then may finish its sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from telephony.signal import Signal

WRAP_UP_SECONDS = 60.0
NEAR_SECONDS = WRAP_UP_SECONDS + 5.0
"""With more time left than this nobody needs to be here yet."""
LOOK_SECONDS = 1.0
TELL_SECONDS = 2.0
LAST_WORDS_SECONDS = 5.0
TIME_LIMIT = "time_limit"
SPEND_LIMIT = "spend_limit"
WRAP_UP = (
    "About a minute is left in this call, then it ends by itself. Settle what matters most to the caller now, "
    "tell them that time is nearly up, and say goodbye. Do not begin anything new."
)


async def closing_time(
    time_left: Callable[[], tuple[float, float]],
    *,
    agent_ready: Signal,
    tell: Callable[[str], Awaitable[None]],
    last_words: Callable[[], Awaitable[None]],
) -> str:
    """Until time is up, by clock or by budget, and the agent was heard out. TIME_LIMIT or SPEND_LIMIT."""
    told = False
    while True:
        by_clock, by_budget = time_left()
        left = min(by_clock, by_budget)
        if left <= 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await last_words()
            return TIME_LIMIT if by_clock <= by_budget else SPEND_LIMIT
        if left > WRAP_UP_SECONDS:
            told = False  # another call has ended and left its time to this one
        elif agent_ready.is_set() and not told:
            told = True
            with suppress(TimeoutError):  # an agent that does not read hears nothing of it
                async with asyncio.timeout(TELL_SECONDS):
                    await tell(WRAP_UP)
            continue
        await asyncio.sleep(min(left, LOOK_SECONDS))
