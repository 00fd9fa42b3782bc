"""What is said, turn by turn.

Where several rules match, the longest match counts. What no rule matches is unclear, save for small words.
"""

from collections.abc import Sequence
from datetime import datetime

from agents.when.day_rules import DAYS
from agents.when.heard import Heard
from agents.when.kinds import Kind, Token
from agents.when.rules import Said
from agents.when.time_rules import TIMES
from agents.when.values import UnclearWhen

RULES = (*DAYS, *TIMES)
SMALL = {Kind.AT, Kind.OF, Kind.IN, Kind.THE, Kind.PAUSE}


def listen(tokens: Sequence[Token], now: datetime) -> Heard:
    """Everything that the tokens say. UnclearWhen names the first words that have no place."""
    heard = Heard(now, " ".join(token.text for token in tokens).strip())
    letters = "".join(token.kind.value for token in tokens)
    place = 0
    while place < len(tokens):
        matches = [(one.pattern.match(letters, place), one.action) for one in RULES]
        found = max(
            ((match.end(), match, action) for match, action in matches if match),
            key=lambda one: one[0],
            default=None,
        )
        if found:
            end, match, action = found
            action(heard, Said(tokens[place:end], match))
            place = end
        elif tokens[place].kind in SMALL:
            place += 1
        else:
            raise UnclearWhen(" ".join(token.text for token in tokens[place:]).strip())
    return heard
