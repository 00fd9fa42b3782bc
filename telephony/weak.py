"""Callbacks that keep nobody alive.

Objects that hold each other are freed when the collector looks at all there is, and meanwhile audio stops. So that a
call which is over goes by itself, its parts hold the whole of it weakly.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakMethod

P = ParamSpec("P")
T = TypeVar("T")


def weak(method: Callable[P, T]) -> Callable[P, T]:
    """Calls `method` as long as its object is there, which whoever calls must know. Raises ReferenceError."""
    found = WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = found()
        if bound is None:
            raise ReferenceError("called of what is gone")
        return bound(*args, **kwargs)

    return call
