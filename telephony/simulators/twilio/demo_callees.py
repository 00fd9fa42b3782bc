"""Who answers which number when a demonstration calls: there is one for every way in which a call can end."""

from agents.simulators.scenarios import BOOKING
from telephony.simulators.twilio.callees import OUTCOMES, Callee
from telephony.simulators.twilio.caller import Script

BRISK_REPLY_MS = 250
NUMBERS = dict(zip(OUTCOMES, (f"+1555987{number:04}" for number in (6543, 1, 2, 3, 4)), strict=True))


def demo_callees() -> dict[str, Callee]:
    """By number, in E.164; whoever else is called is a person, too."""
    person = Callee(script=Script.of(BOOKING, reply_after_ms=BRISK_REPLY_MS), rings_s=1.0)
    return {
        number: person if answers == "human" else Callee(answers, rings_s=1.0, greeting_s=3.0)
        for answers, number in NUMBERS.items()
    }
