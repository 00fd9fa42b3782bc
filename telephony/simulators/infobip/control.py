"""How `manage.py simulate_call` makes somebody dial in another process: no part of the vendor's API.

POST /simulator/calls {to, from, scenario, …} -> {id};  GET /simulator/calls/<id> -> how it stands
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agents.simulators.asgi import Receive, Scope, Send, read_body
from agents.simulators.scenarios import SCENARIOS
from telephony.simulators import spoken_lines
from telephony.simulators.infobip.call import InfobipCall
from telephony.simulators.infobip.rest import is_control, respond
from telephony.simulators.twilio.caller import Script

if TYPE_CHECKING:
    from telephony.simulators.infobip.simulator import InfobipSimulator

Json = dict[str, Any]
CHOICES = ("reply_after_ms", "interrupt_after_ms", "digits", "hang_up_after_s", "hang_up_when_done")


class Control:
    def __init__(self, simulator: "InfobipSimulator") -> None:
        self._simulator = simulator

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        match = is_control(scope["path"])
        if headers.get("authorization") != f"App {self._simulator.account.api_key}" or match is None:
            await respond(send, 401, {})
        elif match[1] is None:
            call = await self._dial(json.loads(await read_body(receive)))
            await respond(send, 201, {"id": call.sid})
        else:
            found = self._simulator.find(match[1])
            await respond(send, 200 if found else 404, progress(found) if found else {})

    async def _dial(self, wanted: Json) -> InfobipCall:
        choices = {name: wanted[name] for name in CHOICES if wanted.get(name) is not None}
        script = Script.of(SCENARIOS[wanted["scenario"]], **choices)
        if wanted.get("lines"):
            script = replace(script, lines=spoken_lines.from_json(wanted["lines"]))
        return await self._simulator.place_call(wanted["to"], wanted["from"], script)


def progress(call: InfobipCall) -> Json:
    """What the command tells and judges by."""
    return {
        "over": call.over.is_set(),
        "status": call.status,
        "endedBy": call.ended_by,
        "endedMs": call.ended_ms,
        "answeredMs": call.answered_ms,
        "timeline": [segment.to_json() for segment in call.timeline.segments],
        "callerLines": [line.to_json() for line in call.lines],
        "warnings": [
            {"code": alert.code, "message": alert.message, "atMs": alert.at_ms} for alert in call.warnings
        ],
    }
