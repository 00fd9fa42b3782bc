"""OpenAI's Realtime server, as far as a voice client sees it.  Source: OpenAI, "Realtime API", GA shapes."""

from agents.simulators.openai_realtime.behaviour import FOREVER, Behaviour, Close
from agents.simulators.openai_realtime.record import Record
from agents.simulators.openai_realtime.server import OpenAISimulator

__all__ = ["FOREVER", "Behaviour", "Close", "OpenAISimulator", "Record"]
