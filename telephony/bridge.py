"""The only two-way street: the carrier's leg and the agent's session, one loop each way.

    caller -> feed() -> bounded queue -> session.send_audio()
    agent  -> session.events() -> codec -> send()

The bridge knows a carrier by what its codec declares and an agent by AgentSession; it asks no one's name.
Nothing on the way of the audio waits for a database, a lock or a tool.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from agents.audio import AudioFormat
from agents.errors import AgentError, UnsupportedAudio
from agents.events import (
    AgentCorrected,
    AgentEvent,
    AgentSaid,
    CallerSaid,
    HangUp,
    Interrupted,
    Reopened,
    Speech,
    ToolCall,
)
from agents.live_calls import Act
from agents.session import AgentSession, Closing
from agents.tools.registry import Answered
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, Frame, Mark, StreamStopped
from telephony.journal import Journal

logger = logging.getLogger(__name__)

MAX_WAITING_FRAMES = 250
"""Five seconds of the caller's audio, while the agent is being reached or reads slowly."""
MAX_TOOLS_AT_ONCE = 8
HANG_SECONDS = 5.0
"""Without any message from the agent: it hangs, whatever its socket says."""
GREETING_SECONDS = 8.0
"""From an open session to its first sound."""
LAST_WORDS = "last-words"

ACT_SECONDS = (1.5, 10.0)
"""What a tool wants done with the call is done when the agent has had its say: not before, and not after, that."""
OUTCOME_OF = {Act.TRANSFER: "transfer", Act.HANG_UP: "agent_ended"}

_TOOL_FAILED = Answered(
    {
        "success": False,
        "error": "The tool could not be run",
        "code": "TOOL_FAILED",
        "message": "I'm sorry, that did not work just now.",
    }
)

AnswerTool = Callable[[str, dict[str, Any]], Awaitable[Answered]]


class Codec(Protocol):
    """What a carrier's codec declares and does."""

    audio_format: AudioFormat
    confirms_playback: bool

    def decode(self, message: str | bytes) -> Frame | None: ...
    def encode_audio(self, audio: bytes) -> str | bytes: ...
    def encode_mark(self, name: str) -> str | bytes: ...
    def encode_clear(self) -> str | bytes: ...


