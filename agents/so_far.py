"""What was said and done in a call so far, for another agent that goes on with it. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.speech import Speech

MOST_LINES = 60
MOST_CHARACTERS = 12_000
MOST_OF_A_TOOL = 1500
CALLER, AGENT, TOOL = "caller", "agent", "tool"


@dataclass(frozen=True, slots=True)
class ToolUsed:
    tool: str
    arguments: dict[str, Any]
    answer: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Resumption:
    """What an agent is told that takes a call over in the middle."""

    opening: str = field(repr=False)
    """Its first words, in place of a greeting."""
    history: Sequence[tuple[str, str]] = field(repr=False)
    """Speaker ("caller", "agent", "tool") and words, oldest first."""
    please_repeat: str = ""
    """Asked after that by an agent that cannot answer of itself what the caller said last; "" if nothing waits."""


@dataclass(slots=True)
class _Line:
    speaker: str
    text: str
    at: datetime


class SoFar:
    """One call's lines as they are spoken, the last ones of them. Never waits."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def caller_said(self, text: str, at: datetime) -> None:
        self._add(CALLER, text, at)

    def agent_said(self, text: str, at: datetime) -> None:
        self._add(AGENT, text, at)

    def agent_was_heard(self, text: str) -> None:
        """Of its last reply: the rest was not said."""
        spoken = next((line for line in reversed(self._lines) if line.speaker == AGENT), None)
        if spoken is not None:
            spoken.text = text

    def resumption(
        self, speech: Speech, used: Sequence[ToolUsed] = (), pending: Sequence[str] = ()
    ) -> Resumption:
        """`pending` are tools that have not answered yet; their answers are told later."""
        tools = [_Line(TOOL, tool_told(one.tool, one.arguments, one.answer), one.at) for one in used]
        lines = sorted(
            [*self._lines, *tools], key=lambda line: line.at
        )  # stable: equal moments stay in order
        history = [(line.speaker, line.text) for line in lines if line.text.strip()]
        history += [
            (TOOL, f"{tool} was called and is still at work: do not call it again.") for tool in pending
        ]
        result = _unspoken(lines, used)
        waits = bool(lines) and lines[-1].speaker == CALLER and not pending
        return Resumption(
            opening=f"{speech.let_us_go_on} {result}".strip(),
            history=latest(history),
            please_repeat=speech.please_repeat if waits else "",
        )

    def _add(self, speaker: str, text: str, at: datetime) -> None:
        self._lines.append(_Line(speaker, text, at))
        del self._lines[:-MOST_LINES]


def _unspoken(lines: Sequence[_Line], used: Sequence[ToolUsed]) -> str:
    """What the last tool gave the agent to say, if nobody has said anything since."""
    if not used or lines[-1].speaker != TOOL:
        return ""
    answer = used[-1].answer
    data = answer.get("data")
    message = answer.get("message") or (data.get("message") if isinstance(data, dict) else "")
    return message.strip() if isinstance(message, str) else ""


def tool_told(tool: str, arguments: dict[str, Any], answer: dict[str, Any]) -> str:
    """What an agent is told of a tool that was called before its time."""
    asked, answered = json.dumps(arguments), json.dumps(answer)
    return f"{tool} was called with {asked[:MOST_OF_A_TOOL]} and answered {answered[:MOST_OF_A_TOOL]}"


def late_answer(tool: str, answer: dict[str, Any]) -> str:
    """Told to an agent of a tool that another one has called."""
    return f"{tool}, which was still at work, has now answered {json.dumps(answer)[:MOST_OF_A_TOOL]}"


def latest(history: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """As much of its end as an agent can be told."""
    kept, room = [], MOST_CHARACTERS
    for speaker, text in list(reversed(history))[:MOST_LINES]:
        room -= len(text)
        if room < 0:
            break
        kept.append((speaker, text))
    return kept[::-1]
