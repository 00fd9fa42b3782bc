"""Cuts WebSocket frames out of a byte stream.  Source: RFC 6455, section 5.2."""

import asyncio
import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import cache
from struct import Struct, iter_unpack
from typing import Any, ClassVar, cast

from websockets.protocol import Protocol, State
from websockets.speedups import apply_mask

from agents.fast_lane import Take, nobody_reads, not_now
from agents.fast_lane.shortcut import Shortcut

TEXT, BINARY = 0x81, 0x82
"""The first byte of a whole message: FIN, no reserved bit, and the kind."""

_FIN = 0x80
_MASKED = 0x80
_SHORT_MASKED = _MASKED | 126
"""The second byte of a masked frame whose length takes two bytes, as nearly all have."""
_CONTROL = 0x08
_OPCODES = frozenset({0x0, 0x1, 0x2, 0x8, 0x9, 0xA})
_HANDSHAKE_ENDS = b"\r\n\r\n"

USUAL_BYTES = 2048
"""A carrier's frames are smaller than this."""
_HEAD, _MASK, _MASKED_PAYLOAD, _PAYLOAD = slice(0, 4), slice(4, 8), slice(8, None), slice(4, None)

_short_header = Struct("!BB").pack
_header = Struct("!BBH").pack
_long_header = Struct("!BBQ").pack
_short_masked = Struct("!BB4s").pack
_masked_header = Struct("!BBH4s").pack
_long_masked = Struct("!BBQ4s").pack


def server_frame(message: bytes, first: int = TEXT) -> bytes:
    size = len(message)
    if size < 126:
        return _short_header(first, size) + message
    if size < 65536:
        return _header(first, 126, size) + message
    return _long_header(first, 127, size) + message


def client_frame(message: bytes, first: int = TEXT) -> bytes:
    size = len(message)
    mask = next_mask()
    if size < 126:
        return _short_masked(first, _MASKED | size, mask) + apply_mask(message, mask)
    if size < 65536:
        return _masked_header(first, _SHORT_MASKED, size, mask) + apply_mask(message, mask)
    return _long_masked(first, _MASKED | 127, size, mask) + apply_mask(message, mask)


def _masks() -> Iterator[bytes]:
    """Unpredictable, as they must be, with one system call for a thousand."""
    while True:
        for (mask,) in iter_unpack("4s", os.urandom(4096)):
            yield mask


next_mask = _masks().__next__


@cache
def usual_heads(first: int) -> list[bytes]:
    """How a masked frame begins that is so many bytes long in all; b"" where that is not the usual form of it."""
    return [
        _header(first, _SHORT_MASKED, size - 8) if size >= 8 + 126 else b"" for size in range(USUAL_BYTES)
    ]


class Way:
    """A `data_received` for one whole frame of some hundred bytes, as nearly all are, and what it looks at.

    Together in one small object: between two frames of a call those of hundreds of others pass, and what has left the
    processor's cache meanwhile costs more to fetch than to compute with.
    """

    __slots__ = ("between_messages", "clear", "first", "heads", "ordinary", "take")

    take: Take
    ordinary: Callable[[bytes], None]
    """What knows all the other frames."""

    def __init__(self) -> None:
        self.first = TEXT
        self.heads: list[bytes] = []
        self.between_messages = False
        """The next byte begins a message, messages are exchanged as far as our peer is concerned, and somebody
        takes them."""
        self.clear = False
        """Nothing travels on the ordinary road: its reader waits for more, and nothing is on its way to it."""

    def __enter__(self) -> None:
        """While the ordinary road's reader, done with what it had, waits for its next message."""
        self.clear = True

    def __exit__(self, *_raised: object) -> None:
        self.clear = False

    def masked(self, data: bytes) -> None:
        if not (
            self.between_messages
            and self.clear
            and (size := len(data)) < USUAL_BYTES
            and data[_HEAD] == self.heads[size]
            and self.take(apply_mask(data[_MASKED_PAYLOAD], data[_MASK]))
        ):
            self.ordinary(data)

    def plain(self, data: bytes) -> None:
        if not (
            self.between_messages
            and self.clear
            and (size := len(data)) > 126
            and data[0] == self.first
            and data[1] == 126
            and size == 4 + (data[2] << 8 | data[3])
            and self.take(data[_PAYLOAD])
        ):
            self.ordinary(data)


