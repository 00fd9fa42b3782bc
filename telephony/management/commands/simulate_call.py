"""`manage.py simulate_call`: a person dials one of our numbers, talks to the agent, and we watch."""

import asyncio
import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.providers import PROVIDERS
from agents.simulators.scenarios import SCENARIOS, Scenario
from telephony.carriers.registry import CARRIERS, DEFAULT
from telephony.simulators import outbound_call
from telephony.simulators.agent_choice import speaking_through
from telephony.simulators.facts import NoCall, SimulatedCarrier, simulated
from telephony.simulators.observation import Observed
from telephony.simulators.spoken_lines import BadLine, line_of
from telephony.simulators.twilio import Script, SimulatedCall
from telephony.simulators.twilio.demo_callees import NUMBERS
from telephony.simulators.twilio.wav import WavError
from telephony.simulators.verdict import Verdict, judge

DIRECTIONS = ("inbound", "outbound")
LONGEST_SECONDS = 3600
BRISK_REPLY_MS = 250
"""Nobody waits for a demonstration."""


class Command(BaseCommand):
    help = (
        "Place one simulated phone call over a carrier's own wire, where need be at the simulator that "
        "`manage.py up` runs, with a caller who waits for their turn. Prints the transcript as it grows. Exit "
        "status 0 means that the call ran to its end without a protocol warning and, for a booking, that the "
        "appointment is in the database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--carrier", choices=list(CARRIERS), default=DEFAULT.value)
        parser.add_argument(
            "--direction",
            choices=DIRECTIONS,
            default="inbound",
            help="outbound: the business calls",
        )
        parser.add_argument(
            "--callee",
            choices=sorted(NUMBERS),
            help="outbound: who answers (default human); --to is our number",
        )
        parser.add_argument("--to", help="the number dialled (default: the demo's own at that carrier)")
        parser.add_argument("--from", dest="from_", help="default: the number that the scenario is known by")
        parser.add_argument(
            "--scenario", choices=sorted(SCENARIOS), help="what the caller has in mind (default booking)"
        )
        parser.add_argument(
            "--agent",
            choices=sorted(PROVIDERS),
            help="who answers this call, whatever the business has chosen; in development only",
        )
        parser.add_argument(
            "--say",
            action="append",
            default=[],
            metavar="TEXT|FILE.wav",
            help="a line of the caller's, instead of the scenario's; again for the next one. Files are 16-bit PCM "
            "or mu-law of any rate. Simulated agents understand no speech: they answer as the scenario goes",
        )
        parser.add_argument(
            "--wav",
            action="append",
            type=Path,
            default=[],
            metavar="FILE",
            help="the scenario's lines in another voice, one a file",
        )
        parser.add_argument("--json", action="store_true", help="one JSON document instead of the transcript")
        parser.add_argument(
            "--hangup-after", type=_seconds, metavar="SECONDS", help="after the call is answered"
        )
        parser.add_argument(
            "--interrupt-after",
            type=_seconds,
            metavar="SECONDS",
            help="speak over the agent, so long after it has begun to greet",
        )
        parser.add_argument("--press", default="", metavar="DIGITS", help="keys, once the agent has spoken")
        parser.add_argument("--timeout", type=float, default=90.0, metavar="S", help="default %(default)s")

    def handle(self, *_args: Any, **options: Any) -> None:
        carrier = simulated(options["carrier"])
        self._require(carrier, options)
        options["to"] = options["to"] or self._usual_number(carrier)
        if options["direction"] == "outbound":
            self._refuse_callers_part(options)
            options["callee"] = options["callee"] or "human"
            self._tells = True
            if not outbound_call.run(options, self._tell, self.stdout.write):
                sys.exit(1)
            return
        if options["callee"]:
            raise CommandError("--callee is for --direction outbound: here it is you who calls.")
        judged = bool(options["scenario"] or not options["say"])
        options["scenario"] = options["scenario"] or "booking"
        scenario = SCENARIOS[options["scenario"]]
        options["from_"] = options["from_"] or scenario.caller
        script = self._script(scenario, options)
        self._tells = not options["json"]
        if options["agent"] and not settings.DEBUG:
            raise CommandError("--agent changes a business's settings for the call: in development only.")
        try:
            with speaking_through(options["agent"], options["to"]):
                call, observer = asyncio.run(carrier.place(script, options, self._tell))
        except NoCall as problem:
            label = CARRIERS[options["carrier"]].label
            raise CommandError(f"No call could be placed over {label}: {problem}.") from None
        observed = observer.finish()
        verdict = judge(call, observed, books=judged and scenario.books)
        if observer.error is not None:
            verdict.problems.append(f"The database could not be read: {observer.error}")
        if options["json"]:
            self.stdout.write(json.dumps(_document(call, observed, verdict), indent=2, default=str))
        else:
            self._sum_up(call, observed, verdict)
        if not verdict.good:
            sys.exit(1)

    def _refuse_callers_part(self, options: dict[str, Any]) -> None:
        """What a callee does is chosen by --callee alone."""
        names = ("from_", "scenario", "say", "wav", "hangup_after", "interrupt_after", "press")
        absent: tuple[Any, ...] = (None, "", [])  # 0 seconds are an option too
        given = [name.strip("_").replace("_", "-") for name in names if options[name] not in absent]
        given = [f"--{name}" for name in [*given, *(["json"] if options["json"] else [])]]
        if given:
            raise CommandError(
                f"With --direction outbound there is no {', '.join(given)}: choose a --callee."
            )

    def _usual_number(self, carrier: SimulatedCarrier) -> str:
        try:
            return carrier.usual_number()
        except NoCall as problem:
            raise CommandError(str(problem)) from None

    def _require(self, carrier: SimulatedCarrier, options: dict[str, Any]) -> None:
        if missing := carrier.missing():
            raise CommandError(missing)
        if options["say"] and options["wav"]:
            raise CommandError("--say takes WAV files too: give it alone, and not --wav.")

    def _script(self, scenario: Scenario, options: dict[str, Any]) -> Script:
        choices = {
            "interrupt_after_ms": _ms(options["interrupt_after"]),
            "digits": options["press"],
            "hang_up_after_s": options["hangup_after"],
        }
        if odd := set(options["press"]) - set("0123456789*#"):
            raise CommandError(f"--press takes 0-9, * and #, not {''.join(sorted(odd))!r}")
        try:
            if options["say"]:
                leaves = choices["hang_up_after_s"] is None
                lines = tuple(map(line_of, options["say"]))
                return Script(lines, reply_after_ms=BRISK_REPLY_MS, hang_up_when_done=leaves, **choices)
            if options["wav"]:
                return Script.from_files(options["wav"], [line.text for line in scenario.lines], **choices)
        except (BadLine, WavError) as error:
            raise CommandError(f"{'--say' if options['say'] else '--wav'}: {error}") from error
        return Script.of(scenario, reply_after_ms=BRISK_REPLY_MS, **choices)

    def _tell(self, at_s: float, who: str, what: str) -> None:
        if self._tells:
            self.stdout.write(f"{max(at_s, 0.0):6.1f} s  {who:<6}  {what}")
            self.stdout.flush()

    def _sum_up(self, call: SimulatedCall, observed: Observed, verdict: Verdict) -> None:
        ended_s = (call.ended_ms or 0) / 1000
        self._tell(ended_s, "", f"Call {call.status}, ended by the {call.ended_by or 'carrier'}.")
        heard = "never" if call.first_audio_ms is None else f"after {call.first_audio_ms} ms"
        self.stdout.write(f"Outcome: {observed.outcome or 'not recorded'}. First heard: {heard}.")
        if (booked := observed.appointment) is not None:
            self.stdout.write(
                f"Appointment {booked['id']}: {booked['service']} with {booked['employee']} for "
                f"{booked['customerName']}, {booked['startTimeLocal']} ({booked['status']})."
            )
        for problem in verdict.problems:
            self.stderr.write(self.style.ERROR(problem))


def _seconds(text: str) -> float:
    seconds = float(text)  # argparse tells of what is no number
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise ArgumentTypeError(f"from 0 to {LONGEST_SECONDS} seconds, not {text}")
    return seconds


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _document(call: SimulatedCall, observed: Observed, verdict: Verdict) -> dict[str, Any]:
    return {
        "callSid": call.sid,
        "ok": verdict.good,
        "problems": verdict.problems,
        "outcome": observed.outcome,
        "state": observed.state,
        "status": call.status,
        "endedBy": call.ended_by,
        "durationS": round(call.talked_s, 3),
        "firstAudioMs": call.first_audio_ms,
        "transcript": observed.turns,
        "toolCalls": observed.tools,
        "appointment": observed.appointment,
        "timeline": [segment.to_json() for segment in call.timeline.segments],
        "callerLines": [line.to_json() for line in call.lines],
        "warnings": [
            {"code": alert.code, "message": alert.message, "atMs": alert.at_ms} for alert in call.warnings
        ],
    }
