"""Callbacks that keep nobody alive.

Objects that hold each other are freed when the collector looks at all there is, and meanwhile audio stops. So that a
call which is over goes by itself, its parts hold the whole of it weakly.
"""

from collections.abc import Callable
from types import MethodType
from typing import Generic, ParamSpec, TypeVar, cast
from weakref import ref

P = ParamSpec("P")
T = TypeVar("T")


class _Weak(Generic[P, T]):
    """A function for each of these would take half a kilobyte of every call."""

    __slots__ = ("_function", "_owner")

    def __init__(self, function: Callable[..., T], owner: object) -> None:
        self._function, self._owner = function, ref(owner)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        owner = self._owner()
        if owner is None:
            raise ReferenceError("called of what is gone")
        return self._function(owner, *args, **kwargs)


def weak(method: Callable[P, T]) -> Callable[P, T]:
    """Calls `method` as long as its object is there, which whoever calls must know. Raises ReferenceError."""
    bound = cast(MethodType, method)
    call: _Weak[P, T] = _Weak(bound.__func__, bound.__self__)
    return call
