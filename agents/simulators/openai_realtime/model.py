"""The scripted model: what it does when it is asked for a response, given what it has heard and been told."""

import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.simulators.openai_realtime.memory import tool_in
from agents.simulators.scenarios import Facts, Line, Scenario

_GREETING = re.compile(r"Say exactly[^:\n]*: *(.+)\s*\Z")
Answers = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any]


Output = Say | Call
Steps = Generator[list[Output], Answers, None]


class Model:
    """Moved on by utterances and by answers of its tools; each response is one step."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._facts = Facts()
        self._heard = 0
        self._answered = 0
        self._steps: Steps | None = None
        self._answers: Answers = []

    def hear(self) -> str:
        """The caller has said the next thing of the script; its words."""
        self._heard += 1
        lines = self._scenario.lines
        return lines[self._heard - 1].text if self._heard <= len(lines) else "Hm."

    def reads(self, role: str, text: str) -> None:
        """Of a session before this one: what the caller said there has been dealt with."""
        if role == "user":
            self._heard = self._answered = self._answered + 1
        elif role == "system" and (told := tool_in(text)) is not None:
            self._facts.learn(*told)

    def learn(self, output: str) -> None:
        """A function's output has been put into the conversation."""
        try:
            answer = json.loads(output)
        except ValueError:
            answer = {"message": output}
        self._answers.append(answer if isinstance(answer, dict) else {"message": output})

    def respond(self, instructions: str) -> list[Output]:
        greeting = _GREETING.search(instructions)
        if greeting is not None:
            return [Say(greeting[1].strip())]
        if "still there" in instructions:
            return self.ask_whether_anybody_is_there()
        if self._steps is not None:
            answers, self._answers = self._answers, []
            try:
                return self._steps.send(answers)
            except StopIteration:
                self._steps = None
        if self._answered < self._heard:
            return self._begin()
        return [Say(self._scenario.greeting if not self._heard else "Is there anything else?")]

    def ask_whether_anybody_is_there(self) -> list[Output]:
        return [Say("Are you still there?")]

    def _begin(self) -> list[Output]:
        self._answered += 1
        self._answers = []
        if self._answered > len(self._scenario.lines):
            return [Say(self._scenario.filler)]
        self._steps = self._line(self._scenario.lines[self._answered - 1])
        return next(self._steps)

    def _line(self, line: Line) -> Steps:
        for use in line.tools:
            answers = yield [Call(use.name, use.arguments(self._facts))]
            self._learn(use.name, answers)
            if not self._facts.succeeded(use.name) and use.retries_next_slot and self._facts.next_slot():
                answers = yield [Call(use.name, use.arguments(self._facts))]
                self._learn(use.name, answers)
        if line.ends_call:
            yield [Call("end_call", {"reason": "done"})]
        yield [Say(line.reply(self._facts))]

    def _learn(self, tool: str, answers: Answers) -> None:
        self._facts.learn(tool, answers[-1] if answers else {"success": False})
