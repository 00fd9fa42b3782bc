"""What an agent's session is that can take the lane."""

from typing import Protocol, runtime_checkable

from agents.fast_lane import Note, Take, WayOut
from agents.fast_lane.pump import Pump
from agents.fast_lane.shortcut import Ear, Shortcut


@runtime_checkable
class LaneSession(Protocol):
    """An AgentSession whose audio can take the lane. `audio` is base64 in the session's formats."""

    pass_audio: Take
    """The caller's audio. False: not now, send it the ordinary way. Another one after it is reopened."""
    way_out: WayOut | None
    """Where that leads."""

    def pass_to(self, play: Take, note: Note) -> None:
        """Offer the agent's audio to `play` first, and what else it tells to `note`; all that they leave comes by
        `events`. Valid for one opened (or reopened) session."""
        ...

    def shorten(self, pump: Pump, ear: Ear, way_out: WayOut) -> Shortcut | None:
        """Let audio like that which `play` takes go past Python, which is what `way_out` leads to. As long as that."""
        ...
