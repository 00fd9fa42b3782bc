"""The first sheet of an Excel workbook, as text: read by a process of its own, which may take so much and no more.

What it says that it would unpack to is weighed before.
"""

import datetime
import io
import json
import os
import resource
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appointments.importing.tables import MOST_COLUMNS, Collector, Line, Table, Unreadable

LARGEST_UNPACKED = 30 * 1024 * 1024
MOST_PARTS = 500
MOST_MEMORY = 512 * 1024 * 1024
MOST_SECONDS = 15
_reading = threading.Semaphore(1)
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_LOST = "This is no Excel workbook that can be read. Open it in your spreadsheet program and save it as .xlsx again."


def read_xlsx(content: bytes, most_lines: int) -> Table:
    """Raises Unreadable."""
    _weigh(content)
    with _one_at_a_time():
        try:
            answer = subprocess.run(  # noqa: S603 - this file, and a number
                [sys.executable, "-m", __name__, str(most_lines)],
                input=content,
                capture_output=True,
                timeout=MOST_SECONDS,
                check=True,
                cwd=Path(__file__).parents[2],
                env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"},
            ).stdout
        except (subprocess.SubprocessError, OSError) as error:
            raise Unreadable(_LOST) from error
    told = json.loads(answer)
    if "problem" in told:
        raise Unreadable(told["problem"])
    lines = [Line(number, cells) for number, cells in told["lines"]]
    return Table(told["headings"], lines, told["notes"])


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _reading.acquire(timeout=MOST_SECONDS):
        raise Unreadable("Other files are being read at this moment: try again in a minute.")
    try:
        yield
    finally:
        _reading.release()


def _main(most_lines: int) -> None:
    """A process of its own, which may be large and slow and then ends: sizes in a workbook may be lies."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    try:
        table = _open(sys.stdin.buffer.read(), most_lines)
        told: dict[str, Any] = {"headings": table.headings, "notes": table.notes}
        told["lines"] = [(line.number, line.cells) for line in table.lines]
    except Unreadable as error:
        told = {"problem": str(error)}
    sys.stdout.write(json.dumps(told))


def _open(content: bytes, most_lines: int) -> Table:
    import openpyxl  # a tenth of a second that only this process needs

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        return _read(book, most_lines)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(_LOST) from error


def _weigh(content: bytes) -> None:
    """By what it tells of itself; and only as Excel packs."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            told = parts.infolist()
    # What zipfile raises for a broken directory, for numbers in it that cannot be, and for a newer version's.
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Unreadable(_LOST) from None
    if any(part.compress_type not in _PACKED for part in told):
        raise Unreadable(_LOST)
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


if __name__ == "__main__":
    _main(int(sys.argv[1]))
