"""Which 20 ms frame is due, and how much has been played. Pure: it is told the time and never asks for it.

Infobip plays what it is sent in order, in real time, and says nothing of it. So audio is sent as it is spoken,
at most `lead_s` ahead: what was sent and cannot have been played yet is then never more than that.
"""

from agents.audio import AudioFormat

FRAME_S = 0.02
LEAD_S = 0.1
"""Far enough ahead that a late timer starves nobody, near enough that an interruption is heard at once."""
PAD_AFTER_S = 0.06
"""The rest of a chunk waits so long for the next one before silence fills its frame up."""
SILENCE_AFTER_S = 0.2
"""A shorter gap is the agent's network, and the carrier's to bridge."""


class Pacer:
    """All times in seconds of one monotonic clock; all audio in one format."""

    def __init__(
        self, audio_format: AudioFormat, now: float, *, lead_s: float = LEAD_S, sends_silence: bool = True
    ) -> None:
        self.frame_bytes = round(audio_format.bytes_per_second * FRAME_S)
        self._bytes_per_second = audio_format.bytes_per_second
        self._silence = b"\x00" * self.frame_bytes
        self._lead_s = lead_s
        self._sends_silence = sends_silence
        self._waiting = bytearray()
        self._ends_at = now
        """When all that was sent will have been played."""
        self._speech_at_end_s = 0.0
        """How much speech was sent since the last silence: of that alone something may be unplayed."""
        self._speech_s = 0.0
        self._is_silent = True
        self._is_ending = False

    @property
    def waiting_s(self) -> float:
        """Speech that was not sent yet."""
        return len(self._waiting) / self._bytes_per_second

    def add(self, audio: bytes) -> None:
        self._is_ending = False
        self._waiting += audio

    def end_turn(self) -> None:
        """Nothing follows soon: an incomplete last frame need not wait for its rest."""
        self._is_ending = True

    def next_frame(self, now: float) -> bytes | None:
        """One frame to be sent now; ask again until there is none."""
        if now < self.next_at():
            return None
        if self._waiting:
            size = self.frame_bytes
            frame = bytes(self._waiting[:size])
            del self._waiting[:size]
            self._played_from(now)
            self._speech_s += FRAME_S
            self._speech_at_end_s += FRAME_S
            self._is_silent = False
            return frame if len(frame) == size else frame.ljust(size, b"\x00")
        self._played_from(now)
        self._speech_at_end_s = 0.0
        self._is_silent = True
        return self._silence

    def _played_from(self, now: float) -> None:
        self._ends_at = max(self._ends_at, now) + FRAME_S

    def next_at(self) -> float:
        """When the next frame is due; infinity while there is none."""
        if len(self._waiting) >= self.frame_bytes or (self._waiting and self._is_ending):
            return self._ends_at + FRAME_S - self._lead_s
        if self._waiting:
            return self._ends_at + PAD_AFTER_S
        if self._sends_silence:
            return self._ends_at if self._is_silent else self._ends_at + SILENCE_AFTER_S
        return float("inf")

    def clear(self, now: float) -> float:
        """Forget what waits and what the carrier is about to forget: how many seconds were not played."""
        ahead, waiting = self._ahead(now), self.waiting_s
        self._speech_s -= ahead
        self._waiting.clear()
        self._ends_at = now
        self._speech_at_end_s = 0.0
        return ahead + waiting

    def played_seconds(self, now: float) -> float:
        """Of the agent's speech, since the beginning."""
        return self._speech_s - self._ahead(now)

    def left_s(self, now: float) -> float:
        """Until the last of it will have been played."""
        return self._ahead(now) + self.waiting_s

    def _ahead(self, now: float) -> float:
        """Speech that was sent and not played yet."""
        return min(max(self._ends_at - now, 0.0), self._speech_at_end_s)
