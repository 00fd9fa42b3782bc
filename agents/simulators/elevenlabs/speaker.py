"""The agent's mouth: text becomes audio, sent in bursts far ahead of the listening, as the vendor sends it;
and a play-out clock knows how much of it can have been heard by now."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from agents.simulators.audio import Format
from agents.simulators.elevenlabs import protocol
from agents.simulators.elevenlabs.outbox import Outbox
from agents.simulators.elevenlabs.session import Session, Turn
from agents.simulators.voice import speak

# Captured from a live agent: a second of speech, then three more 0.1 s later; never whole 20 ms frames.
_BURSTS = ((1020.7, 0.02), (2925.7, 0.1), (613.3, 0.03), (1777.1, 0.06))


@dataclass
class _Utterance:
    turn: Turn
    event_id: int
    starts_at: float
    duration_s: float
    cut: bool = False

    @property
    def ends_at(self) -> float:
        return self.starts_at + self.duration_s

    def heard_by(self, now: float) -> str:
        """Whole words only."""
        share = min(max((now - self.starts_at) / self.duration_s, 0.0), 1.0)
        text = self.turn.message
        return text if share == 1.0 else text[: int(len(text) * share)].rpartition(" ")[0]


class Speaker:
    def __init__(
        self,
        outbox: Outbox,
        session: Session,
        audio_format: Format,
        *,
        chars_per_second: float,
        sends_stale_audio: bool = False,
    ) -> None:
        self._outbox = outbox
        self._session = session
        self._format = audio_format
        self._chars_per_second = chars_per_second
        self._sends_stale_audio = sends_stale_audio
        self._utterances: list[_Utterance] = []
        self._reply_id: int | None = None  # set when the next reply must carry an id already used

    @property
    def plays_until(self) -> float:
        return max((utterance.ends_at for utterance in self._utterances), default=0.0)

    @property
    def playing(self) -> bool:
        return asyncio.get_running_loop().time() < self.plays_until

    async def say(self, text: str, *, tools: Turn | None = None) -> None:
        """Returns when all is sent, which is long before all is heard."""
        audio = speak(text, self._format, self._chars_per_second)
        utterance = self._begin(text, len(audio), tools)
        await self._outbox.send(protocol.agent_response(text, utterance.event_id))
        sent = 0
        for chunk, pause_s in self._bursts(audio):
            if utterance.cut:
                return
            begin, sent = sent, sent + len(chunk)
            letters = text[len(text) * begin // len(audio) : len(text) * sent // len(audio)]
            await self.send_audio(chunk, utterance.event_id, letters)
            await asyncio.sleep(pause_s)
        last = protocol.audio(b"", utterance.event_id)
        last["audio_event"]["is_final"] = True
        await self._outbox.send(last)
        await self._outbox.send(protocol.agent_response_complete(utterance.event_id))

    async def send_audio(self, audio: bytes, event_id: int, letters: str = "") -> None:
        self._session.sent_audio += audio
        message = protocol.audio(audio, event_id)
        if letters:
            duration_ms = self._format.duration_ms(len(audio))
            message["audio_event"]["alignment"] = protocol.alignment(letters, duration_ms)
        await self._outbox.send(message)

    async def interrupt(self) -> None:
        """The caller speaks over us: stop, say from which id on audio counts, and correct the text."""
        now = asyncio.get_running_loop().time()
        unheard = [utterance for utterance in self._utterances if utterance.ends_at > now]
        if not unheard:
            return
        stale_id = self._outbox.next_id() if self._sends_stale_audio else None
        event_id = self._outbox.next_id()
        self._session.interruptions.append(event_id)
        await self._outbox.send(protocol.interruption(event_id))
        if stale_id is not None:
            self._reply_id = event_id
            await self.send_audio(speak("too late", self._format, self._chars_per_second), stale_id)
        for utterance in unheard:
            await self._correct(utterance, now)

    async def _correct(self, utterance: _Utterance, now: float) -> None:
        heard = utterance.heard_by(now)
        utterance.cut, utterance.turn.interrupted, utterance.turn.heard = True, True, heard
        utterance.duration_s = max(now - utterance.starts_at, 0.0)
        await self._outbox.send(protocol.correction(utterance.turn.message, heard, utterance.event_id))

    def _begin(self, text: str, byte_count: int, tools: Turn | None) -> _Utterance:
        event_id, self._reply_id = self._reply_id, None
        if event_id is None:
            event_id = self._outbox.next_id()
        turn = Turn("agent", text, at_s=self._session.elapsed_s)
        if tools is not None:
            turn.tool_calls = tools.tool_calls
        self._session.turns.append(turn)
        now = asyncio.get_running_loop().time()
        duration_s = max(self._format.duration_ms(byte_count) / 1000, 0.001)
        utterance = _Utterance(turn, event_id, max(now, self.plays_until), duration_s)
        self._utterances.append(utterance)
        return utterance

    def _bursts(self, audio: bytes) -> Iterator[tuple[bytes, float]]:
        at = 0
        for duration_ms, pause_s in itertools.cycle(_BURSTS):
            if at >= len(audio):
                return
            size = self._format.bytes_for(duration_ms)
            yield audio[at : at + size], pause_s
            at += size
