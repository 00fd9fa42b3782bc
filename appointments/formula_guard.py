"""Cells that no spreadsheet calculates: an apostrophe before them, which is taken off again on the way in. Pure."""

import re

# A cell that begins so is a formula to some spreadsheet, also behind spaces. The wide forms are Excel's in East Asia.
# With apostrophes before it, it is guarded as well: else one of somebody's own would be taken for ours.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n＝＋－＠]")


def guarded(value: object) -> str:
    """The text of a cell; an apostrophe before what would be a formula, as telephone numbers are."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` made the cell of."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
