"""One conversation with an ElevenLabs agent over its WebSocket."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from django.conf import settings
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agents.audio import MULAW_8K, AudioFormat
from agents.errors import AgentError, AgentLost, AgentRefused, AgentUnreachable, UnsupportedAudio
from agents.events import AgentEvent, Reopened, Speech
from agents.fast_lane import Note, Take, WayOut, not_now
from agents.fast_lane.client import LaneConnection
from agents.fast_lane.pump import Pump
from agents.fast_lane.shortcut import Ear, Shortcut
from agents.guarded_connection import GuardedConnection
from agents.initiation import resuming
from agents.providers.elevenlabs import protocol
from agents.providers.elevenlabs.lane import AgentLane
from agents.providers.elevenlabs.signed_urls import signed_url
from agents.session import Assignment, Closing
from agents.vendor_socket import closing_of, dial, hang_up, opened

logger = logging.getLogger(__name__)

OPEN_SECONDS = 5.0
"""For signed URL, connection and metadata together: the caller hears nothing meanwhile."""
OVERRIDE_REFUSED = 1008
EARLY_SECONDS = 2.0
"""A session that ends so soon, without a word, has most likely refused what it was asked for."""
PING_SECONDS = 20.0
"""For the line's sake alone: whether the agent lives is seen by what it sends."""
MAX_WAITING_MESSAGES = 2
RETRY_WITHIN_SECONDS, RETRY_PAUSE_SECONDS = 1.0, 0.2
"""Once, and only after a quick failure: the caller hears nothing of the agent meanwhile."""
TRANSIENT = frozenset({None, 429, 1001, 1006, 1011, 1012, 1013})
"""Close codes and HTTP statuses of which a second try may be spared, beside those from 500 to 599. None: no answer."""
UNREADABLE_LOGGED = 5
MAX_EARLY, MAX_EARLY_BYTES = 64, 1024 * 1024
"""Messages that come before the metadata, and the audio in them: two minutes of a telephone's."""


