"""Was it a good call? And if not: what was heard, and where to look."""

from dataclasses import dataclass

from telephony.calls import GOOD_ENDINGS
from telephony.simulators.observation import Observed
from telephony.simulators.twilio import SimulatedCall

_HINTS = {
    11200: "Is the server running, and is APP_BASE_URL its address? On 403 compare TWILIO_AUTH_TOKEN.",
    31901: "Does something listen at the stream's address, and accept WebSockets?",
    31902: "Nothing listens at the stream's address: check MEDIA_BASE_URL and APP_BASE_URL.",
    31920: "The media socket refused the handshake: check its path, its signature and its token.",
    31950: "The server sent a binary frame; a media stream has text frames only.",
    31951: "The server sent a message that the carrier does not know; see the message.",
}
_SENTENCES = {
    "not in service": "No active tenant has this number; `manage.py seed_demo` makes +15551234567.",
    "temporarily unavailable": "No key for the provider: check ELEVENLABS_API_KEY or OPENAI_API_KEY.",
    "not properly configured": "The tenant has no agent: check ELEVENLABS_AGENT_ID.",
    "connecting you": "The agent could not be reached or was lost: check its base URL and the server's log.",
    "try again later": "The agent could not be reached or was lost: check its base URL and the server's log.",
}


@dataclass(frozen=True)
class Verdict:
    problems: list[str]

    @property
    def good(self) -> bool:
        return not self.problems


def judge(call: SimulatedCall, observed: Observed, *, books: bool) -> Verdict:
    problems = [f"Warning {alert}." for alert in call.warnings]
    problems += [_HINTS[code] for code in sorted({alert.code for alert in call.warnings} & _HINTS.keys())]
    if not call.over.is_set():
        problems.append("The call did not come to its end in time.")
    if call.status != "completed":
        problems.append(f"The call was not answered: {call.status}.")
    if call.first_audio_ms is None:
        problems.append(f"The agent was never heard. {_heard_instead(call)}")
    if observed.state and observed.outcome not in GOOD_ENDINGS:
        problems.append(f"The call ended badly: {observed.outcome or 'its outcome was not recorded'}.")
    if books and observed.appointment is None:
        problems.append(_no_appointment(observed))
    return Verdict(problems)


def _heard_instead(call: SimulatedCall) -> str:
    says = " ".join(call.timeline.says)
    if not says:
        return f"The caller heard: {call.timeline}. Is the agent's server up, and are its key and id right?"
    hint = next((hint for words, hint in _SENTENCES.items() if words in says), "")
    return f'The caller heard: "{says}" {hint}'.rstrip()


def _no_appointment(observed: Observed) -> str:
    if not observed.state:
        return "No appointment was made, and the database knows nothing of the call: is it the server's own?"
    if not observed.tools:
        return "No appointment was made: no tool was used. Does the agent know our address and our secret?"
    last = observed.tools[-1]
    answer = last["answer"].get("message", last["answer"])
    return f"No appointment was made. The last tool was {last['tool']}, which answered: {answer}"
