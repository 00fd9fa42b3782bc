"""One conversation with an OpenAI Realtime model over its WebSocket."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from django.conf import settings
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agents.audio import MULAW_8K, PCM16_24K, AudioFormat
from agents.errors import AgentError, AgentLost, AgentRefused, AgentUnreachable
from agents.events import AgentEvent, Reopened, Spent
from agents.providers.openai_realtime import protocol
from agents.providers.openai_realtime.dialogue import Dialogue
from agents.providers.openai_realtime.wanted_session import (
    greeting_instructions,
    idle_instructions,
    in_format,
    resuming_instructions,
)
from agents.session import Assignment, Closing
from agents.so_far import latest
from agents.vendor_socket import closing_of, dial, hang_up, opened

logger = logging.getLogger(__name__)

OPEN_SECONDS = 5.0
"""For connection and agreement together: the caller hears nothing meanwhile."""
PULSE_SECONDS = 2.0
"""Between two pings: of itself the server says nothing while nobody speaks."""
HAND_OVER_SECONDS = 300.0
"""Before a session's time is up another takes its place, as soon as nobody speaks."""
BETWEEN_TURNS_SECONDS = 1.0
TRY_AGAIN_SECONDS = 60.0
TIME_IS_UP = 1001
MAX_WAITING_MESSAGES = 64
NEVER = float("inf")


