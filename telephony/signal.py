"""What a call's tasks wait for: asyncio's Event, without the kilobyte that each of them keeps for who waits."""

import asyncio


class Signal:
    """Of one event loop. Set until it is cleared."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        waiting, self._waiting = self._waiting, None
        for one in waiting or ():
            if not one.done():
                one.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        """Returns when it has been set since, whether or not it still is."""
        if self._is_set:
            return
        mine = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(mine)
        try:
            await mine
        finally:
            if self._waiting and mine in self._waiting:  # called off
                self._waiting.remove(mine)