class Cutter:
    """The receiving half of a lane: a mixin in front of an ordinary implementation's `data_received`.

    It stores nothing but the beginning of a frame that it may take, at most `lane_bytes` and a header.
    """

    # Slots, as the ordinary implementations have many attributes: with more than thirty, or with one that none of
    # the first instances had at its beginning, an instance shares no names with others, and its dictionary takes
    # 1.5 KiB instead of 0.3.
    __slots__ = (
        "_cutting",
        "_fragmented",
        "_held",
        "_passes_message",
        "_passing",
        "_protocol",
        "_take",
        "_takes",
        "_wanted",
        "shortcut",
        "way",
    )

    peer_masks: ClassVar[bool]
    """Clients must mask what they send, servers must not."""
    lane_bytes: ClassVar[int]
    """Longer messages go the ordinary road, which knows what is too long."""

    transport: asyncio.Transport
    _protocol: Protocol

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.way = Way()
        self.shortcut: Shortcut | None = None
        """Who may borrow the reading."""
        self._take: Take | None = None
        self._takes = TEXT
        self._cutting = False
        """From the end of the handshake to the beginning of the end."""
        self._fragmented = False
        self._passing = 0
        """How many bytes of the frame that is being handed over are still to come."""
        self._passes_message = False
        self._held: bytes | bytearray = b""
        self._wanted = 0
        """With this many bytes held there is something new to see."""
        super().__init__(*args, **kwargs)
        # Known from the beginning, as its name has to be.
        self.__dict__["data_received"] = None
        del self.__dict__["data_received"]

    @abstractmethod
    def hand_over(self, data: bytes) -> None:
        """Give bytes to the ordinary implementation."""

    @abstractmethod
    def is_alive(self) -> bool:
        """Whether the connection is not closing: it is being opened, or is open."""

    @abstractmethod
    def sansio(self) -> Protocol:
        """The ordinary implementation's protocol: while its state is OPEN messages are exchanged."""

    def receive_anew(self) -> None:
        """Tell the transport that `data_received` is another one: it may have looked it up once and for all.

        One that closes reads no more, and lets go of its protocol once: given it again, it would keep it.
        """
        if not self.transport.is_closing():
            self.transport.set_protocol(cast(asyncio.BaseProtocol, self))

    def open_lane(self, take: Take, *, binary: bool = False) -> None:
        """From now on offer whole messages to `take`: text, unless the carrier's audio is binary."""
        self._takes = BINARY if binary else TEXT
        self._take = take
        self._protocol = self.sansio()
        self._look_around()
        way = self.way
        way.take, way.ordinary = take, Cutter.data_received.__get__(self)
        way.first, way.heads = self._takes, usual_heads(self._takes)
        self.__dict__["data_received"] = way.masked if self.peer_masks else way.plain
        self.receive_anew()

    def close_lane(self) -> None:
        self.close_shortcut()
        self._take = None
        self._look_around()
        self.way.take, self.way.ordinary = not_now, nobody_reads  # or it and we would hold each other
        if self.__dict__.pop("data_received", None):
            self.receive_anew()

    def reads_later(self) -> bool:
        """Whether the ordinary implementation has more than it wants, and reads no more for now."""
        return False

    def lends(self) -> int:
        """As `shortcut.Lender`, with the next three."""
        free = self.way.between_messages and self.way.clear and not self.reads_later()
        if not free or self.transport.is_closing() or self.transport.get_extra_info("sslcontext") is not None:
            return -1
        file: int = self.transport.get_extra_info("socket").fileno()
        return file

    def lend(self) -> None:
        self.transport.pause_reading()

    def take_back(self) -> None:
        if not self.reads_later():
            self.transport.resume_reading()

    def deal_with(self, read: bytes) -> None:
        if not read or self.transport.is_closing():  # who closes reads no more
            return
        try:
            self.data_received(read)
        except Exception:  # as the loop does with what it has read itself
            self.transport.abort()
            raise

    def close_shortcut(self) -> None:
        if self.shortcut is not None:
            self.shortcut.close()

    def data_received(self, data: bytes) -> None:
        if not self._cutting:
            data = self._after_handshake(data)
        elif self._held:
            data = self._with_held(data)
        if data:
            self._cut(data)
        self._look_around()  # nothing but this road changes any of it

    def _look_around(self) -> None:
        under_way = self._held or self._passing or self._fragmented
        self.way.between_messages = self._take is not None and self._cutting and not under_way

    def _cut(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at < end:
            if self._passing:
                stop = min(at + self._passing, end)
                self._passing -= stop - at
                if self._passes_message:  # its reader may have come back before the whole of it was there
                    self.way.clear = False
                self.hand_over(data[at:stop])
                at = stop
                continue
            payload, stop = _measure(data, at, end)
            if not stop:
                if self._is_breach(data[at:]):
                    self._give_up(data[at:])
                else:
                    self._hold(data[at:], payload - at)
                return
            if data[at] == self._takes and self._may_take(data[at + 1], stop - payload):
                if stop > end:
                    self._hold(data[at:], stop - at)
                    return
                message = data[payload:stop]
                if self.peer_masks:
                    message = apply_mask(message, data[payload - 4 : payload])
                if self._take(message):  # type: ignore[misc]  # _may_take
                    at = stop
                    continue
            at = self._begin_handing_over(data, at, stop)
            if not self.is_alive():
                self._give_up(data[at:])
                return

    def _may_take(self, second: int, size: int) -> bool:
        return (
            self.way.clear
            and self._take is not None
            and not self._fragmented
            and size <= self.lane_bytes
            and (second >= _MASKED) is self.peer_masks
            and self._protocol.state is State.OPEN
        )

    def _is_breach(self, beginning: bytes) -> bool:
        """Whether the ordinary implementation refuses a frame that begins like this, without waiting for more."""
        if len(beginning) < 2:
            return False
        return (beginning[1] >= _MASKED) is not self.peer_masks or beginning[0] & 0x0F not in _OPCODES

    def _begin_handing_over(self, data: bytes, at: int, stop: int) -> int:
        """As much of one frame as is there; where the rest of `data` begins."""
        first = data[at]
        self._passes_message = not first & _CONTROL
        if self._passes_message:
            self._fragmented = not first & _FIN
            self.way.clear = False
        there = min(stop, len(data))
        self._passing = stop - there
        self.hand_over(data[at:there])
        return there

    def _hold(self, beginning: bytes, wanted: int) -> None:
        self._held = bytearray(beginning)
        self._wanted = wanted

    def _with_held(self, data: bytes) -> bytes:
        """What was held and what has come since; nothing while it is too little."""
        self._held += data
        if len(self._held) < self._wanted:
            return b""
        data = bytes(self._held)
        self._held = b""
        return data

    def _after_handshake(self, data: bytes) -> bytes:
        """What belongs to no handshake: frames begin after its blank line, perhaps in the same bytes."""
        if not self.is_alive():
            self.hand_over(data)
            return b""
        seen = self._held + data
        ends = seen.find(_HANDSHAKE_ENDS)
        if ends < 0:
            self._held = seen[-3:]
            self.hand_over(data)
            return b""
        frames = ends + len(_HANDSHAKE_ENDS) - len(self._held)
        self._held = b""
        self._cutting = True
        self.hand_over(data[:frames])
        return data[frames:]

    def _give_up(self, rest: bytes) -> None:
        """The connection closes: its last bytes are the ordinary implementation's alone."""
        self._cutting = False
        if rest:
            self.hand_over(rest)


def _measure(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the payload of the frame at `at` begins and where the frame ends: either may be beyond `end`.

    While its length is incomplete: where that ends for all one can see, and 0.
    """
    if end - at < 2:
        return at + 2, 0
    second = data[at + 1]
    size = second & 0x7F
    payload = at + 2
    if size == 126:
        payload += 2
        size = int.from_bytes(data[at + 2 : payload], "big")
    elif size == 127:
        payload += 8
        size = int.from_bytes(data[at + 2 : payload], "big")
    if payload > end:
        return payload, 0
    if second >= _MASKED:
        payload += 4
    return payload, payload + size
