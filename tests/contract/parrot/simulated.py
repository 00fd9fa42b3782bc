"""A parrot is its own simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.simulators.facts import SimulatedProvider
from agents.simulators.scenarios import Scenario


@asynccontextmanager
async def make(
    *, port: int, host: str = "", backend_url: str = "", scenario: Scenario | None = None
) -> AsyncIterator[str]:
    yield "a perch"


SIMULATED = SimulatedProvider(make, lambda: "", str)
