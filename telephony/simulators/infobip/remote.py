"""A call that somebody places in another process, at the simulator that `manage.py simulate_vendors` runs."""

import asyncio
from typing import Any

import httpx2

from telephony.simulators.facts import NoCall
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.simulators.twilio.call import Alert
from telephony.simulators.twilio.timeline import Segment

Json = dict[str, Any]
POLL_S = 0.2


class NoSimulator(NoCall):
    """Nothing there places calls; the message says what was tried."""


class RemoteCarrier:
    """`async with RemoteCarrier(base_url, api_key) as carrier:`"""

    def __init__(self, base_url: str, api_key: str) -> None:
        headers = {"Authorization": f"App {api_key}"}
        self._base_url = base_url
        self._http = httpx2.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=5.0)

    async def __aenter__(self) -> "RemoteCarrier":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def place_call(self, wanted: Json) -> SimulatedCall:
        """`to`, `from`, `scenario`, and what differs from its script. Raises NoSimulator."""
        placed = await self._ask("POST", "/simulator/calls", json=wanted)
        return SimulatedCall(wanted["to"], wanted["from"], Script(), sid=str(placed["id"]))

    async def follow(self, call: SimulatedCall, timeout_s: float) -> None:
        """Until it is over, or the time is."""
        try:
            async with asyncio.timeout(timeout_s):
                while not call.over.is_set():
                    self._note(call, await self._ask("GET", f"/simulator/calls/{call.sid}"))
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return

    def _note(self, call: SimulatedCall, told: Json) -> None:
        call.status, call.ended_by = told["status"], told["endedBy"]
        call.answered_ms, call.ended_ms = told["answeredMs"], told["endedMs"]
        call.timeline.segments = list(map(_segment, told["timeline"]))
        call.lines = list(map(_segment, told["callerLines"]))
        call.warnings = [Alert(one["code"], one["message"], one["atMs"]) for one in told["warnings"]]
        if told["over"]:
            call.over.set()

    async def _ask(self, method: str, path: str, **parts: Any) -> Json:
        try:
            answer = await self._http.request(method, path, **parts)
        except httpx2.HTTPError as error:
            raise NoSimulator(f"nobody answers at {self._base_url} ({type(error).__name__})") from None
        if not answer.is_success:
            raise NoSimulator(f"{self._base_url} answered {answer.status_code}: it is no simulator of ours")
        told: Json = answer.json()
        return told


def _segment(told: Json) -> Segment:
    return Segment(told["sound"], told["startMs"], told["endMs"], told.get("text", ""))
