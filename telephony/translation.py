"""A carrier's audio format and an agent's, where they differ."""

from agents.audio import AudioFormat
from agents.errors import UnsupportedAudio
from telephony.audio import NoConversion, converter


class Translation:
    """Both directions of one call; `plain` where there is nothing to do."""

    def __init__(
        self, line: AudioFormat, *, heard: AudioFormat | None = None, spoken: AudioFormat | None = None
    ) -> None:
        """What the agent hears and speaks, if that differs. Raises UnsupportedAudio."""
        try:
            self._up, self._down = converter(line, heard or line), converter(spoken or line, line)
        except NoConversion:
            told = f"the agent hears {heard} and speaks {spoken}, the carrier {line}"
            raise UnsupportedAudio(told) from None
        self.plain = self._up is None and self._down is None

    def to_agent(self, audio: bytes) -> bytes:
        return audio if self._up is None else self._up.convert(audio)

    def to_caller(self, audio: bytes) -> bytes:
        return audio if self._down is None else self._down.convert(audio)

    def interrupted(self) -> None:
        """What the agent says next does not join on to what it said."""
        if self._down is not None:
            self._down.reset()
