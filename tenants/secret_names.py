"""Under which names secrets are kept: those of this app, and those that the vendors of the apps above declare."""

from collections.abc import Callable, Iterable

_declared: list[Callable[[], Iterable[str]]] = []


def declare(names: Callable[[], Iterable[str]]) -> None:
    """Asked anew each time, and not before somebody wants to know."""
    _declared.append(names)


def declared() -> list[str]:
    return [name for names in _declared for name in names()]
