"""The agent providers, as the product asks for them. Which there are stands in registry.py."""

from agents.audio import AudioFormat
from agents.providers.registry import DEFAULT, PROVIDERS, chosen_by
from agents.session import AgentSession, Assignment

__all__ = ["DEFAULT", "PROVIDERS", "chosen_by", "session_for"]


def session_for(assignment: Assignment, audio_format: AudioFormat) -> AgentSession:
    """A session that is not open yet, in the carrier's own format if it can be."""
    return PROVIDERS[assignment.provider].session(assignment, audio_format)
