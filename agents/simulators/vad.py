"""Voice activity: when does somebody start to speak, and when have they finished?"""

from collections import deque
from enum import Enum

from agents.simulators.audio import Format, loudness

FRAME_MS = 20
ONSET_WINDOW = 5  # frames


class Activity(Enum):
    STARTED = "started"
    ENDED = "ended"


class VoiceActivity:
    """Energy over 20 ms frames. Sixty loud milliseconds in a hundred start speech, `end_ms` of quiet end it,
    so that a click starts nothing and the gap between two words ends nothing."""

    def __init__(self, audio_format: Format, *, end_ms: int = 400, threshold: float = 2.5) -> None:
        self.speaking = False
        self._format = audio_format
        self._threshold = threshold
        self._frame_bytes = audio_format.bytes_for(FRAME_MS)
        self._pending = bytearray()
        self._recent: deque[bool] = deque(maxlen=ONSET_WINDOW)
        self._quiet_frames = 0
        self._frames_to_end = end_ms // FRAME_MS

    def feed(self, audio: bytes) -> list[Activity]:
        """Chunks of any size; a frame begun in one chunk is finished by the next."""
        self._pending += audio
        changes = []
        while len(self._pending) >= self._frame_bytes:
            frame = bytes(self._pending[: self._frame_bytes])
            del self._pending[: self._frame_bytes]
            if (change := self._hear(loudness(frame, self._format) >= self._threshold)) is not None:
                changes.append(change)
        return changes

    def _hear(self, loud: bool) -> Activity | None:
        if not self.speaking:
            self._recent.append(loud)
            if sum(self._recent) < 3:
                return None
            self.speaking, self._quiet_frames = True, 0
            return Activity.STARTED
        self._quiet_frames = 0 if loud else self._quiet_frames + 1
        if self._quiet_frames < self._frames_to_end:
            return None
        self.speaking = False
        self._recent.clear()
        return Activity.ENDED
