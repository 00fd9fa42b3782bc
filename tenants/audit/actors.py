"""Who acts in this unit of work. Nobody said so: the system itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.http import HttpRequest


class Kind(StrEnum):
    MEMBER = "member"
    OPERATOR = "operator"
    CALL = "call"
    API_KEY = "api_key"
    STRANGER = "stranger"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is kept for good and tells nobody who that is; `label` is for people, and can be erased."""

    kind: Kind = Kind.SYSTEM
    id: str = ""
    label: str = ""


SYSTEM = Actor()
_active: ContextVar[Actor] = ContextVar("tonris_actor", default=SYSTEM)


def active() -> Actor:
    return _active.get()


def become(actor: Actor) -> None:
    """For the rest of the request."""
    _active.set(actor)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    token = _active.set(actor)
    try:
        yield
    finally:
        _active.reset(token)


def each_request(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: nobody is left behind for the next request of the same thread."""

    def answer(request: HttpRequest) -> Any:
        with acting(SYSTEM):
            return get_response(request)

    return answer
