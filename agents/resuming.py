"""A call that its agent goes on with after it was away: what it says first, and what it is told."""

from collections.abc import Sequence

from agents.models import Conversation, Turn
from agents.so_far import AGENT, CALLER, TOOL, Resumption

MOST_TURNS, LONGEST_TURN = 16, 300
"""Of what was said, the end: an agent reads it anew with every turn."""


def resumption(conversation: Conversation, opening: str, facts: Sequence[str]) -> Resumption:
    """What was said, as it was heard, and then `facts`, in English whatever it speaks. Needs the tenant's scope."""
    rows = Turn.objects.filter(conversation=conversation).order_by("-position")[:MOST_TURNS]
    said = [_line(turn) for turn in reversed(list(rows))]
    return Resumption(opening, [*said, *((TOOL, fact) for fact in facts)])


def _line(turn: Turn) -> tuple[str, str]:
    words = turn.text if turn.heard_text is None else turn.heard_text
    speaker = CALLER if turn.speaker == Turn.Speaker.CALLER else AGENT
    return speaker, " ".join(words.split())[:LONGEST_TURN]
