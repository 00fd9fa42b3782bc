"""The caller's audio past Python: one call's pipe (`agents/fast_lane/pump`), and when it may carry.

    the lane has passed a frame -> offer() -> the pipe carries the next ones
    anything else comes, or is to be said to the agent -> withdraw() -> the lane reads again

What the lane looks at before it passes a frame is looked at when the pipe is opened, and whoever changes any of it
withdraws the pipe first. So a frame that the pipe carries is one that the lane would have passed.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from agents.fast_lane import WayOut
from agents.fast_lane.pump import Ends, Pipe, Pump
from agents.fast_lane.pump.words import LONGEST_PIECE, Pattern
from telephony.feel.ears import CallerEar


class Lender(Protocol):
    """The caller's socket, whose reading is borrowed."""

    shortcut: "Shortcut | None"

    def lend(self) -> int:
        """The file to read from, and read it no more; -1 if that cannot be now."""
        ...

    def take_back(self, read: bytes) -> None:
        """Read again. These bytes were read meanwhile, and are to be dealt with first."""
        ...


class Shortcut:
    """The lender's, until its lane is closed."""

    def __init__(
        self,
        pump: Pump,
        lender: Lender,
        pattern_of: Callable[[bytes], Pattern | None],
        ear: CallerEar,
    ) -> None:
        self._pipe: Pipe = pump.pipe(Ends(self._give_back, self._write, ear.gather))
        self._lender = lender
        self._pattern_of = pattern_of
        self._ear = ear
        self._out: WayOut | None = None
        """The agent's, to which the pipe carries now."""
        self._opening: asyncio.Handle | None = None
        lender.shortcut = self

    def offer(self, message: bytes, out: WayOut) -> None:
        """The lane has passed this message to that agent: the next ones may take the pipe.

        Not at once: more may have come with it, which the lane is about to look at.
        """
        if self._opening is None:
            self._opening = asyncio.get_running_loop().call_soon(self._open, message, out)

    def _open(self, message: bytes, out: WayOut) -> None:
        self._opening = None
        pace, target = self._ear.pace(), out.lend(self.withdraw, partial(self._send_aside, out))
        if pace is None or pace.audio_size > LONGEST_PIECE or target is None:
            return
        pattern = self._pattern_of(message)
        if pattern is None or not self._pipe.learn(pattern) or (source := self._lender.lend()) < 0:
            return
        self._out = out
        if not self._pipe.open(source, target, (out.head, out.tail), pace):
            self._lender.take_back(b"")

    def withdraw(self) -> None:
        """What comes from now on is the lane's again."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        # If it has ended by itself, what it has read is on its way to us, and comes before what is read next.
        if self._pipe.is_open:
            self._pipe.close()
            self._give_back(b"")

    def _give_back(self, read: bytes) -> None:
        try:
            self._listen()
        finally:
            self._lender.take_back(read)

    def _write(self, frames: bytes) -> None:
        if self._out is not None:
            with suppress(RuntimeError):  # the transport was closed just now
                self._out.write(frames)

    def _send_aside(self, out: WayOut, frame: bytes) -> bool:
        """A frame that is no audio goes the pipe's way, too, or all that follow it would go by Python."""
        if out is not self._out or not self._pipe.is_open or not self._pipe.leads_to_socket:
            return False
        sent = self._pipe.send(frame)
        if sent < len(frame):
            self.withdraw()
            out.write(frame[sent:])
        return True

    def _listen(self) -> None:
        if heard := self._pipe.heard():
            self._ear.gather(heard)

    def passed(self) -> int:
        """How many messages, since this was asked last."""
        return self._pipe.passed()

    def close(self) -> None:
        """The lane is closed, or the caller's socket about to be."""
        self.withdraw()
        self._listen()
        self._lender.shortcut = None
        self._pipe.remove()
