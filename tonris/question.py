"""A question that may stay without an answer, asked by a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """Asked again only once it was answered: however many want to know, one thread waits.

    Not a pool's thread: Python waits for those before it ends.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def answer(self, seconds: float) -> T:
        """Raises TimeoutError when there is none by then, and whatever `ask` raises."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                Thread(target=self._find_out, args=(self._asked,), daemon=True).start()
            asked = self._asked
        return asked.result(seconds)

    def _find_out(self, asked: Future[T]) -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:  # noqa: BLE001 - whoever asked is told
            asked.set_exception(error)
