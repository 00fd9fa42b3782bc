"""The carrier: people dial, it tells our webhook, and does what we ask for over REST."""

import asyncio
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import httpx2

from agents.simulators.asgi import LoopServer, Receive, Scope, Send
from telephony.simulators.infobip.account import EVENTS, Account, Delivery
from telephony.simulators.infobip.actions import Actions
from telephony.simulators.infobip.call import InfobipCall, Json, timestamp
from telephony.simulators.infobip.control import Control
from telephony.simulators.infobip.faults import Faults
from telephony.simulators.infobip.outbound import ring
from telephony.simulators.infobip.people import People
from telephony.simulators.infobip.rest import RestApi, is_control
from telephony.simulators.twilio.callees import Callee
from telephony.simulators.twilio.caller import Script
from telephony.simulators.twilio.line import FarEnd

EVENTS_PATH = "/api/webhooks/infobip/calls"
MOST_RESPONSE_S = 2.0
LATE_S = 1.0
CONFIGURATION = "simulated"


class InfobipSimulator:
    """`async with InfobipSimulator(api_key, ...) as carrier:`; INFOBIP_BASE_URL is `carrier.base_url`.

    With a `backend_url` the account is set up as somebody did by hand: one calls configuration for all numbers,
    its events subscribed with Basic authentication.
    """

    def __init__(
        self,
        api_key: str,
        *,
        backend_url: str = "",
        webhook_secret: str = "",
        configurations: tuple[str, ...] = (CONFIGURATION,),
        numbers: dict[str, str] | None = None,
        faults: Faults | None = None,
        far_end: FarEnd | None = None,
        say_chars_per_second: float = 40.0,
        record_s: float = 0.5,
        time_limit_s: float = 180.0,
        port: int = 0,
    ) -> None:
        self.account = Account(api_key, numbers=dict(numbers or {}))
        self.faults = faults or Faults()
        self.far_end = far_end or FarEnd()
        self.say_chars_per_second, self.record_s = say_chars_per_second, record_s
        self._time_limit_s = time_limit_s
        self.calls: list[InfobipCall] = []
        actions = Actions(self)
        self.people = People(self, actions)
        self.rest = RestApi(self.account, self.faults, actions, self.people, self.find)
        self._control = Control(self)
        self.callee = Callee()
        """Whoever answers calls that are made over REST; others by number, in digits."""
        self.callees: dict[str, Callee] = {}
        self.rest.places_calls(self._dial, self._with_leg)
        self._server = LoopServer(self._serve, port=port)
        self._http = httpx2.AsyncClient(trust_env=False, timeout=httpx2.Timeout(15.0, connect=5.0))
        self._tasks: set[asyncio.Task[None]] = set()
        self._lines: dict[str, asyncio.Queue[tuple[Json, Delivery] | None]] = {}
        if backend_url:
            for configuration in configurations:
                self.subscribe(configuration, backend_url + EVENTS_PATH, webhook_secret)

    @property
    def base_url(self) -> str:
        return self._server.base_url

    def subscribe(self, configuration_id: str, url: str, secret: str) -> None:
        """What `manage.py provision` does over REST."""
        self.account.configurations[configuration_id] = {"id": configuration_id, "name": configuration_id}
        self.account.profiles[configuration_id] = {
            "profileId": configuration_id,
            "webhook": {"notifyUrl": url},
            "security": {"type": "BASIC", "credentials": {"username": "tonris", "password": secret}},
        }
        self.account.subscriptions[configuration_id] = {
            "subscriptionId": configuration_id,
            "name": configuration_id,
            "events": sorted(EVENTS),
            "profile": {"profileId": configuration_id},
            "criteria": [{"callsConfigurationId": configuration_id}],
        }

    def find(self, call_id: str) -> InfobipCall | None:
        return next((call for call in self.calls if call.sid == call_id), None)

    async def place_call(self, to: str, from_: str, script: Script | None = None) -> InfobipCall:
        """Dials and returns at once; `await call.wait()` for the end."""
        configuration = self.account.numbers.get(to.removeprefix("+"), "")
        if not configuration:
            configuration = next(iter(self.account.configurations), CONFIGURATION)
        call = InfobipCall(to, from_, script or Script(), configuration)
        self.calls.append(call)
        self.spawn(self._carry(call), call.sid)
        return call

    def _dial(self, body: Json) -> InfobipCall:
        callee = self.callees.get(str(body["endpoint"]["phoneNumber"]), self.callee)
        call = InfobipCall.placed(body, callee)
        self.calls.append(call)
        self.spawn(self._carry(call), call.sid)
        return call

    def _with_leg(self, leg_id: str) -> InfobipCall | None:
        """The call whose dialog has this leg at its other end, now."""
        return next((one for one in self.calls if one.dialog and one.dialog.child.call_id == leg_id), None)

    async def _carry(self, call: InfobipCall) -> None:
        self._lines[call.sid] = asyncio.Queue()
        told = self.spawn(self._tell(call), f"{call.sid}:events")
        over = asyncio.Event()

        def finish_leg(state: str, error: str, source: str) -> None:
            if not call.leg.is_over:
                self._finish(call, state, error, source)
                over.set()

        call.finish_leg = finish_leg
        if call.callee is not None:
            self.spawn(ring(self, call), f"{call.sid}:ring")
        else:
            received = {"call": call.leg.to_json(), "apiBaseUrl": "https://elsewhere.example.com"}
            self.emit(call, "CALL_RECEIVED", received, callId=call.sid)
        leaves = asyncio.create_task(call.hung_up.wait())
        ends = asyncio.create_task(over.wait())
        try:
            await asyncio.wait(
                {leaves, ends}, timeout=self._time_limit_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not over.is_set():
                await self._caller_leaves(call)
        finally:
            leaves.cancel()
            ends.cancel()
            await asyncio.gather(leaves, ends, return_exceptions=True)
            call.finish()
            await self._lines[call.sid].put(None)
            await asyncio.gather(told, return_exceptions=True)
            call.over.set()

    async def _caller_leaves(self, call: InfobipCall) -> None:
        if not call.hung_up.is_set():
            call.warn(0, f"the call was cut after {self._time_limit_s:g} s")
            call.ended_by = "carrier"
            call.hung_up.set()
        if call.dialog is not None:
            call.dialog.end("PARENT_ENDPOINT")
            while call.dialogs[-1].state not in {"FINISHED", "FAILED"}:  # noqa: ASYNC110 - it tells of its end first
                await asyncio.sleep(0.005)
        if call.has_action is not None:
            call.has_action.cancel()
        answered = call.leg.state == "ESTABLISHED"
        call.finish_leg("FINISHED" if answered else "CANCELLED", "NORMAL_HANGUP", "ENDPOINT")

    def _finish(self, call: InfobipCall, state: str, error: str, source: str) -> None:
        if call.has_action is not None:
            call.has_action.cancel()
        answered = call.leg.state == "ESTABLISHED"
        call.leg.state = state
        if call.has_recording:
            recording = {"recording": {"files": [{"id": f"rec-{call.sid[:8]}", "duration": 1}]}}
            self.emit(call, "CALL_RECORDING_READY", recording, callId=call.sid)
        log = {"callLog": call.leg.to_log(call.talked_s, error, source)}
        self.emit(call, "CALL_FINISHED" if answered else "CALL_FAILED", log, callId=call.sid)

    # --- Events ---

    def emit(self, call: InfobipCall, kind: str, properties: Json, **ids: str) -> None:
        if kind in self.faults.lost_events:
            return
        event = {
            "type": kind,
            **ids,
            "callsConfigurationId": call.leg.configuration_id,
            "timestamp": timestamp(),
            "properties": properties,
        }
        for delivery in self.account.deliveries(call.leg.configuration_id, kind):
            for _ in range(self.faults.event_copies):
                self._lines[call.sid].put_nowait((event, delivery))

    async def _tell(self, call: InfobipCall) -> None:
        """In order, but for those that are to be late."""
        late: list[asyncio.Task[None]] = []
        while (item := await self._lines[call.sid].get()) is not None:
            event, delivery = item
            if event["type"] in self.faults.late_events:
                late.append(self.spawn(self._deliver(call, event, delivery, after_s=LATE_S), "late"))
            else:
                await self._deliver(call, event, delivery)
        await asyncio.gather(*late, return_exceptions=True)

    async def _deliver(
        self, call: InfobipCall, event: Json, delivery: Delivery, *, after_s: float = 0.0
    ) -> None:
        await asyncio.sleep(after_s)
        began = time.monotonic()
        try:
            response = await self._http.post(
                delivery.url,
                json=event,
                auth=httpx2.BasicAuth(*delivery.auth) if delivery.auth else httpx2.Auth(),
                headers={"User-Agent": "Infobip"},
            )
            status = response.status_code
        except httpx2.HTTPError as error:
            status = 0
            call.warn(5, f"{event['type']} was not delivered: {type(error).__name__}")
        call.events.append((event, status))
        if status and not 200 <= status < 300:
            call.warn(5, f"{event['type']} was answered {status}")
        if time.monotonic() - began > MOST_RESPONSE_S:
            call.warn(6, f"{event['type']} was answered too late: it would be sent again")

    # --- Running ---

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_control(scope["path"]):
            await self._control.serve(scope, receive, send)
        else:
            await self.rest.serve(scope, receive, send)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Calls that are still going on are hung up."""
        for call in self.calls:
            call.hang_up()
        for person in self.people.by_id.values():
            person.gone.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()
        await self._server.stop()
