"""One long base64 string lifted out of a JSON document while it streams by; the rest is left to parse.

Pure. JSON parsers, the incremental ones too, hold a string whole, and this one may have 64 MiB.
"""

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_LEFT = 64 * 1024
"""What stands around the string: ids."""
MAX_DEPTH = 64

_STRUCTURE = re.compile(rb'["{}\[\],:]')
_STRING_END = re.compile(rb'["\\]')


class Malformed(ValueError):
    """Not JSON, or not base64; the message says where."""


class TooMuch(ValueError):
    """More stands around the string than may."""


@dataclass(slots=True)
class _Level:
    is_object: bool
    name: bytes = b""
    at_name: bool = True


class Diversion:
    """Feed it pieces of a document; `sink` gets the decoded bytes of the string at `path`, `left` has the rest.

    In `left` the string is empty. Pieces may be cut anywhere.
    """

    def __init__(self, path: tuple[str, ...], sink: Callable[[bytes], object]) -> None:
        self.left = bytearray()
        self.found = False
        self._path = [name.encode() for name in path]
        self._field = ".".join(path)
        self._decoder = Base64Decoder(sink, self._field)
        self._levels: list[_Level] = []
        self._in_string = self._in_name = self._diverting = self._escaped = False
        self._name = bytearray()

    def feed(self, piece: bytes) -> None:
        """Raises Malformed or TooMuch."""
        at = 0
        while at < len(piece):
            at = self._within_string(piece, at) if self._in_string else self._between_strings(piece, at)

    def finish(self) -> None:
        """The document is over. Raises Malformed."""
        if self._in_string or self._levels:
            raise Malformed("The body is not valid JSON")
        self._decoder.finish()

    def _between_strings(self, piece: bytes, at: int) -> int:
        found = _STRUCTURE.search(piece, at)
        end = found.end() if found else len(piece)
        self._keep(piece[at:end])
        if found:
            self._structure(found[0])
        return end

    def _structure(self, sign: bytes) -> None:
        match sign:
            case b"{" | b"[":
                if len(self._levels) == MAX_DEPTH:
                    raise Malformed(f"The body must be valid JSON of at most {MAX_DEPTH} levels")
                self._levels.append(_Level(is_object=sign == b"{"))
            case b"}" | b"]":
                if not self._levels:
                    raise Malformed("The body is not valid JSON")
                self._levels.pop()
            case b"," | b":" if self._levels:
                self._levels[-1].at_name = sign == b","
            case b'"':
                self._begin_string()

    def _begin_string(self) -> None:
        self._in_string = True
        self._in_name = bool(self._levels) and self._levels[-1].is_object and self._levels[-1].at_name
        self._name.clear()
        self._diverting = not self._in_name and self._is_here()
        if self._diverting and self.found:
            raise Malformed(f"{self._field}: named more than once")
        self.found = self.found or self._diverting

    def _is_here(self) -> bool:
        return all(level.is_object for level in self._levels) and self._path == [
            level.name for level in self._levels
        ]

    def _within_string(self, piece: bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            self._take(self._unescaped(piece[at : at + 1]))
            return at + 1
        found = _STRING_END.search(piece, at)
        end = found.start() if found else len(piece)
        self._take(piece[at:end])
        if not found:
            return end
        if found[0] == b"\\":
            self._escaped = True
            if not self._diverting:
                self._take(b"\\")
        else:
            self._end_string()
        return found.end()

    def _unescaped(self, character: bytes) -> bytes:
        if self._diverting and character != b"/":  # the one character of base64 that some encoders escape
            raise Malformed(f"{self._field}: must be base64")
        return character

    def _take(self, part: bytes) -> None:
        if self._diverting:
            self._decoder.feed(part)
            return
        self._keep(part)
        if self._in_name:
            self._name += part

    def _end_string(self) -> None:
        self._keep(b'"')
        self._in_string = False
        if self._in_name:
            self._levels[-1].name = bytes(self._name)

    def _keep(self, part: bytes) -> None:
        self.left += part
        if len(self.left) > MAX_LEFT:
            raise TooMuch


class Base64Decoder:
    """Base64 in pieces of any size; strict, but for padding, which may be missing."""

    def __init__(self, sink: Callable[[bytes], object], field: str) -> None:
        self._sink = sink
        self._field = field
        self._rest = b""
        self._is_over = False

    def feed(self, part: bytes) -> None:
        """Raises Malformed."""
        text = self._rest + part
        whole = len(text) - len(text) % 4
        self._decode(text[:whole])
        self._rest = text[whole:]

    def finish(self) -> None:
        """Raises Malformed."""
        if self._rest:
            self._decode(self._rest + b"=" * (4 - len(self._rest)))

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        if self._is_over:
            raise Malformed(f"{self._field}: must be base64")
        try:
            decoded = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            raise Malformed(f"{self._field}: must be base64") from None
        self._is_over = text.endswith(b"=")
        self._sink(decoded)
