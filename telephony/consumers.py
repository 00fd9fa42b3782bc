"""Media sockets: a carrier connects here with a call's audio."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, WebSocketScope
from channels.consumer import AsyncConsumer
from django.conf import settings
from django.db import DatabaseError

from agents.fast_lane.pump import pump_here
from agents.providers import session_for
from agents.tools.registry import Answered, answer_in_call
from telephony import calls, doorstep, heartbeat, line, live, turnstile
from telephony.bridge import Bridge
from telephony.carriers.media import MediaCodec, MediaLeg, OpenLeg
from telephony.carriers.registry import label_of
from telephony.errors import BadFrame, StreamRefused
from telephony.fast_lane import CarrierLane, lane_of
from telephony.feel import metrics
from telephony.feel.figures import figures_of
from telephony.feel.record import Record, record_of
from telephony.frames import StreamStarted
from telephony.journal import Journal
from telephony.relief import Relief
from telephony.spend.leases import Lease, ticking
from tenants.log_context import log_context
from tenants.scoping import in_thread

logger = logging.getLogger(__name__)

SETUP_SECONDS = 3.0
"""For the one look at the database that stands before the agent is dialled."""
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011


CLOSE_SECONDS = 3.0

# What the server below us closes with when a peer breaks WebSocket's own rules, or sends too much at once.
PROTOCOL_BREACHES = {
    1002: "a protocol error",
    1007: "text that is no UTF-8",
    1008: "too many pings or fragments",
    1009: "a message over 64 KiB",
}


class CallerGone(Exception):
    """The carrier's socket is closed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class MediaSocket:
    """One accepted WebSocket, in terms of messages."""

    def __init__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._receive = receive
        self._send = send
        self._open = True

    async def receive(self) -> str | bytes:
        """The next message. Raises CallerGone when there is none."""
        event: dict[str, Any] = dict(await self._receive())
        if event["type"] == "websocket.disconnect":
            self._open = False
            raise CallerGone(event.get("code") or 1005)
        text: str | None = event.get("text")
        return text if text is not None else event.get("bytes") or b""

    async def send(self, message: str | bytes) -> None:
        if not self._open:
            return
        content: Any = {"text": message} if isinstance(message, str) else {"bytes": message}
        await self._tell({"type": "websocket.send", **content})

    async def close(self, code: int) -> None:
        if self._open:
            self._open = False
            with suppress(TimeoutError):  # a carrier that never reads; the server below drops it
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._tell({"type": "websocket.close", "code": code})

    async def _tell(self, event: Any) -> None:
        try:
            await self._send(event)
        except (OSError, RuntimeError):  # servers differ in what they raise once the peer is gone, if at all
            self._open = False


