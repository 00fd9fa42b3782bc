"""The fast lane: plain audio from one socket to the other in one step, as the bytes that came.

A WebSocket message usually costs a parser's generator, a frame object, a queue, a task's wake-up and two passes
of JSON: three times what the system calls cost. Nearly all messages of a call are the same one, audio. Here they
are cut out of the byte stream as they arrive and written to the other side before the read returns:

    bytes read -> cutter -> take(message) -> the other side's send_now(message)

What an agent tells of the conversation (who said what, that the caller interrupts) is dealt with in the same step.
Whatever else comes (control frames, fragments, oversized or broken frames, other messages) goes whole to the
ordinary implementation below, which therefore always stands at the boundary of a frame and remains the only one
that knows WebSocket's rules. Two things keep the lane honest:

- The ordinary road has the right of way. While a message travels on it, every later one follows it there.
- The lane never waits. What cannot be written now goes the ordinary road, with its back-pressure, or into the bridge's
  bounded queue, where the caller's audio waits for an agent that is not there yet or reads slowly.
"""

from collections.abc import Callable
from typing import Protocol

from agents.events import AgentEvent

Take = Callable[[bytes], bool]
"""Deal with this at once, or return False and leave it untouched."""
Note = Callable[[AgentEvent], bool]
"""The same of what an agent tells."""


def not_now(what: object) -> bool:
    """A Take and a Note where there is no lane: not yet, not here, or no longer."""
    return False


def nobody_asks() -> None:
    """Of a change."""


def nobody_reads(what: object) -> None:
    """Of what is closed."""


class SendsNow(Protocol):
    """The sending half of a lane."""

    def send_now(self, message: bytes) -> bool:
        """Write one message; False, and nothing written, when the socket is closing or its peer reads slowly."""
        ...


class WayOut(Protocol):
    """Audio on its way to one of the two, as whole frames of `head`, base64 and `tail` each."""

    head: bytes
    tail: bytes
    write: Callable[[bytes], None]
    """Frames of whoever has borrowed it."""

    def lend(self, changes: Callable[[], None], aside: Take) -> int | None:
        """The file to which frames may be written until `changes` is called; -1 if they must go by `write`.

        Small frames of others may be offered to `aside`. None: not now.
        """
        ...

    def waits(self) -> bool:
        """Whether anything that was written does."""
        ...
