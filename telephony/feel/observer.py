"""Listens to one call on both sides, and tells at its end what was heard."""

from dataclasses import dataclass

from agents.audio import AudioFormat
from telephony.feel.ears import AgentEar, CallerEar

MAX_CLEARS = 300
LONGEST_SETUP_SECONDS = 6.0
"""A caller may have been on the stream for so long before the bridge was there."""

Stretches = list[tuple[float, float]]
"""[start, end) each, in order and apart from one another."""


@dataclass(frozen=True, slots=True)
class Clear:
    """What the agent had said and the carrier not yet played was thrown away."""

    at: float
    unheard: float
    """Seconds of the agent's speech."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole call: who spoke when, in seconds of one clock."""

    began: float
    ended: float
    caller: Stretches
    agent: Stretches
    """What the caller heard of the agent."""
    clears: list[Clear]
    unheard: float = 0.0
    """Seconds of the agent's speech that were still to be played when the call ended."""


class Observer:
    """Feed `caller` frames as they come, `agent` what was sent and when it begins to sound; all times are
    seconds of one clock."""

    def __init__(self, audio_format: AudioFormat, began: float) -> None:
        self.caller = CallerEar(audio_format)
        self.agent = AgentEar(audio_format)
        self._began = began
        self._clears: list[Clear] = []
        self.heard: Heard | None = None
        """Known once the call has ended."""

    def cleared(self, now: float) -> None:
        """The carrier was told to play no more of what it has."""
        unheard = self.agent.cut(now)
        if unheard > 0 and len(self._clears) < MAX_CLEARS:
            self._clears.append(Clear(now, unheard))

    def ended(self, now: float) -> None:
        """The line is closed, or handed on. What is heard later does not count."""
        self.caller.flush()
        unheard = self.agent.cut(now)
        # The carrier's first frame was sent when the stream began, and waited for the bridge to be made.
        began = self._began if self.caller.began is None else min(self._began, self.caller.began)
        self.heard = Heard(
            began=max(began, self._began - LONGEST_SETUP_SECONDS),
            ended=now,
            caller=self.caller.speech.stretches(),
            agent=self.agent.speech.stretches(),
            clears=list(self._clears),
            unheard=unheard,
        )
