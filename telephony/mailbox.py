"""What a socket's reader waits for: asyncio's Queue, without the three kilobytes that each keeps for those who wait."""

from collections import deque
from typing import Generic, TypeVar

from telephony.signal import Signal

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Of one event loop, for one reader. Who puts something in has to know how much may wait."""

    __slots__ = ("_filled", "_items")

    def __init__(self) -> None:
        self._items: deque[T] | None = None
        """None while it is empty, as nearly always."""
        self._filled = Signal()

    def empty(self) -> bool:
        return not self._items

    def put_nowait(self, item: T) -> None:
        if self._items is None:
            self._items = deque()
        self._items.append(item)
        self._filled.set()

    async def get(self) -> T:
        while not self._items:
            self._items = None
            self._filled.clear()
            await self._filled.wait()
        return self._items.popleft()
