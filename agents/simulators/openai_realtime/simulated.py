"""OpenAI Realtime, simulated: as the commands run it."""

from django.conf import settings

from agents.simulators.facts import SimulatedProvider
from agents.simulators.openai_realtime import OpenAISimulator
from agents.simulators.scenarios import Scenario


def make(
    *, port: int, host: str = "127.0.0.1", backend_url: str = "", scenario: Scenario | None = None
) -> OpenAISimulator:
    return OpenAISimulator(api_key=settings.OPENAI_API_KEY, scenario=scenario, host=host, port=port)


def missing() -> str:
    return "" if settings.OPENAI_API_KEY else "Set OPENAI_API_KEY: the simulator checks it."


def describe(running: OpenAISimulator) -> str:
    return f"Simulated OpenAI at {running.base_url}"


SIMULATED = SimulatedProvider(make, missing, describe)
