"""The effective configuration of a session, and what an update makes of it."""

import copy
from typing import Any

from agents.simulators.audio import Format
from agents.simulators.openai_realtime.behaviour import Behaviour
from agents.simulators.openai_realtime.client_events import Rejected
from agents.simulators.openai_realtime.record import Json

PCM: Json = {"type": "audio/pcm", "rate": 24000}


def fresh(session_id: str, model: str, expires_at: int) -> Json:
    """As `session.created` tells it."""
    return {
        "object": "realtime.session",
        "type": "realtime",
        "id": session_id,
        "model": model,
        "expires_at": expires_at,
        "output_modalities": ["audio"],
        "instructions": "Your knowledge cutoff is 2024-06. You are a helpful, witty, and friendly AI.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": PCM,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": PCM, "voice": "marin", "speed": 1.0},
        },
    }


def updated(session: Json, update: Json, behaviour: Behaviour, *, has_spoken: bool) -> Json:
    """The session after this update: what is absent stays. Raises Rejected."""
    result = copy.deepcopy(session)
    for name, value in update.items():
        if name != "audio":
            result[name] = value
    for direction, fields in update.get("audio", {}).items():
        result["audio"][direction] |= fields
    before, after = session["audio"]["output"], result["audio"]["output"]
    if has_spoken and before["voice"] != after["voice"]:
        raise Rejected(
            "cannot_update_voice",
            "Cannot update a conversation's voice if assistant audio is present.",
            "session.audio.output.voice",
        )
    if behaviour.output_format is not None:
        after["format"] = behaviour.output_format
    if behaviour.input_format is not None:
        result["audio"]["input"]["format"] = behaviour.input_format
    return result


def format_of(told: Any) -> Format:
    """A-law is spoken as mu-law: no test listens to it."""
    return Format("pcm", 24000) if told.get("type") == "audio/pcm" else Format("ulaw", 8000)
