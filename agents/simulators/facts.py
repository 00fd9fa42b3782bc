"""What running a simulated agent provider asks of it: a value, made in its simulator's folder, in `simulated.py`."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from agents.providers import PROVIDERS
from agents.simulators.scenarios import Scenario


class Make(Protocol):
    def __call__(
        self, *, port: int, host: str = ..., backend_url: str = ..., scenario: Scenario | None = ...
    ) -> AbstractAsyncContextManager[Any]:
        """A server that is not running yet; port 0 is any free one. Raises OSError for a port that is taken."""


@dataclass(frozen=True, slots=True)
class SimulatedProvider:
    make: Make
    missing: Callable[[], str]
    """What the environment lacks for it, as a sentence; "" where nothing is."""
    describe: Callable[[Any], str]
    """Where a running one is."""


def simulated(provider: str) -> SimulatedProvider:
    found: SimulatedProvider = import_module(f"{PROVIDERS[provider].simulator}.simulated").SIMULATED
    return found
