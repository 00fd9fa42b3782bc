"""The session that we ask OpenAI for: instructions, tools, voice, hearing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.audio import AudioFormat
from agents.providers.openai_realtime.protocol import FORMATS, Json

TURN_DETECTIONS = frozenset({"server_vad", "semantic_vad"})
SHORTEST_IDLE_S, LONGEST_IDLE_S = 5, 30
MAX_OUTPUT_TOKENS = 2000
"""Of one reply, its tool calls included: two minutes of speech would be far too many."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a tenant wants of its agent. An empty `transcription_model` is the default one."""

    instructions: str = field(repr=False)
    tools: Sequence[Json] = field(repr=False, default=())
    language: str = "en"
    voice: str = "marin"
    turn_detection: str = "server_vad"
    transcription_model: str = "gpt-transcribe"
    idle_seconds: int = 15
    """The agent asks whether anybody is there after so much silence; 0: it never does."""

    @property
    def own_idle_seconds(self) -> int:
        """The same, where it is for us to look at the clock: only one turn detection does that by itself."""
        return self.idle_seconds if self.turn_detection == "semantic_vad" else 0


def wanted_session(wishes: Wishes) -> Json:
    """Without its audio formats, which are the carrier's: `in_format` adds them."""
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": wishes.instructions,
        "max_output_tokens": MAX_OUTPUT_TOKENS,
        "audio": {
            "input": {
                "noise_reduction": None,
                "transcription": {
                    "model": wishes.transcription_model,
                    "language": wishes.language.split("-")[0].lower(),
                },
                "turn_detection": _turn_detection(wishes),
            },
            "output": {"voice": wishes.voice},
        },
        "tools": list(wishes.tools),
        "tool_choice": "auto",
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    }


def in_format(session: Json, audio_format: AudioFormat) -> Json:
    """The same session, spoken and heard in this format."""
    name = FORMATS[audio_format]
    audio = session["audio"]
    return {
        **session,
        "audio": {
            "input": {"format": name, **audio["input"]},
            "output": {"format": name, **audio["output"]},
        },
    }


def greeting_instructions(instructions: str, greeting: str) -> str:
    """Those of one response take the place of the session's, and so repeat them."""
    return (
        f"{instructions}\n\n# Now\n- The call has just begun. Say exactly this, and nothing else: {greeting}"
    )


def resuming_instructions(instructions: str, opening: str) -> str:
    """For the first response of a session that goes on with a call."""
    return (
        f"{instructions}\n\n# Now\n- The call is under way, and its line has just broken for a moment. Do not greet. "
        "After the following sentence go on where you were: if the caller has asked or answered something that "
        f"nobody has dealt with, deal with it.\n- Say exactly this first: {opening}"
    )


def idle_instructions(instructions: str) -> str:
    return (
        f"{instructions}\n\n# Now\n- The caller has said nothing for a while. Ask in one short sentence, in the "
        "language of the call, whether they are still there; say nothing else."
    )


def _turn_detection(wishes: Wishes) -> dict[str, Any]:
    both = {"create_response": True, "interrupt_response": True}
    if wishes.turn_detection == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": "auto", **both}
    # A telephone's noise and the agent's own echo are quieter than a caller: half is too easily reached.
    hearing = {"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 300, "silence_duration_ms": 500}
    idle = {"idle_timeout_ms": 1000 * wishes.idle_seconds} if wishes.idle_seconds else {}
    return {**hearing, **both, **idle}
