"""The only two-way street: the carrier's leg and the agent's session, one loop each way.

    caller -> feed() -> bounded queue -> session.send_audio()
    agent  -> session.events() -> codec -> send()

Where the two speak different formats a Translation stands between. Otherwise plain audio takes the fast lane, if both
ends have one, in one step and as the bytes that came:

    caller -> taker() -> session.pass_audio()
    agent  -> AgentVoice.take() -> codec -> send_now()

So does what the agent tells and nobody answers: `_note`, before `_handle`.

When the agent fails, another one may take over, once: the same loops, and another session.

The bridge knows a carrier by what its codec declares and an agent by AgentSession; it asks no one's name.
Nothing on the way of the audio waits for a database, a lock or a tool.
"""

import asyncio
import logging
import math
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from django.utils import timezone

from agents.errors import AgentError
from agents.events import (
    AgentCorrected,
    AgentEvent,
    AgentSaid,
    CallerSaid,
    CallerSpeaks,
    HangUp,
    Interrupted,
    Reopened,
    Speech,
    ToolCall,
)
from agents.fast_lane import SendsNow, Take, WayOut
from agents.fast_lane.lane_session import LaneSession
from agents.fast_lane.pump import Pump
from agents.fast_lane.pump.words import Pattern
from agents.fast_lane.shortcut import Lender, Shortcut
from agents.live_calls import Act
from agents.session import AgentSession, Closing
from agents.so_far import SoFar
from telephony.agent_voice import LARGEST, AgentVoice
from telephony.caller_queue import CallerQueue, Passage, Whisper
from telephony.calls import LastAgent
from telephony.closing_time import NEAR_SECONDS, closing_time
from telephony.codec import Codec, Playout
from telephony.errors import BadFrame
from telephony.feel.observer import Observer
from telephony.frames import CallerAudio, Digit, Frame, Mark, StreamStopped
from telephony.journal import Journal
from telephony.last_words import LAST_WORDS, LastWords
from telephony.on_the_line import AgentOnTheLine
from telephony.playback import ClockPlayback, MarkedPlayback, PacedPlayback, Playback
from telephony.relief import Relief
from telephony.ringing import ringing_meanwhile
from telephony.rounds import ROUND_SECONDS, Rounds
from telephony.tools_at_work import AnswerTool, ToolsAtWork
from telephony.translation import Translation
from telephony.weak import weak

logger = logging.getLogger(__name__)

MENU = "menu"
"""The caller pressed star, and goes on by keys."""

ACT_SECONDS = (1.5, 10.0)
"""What a tool wants done with the call is done when the agent has had its say: not before, and not after, that."""
MOST_ECHOES = 1000
"""Marks that a carrier may owe us: of minutes of speech in small pieces."""
OUTCOME_OF = {Act.TRANSFER: "transfer", Act.HANG_UP: "agent_ended"}


