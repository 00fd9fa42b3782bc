"""ElevenLabs, simulated: as the commands run it."""

from django.conf import settings

from agents.simulators.elevenlabs import AgentProfile, ElevenLabsSimulator
from agents.simulators.facts import SimulatedProvider
from agents.simulators.scenarios import Scenario

WIDEBAND_AGENT = "agent_demo_wideband"
"""For carriers of a wider line than the telephone's: an agent speaks one format, and the others speak that one's."""


def make(
    *, port: int, host: str = "127.0.0.1", backend_url: str = "", scenario: Scenario | None = None
) -> ElevenLabsSimulator:
    return ElevenLabsSimulator(
        api_key=settings.ELEVENLABS_API_KEY,
        webhook_secret=settings.ELEVENLABS_WEBHOOK_SECRET,
        backend_url=backend_url or settings.APP_BASE_URL,
        scenario=scenario,
        odd_agents=[AgentProfile(WIDEBAND_AGENT, output_format="pcm_16000", input_format="pcm_16000")],
        host=host,
        port=port,
    )


def missing() -> str:
    if settings.ELEVENLABS_API_KEY and settings.ELEVENLABS_WEBHOOK_SECRET:
        return ""
    return "Set ELEVENLABS_API_KEY and ELEVENLABS_WEBHOOK_SECRET: the simulator checks both."


def describe(running: ElevenLabsSimulator) -> str:
    return f"Simulated ElevenLabs at {running.base_url}, tools at {running.backend_url}"


SIMULATED = SimulatedProvider(make, missing, describe)
