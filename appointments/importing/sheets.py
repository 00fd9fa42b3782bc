"""Lines of a file as rows whose cells have names: the headings decide, in any order. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appointments.formula_guard import unguarded
from appointments.importing.tables import Line, Table, Unreadable


@dataclass(frozen=True, slots=True)
class Heading:
    """A column that is read. `title` is also what the export calls it; `others` are what it may be called, too."""

    key: str
    title: str
    help: str = ""
    required: bool = False
    others: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        return {_plain(name) for name in (self.title, *self.others)}


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by key: "" is one that is empty, and a column that the file has not is not there."""

    number: int
    cells: dict[str, str]

    def text(self, key: str) -> str:
        return self.cells.get(key, "")


@dataclass(frozen=True, slots=True)
class Sheet:
    keys: list[str]
    """Of each column of the file; "" is one that is not read."""
    ignored: list[str]
    rows: list[Row]
    notes: list[str]


def sheet_of(table: Table, headings: Sequence[Heading]) -> Sheet:
    """Raises Unreadable."""
    titles = {heading.key: heading.title for heading in headings}
    keys = [_key(unguarded(told), headings) for told in table.headings]
    found = [key for key in keys if key]
    twice = next((key for key in found if found.count(key) > 1), None)
    if twice is not None:
        raise Unreadable(f"Two columns are headed “{titles[twice]}”: it cannot be told which one counts.")
    missing = [heading.title for heading in headings if heading.required and heading.key not in found]
    if missing:
        told = ", ".join(f"“{told}”" for told in table.headings[:12])
        raise Unreadable(
            f"The file lacks the column{'s' if len(missing) > 1 else ''} {_and(missing)}. "
            f"The first line must have the headings; it has {told}."
        )
    ignored = [told for told, key in zip(table.headings, keys, strict=True) if told and not key]
    return Sheet(keys, ignored, [row_of(line, keys) for line in table.lines], table.notes)


def row_of(line: Line, keys: Sequence[str]) -> Row:
    cells = {key: "" for key in keys if key}
    cells |= {key: unguarded(cell) for key, cell in zip(keys, line.cells, strict=False) if key}
    return Row(line.number, cells)


def _key(told: str, headings: Sequence[Heading]) -> str:
    return next((heading.key for heading in headings if _plain(told) in heading.names), "")


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _and(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
