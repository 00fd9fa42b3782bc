"""The carrier: people dial, it asks our webhooks what to do, and does it."""

import asyncio
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

import httpx2

from telephony.simulators.twilio.call import SimulatedCall
from telephony.simulators.twilio.caller import Script
from telephony.simulators.twilio.course import Course
from telephony.simulators.twilio.flow import CallFlow
from telephony.simulators.twilio.line import FarEnd, Line
from telephony.simulators.twilio.progress import Progress
from telephony.simulators.twilio.webhooks import CONNECT_S, MAX_REDIRECTS, TOTAL_S, Webhooks

VOICE_PATH = "/api/webhooks/twilio/elevenlabs"
FALLBACK_PATH = "/api/webhooks/twilio/fallback"
STATUS_PATH = "/api/webhooks/twilio/status"


class TwilioSimulator:
    """`async with TwilioSimulator(base_url, account_sid, auth_token) as carrier:`, then `place_call`.

    A number's status callback reports only the end of a call, as a real one does; `status_events` may name
    "ringing" and "in-progress" too, as for calls made over REST. A path of None is one not configured.
    """

    def __init__(
        self,
        base_url: str,
        account_sid: str,
        auth_token: str,
        *,
        voice_path: str = VOICE_PATH,
        fallback_path: str | None = FALLBACK_PATH,
        status_path: str | None = STATUS_PATH,
        status_events: Iterable[str] = ("completed",),
        signs_stream: bool = True,
        say_chars_per_second: float = 20.0,
        record_s: float = 1.0,
        silence_s: float = 60.0,
        far_end: FarEnd | None = None,
        time_limit_s: float = 180.0,
    ) -> None:
        base_url = base_url.rstrip("/")
        self._line = Line(
            account_sid=account_sid,
            voice_url=base_url + voice_path,
            fallback_url=None if fallback_path is None else base_url + fallback_path,
            status_url=None if status_path is None else base_url + status_path,
            status_events=frozenset(status_events),
            signs_stream=signs_stream,
            say_chars_per_second=say_chars_per_second,
            record_s=record_s,
            silence_s=silence_s,
            far_end=far_end or FarEnd(),
            time_limit_s=time_limit_s,
        )
        self._http = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=httpx2.Timeout(TOTAL_S, connect=CONNECT_S),
            limits=httpx2.Limits(max_connections=200, max_keepalive_connections=50),
        )
        self._webhooks = Webhooks(auth_token, self._http)
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls: list[SimulatedCall] = []

    async def place_call(
        self, to: str, from_: str, script: Script | None = None, *, call_sid: str | None = None
    ) -> SimulatedCall:
        """Dials and returns at once; `await call.wait()` for the end."""
        call = SimulatedCall(to, from_, script or Script(), sid=call_sid)
        self.calls.append(call)
        self._spawn(self._carry(call), call.sid)
        return call

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Calls that are still going on are hung up."""
        for call in self.calls:
            call.hang_up()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def _carry(self, call: SimulatedCall) -> None:
        callbacks: list[asyncio.Task[None]] = []

        def in_background(work: Coroutine[Any, Any, None]) -> None:
            callbacks.append(self._spawn(work, f"{call.sid}:callback"))

        Progress(call, self._line, self._webhooks, in_background)
        flow = CallFlow(Course(call, self._line, self._webhooks, in_background))
        try:
            async with asyncio.timeout(self._line.time_limit_s):
                await flow.run()
        except TimeoutError:
            call.ended_by = "carrier"
            call.warn(0, f"the call was cut after {self._line.time_limit_s:g} s")
        finally:
            call.finish()
            await asyncio.gather(*callbacks, return_exceptions=True)
            call.over.set()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