class MediaStreamConsumer(AsyncConsumer):  # type: ignore[misc]
    """One carrier's media socket, from its first message to the end of the call.

    Channels would check the process's database connections on a shared thread before each message, so that
    one slow query would mute every call. This consumer reads its messages itself and never dispatches.
    """

    def __init__(self, open_leg: OpenLeg) -> None:
        self._open_leg = open_leg

    async def __call__(
        self, scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await receive()  # websocket.connect
        leg = self._open_leg(scope)
        if leg is None:
            await refuse(send)
            return
        socket = MediaSocket(receive, send)
        close_code = INTERNAL_ERROR
        try:
            with doorstep.standing():
                await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
                claimed = await self._let_in(socket, leg)
            with log_context(call=claimed.carrier_call_id, tenant=claimed.tenant_id):
                close_code = await self._carry(socket, leg, claimed, lane_of(scope) if leg.has_lane else None)
        except StreamRefused as refused:
            close_code = POLICY_VIOLATION
            live.refused_streams.inc()
            logger.warning("A media stream was refused: %s", refused)
        except CallerGone:
            pass  # before it had begun
        except (DatabaseError, TimeoutError):  # the socket closes, and the carrier asks what comes next
            logger.exception("A media stream could not be set up")
        finally:
            await socket.close(close_code)

    async def _let_in(self, socket: MediaSocket, leg: MediaLeg) -> calls.ClaimedCall:
        """Let the stream prove itself. Raises StreamRefused."""
        started = await self._await_start(socket, leg.codec)
        async with asyncio.timeout(SETUP_SECONDS):
            await leg.prove(started)
            return await turnstile.let_in(started, leg.carrier)

    async def _await_start(self, socket: MediaSocket, codec: MediaCodec) -> StreamStarted:
        """The first word of the stream; whoever has not sent one in time is no carrier of ours."""
        try:
            async with asyncio.timeout(settings.STREAM_START_SECONDS):
                for _ in range(doorstep.MESSAGES):
                    frame = codec.decode(await socket.receive())
                    if isinstance(frame, StreamStarted):
                        return frame
            raise StreamRefused("much talk and no start")
        except TimeoutError:
            raise StreamRefused("no start in time") from None
        except BadFrame as bad:
            raise StreamRefused(f"before its start: {bad.reason}") from None

    async def _carry(
        self, socket: MediaSocket, leg: MediaLeg, claimed: calls.ClaimedCall, lane: CarrierLane | None
    ) -> int:
        journal = Journal(claimed)
        outcome, agent = "error", ""
        codec = leg.codec
        lease = Lease(
            claimed.tenant_id,
            claimed.call_id,
            claimed.handover.granted_seconds,
            used_seconds=claimed.handover.used_seconds,
        )
        bridge: Bridge | None = None
        reader: asyncio.Task[None] | None = None
        try:
            if problem := leg.mismatch():
                outcome = calls.WRONG_SAMPLE_RATE
                journal.happened(outcome, reason=problem)
                return POLICY_VIOLATION
            handover = claimed.handover
            assignment = handover.assignment(claimed.tenant_id, claimed.conversation_id, claimed.session_url)
            session = session_for(assignment, codec.audio_format)
            agent = session.name
            async with leg.sending(socket.send) as way:
                bridge = Bridge(
                    codec=codec,
                    send=way.send,
                    playout=way.playout,
                    session=session,
                    journal=journal,
                    answer_tool=_tool_answerer(claimed),
                    max_seconds=handover.max_seconds,
                    max_silent_seconds=settings.MAX_SILENT_SECONDS,
                    menu_key=handover.menu_key and leg.has_menu,
                    lane=lane,
                    budget_left=lease.seconds_left,
                    relief=Relief(
                        claimed.tenant_id, claimed.conversation_id, claimed.carrier, codec.audio_format
                    )
                    if handover.has_relief
                    else None,
                )
                if lane is not None:
                    lane.open_lane(bridge.taker(codec.plain_audio))
                    if settings.MEDIA_PUMP and (pump := pump_here()) is not None:
                        bridge.shorten(pump, lane, codec.pattern, lane.way_back(*codec.around_audio))
                reader = asyncio.create_task(_read(socket, codec, bridge), name="carrier")
                with live.call(claimed.call_id, bridge.caller_left):
                    async with (
                        line.acting_on(claimed.conversation_id, bridge.act, bridge.whisper),
                        heartbeat.beating_for(str(claimed.conversation_id)),
                        ticking(lease),
                    ):
                        outcome = await bridge.run()
            return bridge.close_code
        finally:
            # Here and not in a disconnect handler, which no server calls when a handler raises. The outcome
            # is written before the socket closes: the carrier then asks at once what comes next.
            if lane is not None:
                lane.close_lane()
            if reader is not None:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
            journal.settles(lease.used_seconds)
            await journal.finish(
                outcome,
                first_audio_ms=bridge.first_audio_ms if bridge else None,
                feel=_felt(bridge, outcome),
                last_agent=bridge.last_agent if bridge else None,
            )
            agent = bridge.agent_name if bridge else agent
            live.ended_calls.labels(outcome).inc()
            names = f"{label_of(claimed.carrier)}-{agent}".rstrip("-")
            logger.info("%s: Ended call %s: %s", names, claimed.carrier_call_id, outcome)


def _felt(bridge: Bridge | None, outcome: str) -> Record | None:
    if bridge is None or bridge.feel.heard is None:
        return None
    figures = figures_of(bridge.feel.heard, caller_left=outcome in calls.CALLERS_CHOICE)
    metrics.observe(figures)
    return record_of(figures)


async def _read(socket: MediaSocket, codec: MediaCodec, bridge: Bridge) -> None:
    """Hand frames to the bridge until the carrier leaves or breaks its protocol."""
    try:
        while True:
            bridge.messages_read += 1
            frame = codec.decode(await socket.receive())
            if frame is not None:
                bridge.feed(frame)
    except CallerGone as gone:
        if gone.code in PROTOCOL_BREACHES:
            bridge.broke(BadFrame(PROTOCOL_BREACHES[gone.code], gone.code))
        bridge.caller_left(calls.CALLER_HUNG_UP if gone.code == 1000 else calls.STREAM_LOST)
    except BadFrame as bad:
        bridge.broke(bad)
    except Exception:
        logger.exception("A carrier's socket is read no more")
        bridge.caller_left(calls.STREAM_LOST)


def _tool_answerer(claimed: calls.ClaimedCall) -> Callable[[str, dict[str, Any]], Awaitable[Answered]]:
    async def answer(tool: str, arguments: dict[str, Any]) -> Answered:
        return await in_thread(answer_in_call, claimed.tenant_id, claimed.conversation_id, tool, arguments)

    return answer


async def refuse(send: ASGISendCallable) -> None:
    """Before the upgrade."""
    await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})


class RefusedSocket(AsyncConsumer):  # type: ignore[misc]
    """A path that is no media stream: refused before the upgrade."""

    async def __call__(
        self, scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await receive()
        await refuse(send)
