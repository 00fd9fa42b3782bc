"""Number words, made from the few that a language has."""

from collections.abc import Callable, Mapping, Sequence


def counted(small: Sequence[str], tens: Mapping[int, str], join: Callable[[str, str], str]) -> dict[int, str]:
    """`small` from 0 on; then `join(ten, one)` up to 59, "one | another" each."""
    found = dict(enumerate(small))
    for number in range(len(small), 60):
        ten, one = tens[number // 10 * 10], number % 10
        found[number] = " | ".join(join(ten, word) for word in small[one].split(" | ")) if one else ten
    return found
