"""Which of a business's settings make up its agent. None of them is a secret, and none is the operators' alone."""

from collections.abc import Mapping
from typing import Any

LANGUAGE = "language"
"""A column of the business, and not a setting."""

TITLES: Mapping[str, str] = {
    LANGUAGE: "Language",
    "aiGreeting": "Greeting",
    "aiDisclosure": "Says that it is an AI",
    "recordingDisclosure": "Says that the call may be recorded",
    "aiTone": "Tone",
    "aiInstructions": "House rules",
    "agentProvider": "Provider",
    "secondProvider": "Second provider",
    "elevenLabsVoiceId": "Voice at ElevenLabs",
    "openaiVoice": "Voice at OpenAI",
    "transferNumber": "Number to put callers through to",
    "transferMode": "How callers are put through",
    "voicemail": "Takes messages",
}


def facts(language: str, settings: Any) -> dict[str, Any]:
    """What is not set is not there: so that "" and nothing are the same."""
    told = settings if isinstance(settings, dict) else {}
    found = {LANGUAGE: language, **{name: told.get(name) for name in TITLES if name != LANGUAGE}}
    return {name: value for name, value in found.items() if value not in ("", None, False)}


def settings_with(settings: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with these of the agent in the place of those that are there; all others stay."""
    others = settings if isinstance(settings, dict) else {}
    kept = {name: value for name, value in others.items() if name not in TITLES}
    return kept | {name: value for name, value in told.items() if name != LANGUAGE}
