"""What would become of a row. Plain values, which are kept as JSON between the preview and the import."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    SAME = "same"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Problem:
    """`title` is that of the column, "" of none."""

    title: str
    sentence: str


@dataclass(slots=True)
class Verdict:
    line: int
    fate: Fate
    label: str
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What should be known of it all the same: it is written nevertheless."""

    @property
    def essence(self) -> tuple[Any, ...]:
        """In which a row that was shown and one that is written must agree. Reasons are worded anew each time."""
        changes = [] if self.fate is Fate.REFUSE else self.changes
        return self.line, self.fate, [(one.title, one.before, one.after) for one in changes]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> "Verdict":
        return cls(
            told["line"],
            Fate(told["fate"]),
            told["label"],
            [Change(**one) for one in told["changes"]],
            [Problem(**one) for one in told["problems"]],
            told["notes"],
        )


class Refused(Exception):
    """The row cannot be taken."""

    def __init__(self, title: str, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem(title, sentence)


def counted(verdicts: Iterable[Verdict]) -> dict[str, int]:
    found = dict.fromkeys((str(fate) for fate in Fate), 0)
    for one in verdicts:
        found[one.fate] += 1
    return found
