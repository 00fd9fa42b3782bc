"""What the user sees: what is being done, how long it took, and the children's lines with their names.

On a terminal a step shows while it is under way; elsewhere it is written when it is done. A terminal that has
gone away is no reason to stop.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TextIO

_NAME_WIDTH = 15
_COLOURS = ("36", "35", "33", "32", "34")
_CLEAR_LINE = "\r\x1b[K"


class Step:
    """Something under way. What it found out may become its line."""

    def __init__(self, text: str) -> None:
        self.text = text


class Console:
    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.is_terminal = self.out.isatty()
        self._under_way = ""
        self._colours: dict[str, str] = {}

    def line(self, text: str = "") -> None:
        """One line of our own, or of a command whose output is the user's to read."""
        self._write(text)

    def child_line(self, name: str, text: str) -> None:
        """One line of a child's output, with the child's name before it."""
        label = f"{name:<{_NAME_WIDTH}} |"
        if self.is_terminal:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            label = f"\x1b[{colour}m{label}\x1b[0m"
        self._write(f"{label} {text}")

    @contextlib.contextmanager
    def step(self, doing: str) -> Iterator[Step]:
        """Show what is being done and, once it is, how long it took."""
        step = Step(doing)
        started = time.monotonic()
        self._show(f"  {doing} ...")
        try:
            yield step
        except BaseException:
            self._show("")
            self._write(f"  {doing}: not done ({time.monotonic() - started:.1f} s)")
            raise
        self._show("")
        self._write(f"  {step.text} ({time.monotonic() - started:.1f} s)")

    def _show(self, under_way: str) -> None:
        if self.is_terminal:
            self._under_way = under_way
            self._put(_CLEAR_LINE + under_way)

    def _write(self, text: str) -> None:
        if self._under_way:
            self._put(f"{_CLEAR_LINE}{text}\n{self._under_way}")
        else:
            self._put(f"{text}\n")

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the reader, or the terminal, has gone
            self.out.write(text)
            self.out.flush()
