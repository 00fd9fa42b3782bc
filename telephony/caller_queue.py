"""What the caller sends: past the queue while the agent takes it, else into it."""

from base64 import b64decode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from agents.fast_lane import LaneSession, Take
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


class Passage:
    """The caller's audio past the queue: all that each frame looks at, in one small object (`fast_lane.cutter.Way`)."""

    __slots__ = ("feed", "hear", "open", "pass_audio", "passed", "plain_audio")

    plain_audio: Callable[[bytes], bytes | None]
    """The base64 of a carrier's message of audio, or None for a message to be decoded."""
    pass_audio: Take
    """The agent's."""

    def __init__(self, hear: Callable[[float, bytes], None], feed: Callable[[CallerAudio], None]) -> None:
        """`hear` is told of each audio that passes, and when it came; `feed` is given what has to wait."""
        self.hear, self.feed = hear, feed
        self.open = False
        """There is such an agent, nothing waits, and whoever takes it out has dealt with what it took."""
        self.passed = 0
        """How many messages have gone through since somebody set it to zero, as somebody should every second: the
        numbers up to 256 are there already, others are made, and forgotten, one with each frame."""

    def take(self, message: bytes) -> bool:
        """False: not taken, it is no plain audio."""
        audio = self.plain_audio(message)
        if audio is None:
            return False
        self.passed += 1
        # What waits has the right of way: for the agent to be there, or to read faster.
        if self.open and self.pass_audio(audio):
            self.hear(monotonic(), audio)
        else:
            self.feed(CallerAudio(b64decode(audio)))
        return True


class CallerQueue:
    """What the caller sends, bounded: when the agent does not take it, the oldest audio goes first."""

    __slots__ = ("_bytes", "_filled", "_frames", "_limit", "lane", "passage")

    def __init__(self, passage: Passage, limit: int = MAX_WAITING_FRAMES) -> None:
        self.passage = passage
        self._frames: deque[ForAgent] = deque()
        self._limit = limit
        self._bytes = 0
        """Of all that waits."""
        self._filled = Signal()
        self.lane: LaneSession | None = None
        """Who takes audio past the queue. None: all of it goes through here, to be translated, say."""

    def let_pass(self, lane: LaneSession | None) -> None:
        self.lane = lane
        self.passage.open = self.passage.open and lane is not None
        if lane is not None:
            self.passage.pass_audio = lane.pass_audio

    def put(self, frame: ForAgent) -> None:
        self.passage.open = False
        self._frames.append(frame)
        self._bytes += _size(frame)
        while len(self._frames) > self._limit or self._bytes > MAX_WAITING_BYTES:
            self._next()
        self._filled.set()

    async def get(self) -> ForAgent:
        while not self._frames:
            self._filled.clear()
            self.passage.open = self.lane is not None
            await self._filled.wait()
        return self._next()

    def _next(self) -> ForAgent:
        frame = self._frames.popleft()
        self._bytes -= _size(frame)
        return frame
