"""How a text message travels, and what a carrier bills for it: letters of GSM-7, or 16 bits for every letter.

Source: 3GPP TS 23.038 (the alphabet), TS 23.040 (the header that parts of a long message carry).
"""

from collections.abc import Iterable
from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Two septets each."""
_PLAIN = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "\u202f": " ",
    }
)


@dataclass(frozen=True, slots=True)
class Measure:
    encoding: str
    units: int
    segments: int
    costly: str = ""
    """The letters that GSM-7 lacks: without them the message would be shorter."""


def plain(text: str) -> str:
    """Without the typographic signs that nobody misses and that would more than double the price."""
    return text.translate(_PLAIN)


def measure(text: str) -> Measure:
    costly = "".join(dict.fromkeys(char for char in text if char not in _BASIC | _EXTENDED))
    if costly:
        widths = [len(char.encode("utf-16-be")) // 2 for char in text]
        return Measure("UCS-2", sum(widths), _parts(widths, whole=70, part=67), costly)
    widths = [2 if char in _EXTENDED else 1 for char in text]
    return Measure("GSM-7", sum(widths), _parts(widths, whole=160, part=153))


def _parts(widths: Iterable[int], *, whole: int, part: int) -> int:
    """A letter of two units is not torn apart."""
    widths = list(widths)
    if sum(widths) <= whole:
        return 1
    parts, room = 0, 0
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
