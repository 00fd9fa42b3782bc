"""Whose number was called? Telephony knows, and says so here when it is loaded: it is built on this app."""

from collections.abc import Callable
from uuid import UUID

OwnerOf = Callable[[str], UUID | None]


def _nobody(e164: str) -> UUID | None:
    return None


_owner_of: OwnerOf = _nobody


def use(owner_of: OwnerOf) -> None:
    global _owner_of  # noqa: PLW0603 - set once, when the apps are loaded
    _owner_of = owner_of


def owner_of(e164: str) -> UUID | None:
    """The tenant that has this number, or None."""
    return _owner_of(e164)
