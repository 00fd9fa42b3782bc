"""Whom a simulated carrier reaches when we call: a person, a machine, a fax, a line that is busy, nobody."""

from dataclasses import dataclass, field
from typing import Literal

from telephony.simulators.twilio.caller import Script

Answers = Literal["human", "machine", "fax", "busy", "no-answer", "failed"]


@dataclass(frozen=True)
class Callee:
    """`greeting_s`: how long a machine speaks before its tone; `detected_s`: how long the carrier listens."""

    answers: Answers = "human"
    script: Script = field(default_factory=Script)
    rings_s: float = 0.3
    greeting_s: float = 1.0
    detected_s: float = 0.4
    tone: Literal["beep", "silence", "other"] = "beep"
