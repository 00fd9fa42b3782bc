"""Calls made over REST: asked for as strictly as Infobip asks, rung, answered, listened to.

Source: Infobip, "Calls API": create call, machine detection.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from telephony.simulators.infobip.account import Account
from telephony.simulators.infobip.bodies import DETECTION, RECORDING
from telephony.simulators.infobip.call import InfobipCall, Json
from telephony.simulators.infobip.refusals import (
    Refused,
    anything,
    digits,
    of,
    require,
    strings,
    text,
    whole,
)

if TYPE_CHECKING:
    from telephony.simulators.infobip.simulator import InfobipSimulator

ENDINGS = {"busy": "BUSY", "no-answer": "NO_ANSWER", "failed": "FAILED"}


def wanted_call(account: Account, body: Any) -> Json:
    """The body of a call that can be placed. Raises Refused."""
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
        recording=(False, RECORDING),
        platform=(False, of(applicationId=(False, text(255)), entityId=(False, text(255)))),
        fromDisplayName=(False, text(128)),
    )
    require(body["endpoint"], "endpoint.", type=(True, text()), phoneNumber=(True, digits))
    if body["endpoint"]["type"] != "PHONE":
        raise Refused(400, "Only PHONE endpoints are simulated")
    if body["callsConfigurationId"] not in account.configurations:
        raise Refused(400, f"Unknown calls configuration {body['callsConfigurationId']}")
    return body


async def ring(world: "InfobipSimulator", call: InfobipCall) -> None:
    """From the first ring to the answer; everything else goes on as in any call."""
    callee = call.callee
    if callee is None:
        return
    call.leg.state = "RINGING"
    call.set_status("ringing")
    told = {"call": call.leg.to_json(), "apiBaseUrl": "https://elsewhere.example.com"}
    world.emit(call, "CALL_RINGING", told, callId=call.sid)
    await asyncio.sleep(callee.rings_s)
    if call.leg.is_over:
        return
    if callee.answers in ENDINGS:
        state = ENDINGS[callee.answers]
        call.set_status(callee.answers)
        call.finish_leg(state, "DESTINATION_UNAVAILABLE" if state == "FAILED" else state, "ENDPOINT")
        return
    call.leg.state = "ESTABLISHED"
    call.set_status("in-progress")
    world.emit(call, "CALL_ESTABLISHED", {"call": call.leg.to_json()}, callId=call.sid)
    if call.detection.get("enabled"):
        await _detect(world, call)


async def _detect(world: "InfobipSimulator", call: InfobipCall) -> None:
    callee = call.callee
    if callee is None:
        return
    custom = {"customData": call.leg.custom_data}
    await asyncio.sleep(callee.detected_s)
    if call.leg.is_over:
        return
    is_machine = callee.answers != "human"  # of a fax, too: Infobip knows no third
    verdict = {"detectionResult": "MACHINE" if is_machine else "HUMAN", "confidenceRating": {}, **custom}
    world.emit(call, "MACHINE_DETECTION_FINISHED", verdict, callId=call.sid)
    if not is_machine or not call.detection.get("messageDetectionTimeout"):
        return
    await asyncio.sleep(max(callee.greeting_s - callee.detected_s, 0))
    if not call.leg.is_over:
        result = {"beep": "BEEP", "silence": "SILENCE", "other": "TIMEOUT"}[callee.tone]
        world.emit(
            call, "MACHINE_MESSAGE_DETECTION_FINISHED", {"detectionResult": result, **custom}, callId=call.sid
        )
