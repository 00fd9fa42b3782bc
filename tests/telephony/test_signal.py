"""What a call's tasks wait for."""

import asyncio

from telephony.signal import Signal


async def test_who_waits_goes_on_when_it_is_set_even_if_it_is_cleared_at_once():
    signal = Signal()
    waiting = [asyncio.create_task(signal.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    signal.set()
    signal.clear()
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)
    assert not signal.is_set()


async def test_who_comes_later_does_not_wait_while_it_is_set():
    signal = Signal()
    signal.set()
    async with asyncio.timeout(1):
        await signal.wait()


async def test_who_is_called_off_leaves_nothing_behind():
    signal = Signal()
    waiting = asyncio.create_task(signal.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not signal._waiting
    signal.set()
