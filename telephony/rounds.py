"""What is seen of a call by looking at it once a second, so that nothing has to be looked at with each frame."""

from dataclasses import dataclass

ROUND_SECONDS = 1.0
FLOOD_FRAMES = 100
"""In a second: twice what a carrier sends. A backlog after a gap may be more, once."""
FLOOD_ROUNDS = 2
MOST_BEYOND = 1500
"""So many more than that, added up, whenever they come: half a minute's backlog is the most that an honest one has."""
QUIET_ROUNDS = 2


@dataclass(slots=True)
class Rounds:
    """Of the frames that came from the carrier, whichever way they took."""

    looked_at: float
    """On the clock of `look`, in seconds."""
    _seen: int = 0
    _crowded: int = 0
    _beyond: float = 0.0
    _empty: int = 0

    def look(self, frames: int, now: float) -> None:
        """`frames` since the call began; asked about every ROUND_SECONDS."""
        came, self._seen = frames - self._seen, frames
        # On a busy machine a round lasts longer than it should, and an honest caller sends more in it.
        passed, self.looked_at = now - self.looked_at, now
        self._crowded = self._crowded + 1 if came > FLOOD_FRAMES * max(passed, ROUND_SECONDS) else 0
        self._beyond = max(0.0, self._beyond + came - FLOOD_FRAMES * passed)
        self._empty = 0 if came else self._empty + 1

    @property
    def flooded(self) -> bool:
        return self._crowded >= FLOOD_ROUNDS or self._beyond > MOST_BEYOND

    @property
    def quiet(self) -> bool:
        """The carrier has paused: a mute, a hold, a network."""
        return self._empty >= QUIET_ROUNDS
