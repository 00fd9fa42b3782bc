"""Echo mode: the caller hears themselves, and a tone that only this session has."""

from typing import Literal

from agents.simulators.elevenlabs.outbox import Outbox
from agents.simulators.elevenlabs.session import Session
from agents.simulators.elevenlabs.speaker import Speaker
from agents.simulators.tones import add_tone


class Echo:
    def __init__(
        self, speaker: Speaker, outbox: Outbox, session: Session, mode: Literal["", "exact", "toned"]
    ) -> None:
        self._speaker = speaker
        self._outbox = outbox
        self._session = session
        self._mode = mode
        self._event_id: int | None = None
        self._samples = 0

    async def hear(self, audio: bytes) -> None:
        """Mu-law only where the tone is asked for."""
        if not self._mode:
            return
        if self._event_id is None:
            self._event_id = self._outbox.next_id()
        if self._mode == "toned":
            heard, audio = audio, add_tone(audio, self._session.tone_hz, self._samples)
            self._samples += len(heard)
        await self._speaker.send_audio(audio, self._event_id)
