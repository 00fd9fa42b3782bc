"""What the caller hears, second by second: never two things at once, and no gaps in between."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Sound = Literal["ringing", "silence", "agent", "say", "play", "dial", "record", "busy", "caller"]


@dataclass
class Segment:
    sound: Sound
    start_ms: int
    end_ms: int | None = None  # None while it lasts
    text: str = ""

    def to_json(self) -> dict[str, object]:
        told: dict[str, object] = {"sound": self.sound, "startMs": self.start_ms, "endMs": self.end_ms}
        return {**told, "text": self.text} if self.text else told


class Timeline:
    """Times are milliseconds since the caller dialled."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.segments = [Segment("ringing", 0)]

    def now_hears(self, sound: Sound, text: str = "", *, since_ms: int | None = None) -> None:
        """From now on, or from a moment ago: a voice is recognised only once it has been heard a little."""
        last = self.segments[-1]
        at_ms = max(self._now_ms() if since_ms is None else since_ms, last.start_ms)
        if last.sound == sound and last.text == text:
            return
        last.end_ms = at_ms
        self.segments.append(Segment(sound, at_ms, text=text))

    def hang_up(self) -> None:
        if self.segments[-1].end_ms is None:
            self.segments[-1].end_ms = max(self._now_ms(), self.segments[-1].start_ms)

    def at(self, t_ms: float) -> Segment | None:
        """None after the call."""
        for segment in self.segments:
            if segment.start_ms <= t_ms and (segment.end_ms is None or t_ms < segment.end_ms):
                return segment
        return None

    def sound_at(self, t_ms: float) -> Sound | None:
        segment = self.at(t_ms)
        return None if segment is None else segment.sound

    def all_of(self, sound: Sound) -> list[Segment]:
        return [segment for segment in self.segments if segment.sound == sound]

    def first_ms(self, sound: Sound) -> int | None:
        return next((segment.start_ms for segment in self.all_of(sound)), None)

    @property
    def says(self) -> list[str]:
        return [segment.text for segment in self.all_of("say")]

    def longest_ms(self, sound: Sound) -> int:
        """Of the segments that are over."""
        return max((s.end_ms - s.start_ms for s in self.all_of(sound) if s.end_ms is not None), default=0)

    def __str__(self) -> str:
        return ", ".join(
            f"{s.sound} {s.start_ms / 1000:.1f}-{'' if s.end_ms is None else f'{s.end_ms / 1000:.1f}'} s"
            for s in self.segments
        )
