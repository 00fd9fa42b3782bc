"""One simulated call over Infobip: the caller's leg, whom it was put through to, and the record of all that."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents.simulators.audio import Format
from telephony.simulators.twilio.call import SimulatedCall
from telephony.simulators.twilio.callees import Callee
from telephony.simulators.twilio.caller import Script, ScriptedCaller

Json = dict[str, Any]


def timestamp() -> str:
    """Infobip's way: milliseconds, and an offset without a colon."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


@dataclass
class Leg:
    """One call of Infobip's: the caller's own, or a dialog's other end."""

    endpoint: Json
    direction: str
    from_: str
    to: str
    configuration_id: str
    state: str = "CALLING"
    parent_id: str = ""
    dialog_id: str = ""
    custom_data: dict[str, str] = field(default_factory=dict)
    call_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: str = field(default_factory=timestamp)

    @property
    def is_over(self) -> bool:
        return self.state in {"FINISHED", "FAILED", "CANCELLED", "NO_ANSWER", "BUSY"}

    def to_json(self) -> Json:
        told = {
            "id": self.call_id,
            "endpoint": self.endpoint,
            "from": self.from_,
            "to": self.to,
            "direction": self.direction,
            "state": self.state,
            "startTime": self.began,
            "callsConfigurationId": self.configuration_id,
            "parentCallId": self.parent_id,
            "dialogId": self.dialog_id,
            "customData": self.custom_data,
        }
        return {name: value for name, value in told.items() if value not in ("", {})}

    def to_log(self, duration_s: float, error: str, source: str) -> Json:
        """What an ended call is told as: another object with other names."""
        told = self.to_json()
        del told["callsConfigurationId"]
        told["callId"] = told.pop("id")
        code = {
            "id": 10000 if error == "NORMAL_HANGUP" else 5000,
            "name": error,
            "description": error.title(),
        }
        return {
            **told,
            "callsConfigurationIds": [self.configuration_id],
            "endTime": timestamp(),
            "duration": round(duration_s),
            "errorCode": code,
            "hangupSource": source,
        }


@dataclass
class Stream:
    """One WebSocket leg."""

    url: str
    rate_hz: int
    custom_data: dict[str, str]
    connected_ms: int | None = None
    frames_sent: int = 0
    audio_sent: bytearray = field(default_factory=bytearray)
    frames_received: list[tuple[float, int]] = field(default_factory=list)
    """When, in ms since the call was dialled, and how many bytes."""
    audio_received: bytearray = field(default_factory=bytearray)
    audio_heard: bytearray = field(default_factory=bytearray)
    clears: list[int] = field(default_factory=list)
    ahead_ms: float = 0.0
    """The most that was ever waiting to be played."""
    starved: int = 0
    """How often speech was cut by a frame that was not there in time."""
    late_ms: float = 0.0
    """The most that one of our own frames was late."""
    close_code: int | None = None
    error: str = ""


@dataclass
class Dialog:
    parent: Leg
    child: Leg
    is_conference: bool = False
    child_ends_parent: bool = True
    dialog_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "CREATED"
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    hangup_source: str = ""

    def end(self, source: str) -> None:
        """Whoever was first is who ended it."""
        self.hangup_source = self.hangup_source or source
        self.ended.set()

    def to_json(self) -> Json:
        return {
            "id": self.dialog_id,
            "callsConfigurationId": self.parent.configuration_id,
            "state": self.state,
            "startTime": self.child.began,
            "parentCall": self.parent.to_json(),
            "childCall": self.child.to_json(),
        }


class InfobipCall(SimulatedCall):
    """`sid` is the id of the caller's leg; of a call that was made over REST, the callee's."""

    callee: Callee | None = None
    detection: Json = {}
    """What was asked of machine detection."""

    @classmethod
    def placed(cls, body: Json, callee: Callee) -> "InfobipCall":
        """As `POST /calls/1/calls` asks for it."""
        to, sender = str(body["endpoint"]["phoneNumber"]), str(body.get("from", ""))
        call = cls(f"+{to}", f"+{sender}", callee.script, str(body["callsConfigurationId"]))
        call.callee, call.detection = callee, dict(body.get("machineDetection") or {})
        call.direction, call.status = "OUTBOUND", "queued"
        call.leg = Leg(
            {"type": "PHONE", "phoneNumber": to},
            "OUTBOUND",
            sender,
            to,
            call.leg.configuration_id,
            custom_data=dict(body.get("customData") or {}),
            call_id=call.sid,
        )
        return call

    def __init__(self, to: str, from_: str, script: Script, configuration_id: str) -> None:
        super().__init__(to, from_, script, sid=str(uuid.uuid4()))
        number = from_.removeprefix("+")
        self.leg = Leg(
            {"type": "PHONE", "phoneNumber": number},
            "INBOUND",
            number,
            to.removeprefix("+"),
            configuration_id,
            state="RINGING",
            call_id=self.sid,
        )
        self.dialogs: list[Dialog] = []
        self.legs: list[Leg] = []
        self.sockets: list[Stream] = []
        self.events: list[tuple[Json, int]] = []
        """What we were told, and with which status it was answered; 0 for no answer."""
        self.actions: list[tuple[str, Json]] = []
        """What we were asked for, as the last part of the path and the body."""
        self.has_recording = self.has_play = False
        self.has_action: asyncio.Task[None] | None = None
        self.finish_leg: Callable[[str, str, str], None] = lambda state, error, source: None

    def speak_as(self, audio_format: Format) -> None:
        self.caller = ScriptedCaller(self.caller.script, audio_format)

    @property
    def dialog(self) -> Dialog | None:
        """The one that goes on."""
        return next((one for one in self.dialogs if not one.ended.is_set()), None)

    def told(self, kind: str) -> list[Json]:
        return [event for event, _ in self.events if event["type"] == kind]
