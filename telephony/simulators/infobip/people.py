"""People who are rung by calls of their own, and joined with a caller later: POST /calls, capture, dialogs, connect.

Such a call is nobody's child: when the caller leaves it goes on ringing until it is hung up over REST.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from telephony.simulators.infobip.actions import PENDING, Actions, Answer, World, first_of
from telephony.simulators.infobip.bodies import CAPTURE, DETECTION, HANG_UP, RECORDING
from telephony.simulators.infobip.call import Dialog, InfobipCall, Leg
from telephony.simulators.infobip.refusals import (
    Refused,
    anything,
    digits,
    one_of,
    require,
    strings,
    text,
    whole,
)
from telephony.simulators.twilio.line import FarEnd

QUICK_S = 0.1
"""Nobody waits for a whole whisper in a test."""
STATES = {"busy": "BUSY", "no-answer": "NO_ANSWER", "failed": "FAILED"}


class Person:
    """One telephone that rings."""

    def __init__(self, call: InfobipCall, leg: Leg, far_end: FarEnd) -> None:
        self.call, self.leg, self.far_end = call, leg, far_end
        self.gone = asyncio.Event()
        self.action: asyncio.Task[None] | None = None
        self.dialog: Dialog | None = None


class People:
    def __init__(self, world: World, actions: Actions) -> None:
        self._world, self._actions = world, actions
        self.by_id: dict[str, Person] = {}

    def call(self, call: InfobipCall, body: Any) -> Answer:
        """POST /calls/1/calls with a `parentCallId`."""
        body = require(
            body,
            "",
            endpoint=(True, anything),
            callsConfigurationId=(True, text(128)),
            **{"from": (True, digits)},
            connectTimeout=(False, whole(1, 60)),
            maxDuration=(False, whole(1, 28_800)),
            machineDetection=(False, DETECTION),
            customData=(False, strings),
            externalId=(False, text(128)),
            parentCallId=(False, text(128)),
        )
        endpoint = require(
            body["endpoint"], "endpoint.", type=(True, one_of("PHONE")), phoneNumber=(True, digits)
        )
        configuration = body["callsConfigurationId"]
        if configuration not in self._world.account.configurations:
            raise Refused(404, "Calls configuration not found")
        leg = Leg(
            endpoint,
            "OUTBOUND",
            str(body["from"]),
            str(endpoint["phoneNumber"]),
            configuration,
            parent_id=call.sid,
            custom_data=dict(body.get("customData", {})),
        )
        person = Person(call, leg, self._world.far_end.of(f"+{endpoint['phoneNumber']}"))
        self.by_id[leg.call_id] = person
        call.legs.append(leg)
        timeout_s = float(body.get("connectTimeout", 30))
        self._world.spawn(self._ring(person, timeout_s), f"person:{leg.call_id}")
        return 201, leg.to_json()

    async def _ring(self, person: Person, timeout_s: float) -> None:
        far_end = person.far_end
        await first_of(person.gone, seconds=min(far_end.rings_s, timeout_s))
        if person.gone.is_set():
            return
        if not far_end.picks_up or far_end.rings_s > timeout_s:
            outcome = "no-answer" if far_end.picks_up else far_end.outcome
            self._finish(person, STATES[outcome], "ENDPOINT")
            return
        person.leg.state = "ESTABLISHED"
        told = {"call": person.leg.to_json()}
        self._world.emit(person.call, "CALL_ESTABLISHED", told, callId=person.leg.call_id)

    def _finish(self, person: Person, state: str, source: str) -> None:
        if person.leg.is_over:
            return
        was_up = person.leg.state == "ESTABLISHED"
        person.leg.state = state
        person.gone.set()
        if person.action is not None:
            person.action.cancel()
        log = {"callLog": person.leg.to_log(1.0 if was_up else 0.0, "NORMAL_HANGUP", source)}
        kind = "CALL_FINISHED" if was_up else "CALL_FAILED"
        self._world.emit(person.call, kind, log, callId=person.leg.call_id)

    # --- What can be done with such a call ---

    def act(self, person: Person, action: str, body: Any) -> Answer:
        if person.leg.is_over:
            raise Refused(404, "Call not found")
        if action == "hangup":
            return self._hang_up(person, body)
        if action == "capture/dtmf":
            return self._capture(person, body)
        raise Refused(404, f"{action} was not found")

    def _hang_up(self, person: Person, body: Any) -> Answer:
        require(body, **HANG_UP)
        told = person.leg.to_json()
        if person.dialog is not None and not person.dialog.ended.is_set():
            person.dialog.end("API")
        elif person.leg.state == "ESTABLISHED":
            self._finish(person, "FINISHED", "API")
        else:
            self._finish(person, "CANCELLED", "API")
        return 200, told

    def _capture(self, person: Person, body: Any) -> Answer:
        body = require(body, **CAPTURE)
        if person.leg.state != "ESTABLISHED":
            raise Refused(400, f"Call is {person.leg.state}")
        if person.action is not None and not person.action.done():
            raise Refused(400, "Another action is under way")
        said = ""
        if "playContent" in body:
            said = str(body["playContent"]["text"])
        person.action = self._world.spawn(self._listen(person, said), "whisper")
        return PENDING

    async def _listen(self, person: Person, said: str) -> None:
        if said:
            person.call.told_to_people.append((f"+{person.leg.to}", said))
        await asyncio.sleep(QUICK_S)
        if person.far_end.hangs_up:
            person.action = None
            self._finish(person, "FINISHED", "ENDPOINT")
            return
        keys = person.far_end.presses[:1] if person.far_end.outcome == "answered" else ""
        told = {"dtmf": keys, "timeout": not keys}
        self._world.emit(person.call, "DTMF_CAPTURED", told, callId=person.leg.call_id)

    # --- Joining ---

    def join(self, call: InfobipCall, person_id: str, body: Any) -> Answer:
        require(
            body,
            recording=(False, RECORDING),
            maxDuration=(False, whole(1, 28_800)),
            propagationOptions=(False, anything),
        )
        if self._world.faults.one_dialog_only and call.dialogs:
            raise Refused(400, "Call has had a dialog")
        dialog = self._joined(call, person_id, is_conference=False)
        return 201, dialog.to_json()

    def connect(self, call: InfobipCall, person_id: str) -> Answer:
        return 200, {"id": self._joined(call, person_id, is_conference=True).dialog_id}

    def _joined(self, call: InfobipCall, person_id: str, *, is_conference: bool) -> Dialog:
        person = self.by_id.get(person_id)
        if person is None or person.leg.is_over:
            raise Refused(404, "Call not found")
        if person.leg.state != "ESTABLISHED" or call.leg.state != "ESTABLISHED":
            raise Refused(400, "Both calls must be established")
        if call.dialog is not None or person.dialog is not None:
            raise Refused(400, "Call is already in a dialog")
        dialog = Dialog(call.leg, person.leg, is_conference=is_conference, child_ends_parent=False)
        dialog.state, person.dialog = "ESTABLISHED", dialog
        call.dialogs.append(dialog)
        if not is_conference:
            told = {"dialog": dialog.to_json()}
            self._world.emit(call, "DIALOG_ESTABLISHED", told, dialogId=dialog.dialog_id)
        call.joined.append(f"+{person.leg.to}")
        call.timeline.now_hears("dial", f"+{person.leg.to}")
        self._world.spawn(self._talk(call, person, dialog), f"talk:{dialog.dialog_id}")
        return dialog

    async def _talk(self, call: InfobipCall, person: Person, dialog: Dialog) -> None:
        await first_of(call.hung_up, dialog.ended, seconds=person.far_end.talks_s)
        if call.hung_up.is_set():
            dialog.end("PARENT_ENDPOINT")
        dialog.end("CHILD_ENDPOINT")
        call.timeline.now_hears("silence")
        person.gone.set()
        self._actions.end_dialog(call, dialog, "NORMAL_HANGUP", "ENDPOINT")

    # --- What the caller hears meanwhile ---

    def play(self, call: InfobipCall, body: Any) -> Answer:
        body = require(
            body,
            content=(True, anything),
            loopCount=(False, whole(1, 1000)),
            timeout=(False, whole(1, 3_600_000)),
            offset=(False, whole(0, 3_600_000)),
            stopOn=(False, anything),
            customData=(False, strings),
        )
        content = require(
            body["content"],
            "content.",
            type=(True, one_of("URL")),
            fileUrl=(True, text()),
            cacheDuration=(False, whole(0, 86_400)),
        )
        parts = urlsplit(str(content["fileUrl"]))
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise Refused(400, "Bad request", {"content.fileUrl": ["must be a URL"]})
        if call.leg.state != "ESTABLISHED" or call.dialog is not None:
            raise Refused(400, "Call cannot play anything now")
        call.timeline.now_hears("ringing")
        call.has_play = True
        return PENDING

    def stop_play(self, call: InfobipCall, body: Any) -> Answer:
        require(body, customData=(False, strings))
        if not call.has_play:
            raise Refused(400, "Nothing is being played")
        call.has_play = False
        call.timeline.now_hears("silence")
        return PENDING
