"""One live session: four small tasks around a socket, and a single way to end."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import httpx2

from agents.simulators.audio import Format
from agents.simulators.elevenlabs import protocol
from agents.simulators.elevenlabs.behaviour import Behaviour, Close, Point
from agents.simulators.elevenlabs.dialogue import Dialogue
from agents.simulators.elevenlabs.echo import Echo
from agents.simulators.elevenlabs.initiation import Initiation, read_initiation
from agents.simulators.elevenlabs.outbox import Outbox
from agents.simulators.elevenlabs.profile import AgentProfile
from agents.simulators.elevenlabs.pulse import Pulse
from agents.simulators.elevenlabs.session import Session, Turn
from agents.simulators.elevenlabs.speaker import Speaker
from agents.simulators.elevenlabs.tools import ToolBox
from agents.simulators.elevenlabs.wire import BinaryFrameError, ClosedError, Wire
from agents.simulators.scenarios import Scenario, scenario_of
from agents.simulators.vad import Activity, VoiceActivity
from agents.simulators.voice import MULAW_8K, speak


@dataclass(frozen=True)
class Ending:
    code: int | None  # None: no close frame, the connection is just gone
    reason: str = ""
    by: Literal["agent", "client"] = "agent"
    error_type: str | None = None  # told in an error frame before the close


@dataclass(frozen=True)
class World:
    """What a conversation needs besides its socket."""

    scenario: Scenario | None  # None: the one that the caller has in mind
    http: httpx2.AsyncClient
    backend_url: str | None
    webhook_secret: str
    chars_per_second: float
    drop: Callable[[tuple[str, int]], None]


class Conversation:
    def __init__(
        self, wire: Wire, session: Session, profile: AgentProfile, behaviour: Behaviour, world: World
    ) -> None:
        self._wire, self._session, self._profile = wire, session, profile
        self._behaviour, self._world = behaviour, world
        self._formats = (
            behaviour.output_format or profile.output_format,
            behaviour.input_format or profile.input_format,
        )
        output_format, self._input_format = map(_format_of, self._formats)
        self._outbox = Outbox(wire, profile.client_events)
        self._pulse = Pulse(self._outbox, session, behaviour)
        self._tools = ToolBox(
            self._outbox,
            session,
            profile,
            world.http,
            backend_url=world.backend_url,
            webhook_secret=world.webhook_secret,
        )
        self._speaker = Speaker(
            self._outbox,
            session,
            output_format,
            chars_per_second=world.chars_per_second,
            sends_stale_audio=behaviour.stale_audio,
        )
        self._dialogue = Dialogue(
            speaker=self._speaker,
            tools=self._tools,
            outbox=self._outbox,
            session=session,
            reach=self._reach,
        )
        self._echo = Echo(self._speaker, self._outbox, session, behaviour.echo)
        self._hearing = VoiceActivity(self._input_format)
        self._tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        self._initiated: asyncio.Future[Initiation] = loop.create_future()
        self._over: asyncio.Future[Ending] = loop.create_future()

    async def run(self) -> None:
        """Until either side ends it; the session's record is complete when this returns."""
        self._spawn(self._read())
        self._spawn(self._live())
        try:
            ending = await self._over
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end(ending)

    async def _live(self) -> None:
        await self._reach("connected")
        if self._behaviour.mute:
            return
        initiation = await self._initiated
        await self._reach("initiated")
        await asyncio.sleep(self._behaviour.metadata_delay_s)
        if self._behaviour.metadata:
            await self._outbox.send(protocol.metadata(self._session.conversation_id, *self._formats))
        await self._reach("metadata")
        self._spawn(self._keep_alive())
        if initiation.disallowed:
            await asyncio.sleep(0.2)  # as seen in the wild: metadata first, then the door
            self._refuse("override_error", f"Override not allowed: {', '.join(initiation.disallowed)}")
            return
        if self._behaviour.silent or self._behaviour.echo:
            return
        scenario = self._world.scenario or scenario_of(initiation.variables.get("caller_number"))
        await self._dialogue.run(scenario, self._greeting(initiation, scenario))
        self._finish(Ending(1000, "Agent ended the conversation"))

    def _greeting(self, initiation: Initiation, scenario: Scenario) -> str:
        own = self._profile.first_message
        own = scenario.greeting if own is None else own
        words = str(initiation.overrides.get("agent.first_message", own))
        for name, value in initiation.variables.items():
            words = words.replace(f"{{{{{name}}}}}", str(value))
        return words

    async def _read(self) -> None:
        while True:
            try:
                message = protocol.read_client_message(await self._wire.receive())
                self._session.violations += message.remarks
                await self._take(message)
            except ClosedError as closed:
                self._finish(Ending(closed.code, closed.reason, by="client"))
                return
            except BinaryFrameError:
                self._refuse("invalid_message", "binary frames are not part of the protocol")
                return
            except protocol.InvalidMessageError as error:
                self._refuse(error.error_type, str(error))
                return

    async def _take(self, message: protocol.ClientMessage) -> None:
        if message.type == protocol.INITIATION:
            self._initiate(message.fields)
            return
        if not self._initiated.done():
            raise protocol.InvalidMessageError(
                "invalid_message", f"{message.type} before {protocol.INITIATION}"
            )
        match message.type:
            case protocol.AUDIO:
                await self._hear(protocol.read_audio(message))
                return
            case "pong":
                self._pulse.pong(message.fields["event_id"])
                return
            case "client_tool_result":
                if (wrong := self._tools.take_result(message.fields)) is not None:
                    self._session.violations.append(wrong)
            case "user_message":
                self._session.turns.append(Turn("user", message.fields["text"], self._session.elapsed_s))
        self._session.messages.append(message.fields)

    def _initiate(self, fields: protocol.Json) -> None:
        if self._initiated.done():
            raise protocol.InvalidMessageError("invalid_message", f"{protocol.INITIATION} sent twice")
        self._session.initiation = fields
        self._session.messages.append(fields)
        initiation = read_initiation(fields, self._profile)
        self._session.variables = initiation.variables
        self._session.ignored_overrides = initiation.ignored
        self._session.violations += initiation.remarks
        self._initiated.set_result(initiation)

    async def _hear(self, audio: bytes) -> None:
        self._pulse.input_came()
        self._session.received_audio += audio
        if len(audio) % self._input_format.sample_bytes:
            self._session.violations.append(f"{len(audio)} bytes are no whole samples")
        await self._echo.hear(audio)
        for activity in self._hearing.feed(audio):
            if activity is Activity.STARTED:
                await self._speaker.interrupt()
            else:
                self._dialogue.caller_has_spoken()

    async def _keep_alive(self) -> None:
        """Pings for as long as the client is heard at all."""
        await self._pulse.run()
        self._session.violations.append("no user audio for too long")
        self._refuse("transport_receive_timeout", "No user input received", code=1002)

    async def _reach(self, point: Point) -> None:
        """At this point in the session, whatever is due by the simulator's behaviour."""
        close = self._behaviour.close
        if close is not None and close.at == point:
            if not close.after_s:
                self._finish(Ending(close.code, close.reason))
                await asyncio.Future()  # nothing more is said; run() cancels this
            self._spawn(self._close_after(close))
        if point == "greeting":
            for frame in self._behaviour.frames:
                await self._outbox.send_raw(frame)
            await self._flood()

    async def _flood(self) -> None:
        seconds = self._behaviour.flood_s
        if not seconds:
            return
        event_id = self._outbox.next_id()
        second = speak("la " * 5, _format_of(self._formats[0]), 15.0)
        for _ in range(round(seconds)):
            await self._speaker.send_audio(second, event_id)

    async def _close_after(self, close: Close) -> None:
        await asyncio.sleep(close.after_s)
        self._finish(Ending(close.code, close.reason))

    def _refuse(self, error_type: str, message: str, *, code: int = 1008) -> None:
        if code == 1008:
            self._session.violations.append(message)
        self._finish(Ending(code, message, error_type=error_type))

    def _finish(self, ending: Ending) -> None:
        if not self._over.done():
            self._over.set_result(ending)

    async def _end(self, ending: Ending) -> None:
        session = self._session
        session.close_code, session.close_reason, session.closed_by = ending.code, ending.reason, ending.by
        if ending.by == "client":
            return
        if ending.code is None:
            self._world.drop(session.client)
            return
        if ending.error_type is not None:
            await self._outbox.send(protocol.error(ending.code, ending.error_type, ending.reason))
        await self._wire.close(ending.code, ending.reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"simulated-agent:{self._session.conversation_id}")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self._over.done():
            self._over.set_exception(error)


def _format_of(name: str) -> Format:
    """What is really spoken where the metadata names a format that nobody knows: something."""
    try:
        return Format.parse(name)
    except ValueError:
        return MULAW_8K
