"""Audio past Python, one way: a call's pipe (`agents/fast_lane/pump`), and when it may carry.

    the lane has passed a frame -> offer() -> the pipe carries the next ones
    anything else comes -> the lane deals with it -> the pipe carries on, if nobody has withdrawn it
    anything is to be said to the peer, or changes -> withdraw() -> the lane reads again

What the lane looks at before it passes a frame is looked at when the pipe is opened, and whoever changes any of it
withdraws the pipe first. So a frame that the pipe carries is one that the lane would have passed.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from agents.fast_lane import WayOut
from agents.fast_lane.pump import Ends, Pipe, Pump
from agents.fast_lane.pump.words import LONGEST_PIECE, Heard, Pace, Pattern

logger = logging.getLogger(__name__)


class Ear(Protocol):
    """Who listens to what passes."""

    def pace(self) -> Pace | None:
        """How it comes, for a pipe to listen; None: it must be heard piece by piece."""
        ...

    def gather(self, heard: Heard) -> None:
        """What a pipe has heard, at that pace, since the last piece."""
        ...


class Lender(Protocol):
    """The socket whose reading is borrowed."""

    shortcut: "Shortcut | None"

    def lends(self) -> int:
        """The file to read from; -1 if it cannot be lent now."""
        ...

    def lend(self) -> None:
        """Read it no more."""
        ...

    def take_back(self) -> None:
        """Read again."""
        ...

    def deal_with(self, read: bytes) -> None:
        """What was read of it meanwhile."""
        ...


def _no_number() -> int:
    return 0


class Shortcut:
    """The lender's, until its lane is closed."""

    __slots__ = (
        "__weakref__",
        "_ear",
        "_goes_on",
        "_least",
        "_lender",
        "_offered",
        "_opening",
        "_out",
        "_pattern_of",
        "_pipe",
    )

    def __init__(
        self,
        pump: Pump,
        lender: Lender,
        pattern_of: Callable[[bytes], Pattern | None],
        ear: Ear,
        *,
        masks: bool,
        least: Callable[[], int] = _no_number,
    ) -> None:
        """`masks` is the pump's. Messages whose number is below `least` do not pass."""
        self._pipe: Pipe = pump.pipe(Ends(self._read, self._write, ear.gather), masks=masks)
        self._lender = lender
        self._pattern_of = pattern_of
        self._ear = ear
        self._least = least
        self._out: WayOut | None = None
        """Where the pipe carries to now."""
        self._goes_on = False
        """Nobody has withdrawn the pipe since it was opened, though it may have ended by itself."""
        self._offered: bytes | None = None
        self._opening: asyncio.Handle | None = None
        lender.shortcut = self

    def offer(self, message: bytes, out: WayOut) -> None:
        """The lane has passed this message that way: the next ones may take the pipe.

        Not at once: more may have come with it, which the lane is about to look at.
        """
        if self._opening is None:
            self._offered, self._out = message, out
            self._opening = asyncio.get_running_loop().call_soon(self._open)

    def _open(self) -> None:
        if self._learns() and self._carries():
            self._lender.lend()

    def _learns(self) -> bool:
        """What is offered, if anything is: whether the pipe knows what to carry."""
        if self._opening is None or self._offered is None:
            return self._goes_on
        self._opening.cancel()
        pattern = self._pattern_of(self._offered)
        self._opening = self._offered = None
        return pattern is not None and self._pipe.learn(pattern)

    def _carries(self) -> bool:
        """From now on, if all is as it must be for that."""
        out, pace, source = self._out, self._ear.pace(), self._lender.lends()
        if out is None or pace is None or pace.audio_size > LONGEST_PIECE or source < 0:
            return False
        target = out.lend(self.withdraw, partial(self._send_aside, out))
        self._goes_on = target is not None and self._pipe.open(
            source, target, (out.head, out.tail), pace, least=self._least()
        )
        return self._goes_on

    def withdraw(self) -> None:
        """What comes from now on is the lane's again."""
        self._goes_on = False
        if self._opening is not None:
            self._opening.cancel()
            self._opening = self._offered = None
        # If it has ended by itself, what it has read is on its way to us, and comes before what is read next.
        reads = self._pipe.is_open
        self._pipe.close()
        if reads:
            self.listen()
            self._lender.take_back()

    def _read(self, read: bytes) -> None:
        """It has ended by itself: the lane deals with this, and if all is as before, the pipe carries on."""
        self.listen()
        try:
            self._lender.deal_with(read)
        finally:
            if not (read and self._learns() and self._carries()):
                self._lender.take_back()

    def _write(self, frames: bytes) -> None:
        if self._out is not None:
            with suppress(RuntimeError):  # the transport was closed just now
                self._out.write(frames)

    def _send_aside(self, out: WayOut, frame: bytes) -> bool:
        """A frame that is no audio goes the pipe's way, too, or all that follow it would go by Python.

        Also while the lane deals with what ended the pipe, which then carries on.
        """
        if out is not self._out or not self._goes_on or not self._pipe.leads_to_socket:
            return False
        if not self._pipe.is_open and out.waits():
            return False
        sent = self._pipe.send(frame)
        if sent < len(frame):
            self.withdraw()
            out.write(frame[sent:])
        return True

    def listen(self) -> None:
        """The ear is told of all that has passed. Never raises: nobody goes unheard or unread for its sake."""
        if heard := self._pipe.heard():
            try:
                self._ear.gather(heard)
            except Exception:
                logger.exception("[MediaStream] What went past was not understood")

    def passed(self) -> int:
        """How many messages, since this was asked last."""
        return self._pipe.passed()

    @property
    def passed_at(self) -> float:
        """When the last one did; 0: none has."""
        return self._pipe.passed_at

    def close(self) -> None:
        """The lane is closed, or its socket about to be."""
        self.withdraw()
        self.listen()
        self._lender.shortcut = self._out = None
        self._pipe.remove()
