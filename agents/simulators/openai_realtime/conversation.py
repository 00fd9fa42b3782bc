"""One live session: what the client asks, what the caller's voice starts, and a single way to end."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from agents.simulators.elevenlabs.wire import BinaryFrameError, ClosedError, Wire
from agents.simulators.openai_realtime import client_events, session_object
from agents.simulators.openai_realtime.behaviour import Behaviour, Point
from agents.simulators.openai_realtime.client_events import Rejected
from agents.simulators.openai_realtime.hearing import Hearing, Started, Stopped
from agents.simulators.openai_realtime.items import Item, Items
from agents.simulators.openai_realtime.model import Model, Output
from agents.simulators.openai_realtime.record import Json, Record
from agents.simulators.openai_realtime.response import Response
from agents.simulators.scenarios import BOOKING, SCENARIOS, Scenario

IDLE_SECONDS_PER_MS = 0.001
EXPIRED = "Your session hit the maximum duration of 60 minutes."


@dataclass(frozen=True)
class Ending:
    code: int | None  # None: no close frame, the connection is just gone
    reason: str = ""
    by: Literal["server", "client"] = "server"


@dataclass(frozen=True)
class World:
    """What a conversation needs besides its socket."""

    scenario: Scenario | None  # None: the one that the caller has in mind
    chars_per_second: float
    drop: Callable[[tuple[str, int]], None]


class Conversation:
    def __init__(self, wire: Wire, record: Record, model: str, behaviour: Behaviour, world: World) -> None:
        self._wire, self._record, self._behaviour, self._world = wire, record, behaviour, world
        expires_at = int(time.time() + behaviour.expires_in_s)
        self._session = session_object.fresh(record.session_id, model, expires_at)
        self._items = Items(behaviour.short_by_ms)
        self._model: Model | None = None
        self._response: Response | None = None
        self._responses = 0
        self._failing = list(behaviour.failing)
        self._empty = behaviour.empty_responses
        self._heard_tokens = 0
        self._hearing = self._listen()
        self._echoed: asyncio.Queue[bytes] = asyncio.Queue()
        self._idle: asyncio.TimerHandle | None = None
        self._reached: set[Point] = set()
        self._events = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until either side ends it; the record is complete when this returns."""
        self._spawn(self._read())
        self._spawn(self._live())
        try:
            ending = await self._over
        finally:
            if self._idle is not None:
                self._idle.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end(ending)

    async def _live(self) -> None:
        await self._reach("connected")
        if self._behaviour.mute:
            return
        await self._send("session.created", session=self._session)
        await self._reach("created")
        await asyncio.sleep(self._behaviour.expires_in_s)
        self._finish(Ending(1001, EXPIRED))

    # --- What the client asks ---

    async def _read(self) -> None:
        while True:
            try:
                await self._take(client_events.read(await self._wire.receive()))
            except ClosedError as closed:
                self._finish(Ending(closed.code, closed.reason, by="client"))
                return
            except BinaryFrameError:
                await self._refuse(Rejected("invalid_event", "Binary frames are not supported."))
            except Rejected as rejected:
                await self._refuse(rejected)

    async def _take(self, event: Json) -> None:
        try:
            await self._obey(event)
        except Rejected as rejected:
            rejected.event_id = event.get("event_id")
            raise

    async def _refuse(self, rejected: Rejected) -> None:
        error = {**rejected.error, "event_id": rejected.event_id}
        self._record.errors.append(error)
        await self._send("error", error=error)

    async def _obey(self, event: Json) -> None:
        if event["type"] == "input_audio_buffer.append":
            await self._hear(client_events.audio_of(event))
            return
        self._record.events.append(event)
        match event["type"]:
            case "session.update":
                await self._update(event["session"])
            case "input_audio_buffer.commit":
                if self._hearing.buffered_ms < 100:
                    raise Rejected(
                        "input_audio_buffer_commit_empty",
                        "Error committing input audio buffer: buffer too small.",
                    )
                await self._commit(self._items.new("message", role="user"), 0)
            case "input_audio_buffer.clear":
                self._hearing.buffered_ms = 0.0
                await self._send("input_audio_buffer.cleared")
            case "conversation.item.create":
                await self._create(event["item"])
            case "conversation.item.truncate":
                await self._truncate(event["item_id"], event["audio_end_ms"])
            case "conversation.item.delete":
                self._items.delete(event["item_id"])
                self._record.deleted.append(event["item_id"])
                await self._send("conversation.item.deleted", item_id=event["item_id"])
            case "conversation.item.retrieve":
                body = self._items.retrieve(event["item_id"])
                await self._send("conversation.item.retrieved", item=body)
            case "response.create":
                self._asked(event.get("response", {}))
            case "response.cancel":
                self._cancelled(event.get("response_id"))

    async def _update(self, update: Json) -> None:
        has_spoken = bool(self._record.spoken_ms)
        self._session = session_object.updated(self._session, update, self._behaviour, has_spoken=has_spoken)
        self._record.updates.append(update)
        self._hearing = self._listen()
        if self._behaviour.updated:
            await self._send("session.updated", session=self._session)
            await self._reach("updated")

    async def _create(self, told: Json) -> None:
        item = self._items.create(told)
        await self._send("conversation.item.added", previous_item_id=item.previous, item=item.body())
        await self._send("conversation.item.done", previous_item_id=item.previous, item=item.body())
        if item.type == "message":
            self._script().reads(item.role, "".join(part.get("text", "") for part in item.content))
        if item.type == "function_call_output":
            for use in self._record.tools:
                if use.call_id == item.call_id:
                    use.output, use.answered = item.output, True
            self._script().learn(item.output)

    async def _truncate(self, item_id: str, end_ms: int) -> None:
        self._items.truncate(item_id, end_ms)
        self._record.truncations.append((item_id, end_ms))
        await self._send("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=end_ms)

    def _asked(self, overrides: Json) -> None:
        if self._response is not None:
            raise Rejected(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self._response.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        self._begin_response(overrides)

    def _cancelled(self, response_id: str | None) -> None:
        if self._response is None or response_id not in (None, self._response.id):
            raise Rejected("response_cancel_not_active", "Cancellation failed: no active response found")
        self._response.cancelled = "client_cancelled"

    # --- What the caller says ---

    def _listen(self) -> Hearing:
        heard = self._session["audio"]["input"]
        return Hearing(session_object.format_of(heard["format"]), heard["turn_detection"])

    async def _hear(self, audio: bytes) -> None:
        self._record.received_audio += audio
        self._record.audio_before_update |= not self._record.updates
        if self._behaviour.echo:
            self._echoed.put_nowait(audio)
            return
        for change in self._hearing.feed(audio):
            match change:
                case Started():
                    await self._started(change)
                case Stopped():
                    await self._stopped(change)

    async def _started(self, change: Started) -> None:
        if self._idle is not None:
            self._idle.cancel()
        await self._send(
            "input_audio_buffer.speech_started", audio_start_ms=change.at_ms, item_id=change.item_id
        )
        response = self._response
        if response is not None and self._turn_detection.get("interrupt_response", True):
            response.cancelled = "turn_detected"
            item = response.last_item
            if self._behaviour.stale_deltas and item is not None:
                await response.late_delta(item)

    async def _stopped(self, change: Stopped) -> None:
        await self._send(
            "input_audio_buffer.speech_stopped", audio_end_ms=change.at_ms, item_id=change.item_id
        )
        item = self._items.new("message", item_id=change.item_id, role="user")
        await self._commit(item, change.spoken_ms)
        await self._reach("utterance")
        if self._turn_detection.get("create_response", True):
            self._spawn(self._respond_after_others())

    async def _commit(self, item: Item, spoken_ms: int) -> None:
        item.content = [{"type": "input_audio", "transcript": None}]
        self._hearing.buffered_ms = 0.0
        self._heard_tokens += spoken_ms // 100
        await self._send("input_audio_buffer.committed", item_id=item.id, previous_item_id=item.previous)
        await self._send("conversation.item.added", previous_item_id=item.previous, item=item.body())
        await self._send("conversation.item.done", previous_item_id=item.previous, item=item.body())
        words = self._script().hear()
        self._record.said.append(("caller", words))
        if self._session["audio"]["input"]["transcription"] is not None:
            self._spawn(self._transcribe(item, words, spoken_ms))

    async def _transcribe(self, item: Item, words: str, spoken_ms: int) -> None:
        await asyncio.sleep(self._behaviour.transcription_delay_s)
        name = "conversation.item.input_audio_transcription"
        place = {"item_id": item.id, "content_index": 0}
        if not self._behaviour.transcribes:
            error = {
                "type": "transcription_error",
                "code": "audio_unintelligible",
                "message": "Unintelligible.",
            }
            await self._send(f"{name}.failed", **place, error=error)
            return
        await self._send(f"{name}.delta", **place, delta=words)
        usage = {"type": "duration", "seconds": round(spoken_ms / 1000, 2)}
        await self._send(f"{name}.completed", **place, transcript=words, usage=usage)

    async def _idled(self) -> None:
        """The caller has been silent for too long: an empty turn, and the model's question."""
        item = self._items.new("message", role="user")
        at_ms = int(self._hearing.heard_ms)
        await self._send(
            "input_audio_buffer.timeout_triggered", audio_start_ms=at_ms, audio_end_ms=at_ms, item_id=item.id
        )
        await self._send("input_audio_buffer.committed", item_id=item.id, previous_item_id=item.previous)
        if self._response is None:
            self._begin_response({}, self._script().ask_whether_anybody_is_there())

    # --- What the model says ---

    async def _respond_after_others(self) -> None:
        """The server's own response waits until the one that it has cancelled is out of the way."""
        while self._response is not None:  # noqa: ASYNC110 - it ends within a few deltas
            await asyncio.sleep(0.005)
        if not self._hearing.speaking:
            self._begin_response({})

    def _begin_response(self, overrides: Json, outputs: list[Output] | None = None) -> None:
        limit = self._behaviour.silent_after
        if self._behaviour.silent or (limit is not None and self._responses >= limit):
            return
        self._responses += 1
        response = Response(
            self._send,
            self._items,
            self._record,
            self._behaviour,
            audio_format=session_object.format_of(self._session["audio"]["output"]["format"]),
            chars_per_second=self._world.chars_per_second,
            metadata=overrides.get("metadata"),
        )
        self._response = response
        self._spawn(self._respond(response, overrides, outputs))

    async def _respond(self, response: Response, overrides: Json, outputs: list[Output] | None) -> None:
        if self._behaviour.echo:
            await response.echo(self._echoed)
        instructions = str(overrides.get("instructions", self._session["instructions"]))
        failure = self._failing.pop(0) if self._failing else ""
        if outputs is None and not failure:
            outputs = self._next_outputs(instructions)
        tokens = (len(instructions) // 4, self._heard_tokens)
        await response.run(outputs or [], input_tokens=tokens, failure=failure)
        self._response = None
        limits = [{"name": "tokens", "limit": 40000, "remaining": 39000, "reset_seconds": 1.5}]
        await self._send("rate_limits.updated", rate_limits=limits)
        if any(not use.answered for use in self._record.tools):
            await self._reach("tool")
        await self._greeted()
        self._wait_for_the_caller()

    def _next_outputs(self, instructions: str) -> list[Output]:
        if self._empty:
            self._empty -= 1
            return []
        return self._script().respond(instructions)

    async def _greeted(self) -> None:
        if "greeting" in self._reached:
            return
        await self._reach("greeting")
        for frame in self._behaviour.frames:
            await self._wire.send_raw(frame)
        for code in self._behaviour.errors:
            error = {"type": "invalid_request_error", "code": code, "message": f"Injected: {code}."}
            await self._send("error", error={**error, "param": None, "event_id": None})

    def _wait_for_the_caller(self) -> None:
        idle_ms = self._turn_detection.get("idle_timeout_ms")
        if idle_ms is None or self._hearing.speaking or self._over.done():
            return
        loop = asyncio.get_running_loop()
        spoken_s = list(self._record.spoken_ms.values())[-1] / 1000 if self._record.spoken_ms else 0.0
        if self._idle is not None:
            self._idle.cancel()
        wait_s = spoken_s + idle_ms * IDLE_SECONDS_PER_MS
        self._idle = loop.call_later(wait_s, lambda: self._spawn(self._idled()))

    @property
    def _turn_detection(self) -> Json:
        return self._session["audio"]["input"]["turn_detection"] or {}

    def _script(self) -> Model:
        """Of the scenario that the caller's number stands for, which the instructions name."""
        if self._model is None:
            told = self._session["instructions"]
            known = (one for one in SCENARIOS.values() if one.caller and one.caller in told)
            self._model = Model(self._world.scenario or next(known, BOOKING))
        return self._model

    # --- Out, and away ---

    async def _send(self, kind: str, **fields: Any) -> None:
        self._events += 1
        head = {"type": kind, "event_id": f"event_{self._events}"}
        await self._wire.send({**head, **fields, **self._behaviour.extra})

    async def _reach(self, point: Point) -> None:
        """At this point in the session, whatever is due by the simulator's behaviour."""
        if point in self._reached:
            return
        self._reached.add(point)
        close = self._behaviour.close
        if close is not None and close.at == point:
            if close.after_s:
                self._spawn(self._close_after(close.after_s, Ending(close.code, close.reason)))
                return
            self._finish(Ending(close.code, close.reason))
            await asyncio.Future()  # nothing more is said; run() cancels this

    async def _close_after(self, seconds: float, ending: Ending) -> None:
        await asyncio.sleep(seconds)
        self._finish(ending)

    def _finish(self, ending: Ending) -> None:
        if not self._over.done():
            self._over.set_result(ending)

    async def _end(self, ending: Ending) -> None:
        record = self._record
        record.close_code, record.close_reason, record.closed_by = ending.code, ending.reason, ending.by
        if ending.by == "client":
            return
        if ending.code is None:
            self._world.drop(record.client)
            return
        await self._wire.close(ending.code, ending.reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"simulated-model:{self._record.session_id}")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self._over.done():
            self._over.set_exception(error)