class Bridge:
    """One call. `feed` it what the carrier sends, `run` it until somebody leaves."""

    # Slots: see `Cutter`.
    __slots__ = (
        "__weakref__",
        "_act_wanted",
        "_acting",
        "_agent",
        "_budget_left",
        "_caller_spoke",
        "_closing",
        "_codec",
        "_echoes_due",
        "_from_caller",
        "_journal",
        "_lane",
        "_last_word_at",
        "_last_words",
        "_max_seconds",
        "_max_silent_seconds",
        "_menu_key",
        "_next_round",
        "_over",
        "_passage",
        "_playback",
        "_send",
        "_so_far",
        "_started",
        "_tools",
        "_translation",
        "_voice",
        "_way_back",
        "close_code",
        "feel",
        "messages_read",
    )

    def __init__(
        self,
        *,
        codec: Codec,
        send: Callable[[str | bytes], Awaitable[None]],
        session: AgentSession,
        journal: Journal,
        answer_tool: AnswerTool,
        max_seconds: float,
        max_silent_seconds: float = 0,
        menu_key: bool = False,
        lane: SendsNow | None = None,
        playout: Playout | None = None,
        budget_left: Callable[[], float] | None = None,
        relief: Relief | None = None,
    ) -> None:
        self._codec = codec
        self._send = send
        self._journal = journal
        self._lane = lane
        self._way_back: tuple[Pump, WayOut] | None = None
        """Past Python, to the carrier."""
        self._playback = _playback_of(codec, playout)
        self._translation = Translation(codec.audio_format)
        self._max_seconds = max_seconds
        self._budget_left = budget_left
        self._max_silent_seconds = max_silent_seconds
        self._menu_key = menu_key
        self._started = time.monotonic()
        self.feel = Observer(codec.audio_format, self._started)
        self._voice = AgentVoice(codec, lane, self.feel.agent)
        self._agent = AgentOnTheLine(session, self._voice, relief, journal, self._started)
        self._tools = ToolsAtWork(self._agent, journal, answer_tool, weak(self.act))
        self._passage = Passage(self.feel.caller.hear_base64, weak(self.feed))
        self._from_caller = CallerQueue(self._passage)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """The outcome, or "" where a part has ended that knows it."""
        self._last_words = LastWords(codec, weak(self._send_mark), playout)
        self._so_far = SoFar()
        self._act_wanted: asyncio.Future[Act] = asyncio.get_running_loop().create_future()
        self._acting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[str] | None = None
        self._last_word_at = self._started
        self._caller_spoke = False
        self.messages_read = 0
        """But those that we asked for. Whoever reads one that no `taker` takes counts it here."""
        self._echoes_due = 0
        """Marks that were sent and are not back."""
        self.close_code = 1000

    @property
    def agent_name(self) -> str:
        return self._agent.session.name

    @property
    def last_agent(self) -> LastAgent:
        return LastAgent(
            self._agent.session.provider, self._agent.session.agent_id, was_heard=self._voice.was_heard
        )

    @property
    def first_audio_ms(self) -> int | None:
        """From the beginning to the agent's first sound."""
        return None if self._voice.began is None else round((self._voice.began - self._started) * 1000)

    # --- The caller's side ---

    def feed(self, frame: Frame) -> None:
        """Take one frame from the carrier. Never waits."""
        if isinstance(frame, CallerAudio):
            self.feel.caller.hear(time.monotonic(), frame.audio)
        match frame:
            case Digit("*") if self._menu_key:
                self.caller_left(MENU)
            case Digit():
                self._last_word_at = time.monotonic()
                self._from_caller.put(frame)
            case CallerAudio():
                self._from_caller.put(frame)
            case Mark(name):
                self._echoed(name)
            case StreamStopped():
                self.caller_left("caller_hung_up")
            case _:
                pass

    def _echoed(self, mark: str) -> None:
        if self._echoes_due:  # a mark for each piece of speech doubles what an honest carrier sends
            self._echoes_due -= 1
            self.messages_read -= 1
        if mark == LAST_WORDS:
            self._last_words.were_played()
        else:
            self._playback.played(mark)

    def taker(self, plain_audio: Callable[[bytes], bytes | None]) -> Take:
        """What takes a carrier's message if it is audio, past the queue where nothing waits.

        `plain_audio` gives its base64, or None for a message to be decoded and fed.
        """
        self._passage.plain_audio = plain_audio
        return self._passage.take

    def shorten(
        self, pump: Pump, carrier: Lender, pattern_of: Callable[[bytes], Pattern | None], way_back: WayOut
    ) -> None:
        """Let audio like that of the messages which `taker` takes go past Python, and the agent's on the way back."""
        self._passage.shortcut = Shortcut(pump, carrier, pattern_of, self.feel.caller, masks=True)
        self._way_back = pump, way_back

    def caller_left(self, outcome: str) -> None:
        """The carrier's side is over, or as good as over; ends `run`."""
        if not self._over.done():
            self._over.set_result(outcome)

    def broke(self, bad: BadFrame) -> None:
        """The carrier's side sent what no carrier sends."""
        self._journal.happened("bad_frame", reason=bad.reason, close_code=bad.close_code)
        self.close_code = bad.close_code
        self.caller_left("bad_frames")

    def act(self, act: Act) -> None:
        """A tool wants something done with the call; the first one counts. Never waits."""
        if not self._act_wanted.done():
            self._journal.happened(act.value)
            self._act_wanted.set_result(act)

    def whisper(self, text: str) -> None:
        """The agent is told something that the caller does not hear. Never waits."""
        self._from_caller.put(Whisper(text))

    async def _caller_to_agent(self) -> None:
        while True:
            await self._agent.ready.wait()
            frame = await self._from_caller.get()
            await self._agent.ready.wait()  # what comes while one agent leaves is for the next one
            if isinstance(frame, CallerAudio):
                await self._send_audio(frame.audio)
            elif isinstance(frame, Whisper):
                await self._agent.session.tell(frame.text)
            else:
                self._journal.happened("digit")
                await self._agent.session.send_digit(frame.digit)

    async def _send_audio(self, audio: bytes) -> None:
        """Audio that has waited: at once, too, if it can."""
        lane = self._from_caller.lane
        if lane is None or not lane.pass_audio(b64encode(audio)):
            await self._agent.session.send_audio(self._translation.to_agent(audio))

    # --- The agent's side ---

    async def _one_agent_after_the_other(self) -> str:
        """How the last of them ended."""
        while True:
            outcome = await self._agent.watched(self._agent_to_caller())
            if self._act_wanted.done() or not self._agent.can_be_relieved(outcome):
                return outcome
            self._from_caller.let_pass(None)
            if not await self._agent.relieve(outcome, self._so_far, self._tools.pending):
                return outcome

    async def _agent_to_caller(self) -> str:
        try:
            async with self._ringing():
                await self._agent.session.open()
            await self._hush_who_was_before()
            self._begin_session()
            self._agent.ready.set()
            async for event in self._agent.session.events():
                await self._handle(event)
        except AgentError as error:
            logger.warning(
                "[MediaStream] %s error: %s (%s)", self._agent.session.name, error.reason, error.code
            )
            self._journal.happened(error.outcome, reason=error.reason, code=error.code)
            if self._act_wanted.done():  # it fails at having nothing left to say, and has said goodbye
                self._agent.ready.clear()
                await self._drain()
            return error.outcome
        except Exception:  # a fault of ours, perhaps at what this agent sends: who takes over may fare better
            logger.exception("[MediaStream] %s error: its session broke", self._agent.session.name)
            self._journal.happened("agent_lost", reason="its session broke")
            return "agent_lost"
        self._agent.ready.clear()  # it has left, and cannot hang: its last words may sound for longer than that
        if not self._voice.was_heard:  # it left without a word: nobody has been served
            self._journal.happened("agent_lost", reason="closed without a word")
            return "agent_lost"
        abruptly = self._leaves_abruptly()
        if not (abruptly and self._agent.has_relief):
            await self._drain()
        if abruptly:
            self._journal.happened("agent_lost", reason=abruptly)
            return "agent_lost"
        return "agent_ended"

    def _leaves_abruptly(self) -> str:
        """Why this is no end of a conversation, though it looks like one; "" if it is one."""
        if self._agent.says_goodbye:
            return ""
        if self._tools:
            return "closed during a tool call"
        if self._voice.caller_waits:
            return "closed when it was its turn to speak"
        if not self._caller_spoke and self._voice.sounds_until > time.monotonic():
            return "closed while it greeted"
        return ""

    def _ringing(self) -> AbstractAsyncContextManager[None]:
        if self._voice.began is not None:  # in the middle of a call nobody expects to hear it ring
            return nullcontext()
        return ringing_meanwhile(self._codec, self._send, since=self._started)

    def _begin_rounds(self) -> None:
        """Look once a second at what need not be looked at with each frame. No task: those of all calls add up."""
        self._look_at_the_clock()
        self._go_round_later(Rounds(looked_at=time.monotonic()))

    def _go_round_later(self, rounds: Rounds) -> None:
        loop = asyncio.get_running_loop()
        self._next_round = loop.call_later(ROUND_SECONDS, self._go_round, rounds)

    def _go_round(self, rounds: Rounds) -> None:
        self.messages_read += self._passage.passed()
        rounds.look(self.messages_read, time.monotonic())
        if rounds.flooded:
            self.broke(BadFrame("more than 100 frames a second", close_code=1008))
        # Agents leave whom they do not hear; and the queue is bounded.
        if rounds.quiet and self._agent.ready.is_set():
            self._from_caller.put(CallerAudio(self._codec.audio_format.silence(ROUND_SECONDS)))
        if self._died_down() and not self._act_wanted.done():
            self.caller_left("silence")
        self._look_at_the_clock()
        self._go_round_later(rounds)

    def _look_at_the_clock(self) -> None:
        if self._closing is None and min(self._time_left()) <= NEAR_SECONDS:
            self._closing = asyncio.create_task(self._close_in_time(), name="closing time")
            self._closing.add_done_callback(self._part_ended)

    def _died_down(self) -> bool:
        now, longest = time.monotonic(), self._max_silent_seconds
        # Asked of the agent's voice only when it matters: that catches up with what went past.
        return 0 < longest < now - self._last_word_at and longest < now - self._voice.sounds_until

    def _begin_acting(self, wanted: asyncio.Future[Act]) -> None:
        if not (wanted.cancelled() or self._over.done()):
            self._acting = asyncio.create_task(self._act_on_tools(wanted.result()), name="acts of tools")

    async def _act_on_tools(self, act: Act) -> None:
        """Leave, as a tool wants it, once the agent has said what it has to say."""
        try:
            await self._until_heard_out()
        finally:
            self.caller_left(OUTCOME_OF[act])

    async def _until_heard_out(self) -> None:
        since = time.monotonic()
        earliest, latest = since + ACT_SECONDS[0], since + ACT_SECONDS[1]
        # Polled: the end of what is being said moves on with each piece of it.
        while (now := time.monotonic()) < latest and (now < earliest or now < self._voice.sounds_until):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await self._drain()

    def _begin_session(self) -> None:
        session = self._agent.session
        self._translation = Translation(
            self._codec.audio_format, heard=session.input_format, spoken=session.output_format
        )
        lane = session if self._translation.plain and isinstance(session, LaneSession) else None
        self._from_caller.let_pass(lane)
        self._note_opened()
        if self._lane is not None and lane is not None:
            lane.pass_to(self._voice.take, self._note)
            if self._way_back is not None:
                pump, way_back = self._way_back
                self._voice.shortcut = lane.shorten(pump, self._voice, way_back)

    def _note_opened(self) -> None:
        self._journal.session_opened(self._agent.session)
        if self._agent.session.overrides_refused:
            self._journal.overrides_refused(self._agent.session.agent_id)

    async def _handle(self, event: AgentEvent) -> None:
        match event:
            case Speech():
                await self._play(event)
            case Interrupted():
                await self._interrupt()
            case CallerSpeaks():
                await self._cut_short()
            case ToolCall():
                self._last_word_at = time.monotonic()
                await self._tools.start(event)
            case Reopened(external_id, code, reason, spent):
                closing = Closing(code, reason, spent)
                self._journal.session_ended(self._agent.session.provider, external_id, closing)
                self._begin_session()
            case HangUp():
                self._agent.says_goodbye = True
                self._journal.happened("agent_hangs_up")
            case _:
                self._note(event)

    def _note(self, event: AgentEvent) -> bool:
        """At once, if nothing has to wait for it. False: left to `_handle`."""
        match event:
            case CallerSaid(text):
                self._voice.caller_waits = self._caller_spoke = True
                self._last_word_at = time.monotonic()
                self._journal.caller_said(text)
                self._so_far.caller_said(text, timezone.now())
            case AgentSaid(text):
                self._journal.agent_said(text)
                self._so_far.agent_said(text, timezone.now())
            case AgentCorrected(heard):
                self._journal.agent_was_heard(heard)
                self._so_far.agent_was_heard(heard)
            case Interrupted() if self._voice.send_now(self._codec.encode_clear().encode()):
                self._was_interrupted()
            case _:
                return False
        return True

    async def _play(self, speech: Speech) -> None:
        audio = self._translation.to_caller(speech.audio)
        self.feel.agent.hear(self._voice.plays(len(audio)), audio)
        for at in range(0, len(audio), LARGEST):
            await self._send(self._codec.encode_audio(audio[at : at + LARGEST]))
        if not speech.item:
            return
        mark = self._playback.sent(speech.item, self._codec.audio_format.duration_ms(audio))
        if mark:
            await self._send_mark(mark)

    async def _send_mark(self, name: str) -> None:
        self._echoes_due = min(self._echoes_due + 1, MOST_ECHOES)
        await self._send(self._codec.encode_mark(name))

    async def _interrupt(self) -> None:
        self._was_interrupted()
        await self._send(self._codec.encode_clear())

    def _was_interrupted(self) -> None:
        self._voice.cleared()
        self._last_word_at = time.monotonic()
        self.feel.cleared(self._last_word_at)
        self._translation.interrupted()
        self._journal.happened("interrupted")

    async def _hush_who_was_before(self) -> None:
        """An agent that failed may have sent much that is not heard yet: the next one's first word would come after it,
        and the caller could not interrupt."""
        now = time.monotonic()
        if self._voice.sounds_until > now:
            self._voice.cleared()
            self._playback.cleared()
            self.feel.agent.cut(now)
            await self._send(self._codec.encode_clear())

    async def _cut_short(self) -> None:
        """The caller speaks; if the agent was still to be heard, it is told what of it was."""
        cut = self._playback.cleared()
        if cut:
            await self._interrupt()
        for heard in cut:
            await self._agent.session.was_cut(heard.item, heard.ms)

    async def _drain(self) -> None:
        """Agents send faster than speech and leave when they have sent: let the last words be heard."""
        if self._voice.sounds_until:
            await self._last_words.drain(self._voice.sounds_until)

    # --- Both ---

    async def run(self) -> str:
        """Until the caller leaves, the agent leaves, or time is up. How it ended."""
        caller = asyncio.create_task(self._caller_to_agent(), name="caller to agent")
        agent = asyncio.create_task(self._one_agent_after_the_other(), name="agent to caller")
        self._act_wanted.add_done_callback(self._begin_acting)
        self._begin_rounds()
        for part in (caller, agent):
            part.add_done_callback(self._part_ended)
        try:
            if outcome := await self._over:
                return outcome
            if self._act_wanted.done():  # an agent that leaves on its own account has said its last words too
                return OUTCOME_OF[self._act_wanted.result()]
            for ending in (agent, self._closing):
                if ending is not None and ending.done():
                    return ending.result()
            caller.result()  # it never ends by itself: this raises what ended it
            raise AssertionError("nothing has ended the call")
        finally:
            self._next_round.cancel()
            self._act_wanted.cancel()
            try:
                self._passage.shut()  # what went past us is heard of now, if ever
                self._voice.catch_up()
                self._voice.shortcut = None
                self.feel.ended(time.monotonic())
            finally:
                await self._stop(caller, agent, *self._tools.tasks)

    def _part_ended(self, _part: asyncio.Task[Any]) -> None:
        self.caller_left("")

    async def _close_in_time(self) -> str:
        return await closing_time(
            self._time_left,
            agent_ready=self._agent.ready,
            tell=self._agent.tell,
            last_words=self._drain,
        )

    def _time_left(self) -> tuple[float, float]:
        """Until the call's own time is up, and until the business's budget is; seconds."""
        by_clock = self._started + self._max_seconds - time.monotonic() if self._max_seconds else math.inf
        return by_clock, self._budget_left() if self._budget_left else math.inf

    async def _stop(self, *tasks: asyncio.Task[Any]) -> None:
        self._over.cancel()
        tasks = *tasks, *filter(None, (self._acting, self._closing))
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, *self._agent.leave(), return_exceptions=True):
            if isinstance(result, Exception):  # the call is over, and nobody else would hear of it
                logger.error("[MediaStream] A part of the call ended in an error", exc_info=result)


def _playback_of(codec: Codec, playout: Playout | None) -> Playback:
    if playout is not None:
        return PacedPlayback(lambda: playout.played_seconds)
    return MarkedPlayback() if codec.confirms_playback else ClockPlayback()
