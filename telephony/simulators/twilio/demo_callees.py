"""Who answers which number when a demonstration calls: there is one for every way in which a call can end."""

from agents.simulators.scenarios import BOOKING
from telephony.simulators.twilio.callees import Answers, Callee
from telephony.simulators.twilio.caller import Script

BRISK_REPLY_MS = 250
NUMBERS: dict[Answers, str] = {
    "human": "+15559876543",
    "machine": "+15559870001",
    "busy": "+15559870002",
    "no-answer": "+15559870003",
    "failed": "+15559870004",
    "fax": "+15559870005",
}


def demo_callees() -> dict[str, Callee]:
    """By number, in E.164; whoever else is called is a person, too."""
    person = Callee(script=Script.of(BOOKING, reply_after_ms=BRISK_REPLY_MS), rings_s=1.0)
    return {
        number: person if answers == "human" else Callee(answers, rings_s=1.0, greeting_s=3.0)
        for answers, number in NUMBERS.items()
    }
