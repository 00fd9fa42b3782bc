"""The first sheet of an Excel workbook, as text. What it would unpack to is weighed before anything is unpacked."""

import datetime
import io
import zipfile
from typing import Any

from appointments.importing.tables import MOST_COLUMNS, Collector, Table, Unreadable

LARGEST_UNPACKED = 30 * 1024 * 1024
MOST_PARTS = 500
_LOST = "This is no Excel workbook that can be read. Open it in your spreadsheet program and save it as .xlsx again."


def read_xlsx(content: bytes, most_lines: int) -> Table:
    """Raises Unreadable."""
    _weigh(content)
    import openpyxl  # a tenth of a second that only these pages need

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        return _read(book, most_lines)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(_LOST) from error


def _weigh(content: bytes) -> None:
    """A part is never unpacked beyond the size that is told of it here."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            told = parts.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Unreadable(_LOST) from None
    if len(told) > MOST_PARTS or sum(part.file_size for part in told) > LARGEST_UNPACKED:
        raise Unreadable("The workbook is far larger than it looks: it would unpack to too much to be read.")


def _read(book: Any, most_lines: int) -> Table:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not sheets:
        raise Unreadable("There is no sheet in the workbook.")
    sheet, collected = sheets[0], Collector(most_lines)
    # The sheet's own word on its size is not asked: it may be missing, or a lie. Two lines more than may be,
    # or an empty one at the end would hide that there are too many.
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), start=1):
        collected.add(number, [text_of(cell) for cell in cells])
        if number > 20 * most_lines + 1000:
            raise Unreadable("The sheet has far too many lines, most of them empty.")
    notes = [f"Only the first sheet was read: {sheet.title}."] if len(sheets) > 1 else []
    return collected.table(notes)


def text_of(cell: Any) -> str:
    """As somebody would type it: 2030-03-04 10:00, 60, yes."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime.datetime():
            nearest = cell + datetime.timedelta(seconds=30)  # Excel's 10:00 may be 09:59:59.999
            return f"{nearest:%Y-%m-%d %H:%M}"
        case datetime.time():
            return f"{cell:%H:%M}"
    return str(cell)
