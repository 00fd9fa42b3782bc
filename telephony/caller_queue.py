"""What the caller sends while the agent cannot take it."""

from collections import deque
from dataclasses import dataclass

from agents.fast_lane import LaneSession
from telephony.frames import CallerAudio, Digit
from telephony.signal import Signal

MAX_WAITING_FRAMES = 250
"""Five seconds of the caller's audio, while the agent is being reached or reads slowly."""
MAX_WAITING_BYTES = 256 * 1024
"""The same for carriers whose frames are larger than they need to be."""


@dataclass(frozen=True, slots=True)
class Whisper:
    """What somebody of the team tells the agent. It goes the caller's way, and the caller does not hear it."""

    text: str


ForAgent = CallerAudio | Digit | Whisper


def _size(frame: ForAgent) -> int:
    return len(frame.audio) if isinstance(frame, CallerAudio) else 0


class CallerQueue:
    """What the caller sends, bounded: when the agent does not take it, the oldest audio goes first."""

    __slots__ = ("_filled", "_frames", "idle", "passed", "passing")

    def __init__(self, limit: int = MAX_WAITING_FRAMES) -> None:
        self._frames: deque[ForAgent] = deque(maxlen=limit)
        self._filled = Signal()
        self.passing: LaneSession | None = None
        """Who takes audio past the queue. None: all of it goes through here, to be translated, say."""
        self.passed = 0
        """How many messages have gone past."""
        self.idle = False
        """There is such a one, nothing waits, and whoever takes it out has dealt with what it took."""

    def let_pass(self, passing: LaneSession | None) -> None:
        self.passing = passing
        self.idle = self.idle and passing is not None

    def put(self, frame: ForAgent) -> None:
        self.idle = False
        self._frames.append(frame)
        while sum(map(_size, self._frames)) > MAX_WAITING_BYTES:
            self._frames.popleft()
        self._filled.set()

    async def get(self) -> ForAgent:
        while not self._frames:
            self._filled.clear()
            self.idle = self.passing is not None
            await self._filled.wait()
        return self._frames.popleft()