class ElevenLabsSession:
    """An AgentSession."""

    provider = "elevenlabs"
    name = "ElevenLabs"
    input_format: AudioFormat
    output_format: AudioFormat

    def __init__(self, assignment: Assignment, wanted_format: AudioFormat = MULAW_8K) -> None:
        """The agent's own settings decide the format, whatever is wanted."""
        self._assignment = assignment
        self._initiation_json = assignment.initiation_json
        self._resumption = assignment.resumption
        if self._resumption is not None:
            opening = f"{self._resumption.opening} {self._resumption.please_repeat}".strip()
            self._initiation_json = json.dumps(resuming(json.loads(self._initiation_json), opening))
        self._beforehand = assignment.session_url
        self._opened_at = 0.0
        self._tried_again = False
        self._unreadable = 0
        self._early: list[protocol.ServerMessage] = []
        self.overrides_refused = False
        self.agent_id = assignment.agent_id
        self._socket: ClientConnection | None = None
        self.pass_audio: Take = not_now
        self.way_out: WayOut | None = None
        self._decoder = protocol.Decoder()
        self._lane = AgentLane(self._decoder)
        self.external_id = ""
        self.closing: Closing | None = None

    @property
    def last_message_at(self) -> float:
        passed_at = 0.0 if self._lane.shortcut is None else self._lane.shortcut.passed_at
        return max(self._lane.last_message_at, passed_at)

    async def open(self) -> None:
        began = time.monotonic()
        async with _in_time():
            try:
                await self._begin()
            except (AgentRefused, AgentUnreachable) as failed:
                if failed.code == OVERRIDE_REFUSED and self._drop_overrides():
                    pass
                elif _is_transient(failed) and time.monotonic() - began < RETRY_WITHIN_SECONDS:
                    logger.warning("[MediaStream] ElevenLabs error: %s; once more", failed.reason)
                    self._tried_again = True
                    await asyncio.sleep(RETRY_PAUSE_SECONDS)
                else:
                    raise
                await self._begin()

    async def _begin(self) -> None:
        self.closing = self._lane.refusal = None
        self.pass_audio, self.way_out = not_now, None
        self._early.clear()
        try:
            self._socket = await self._dial()
            await self._socket.send(self._initiation_json)
            await self._await_metadata()
            if self._resumption is not None:
                await self._send(protocol.resumed(self._resumption.history))
        except ConnectionClosed:
            self._note_closing()
            raise self._refused() from None
        if isinstance(self._socket, LaneConnection):
            self.way_out = self._socket.way_out(*protocol.AROUND_AUDIO)
            self.pass_audio = self.way_out.send

    def _drop_overrides(self) -> bool:
        """An agent whose settings forbid an override ends the session: ask for none. False if none was sent."""
        initiation = json.loads(self._initiation_json)
        if initiation.pop("conversation_config_override", None) is None:
            return False
        self._initiation_json = json.dumps(initiation)
        self.overrides_refused = True
        return True

    async def _dial(self) -> ClientConnection:
        beforehand, self._beforehand = self._beforehand, ""
        if beforehand:
            try:
                return await self._connect(beforehand)
            except AgentRefused:  # it has waited for too long, say
                logger.info("The signed URL that was asked for beforehand opens nothing")
        return await self._connect(await signed_url(self._assignment.api_key, self.agent_id))

    async def _connect(self, url: str) -> ClientConnection:
        return await dial(
            self.name,
            url,
            within_seconds=OPEN_SECONDS,
            ping_seconds=PING_SECONDS,
            max_waiting=MAX_WAITING_MESSAGES,
            connection=LaneConnection if settings.MEDIA_FAST_LANE else GuardedConnection,
        )

    async def _await_metadata(self) -> None:
        async for message in self._messages():
            if isinstance(message, protocol.Metadata):
                self.external_id = message.conversation_id
                self.input_format = _known_format(message.input_format)
                self.output_format = _known_format(message.output_format)
                self._opened_at = time.monotonic()
                return
            if isinstance(message, protocol.Ping):
                await self._send(protocol.pong(message.event_id))
            else:
                self._hold(message)
        raise self._refused()

    def _hold(self, message: protocol.ServerMessage) -> None:
        """What comes before it is known in which format it is, and whose it is."""
        held = sum(len(one.audio) for one in (*self._early, message) if isinstance(one, Speech))
        if len(self._early) < MAX_EARLY and held <= MAX_EARLY_BYTES:
            self._early.append(message)
        else:
            self._note_unreadable(ValueError("too much came before the metadata"))

    async def send_audio(self, audio: bytes) -> None:
        await self._send(protocol.audio_chunk(audio))

    def pass_to(self, play: Take, note: Note) -> None:
        if self._lane.shortcut is not None:
            self._lane.shortcut.close()
            self._lane.shortcut = None
        self._lane.play, self._lane.note = play, note
        if isinstance(self._socket, LaneConnection):
            self._lane.send_now = self._socket.send_now
            self._socket.open_lane(self._lane.take)

    def shorten(self, pump: Pump, ear: Ear, way_out: WayOut) -> Shortcut | None:
        if isinstance(self._socket, LaneConnection):
            self._lane.shortcut = Shortcut(
                pump,
                self._socket,
                self._decoder.pattern,
                ear,
                masks=False,
                least=self._decoder.least,
            )
            self._lane.way_out = way_out
        return self._lane.shortcut

    async def send_digit(self, digit: str) -> None:
        await self._send(protocol.digit_pressed(digit))

    async def answer_tool(self, call_id: str, answer: dict[str, Any]) -> None:
        await self._send(protocol.tool_result(call_id, answer))

    async def tell(self, fact: str, *, aloud: bool = False) -> None:
        await self._send(protocol.contextual_update(fact))

    async def was_cut(self, item: str, heard_ms: int) -> None:
        """ElevenLabs knows by its own clock."""

    async def events(self) -> AsyncIterator[AgentEvent]:
        async for event in self._session_events():
            self._lane.spoke = self._lane.spoke or isinstance(event, Speech)
            yield event
        if self.closing and self._may_reopen():
            before, closing = self.external_id, self.closing
            async with _in_time():
                await self._begin()
            yield Reopened(before, closing.code, closing.reason)
            async for event in self._session_events():
                yield event
        if self.closing and self.closing.code != 1000:
            raise AgentLost(self.closing.reason or "the session broke", self.closing.code)
        if refusal := self._lane.refusal:  # an exhausted quota closes like a normal end
            raise AgentLost(refusal.reason, refusal.code)

    def _may_reopen(self) -> bool:
        """Asking for less, or else as it was: once, and not after a word."""
        early = time.monotonic() - self._opened_at < EARLY_SECONDS
        if not early or self._lane.spoke:
            return False
        may, self._tried_again = self._drop_overrides() or not self._tried_again, True
        return may

    async def _session_events(self) -> AsyncIterator[AgentEvent]:
        async for message in self._from_the_first():
            match message:
                case protocol.Ping(event_id):
                    await self._send(protocol.pong(event_id))
                case protocol.Refusal() | protocol.Metadata():
                    continue
                case _:
                    yield message

    async def _from_the_first(self) -> AsyncIterator[protocol.ServerMessage]:
        early, self._early = self._early, []
        for message in early:
            yield message
        async for message in self._messages():
            yield message

    async def close(self) -> None:
        if self._socket is None:
            return
        try:
            if isinstance(self._socket, LaneConnection):
                self._socket.close_lane()
            self._lane.let_go()
        finally:
            await hang_up(self.name, self._socket)
        self._note_closing()

    async def _messages(self) -> AsyncIterator[protocol.ServerMessage]:
        """Decoded messages until the socket closes, however it does; `closing` then says how."""
        socket = opened(self._socket)
        try:
            while True:
                text = await socket.recv()
                self._lane.last_message_at = time.monotonic()
                try:
                    message = self._decoder.decode(text)
                except ValueError as error:  # one bad message must not cost the caller the call
                    self._note_unreadable(error)
                    continue
                self._lane.heard(message)
                if isinstance(message, protocol.Refusal):
                    logger.warning("[MediaStream] ElevenLabs error: %s", message.reason)
                if message is not None:
                    yield message
        except ConnectionClosed:
            pass
        self._note_closing()

    def _note_unreadable(self, error: ValueError) -> None:
        self._unreadable += 1
        if self._unreadable <= UNREADABLE_LOGGED:
            logger.warning("[MediaStream] ElevenLabs error: unreadable message: %s", error)

    async def _send(self, text: str) -> None:
        # The reading side sees the close, with its code, and tells what it means.
        with suppress(ConnectionClosed):
            await opened(self._socket).send(text)

    def _note_closing(self) -> None:
        if self._socket is not None and self.closing is None:
            self.closing = closing_of(self._socket)

    def _refused(self) -> AgentRefused:
        refusal = self._lane.refusal
        reason = refusal.reason if refusal else self.closing.reason if self.closing else ""
        return AgentRefused(reason or "closed before it began", self.closing.code if self.closing else None)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            yield
    except TimeoutError:
        raise AgentUnreachable(f"no answer from ElevenLabs within {OPEN_SECONDS:g} s") from None


def _is_transient(failed: AgentError) -> bool:
    return failed.code in TRANSIENT or 500 <= (failed.code or 0) <= 599


def _known_format(name: str) -> AudioFormat:
    try:
        return protocol.FORMATS[name]
    except KeyError:
        raise UnsupportedAudio(f"the agent speaks {name}") from None