class OpenAIRealtimeSession:
    """An AgentSession. In the wanted format where OpenAI speaks it, else in PCM of 24 kHz."""

    provider = "openai"
    name = "OpenAI"
    overrides_refused = False

    def __init__(self, assignment: Assignment, wanted_format: AudioFormat = MULAW_8K) -> None:
        spoken = wanted_format if wanted_format in protocol.FORMATS else PCM16_24K
        self.input_format = self.output_format = spoken
        self.agent_id = assignment.agent_id
        self.external_id = ""
        self.last_message_at = 0.0
        self.closing: Closing | None = None
        self._api_key = assignment.api_key
        initiation: protocol.Json = json.loads(assignment.initiation_json)
        self._session: protocol.Json = in_format(initiation["session"], spoken)
        self._greeting: str = initiation["greeting"]
        self._language: str = initiation.get("language", "en")
        self._idle_s: float = initiation.get("idle_seconds") or NEVER
        """After so much silence it is we who let the model ask whether anybody is there."""
        self._resumption = assignment.resumption
        self._socket: ClientConnection | None = None
        self._dialled: ClientConnection | None = None
        """Not agreed with yet; whoever stops waiting for that has to close it."""
        self._pulse: asyncio.Task[None] | None = None
        self._dialogue = Dialogue(spoken, self._language)
        self._hand_over_at = NEVER
        self._handing_over: ClientConnection | None = None
        """The socket that is being left."""
        self._meanwhile = bytearray()
        """The caller's audio since then: no session has heard that to its end."""

    async def open(self) -> None:
        await self._begin()
        self._dialogue.stirred(time.monotonic())
        if self._resumption is not None:
            self._dialogue.seed(list(self._resumption.history))
            instructions = self._session["instructions"]
            words = resuming_instructions(instructions, self._resumption.opening)
            self._dialogue.greet(words, uses_tools=True)
            await self._flush()
        elif self._greeting:
            self._dialogue.greet(greeting_instructions(self._session["instructions"], self._greeting))
            await self._flush()

    async def _begin(self) -> None:
        socket, told = await self._dial()
        self._socket, self.closing = socket, None
        self.external_id = told.session_id
        if told.expires_at is not None:
            left = told.expires_at - time.time()
            self._hand_over_at = time.monotonic() + max(left - HAND_OVER_SECONDS, left / 2)
        self._pulse = asyncio.create_task(self._feel_pulse(socket), name="OpenAI's pulse")

    async def _dial(self) -> tuple[ClientConnection, protocol.SessionTold]:
        self._dialled = None
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                self._dialled = socket = await self._connect()
                told = await self._agree(socket)
                self._dialled = None
                return socket, told
        except TimeoutError:
            problem: AgentError = AgentUnreachable(f"no answer from OpenAI within {OPEN_SECONDS:g} s")
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            problem = AgentRefused(reason or "closed before it began", code)
        except AgentError as error:
            problem = error
        await self._hang_up_dialled()
        raise problem

    async def _hang_up_dialled(self) -> None:
        if self._dialled is not None:
            await hang_up(self.name, self._dialled)
            self._dialled = None

    async def _connect(self) -> ClientConnection:
        base = settings.OPENAI_BASE_URL.replace("http", "ws", 1)
        return await dial(
            self.name,
            f"{base}/realtime?model={quote(self.agent_id, safe='')}",
            within_seconds=OPEN_SECONDS,
            headers={"Authorization": f"Bearer {self._api_key}"},
            max_waiting=MAX_WAITING_MESSAGES,  # and no pings: ours know what they are for
        )

    async def _agree(self, socket: ClientConnection) -> protocol.SessionTold:
        """Ask for our session, and hear that it is what we have got."""
        await self._expect(socket, updated=False)
        await socket.send(json.dumps(protocol.session_update(self._session)))
        told = await self._expect(socket, updated=True)
        if (told.input_format, told.output_format) != (self.input_format, self.output_format):
            raise AgentRefused(f"asked to speak {self.output_format}, the session speaks something else")
        return told

    async def _expect(self, socket: ClientConnection, *, updated: bool) -> protocol.SessionTold:
        while True:
            event = _decoded(await socket.recv())
            self.last_message_at = time.monotonic()
            if isinstance(event, protocol.Failure):
                raise AgentRefused(event.code or event.message[:120])
            if isinstance(event, protocol.SessionTold) and event.updated == updated:
                return event

    async def send_audio(self, audio: bytes) -> None:
        if self._handing_over is not None:
            self._meanwhile += audio
            if self._handing_over is not self._socket:  # the next one hears it in its turn
                return
        # The reading side sees the close, with its code, and tells what it means.
        with suppress(ConnectionClosed):
            await opened(self._socket).send(protocol.audio(audio))

    async def send_digit(self, digit: str) -> None:
        self._dialogue.stirred(time.monotonic())
        await self.tell(f"The caller pressed {digit} on the keypad.")

    async def answer_tool(self, call_id: str, answer: dict[str, Any]) -> None:
        self._dialogue.answer(call_id, answer)
        await self._flush()

    async def tell(self, fact: str, *, aloud: bool = False) -> None:
        self._dialogue.tell(fact)
        if aloud:
            self._dialogue.greet("")
        await self._flush()

    async def was_cut(self, item: str, heard_ms: int) -> None:
        self._dialogue.was_cut(item, heard_ms)
        await self._flush()

    async def events(self) -> AsyncIterator[AgentEvent]:
        while True:
            async for event in self._server_events():
                if event is not None:
                    self._dialogue.hear(event, time.monotonic())
                elif time.monotonic() >= self._asks_at():
                    instructions = idle_instructions(self._session["instructions"])
                    self._dialogue.ask_whether_anybody_is_there(instructions)
                await self._flush()
                while self._dialogue.news:
                    yield self._dialogue.news.popleft()
                if self._dialogue.lost is not None:
                    raise AgentLost(self._dialogue.lost.code or self._dialogue.lost.message[:120])
                if self._dialogue.finished:
                    await self.close()
                elif self._may_hand_over() and (reopened := await self._hand_over()):
                    yield reopened
            self._dialogue.breaks_off(time.monotonic())
            for left in self._dialogue.story.tell(time.monotonic(), all_of_it=True):
                yield left
            if self.closing is None or self.closing.code != TIME_IS_UP:
                break
            yield await self._go_on()
        if self.closing and self.closing.code != 1000:
            raise AgentLost(self.closing.reason or "the session broke", self.closing.code)

    async def _server_events(self) -> AsyncIterator[protocol.ServerEvent | None]:
        """Until the socket closes, however it does; None when it is time to look at the clock."""
        while True:
            socket = opened(self._socket)
            try:
                async with asyncio.timeout(self._until_clock()):
                    text = await socket.recv()
            except TimeoutError:
                yield None
                continue
            except ConnectionClosed:
                self._note_closing()
                return
            self.last_message_at = time.monotonic()
            event = _decoded(text)
            if event is not None:
                yield event

    # --- One session after the other ---

    def _until_clock(self) -> float | None:
        """Until something has to be done of which the server will not tell."""
        now, least = time.monotonic(), BETWEEN_TURNS_SECONDS
        left = min(max(self._hand_over_at - now, least), max(self._asks_at() - now, 0.0))
        return None if left == NEVER else left

    def _asks_at(self) -> float:
        quiet = self._dialogue.quiet_since()
        return NEVER if quiet is None else quiet + self._idle_s

    def _may_hand_over(self) -> bool:
        return time.monotonic() >= self._hand_over_at and self._dialogue.replies.idle

    async def _hand_over(self) -> Reopened | None:
        """A session lives for an hour. The next one is told what was said, and goes on; None: not yet."""
        before = opened(self._socket)
        try:
            reopened = await self._take_over("its time was nearly up")
        except AgentError as error:
            logger.warning("OpenAI's next session could not be opened, the old one goes on: %s", error.reason)
            self._hand_over_at = time.monotonic() + TRY_AGAIN_SECONDS
            return None
        await hang_up(self.name, before)
        return reopened

    async def _go_on(self) -> Reopened:
        """The session ended under our hands. Whatever the caller waits for is asked of the next one."""
        waiting = not self._dialogue.replies.idle
        reopened = await self._take_over(self.closing.reason if self.closing else "")
        if waiting:
            self._dialogue.greet("")
            await self._flush()
        return reopened

    async def _take_over(self, reason: str) -> Reopened:
        external_id, dialogue, pulse, spent = self.external_id, self._dialogue, self._pulse, self._spent()
        self._handing_over = self._socket
        try:
            await self._begin()
        except AgentError:
            self._stop_listening()
            raise
        if pulse is not None:
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
        self._dialogue = Dialogue(self.output_format, self._language)
        self._dialogue.seed(latest(dialogue.story.history))
        self._dialogue.stirred(time.monotonic())
        await self._flush()
        if said := self._stop_listening():
            await self.send_audio(said)
        return Reopened(external_id, 1000, reason, spent)

    def _stop_listening(self) -> bytes:
        """What the caller said while the next session was dialled: it hears them from there."""
        said = bytes(self._meanwhile)
        self._handing_over = None
        self._meanwhile.clear()
        return said

    # --- Keeping and ending ---

    async def _feel_pulse(self, socket: ClientConnection) -> None:
        """While nobody owes us anything a pong is as good as a word; when something is owed it is not."""
        with suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(PULSE_SECONDS)
                await (await socket.ping())
                if not self._dialogue.replies.expected:
                    self.last_message_at = time.monotonic()

    async def close(self) -> None:
        pulse, self._pulse = self._pulse, None  # which keeps its end, and that keeps us
        if pulse is not None:
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
        await self._hang_up_dialled()
        if self._socket is not None:
            await hang_up(self.name, self._socket)
            self._note_closing()

    async def _flush(self) -> None:
        with suppress(ConnectionClosed):
            while self._dialogue.outbox:
                await opened(self._socket).send(json.dumps(self._dialogue.outbox.popleft()))

    def _note_closing(self) -> None:
        if self._socket is not None and self.closing is None:
            self.closing = closing_of(self._socket, self._spent())

    def _spent(self) -> Spent:
        usage, listener = self._dialogue.usage, self._session["audio"]["input"].get("transcription") or {}
        transcription = settings.OPENAI_TRANSCRIPTION_PRICES.get(listener.get("model", ""))
        return Spent(usage.counts(), usage.cost_usd(settings.OPENAI_PRICES.get(self.agent_id), transcription))


def _decoded(text: str | bytes) -> protocol.ServerEvent | None:
    try:
        return protocol.decode(text)
    except ValueError as error:  # one bad message must not cost the caller the call
        logger.warning("[MediaStream] OpenAI error: unreadable message: %s", error)
        return None
