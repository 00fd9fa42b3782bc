"""Comma-separated values as programs really write them: with semicolons, tabs, and the alphabets of Windows."""

import codecs
import csv
import io

from appointments.importing.tables import Collector, Table, Unreadable

SEPARATORS = ",;\t|"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_csv(content: bytes, most_lines: int) -> Table:
    """Raises Unreadable."""
    text, notes = _text(content)
    if "\x00" in text:
        raise Unreadable("This is no CSV file: there is binary data in it.")
    told, text = _told_separator(text)
    collected = Collector(most_lines)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=told or _separator(text), strict=True)
    above = 1 if told else 0
    try:
        begins = above
        for cells in lines:
            collected.add(begins + 1, cells)
            begins = above + lines.line_num
    except csv.Error as error:
        raise Unreadable(f"Line {above + lines.line_num} cannot be read: {_why(error)}.") from None
    return collected.table(notes)


def _text(content: bytes) -> tuple[str, list[str]]:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding), []
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise Unreadable("The file says that it is Unicode, and is not. Save it again.") from None
    try:
        told = (
            "It was read as Windows-1252 (Western European): look whether letters such as é and ü are right."
        )
        return content.decode("cp1252"), [told]
    except UnicodeDecodeError:
        raise Unreadable("The letters of the file cannot be read. Save it as CSV in UTF-8.") from None


def _told_separator(text: str) -> tuple[str, str]:
    """Excel begins some files with a line `sep=;`."""
    first, _, rest = text.partition("\n")
    told = first.strip().lower()
    return (told[4], rest) if len(told) == 5 and told.startswith("sep=") else ("", text)


def _separator(text: str) -> str:
    """The one that stands most often between the headings."""
    heading = next((line for line in text.splitlines() if line.strip(' \t,;|"')), "")
    if not heading:
        raise Unreadable("The file is empty.")
    outside = "".join(heading.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _why(error: csv.Error) -> str:
    told = str(error)
    if "field larger" in told:
        return "a cell is too long; perhaps a quotation mark is never closed"
    if "unexpected end" in told:
        return "a quotation mark is opened there and never closed"
    if "expected after" in told:
        return "text follows a closing quotation mark"
    return told
