"""What a call was like, from who spoke when. docs/call-feel.md says the same in words."""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from telephony.feel.observer import Clear, Heard, Stretches

DEAD_AIR_SECONDS = 3.0
"""Both silent for longer than this: a caller begins to wonder whether somebody is there."""
BARGE_IN_SECONDS = 2.0
"""An agent that stops because of the caller does so within this time of the caller's speech."""
TURN_PAUSE_SECONDS = 1.0
"""A shorter silence of the agent's is within its turn, unless the caller takes theirs in it."""
LONGEST_TURN_SECONDS = 60.0
"""Nobody looks further back than this for the beginning of a turn."""
CLIPPED_SECONDS = 0.05
"""Less than this of a word is not missed; it is what clocks and carriers disagree by."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All in seconds."""

    length: float
    caller_spoke: float
    agent_spoke: float
    greeting_delay: float | None
    """None: the agent never spoke."""
    response_gaps: list[float]
    talk_over: float
    dead_airs: list[float]
    barge_in_reactions: list[float]
    false_interruptions: int
    clipped: float
    """How much of the agent's last words was not heard, through no wish of the caller's."""


def figures_of(heard: Heard, *, caller_left: bool) -> Figures:
    """`caller_left`: they ended the call, and with it what was being said."""
    caller = within(heard.caller, heard.began, heard.ended)
    agent = within(heard.agent, heard.began, heard.ended)
    reactions = barge_in_reactions(caller, agent, heard.clears)
    return Figures(
        length=max(heard.ended - heard.began, 0.0),
        caller_spoke=total(caller),
        agent_spoke=total(agent),
        greeting_delay=agent[0][0] - heard.began if agent else None,
        response_gaps=response_gaps(caller, agent),
        talk_over=talk_over(caller, agent),
        dead_airs=dead_airs(caller, agent, heard.began, heard.ended),
        barge_in_reactions=[reaction for reaction in reactions if reaction is not None],
        false_interruptions=reactions.count(None),
        clipped=0.0 if caller_left else _clipped(heard, reactions),
    )


def within(stretches: Stretches, began: float, ended: float) -> Stretches:
    cut = [(max(start, began), min(end, ended)) for start, end in stretches]
    return [(start, end) for start, end in cut if start < end]


def total(stretches: Stretches) -> float:
    return sum(end - start for start, end in stretches)


def either(caller: Stretches, agent: Stretches) -> Stretches:
    """When at least one of them speaks."""
    together: Stretches = []
    for start, end in sorted([*caller, *agent]):
        if together and start <= together[-1][1]:
            together[-1] = together[-1][0], max(together[-1][1], end)
        else:
            together.append((start, end))
    return together


def response_gaps(caller: Stretches, agent: Stretches) -> list[float]:
    """From the end of the caller's speech to the agent's next, where no word of the agent's lies between."""
    gaps: list[float] = []
    answered_until = asked_until = -math.inf
    questions = deque(caller)
    for start, end in agent:
        while questions and questions[0][0] < start:
            asked_until = questions.popleft()[1]
        if answered_until < asked_until <= start:
            gaps.append(start - asked_until)
        answered_until = end
    return gaps


def talk_over(caller: Stretches, agent: Stretches) -> float:
    """How long both speak: never longer than either of them does."""
    return max(total(caller) + total(agent) - total(either(caller, agent)), 0.0)


def dead_airs(caller: Stretches, agent: Stretches, began: float, ended: float) -> list[float]:
    """The silences of both that are too long, from the beginning to the end of the call."""
    spoken = [(began, began), *either(caller, agent), (ended, ended)]
    silences = (after[0] - before[1] for before, after in pairwise(spoken))
    return [silence for silence in silences if silence > DEAD_AIR_SECONDS]


def barge_in_reactions(caller: Stretches, agent: Stretches, clears: list[Clear]) -> list[float | None]:
    """Of each clear, how long the caller had been speaking over the agent; None when they had not been."""
    return [_reaction(caller, agent, clear.at) for clear in clears]


def _reaction(caller: Stretches, agent: Stretches, at: float) -> float | None:
    turn_began = _turn_began(caller, agent, at)
    last = bisect_left(caller, (at,)) - 1
    if last < 0 or caller[last][1] <= max(at - BARGE_IN_SECONDS, turn_began):
        return None
    return at - max(caller[last][0], turn_began)


def _turn_began(caller: Stretches, agent: Stretches, at: float) -> float:
    """When the turn began in which the agent was cut short; `at` when nothing of it had been heard."""
    began = at
    for index in range(bisect_left(agent, (at,)) - 1, -1, -1):
        start, end = agent[index]
        taken = began < at and _lies_between(caller, end, began)
        if taken or began - end > TURN_PAUSE_SECONDS or at - began > LONGEST_TURN_SECONDS:
            break
        began = start
    return began


def _lies_between(stretches: Stretches, start: float, end: float) -> bool:
    """Whether any of these is spoken wholly in this time."""
    first = bisect_left(stretches, (start,))
    return first < len(stretches) and stretches[first][1] <= end


def _clipped(heard: Heard, reactions: list[float | None]) -> float:
    unheard = heard.unheard
    if not unheard and reactions and reactions[-1] is None:
        last = heard.clears[-1]
        unheard = 0.0 if any(end > last.at for _, end in heard.agent) else last.unheard
    return unheard if unheard > CLIPPED_SECONDS else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
