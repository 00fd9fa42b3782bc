"""The pump: what the lane does with audio, in C (`pump.c`), for as long as nothing else is said.

    the caller's socket readable -> pump_turn -> the agent's socket, and the other way round

A pipe borrows the reading of a socket from the event loop, and gives it back, with all it has read, at the
first byte that is not plain audio of a known pattern. The lane in Python deals with that, and with every frame until
somebody opens the pipe again: it remains the one that knows what a frame means, and this is only its shorter form.
"""

import asyncio
import ctypes
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from struct import Struct
from weakref import WeakKeyDictionary, finalize

from agents.fast_lane import nobody_reads
from agents.fast_lane.pump.library import Told, loaded
from agents.fast_lane.pump.words import Heard, Pace, Pattern

_TO_READ, _TO_WRITE, _HEARD = 1, 2, 3
_notice, _heard = Struct("4I"), Struct("4d")
"""`notice_t` and `heard_t` there."""
_MOST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Ends:
    """What a pipe tells."""

    to_read: Callable[[bytes], None]
    """It has ended: these bytes were read and are no audio, and more is to be read by others. b"": the end, perhaps."""
    to_write: Callable[[bytes], None]
    """These frames are to be written for it."""
    heard: Callable[[Heard], None]
    """As much as it keeps, or all until a pause."""


_LOOSE = Ends(nobody_reads, nobody_reads, nobody_reads)


class Pipe:
    """From one socket to another."""

    __slots__ = ("_library", "_number", "_pipe", "_pump", "_removed", "context", "ends", "leads_to_socket")

    def __init__(self, pump: "Pump", number: int, ends: Ends, *, masks: bool) -> None:
        self._library = pump.library
        self._pump = pump
        self._number = number
        self.ends = ends
        self.context = copy_context()
        """What its ends are told in is this call's."""
        self.leads_to_socket = False
        self._removed = False
        self._pipe = self._library.pipe_new(pump.handle, number, masks)
        if not self._pipe:
            raise MemoryError

    @property
    def is_open(self) -> bool:
        return bool(self._library.pipe_is_open(self._pipe))

    def learn(self, pattern: Pattern) -> bool:
        """False: such messages cannot be known."""
        places = [
            place
            for part in (pattern.audio, pattern.number)
            for place in (part.start, part.stop - part.start)
        ]
        return bool(self._library.pipe_learn(self._pipe, pattern.like, len(pattern.like), *places))

    def open(
        self, source: int, target: int, around: tuple[bytes, bytes], pace: Pace, *, least: int = 0
    ) -> bool:
        """Take over the reading of the file `source`, which nobody else may read meanwhile.

        To the file `target` only whole frames may be written meanwhile; -1 if frames are to be written another way.
        `around` stands on both sides of the audio in them. Messages whose number is below `least` do not pass.
        """
        if self._removed:
            return False
        head, tail = around
        self.leads_to_socket = target >= 0
        return not self._library.pipe_open(
            self._pipe, source, target, head, len(head), tail, len(tail), *pace, min(least, _MOST)
        )

    def close(self) -> None:
        """Read and write no more. It may be opened again."""
        self._library.pipe_close(self._pipe)

    def send(self, frame: bytes) -> int:
        """Write a frame of somebody else's to the target, as far as it goes: so many bytes.

        Also when the pipe has ended by itself, if nothing else that was written there waits.
        """
        sent: int = self._library.pipe_send(self._pipe, frame, len(frame))
        return sent

    def passed(self) -> int:
        """How many messages, since this was asked last."""
        passed: int = self._library.pipe_passed(self._pipe)
        return passed

    @property
    def passed_at(self) -> float:
        """When the last one did; 0: none has."""
        at: float = self._library.pipe_passed_at(self._pipe)
        return at

    def heard(self) -> Heard | None:
        """What has passed since it was told of."""
        told = self._pump.told
        size = self._library.pipe_heard(self._pipe, told, 0.0)
        return _as_heard(ctypes.string_at(told, size)) if size > _heard.size else None

    def remove(self) -> None:
        """For good; what has passed can still be asked."""
        self.close()
        self._removed = True
        self.ends = _LOOSE  # or we and whoever has us would hold each other
        self._pump.forget(self._number)

    def __del__(self) -> None:
        if self._pipe:
            # Whatever is thrown away together with it, in an order of its own, may ask it for something still.
            pipe, self._pipe, self._removed = self._pipe, self._library.pipe_nil(), True
            self._library.pipe_free(pipe)


class Pump:
    """All pipes of an event loop. It is there as long as that is: who carries a call may want one at any time."""

    def __init__(self, library: ctypes.PyDLL, loop: asyncio.AbstractEventLoop) -> None:
        self.library = library
        self.handle = library.pump_new()
        if not self.handle:
            raise OSError("no pump: too many open files, perhaps")
        self.told = ctypes.create_string_buffer(library.pipe_most_heard())
        finalize(self, library.pump_free, self.handle).atexit = False  # a loop may outlive that, and turn us
        self._pipes: dict[int, Pipe] = {}
        self._numbers = 0
        self._notices = library.pump_notices(self.handle)
        self._arena = library.pump_arena(self.handle)
        # In a context of nobody's: this may be somebody's call. No Python in between: most turns have nothing to tell.
        turn = partial(library.pump_turn, ctypes.c_void_p(self.handle), Told(self._act))
        Context().run(loop.add_reader, library.pump_fd(self.handle), turn)

    def pipe(self, ends: Ends, *, masks: bool) -> Pipe:
        """One that `masks` leads from a peer that does to one for which we must."""
        self._numbers = self._numbers % 0xFFFF_FFFF + 1
        pipe = self._pipes[self._numbers] = Pipe(self, self._numbers, ends, masks=masks)
        return pipe

    def forget(self, number: int) -> None:
        self._pipes.pop(number, None)

    def _act(self, count: int) -> None:
        # All are read before the first is acted on: what that does may end another pipe, or the pump.
        notices = ctypes.string_at(self._notices, count * _notice.size)
        told = [self._read(*notice) for notice in _notice.iter_unpack(notices)]
        # The rest of a frame before whatever else anybody writes for what is read now.
        for ends, context, kind, content in sorted(told, key=_is_no_rest):
            try:
                if kind == _HEARD:
                    context.run(ends.heard, _as_heard(content))
                elif kind == _TO_WRITE:
                    context.run(ends.to_write, content)
                else:
                    context.run(ends.to_read, content)
            except Exception as error:  # noqa: BLE001 - as the loop does: the next notice is of another call
                what = {"message": "A pipe's end failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(what)

    def _read(self, number: int, kind: int, at: int, size: int) -> tuple[Ends, Context, int, bytes]:
        pipe = self._pipes[number]
        return pipe.ends, pipe.context, kind, ctypes.string_at(self._arena + at, size)


def _is_no_rest(told: tuple[Ends, Context, int, bytes]) -> bool:
    return told[2] != _TO_WRITE


def _as_heard(told: bytes) -> Heard:
    frames, earliest, last, resumed = _heard.unpack_from(told)
    return Heard(int(frames), earliest, last, resumed, told[_heard.size :])


_pumps: WeakKeyDictionary[asyncio.AbstractEventLoop, Pump] = WeakKeyDictionary()


def pump_here() -> Pump | None:
    """That of the running loop; None where there is none."""
    loop = asyncio.get_running_loop()
    pump = _pumps.get(loop)
    if pump is None and (library := loaded()) is not None:
        with suppress(OSError):
            pump = _pumps[loop] = Pump(library, loop)
    return pump
