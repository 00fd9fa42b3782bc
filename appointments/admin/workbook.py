"""Lines as an Excel workbook: numbers stay numbers, and no text is calculated."""

import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import IO, Any

from appointments.formula_guard import guarded

LONGEST_CELL = 32_767
"""Excel's own."""
IN_MEMORY = 4 * 1024 * 1024


def workbook(title: str, lines: Iterable[Sequence[object]]) -> IO[bytes]:
    """A temporary file that is gone once it is closed. The first line is the headings."""
    import openpyxl  # a tenth of a second that only this needs

    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for line in lines:
        sheet.append([_cell(value) for value in line])
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the answer closes it
    book.save(file)
    file.seek(0)
    return file


def _cell(value: object) -> object:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    return ILLEGAL_CHARACTERS_RE.sub("", guarded(value))[:LONGEST_CELL]
