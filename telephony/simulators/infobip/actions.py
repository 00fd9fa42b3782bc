"""What can be done with a call over REST, and what comes of it: every action is told of by an event, later."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from telephony.simulators.infobip.account import Account
from telephony.simulators.infobip.bodies import (
    BEFORE_ANSWER,
    CAPTURE,
    CHILD,
    HANG_UP,
    KEYS,
    LANGUAGES,
    RECORDING,
    VOICE,
)
from telephony.simulators.infobip.call import Dialog, InfobipCall, Json, Leg, Stream
from telephony.simulators.infobip.faults import Faults
from telephony.simulators.infobip.refusals import (
    Refused,
    anything,
    digits,
    flag,
    number,
    of,
    one_of,
    require,
    strings,
    text,
    whole,
)
from telephony.simulators.infobip.socket import MediaSocket, SocketFailed
from telephony.simulators.twilio.line import FarEnd

PENDING = (200, {"status": "PENDING"})
Answer = tuple[int, Json]


class World(Protocol):
    account: Account
    faults: Faults
    far_end: FarEnd
    say_chars_per_second: float
    record_s: float

    def emit(self, call: InfobipCall, kind: str, properties: Json, **ids: str) -> None: ...
    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]": ...


class Actions:
    def __init__(self, world: World) -> None:
        self._world = world
        self.by_name: dict[str, Callable[[InfobipCall, Any], Answer]] = {
            "answer": self.answer,
            "hangup": self.hang_up,
            "say": self.say,
            "start-recording": self.start_recording,
            "capture/dtmf": self.capture,
            "connect": self.connect,
        }

    # --- The caller's leg ---

    def answer(self, call: InfobipCall, body: Any) -> Answer:
        require(body, customData=(False, strings), recording=(False, RECORDING))
        if call.leg.state != "RINGING":
            raise Refused(400, f"Call is {call.leg.state}")
        self._world.spawn(self._established(call), "answer")
        return PENDING

    async def _established(self, call: InfobipCall) -> None:
        await asyncio.sleep(0.01)
        self.establish(call)

    def establish(self, call: InfobipCall) -> None:
        if call.leg.state == "RINGING":
            call.leg.state = "ESTABLISHED"
            call.set_status("in-progress")
            self._world.emit(call, "CALL_ESTABLISHED", {"call": call.leg.to_json()}, callId=call.sid)

    def hang_up(self, call: InfobipCall, body: Any) -> Answer:
        body = require(body, **HANG_UP)
        reason = str(body.get("errorCode", ""))
        if call.leg.state == "ESTABLISHED" and reason in BEFORE_ANSWER:
            raise Refused(400, "errorCode is not for an established call")
        if call.leg.state != "ESTABLISHED" and reason in {"NORMAL_HANGUP", "MACHINE_DETECTED"}:
            raise Refused(400, "errorCode is for an established call")
        if reason == "MACHINE_DETECTED" and call.leg.direction != "OUTBOUND":
            raise Refused(400, "errorCode is for an outbound call")
        if call.dialog is not None:
            call.dialog.end("API")
        told = call.leg.to_json()
        call.ended_by = call.ended_by or "server"
        if call.leg.state != "ESTABLISHED":
            call.timeline.now_hears("busy", reason)
            state = "CANCELLED" if reason == "CANCELLED" else "FAILED"
            call.finish_leg(state, reason or "REJECTED", "API")
        else:
            call.finish_leg("FINISHED", reason or "NORMAL_HANGUP", "API")
        return 200, told

    def say(self, call: InfobipCall, body: Any) -> Answer:
        body = require(
            body,
            text=(True, text()),
            language=(True, one_of(*LANGUAGES)),
            speechRate=(False, number(0.5, 2)),
            loopCount=(False, whole(0, 100)),
            preferences=(False, VOICE),
        )
        self._free(call)
        call.has_action = self._world.spawn(self._say(call, str(body["text"])), "say")
        return PENDING

    async def _say(self, call: InfobipCall, words: str) -> None:
        if self._world.faults.say_fails:
            await asyncio.sleep(0.01)
            self._world.emit(
                call, "ERROR", {"actionType": "SAY", "errorCode": {"name": "SAY_FAILED"}}, callId=call.sid
            )
            return
        call.timeline.now_hears("say", words)
        seconds = len(words) / self._world.say_chars_per_second
        await asyncio.sleep(seconds)
        call.timeline.now_hears("silence")
        finished = {"duration": round(seconds * 1000), "playedCompletely": True}
        self._world.emit(call, "SAY_FINISHED", finished, callId=call.sid)

    def start_recording(self, call: InfobipCall, body: Any) -> Answer:
        require(body, recording=(True, RECORDING))
        self._free(call, busy=True)
        call.has_recording = True
        call.timeline.now_hears("record")
        return PENDING

    def capture(self, call: InfobipCall, body: Any) -> Answer:
        body = require(body, **CAPTURE)
        self._free(call)
        work = self._capture(call, float(body["timeout"]) / 1000)
        if "playContent" in body:
            content = body["playContent"]
            work.close()
            work = self._ask_for_keys(call, str(content["text"]), int(body["maxLength"]), body)
        call.has_action = self._world.spawn(work, "capture")
        return PENDING

    async def _ask_for_keys(self, call: InfobipCall, words: str, most: int, body: Json) -> None:
        """The next answer of the caller's script: its keys, up to the terminator; words are none."""
        call.timeline.now_hears("say", words)
        await asyncio.sleep(len(words) / self._world.say_chars_per_second)
        call.timeline.now_hears("silence")
        answer = call.caller.next_answer() or ""
        end = str(body.get("terminator", ""))
        keys = "".join(key for key in answer.partition(end)[0] if key in KEYS) if end else answer[:most]
        keys = keys[:most] if set(keys) <= KEYS else ""
        call.digits += keys
        if not keys:
            await asyncio.sleep(min(float(body["timeout"]) / 1000, 0.1))
        self._world.emit(call, "DTMF_CAPTURED", {"dtmf": keys, "timeout": not keys}, callId=call.sid)

    async def _capture(self, call: InfobipCall, timeout_s: float) -> None:
        """The caller leaves their message meanwhile, and presses a key if they have one for it."""
        line = call.caller.next_line()
        if line:
            call.line_begins(line.text)
        await asyncio.sleep(len(line.audio) / 8000 if line else self._world.record_s)
        call.line_ends()
        key = call.caller.take_digits(1)
        call.digits += key
        if not key:
            await asyncio.sleep(min(timeout_s, 0.5))
        self._world.emit(call, "DTMF_CAPTURED", {"dtmf": key, "timeout": not key}, callId=call.sid)

    def _free(self, call: InfobipCall, *, busy: bool = False) -> None:
        if call.leg.state != "ESTABLISHED":
            raise Refused(400, f"Call is {call.leg.state}")
        if call.dialog is not None:
            raise Refused(400, "Call is in a dialog")
        if not busy and call.has_action is not None and not call.has_action.done():
            raise Refused(400, "Another action is under way")

    # --- Dialogs ---

    def create_dialog(self, call: InfobipCall, body: Json) -> Answer:
        options = require(
            body.get("propagationOptions", {}),
            "propagationOptions.",
            childCallHangup=(False, flag),
            childCallRinging=(False, flag),
            ringbackGeneration=(False, of(enabled=(False, flag))),
        )
        if options.get("childCallRinging"):
            if options.get("ringbackGeneration", {}).get("enabled"):
                raise Refused(400, "childCallRinging and ringbackGeneration exclude each other")
            if call.leg.direction != "INBOUND":
                raise Refused(400, "childCallRinging needs an inbound parent call")
        child = self._child(call, body["childCallRequest"])
        if self._world.faults.one_dialog_only and call.dialogs:
            raise Refused(400, "Call has had a dialog")
        dialog = Dialog(call.leg, child, child_ends_parent=bool(options.get("childCallHangup", True)))
        child.dialog_id = call.leg.dialog_id = dialog.dialog_id
        self._begin(call, dialog, float(body.get("maxDuration", 28_800)))
        return 201, dialog.to_json()

    def connect(self, call: InfobipCall, body: Any) -> Answer:
        body = require(
            body,
            callRequest=(True, anything),
            connectOnEarlyMedia=(False, flag),
            ringbackGeneration=(False, of(enabled=(False, flag))),
            conferenceRequest=(False, anything),
        )
        child = self._child(call, body["callRequest"])
        dialog = Dialog(call.leg, child, is_conference=True, child_ends_parent=False)
        self._begin(call, dialog, 28_800)
        return 200, {"conference": {"id": dialog.dialog_id}, "call": child.to_json()}

    def _child(self, call: InfobipCall, request: Any) -> Leg:
        request = require(request, "childCallRequest.", **CHILD)
        if call.leg.state not in {"RINGING", "PRE_ESTABLISHED", "ESTABLISHED"}:
            raise Refused(400, f"Call is {call.leg.state}")
        if call.dialog is not None:
            raise Refused(400, "Call is already in a dialog")
        endpoint = request["endpoint"]
        if isinstance(endpoint, dict) and endpoint.get("type") == "WEBSOCKET":
            require(
                endpoint,
                "endpoint.",
                type=(True, text()),
                websocketEndpointConfigId=(True, text(128)),
                identifier=(False, text(128)),
            )
            if endpoint["websocketEndpointConfigId"] not in self._world.account.media_configs:
                raise Refused(404, "Media stream config not found")
        else:
            require(endpoint, "endpoint.", type=(True, one_of("PHONE")), phoneNumber=(True, digits))
        return Leg(
            endpoint,
            "OUTBOUND",
            str(request.get("from", "")),
            str(endpoint.get("phoneNumber", "")),
            call.leg.configuration_id,
            parent_id=call.sid,
            custom_data=dict(request.get("customData", {})),
        )

    def _begin(self, call: InfobipCall, dialog: Dialog, max_s: float) -> None:
        call.dialogs.append(dialog)
        call.legs.append(dialog.child)
        if not dialog.is_conference:
            created = {"dialog": dialog.to_json(), "apiBaseUrl": "https://elsewhere.example.com"}
            self._world.emit(call, "DIALOG_CREATED", created, dialogId=dialog.dialog_id)
        self._world.spawn(self._carry(call, dialog, max_s), f"dialog:{dialog.dialog_id}")

    async def _carry(self, call: InfobipCall, dialog: Dialog, max_s: float) -> None:
        """A dialog from its first ring to its end."""
        error, source = "NORMAL_HANGUP", "ENDPOINT"
        try:
            async with asyncio.timeout(max_s):
                is_socket = dialog.child.endpoint["type"] == "WEBSOCKET"
                error = await (self._stream(call, dialog) if is_socket else self._ring(call, dialog))
        except TimeoutError:
            dialog.end("PLATFORM")
            error, source = "MAX_DURATION_REACHED", "PLATFORM"
        if call.hung_up.is_set():
            dialog.end("PARENT_ENDPOINT")
        dialog.end("CHILD_ENDPOINT")
        self.end_dialog(call, dialog, error, source)

    def _up(self, call: InfobipCall, dialog: Dialog) -> None:
        """The other end has answered, and so is the caller."""
        dialog.child.state, dialog.state = "ESTABLISHED", "ESTABLISHED"
        self._emit_leg(call, dialog.child, "CALL_ESTABLISHED")
        self.establish(call)
        if not dialog.is_conference:
            told = {"dialog": dialog.to_json()}
            self._world.emit(call, "DIALOG_ESTABLISHED", told, dialogId=dialog.dialog_id)

    async def _stream(self, call: InfobipCall, dialog: Dialog) -> str:
        config = self._world.account.media_configs[dialog.child.endpoint["websocketEndpointConfigId"]]
        record = Stream(config["url"], int(config["sampleRate"]), dialog.child.custom_data)
        call.sockets.append(record)
        media = MediaSocket(call, record, self._world.faults)
        try:
            socket = await media.open()
        except SocketFailed as failed:
            call.warn(4, f"the WebSocket leg failed: {failed}")
            return "SERVICE_UNAVAILABLE"
        self._up(call, dialog)
        await media.run(socket, dialog.ended)
        call.timeline.now_hears("silence")
        return "NORMAL_HANGUP"

    async def _ring(self, call: InfobipCall, dialog: Dialog) -> str:
        far_end = self._world.far_end.of(f"+{dialog.child.endpoint['phoneNumber']}")
        call.timeline.now_hears("dial", f"+{dialog.child.endpoint['phoneNumber']}")
        await first_of(call.hung_up, dialog.ended, seconds=far_end.rings_s)
        if not far_end.picks_up:
            call.timeline.now_hears("silence")
            return {"busy": "BUSY", "no-answer": "NO_ANSWER", "failed": "DESTINATION_UNAVAILABLE"}[
                far_end.outcome
            ]
        self._up(call, dialog)
        call.joined.append(f"+{dialog.child.endpoint['phoneNumber']}")
        await first_of(call.hung_up, dialog.ended, seconds=far_end.talks_s)
        call.timeline.now_hears("silence")
        return "NORMAL_HANGUP"

    def end_dialog(self, call: InfobipCall, dialog: Dialog, error: str, source: str) -> None:
        """The leg's end is told before the dialog's."""
        was_up = dialog.state == "ESTABLISHED"
        dialog.child.state = "FINISHED" if was_up else error if error in {"BUSY", "NO_ANSWER"} else "FAILED"
        dialog.state = "FINISHED" if was_up else "FAILED"
        call.leg.dialog_id = ""
        log = {"callLog": dialog.child.to_log(1.0 if was_up else 0.0, error, source)}
        kind = "CALL_FINISHED" if was_up else "CALL_FAILED"
        self._world.emit(call, kind, log, callId=dialog.child.call_id)
        if not dialog.is_conference:
            told = {
                "dialog": dialog.to_json(),
                "errorCode": {"id": 10000, "name": error, "description": error},
                "hangupSource": dialog.hangup_source,
            }
            kind = "DIALOG_FINISHED" if was_up else "DIALOG_FAILED"
            self._world.emit(call, kind, told, dialogId=dialog.dialog_id)
        if dialog.child_ends_parent and not call.leg.is_over:
            call.ended_by = call.ended_by or "carrier"
            call.finish_leg("FINISHED", "NORMAL_HANGUP", "PLATFORM")

    def _emit_leg(self, call: InfobipCall, leg: Leg, kind: str) -> None:
        self._world.emit(call, kind, {"call": leg.to_json()}, callId=leg.call_id)


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Until one of them happens, or the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