class Bridge:
    """One call. `feed` it what the carrier sends, `run` it until somebody leaves."""

    def __init__(
        self,
        *,
        codec: Codec,
        send: Callable[[str | bytes], Awaitable[None]],
        session: AgentSession,
        journal: Journal,
        answer_tool: AnswerTool,
        max_seconds: float,
    ) -> None:
        self._codec = codec
        self._send = send
        self._session = session
        self._journal = journal
        self._answer_tool = answer_tool
        self._max_seconds = max_seconds
        self._started = time.monotonic()
        self._from_caller = CallerQueue(MAX_WAITING_FRAMES)
        self._agent_ready = asyncio.Event()
        self._caller_gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._last_words_played = asyncio.Event()
        self._tools: set[asyncio.Task[None]] = set()
        self._act_wanted: asyncio.Future[Act] = asyncio.get_running_loop().create_future()
        self._played_out_at = 0.0
        self.first_audio_ms: int | None = None

    # --- The caller's side ---

    def feed(self, frame: Frame) -> None:
        """Take one frame from the carrier. Never waits."""
        match frame:
            case CallerAudio() | Digit():
                self._from_caller.put(frame)
            case Mark(name) if name == LAST_WORDS:
                self._last_words_played.set()
            case StreamStopped():
                self.caller_left("caller_hung_up")
            case _:
                pass

    def caller_left(self, outcome: str) -> None:
        """The carrier's side is over; ends `run`."""
        if not self._caller_gone.done():
            self._caller_gone.set_result(outcome)

    def broke(self, bad: BadFrame) -> None:
        """The carrier's side sent what no carrier sends."""
        self._journal.happened("bad_frame", reason=bad.reason, close_code=bad.close_code)
        self.caller_left("bad_frames")

    def act(self, act: Act) -> None:
        """A tool wants something done with the call; the first one counts. Never waits."""
        if not self._act_wanted.done():
            self._journal.happened(act.value)
            self._act_wanted.set_result(act)

    async def _caller_to_agent(self) -> None:
        await self._agent_ready.wait()
        while True:
            frame = await self._from_caller.get()
            if isinstance(frame, CallerAudio):
                await self._session.send_audio(frame.audio)
            else:
                self._journal.happened("digit")
                await self._session.send_digit(frame.digit)

    # --- The agent's side ---

    async def _agent_to_caller(self) -> str:
        try:
            await self._session.open()
            self._check_formats()
            self._note_opened()
            self._agent_ready.set()
            async for event in self._session.events():
                await self._handle(event)
        except AgentError as error:
            logger.warning("[MediaStream] %s error: %s (%s)", self._session.name, error.reason, error.code)
            self._journal.happened(error.outcome, reason=error.reason, code=error.code)
            return error.outcome
        if self.first_audio_ms is None:  # it left without a word: nobody has been served
            self._journal.happened("agent_lost", reason="closed without a word")
            return "agent_lost"
        await self._drain()
        return "agent_ended"

    async def _watch_agent(self) -> str:
        """A session that is open and mute must not leave the caller in silence."""
        await self._agent_ready.wait()
        opened = time.monotonic()
        while True:
            await asyncio.sleep(HANG_SECONDS / 10)
            now = time.monotonic()
            mute = self.first_audio_ms is None and now - opened > GREETING_SECONDS
            if mute or now - self._session.last_message_at > HANG_SECONDS:
                reason = "no greeting" if mute else "no message"
                logger.warning("[MediaStream] %s error: %s", self._session.name, reason)
                self._journal.happened("agent_silent", reason=reason)
                return "agent_silent"

    async def _act_on_tools(self) -> str:
        """Leave, as a tool wants it, once the agent has said what it has to say."""
        act = await self._act_wanted
        since = time.monotonic()
        earliest, latest = since + ACT_SECONDS[0], since + ACT_SECONDS[1]
        # Polled: the end of what is being said moves on with each piece of it.
        while (now := time.monotonic()) < latest and (now < earliest or now < self._played_out_at):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await self._drain()
        return OUTCOME_OF[act]

    def _note_opened(self) -> None:
        self._journal.session_opened(self._session)
        if self._session.overrides_refused:
            self._journal.overrides_refused(self._session.agent_id)

    def _check_formats(self) -> None:
        wanted = self._codec.audio_format
        for spoken in (self._session.output_format, self._session.input_format):
            if spoken != wanted:
                raise UnsupportedAudio(f"the agent speaks {spoken}, the carrier {wanted}")

    async def _handle(self, event: AgentEvent) -> None:
        match event:
            case Speech(audio):
                await self._play(audio)
            case Interrupted():
                self._played_out_at = 0.0
                await self._send(self._codec.encode_clear())
                self._journal.happened("interrupted")
            case CallerSaid(text):
                self._journal.caller_said(text)
            case AgentSaid(text):
                self._journal.agent_said(text)
            case AgentCorrected(heard):
                self._journal.agent_was_heard(heard)
            case ToolCall():
                self._start_tool(event)
            case Reopened(external_id, code, reason):
                self._journal.session_ended(self._session.provider, external_id, Closing(code, reason))
                self._check_formats()
                self._note_opened()
            case HangUp():
                self._journal.happened("agent_hangs_up")

    async def _play(self, audio: bytes) -> None:
        now = time.monotonic()
        if self.first_audio_ms is None:
            self.first_audio_ms = round((now - self._started) * 1000)
        self._played_out_at = (
            max(self._played_out_at, now) + self._codec.audio_format.duration_ms(audio) / 1000
        )
        await self._send(self._codec.encode_audio(audio))

    def _start_tool(self, call: ToolCall) -> None:
        busy = len(self._tools) >= MAX_TOOLS_AT_ONCE
        task = asyncio.create_task(self._run_tool(call, busy=busy), name=f"tool {call.tool}")
        self._tools.add(task)
        task.add_done_callback(self._tools.discard)

    async def _run_tool(self, call: ToolCall, *, busy: bool) -> None:
        """Answer in any case: an agent that waits for a tool says nothing."""
        answered = _TOOL_FAILED
        try:
            if busy:
                logger.warning("Too many tool calls at once: %s was not run", call.tool)
            else:
                answered = await self._answer_tool(call.tool, call.arguments)
        except Exception:
            logger.exception("A tool call failed")
        await self._session.answer_tool(call.call_id, answered.envelope)
        if answered.act is not None:
            self.act(answered.act)

    async def _drain(self) -> None:
        """Agents send faster than speech and leave when they have sent: let the last words be heard."""
        left = self._played_out_at - time.monotonic()
        if left <= 0:
            return
        if not self._codec.confirms_playback:
            await asyncio.sleep(left)
            return
        await self._send(self._codec.encode_mark(LAST_WORDS))
        try:
            async with asyncio.timeout(left + 2):
                await self._last_words_played.wait()
        except TimeoutError:
            logger.info("The carrier did not confirm that the last words were played")

    # --- Both ---

    async def run(self) -> str:
        """Until the caller leaves, the agent leaves, or time is up. How it ended."""
        caller = asyncio.create_task(self._caller_to_agent(), name="caller to agent")
        agent = asyncio.create_task(self._agent_to_caller(), name="agent to caller")
        watch = asyncio.create_task(self._watch_agent(), name="agent watch")
        tools = asyncio.create_task(self._act_on_tools(), name="acts of tools")
        try:
            ends: set[asyncio.Future[Any]] = {caller, agent, watch, tools, self._caller_gone}
            await asyncio.wait(
                ends,
                timeout=self._max_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if self._caller_gone.done():
                return self._caller_gone.result()
            if self._act_wanted.done():  # an agent that leaves on its own account has said its last words too
                return OUTCOME_OF[self._act_wanted.result()]
            for ending in (agent, watch):
                if ending.done():
                    return ending.result()
            if caller.done():
                caller.result()  # it never ends by itself: this raises what ended it
            return "time_limit"
        finally:
            self._act_wanted.cancel()
            await self._stop(caller, agent, watch, tools, *self._tools)

    async def _stop(self, *tasks: asyncio.Task[Any]) -> None:
        self._caller_gone.cancel()
        for task in tasks:
            task.cancel()
        await self._session.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._journal.session_closed(self._session)


class CallerQueue:
    """What the caller sends, bounded: when the agent does not take it, the oldest audio goes first."""

    def __init__(self, limit: int) -> None:
        self._frames: deque[CallerAudio | Digit] = deque(maxlen=limit)
        self._filled = asyncio.Event()

    def put(self, frame: CallerAudio | Digit) -> None:
        self._frames.append(frame)
        self._filled.set()

    async def get(self) -> CallerAudio | Digit:
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        return self._frames.popleft()
