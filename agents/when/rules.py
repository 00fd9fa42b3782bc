"""Rules: a pattern of kinds, and what it adds to what was heard."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.when.heard import Heard
from agents.when.kinds import Kind, Token


@dataclass(frozen=True, slots=True)
class Said:
    """The tokens that a rule has matched."""

    tokens: Sequence[Token]
    match: re.Match[str]

    def has(self, *kinds: Kind) -> bool:
        """Any of these."""
        return any(token.kind in kinds for token in self.tokens)

    def all(self, *kinds: Kind) -> list[Any]:
        """The values of the tokens of these kinds, in order."""
        return [token.value for token in self.tokens if token.kind in kinds]

    def one(self, *kinds: Kind, default: Any = None) -> Any:
        return next(iter(self.all(*kinds)), default)

    def group(self, name: str) -> "Said":
        """The tokens of a named part of the pattern."""
        first, last = (place - self.match.start() for place in self.match.span(name))
        return Said(self.tokens[first:last], self.match)

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)


Action = Callable[[Heard, Said], None]


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    action: Action


class Rules(list[Rule]):
    def on(self, *patterns: str) -> Callable[[Action], Action]:
        """Decorate an action with what it answers to: kinds by name, as in a verbose regular expression."""

        def add(action: Action) -> Action:
            self.extend(Rule(_compiled(pattern), action) for pattern in patterns)
            return action

        return add


def _compiled(pattern: str) -> re.Pattern[str]:
    letters = re.sub(r"[A-Z_]{2,}", lambda name: Kind[name.group()].value, pattern)
    return re.compile(re.sub(r"\s", "", letters))
