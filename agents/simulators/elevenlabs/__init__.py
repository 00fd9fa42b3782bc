"""ElevenLabs, from the far end of the wire: also to be had as `manage.py simulate_agent`."""

from agents.simulators.elevenlabs.behaviour import Behaviour, Close
from agents.simulators.elevenlabs.profile import AgentProfile
from agents.simulators.elevenlabs.server import ElevenLabsSimulator
from agents.simulators.elevenlabs.session import Session

__all__ = ["AgentProfile", "Behaviour", "Close", "ElevenLabsSimulator", "Session"]
