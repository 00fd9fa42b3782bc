"""A file as lines of text, whatever wrote it. Pure but for reading; every refusal is a sentence for its owner."""

from dataclasses import dataclass, field

LARGEST_BYTES = 5 * 1024 * 1024
MOST_COLUMNS = 60
LONGEST_CELL = 10_000


class Unreadable(Exception):
    """Why nothing can be made of the file."""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` is the one that a spreadsheet shows beside it."""

    number: int
    cells: list[str]


@dataclass(slots=True)
class Table:
    """The first line that is not empty, and those after it that are not."""

    headings: list[str]
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    """What should be known of how it was read."""


class Collector:
    """Takes lines as they are read, and stops reading of what is too much."""

    def __init__(self, most_lines: int) -> None:
        self._most = most_lines
        self._headings: list[str] | None = None
        self._lines: list[Line] = []

    def add(self, number: int, cells: list[str]) -> None:
        """Raises Unreadable."""
        cells = [cell.replace("\x00", "").strip() for cell in cells]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            return
        if len(cells) > MOST_COLUMNS:
            raise Unreadable(f"Line {number} has {len(cells)} columns; {MOST_COLUMNS} are the most.")
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise Unreadable(f"A cell of line {number} has more than {LONGEST_CELL:,} characters.")
        if self._headings is None:
            self._headings = cells
        elif len(self._lines) == self._most:
            raise Unreadable(
                f"The file has more than {self._most:,} lines. Cut it into parts and import one after another."
            )
        else:
            self._lines.append(Line(number, cells))

    def table(self, notes: list[str]) -> Table:
        """Raises Unreadable."""
        if self._headings is None:
            raise Unreadable("The file is empty.")
        if not self._lines:
            raise Unreadable("There is a line of headings in the file, and nothing below it.")
        return Table(self._headings, self._lines, notes)
