"""The agent that a tenant should have, and how the one it has differs from it. Pure: values in, JSON out.

Only fields that are ours are ever named: what staff set elsewhere in the dashboard stays as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.providers.elevenlabs.tool_definitions import built_in_tools

Json = dict[str, Any]

OVERRIDABLE = frozenset({"agent.first_message", "agent.language", "tts.voice_id"})
"""What a conversation may set anew, of all that our initiation data can say. Audio formats never are."""

NEEDED_EVENTS = (
    "conversation_initiation_metadata",
    "ping",
    "audio",
    "interruption",
    "user_transcript",
    "agent_response",
    "agent_response_correction",
    "client_tool_call",
    "agent_tool_response",
)
"""If the list is set at all, nothing else is sent: without `interruption` callers cannot interrupt."""
CLIENT_EVENTS = (*NEEDED_EVENTS, "agent_response_complete", "client_error", "guardrail_triggered")
"""What the vendor's reference recommends to a bridge."""

POST_CALL_EVENTS = ("transcript", "call_initiation_failure")
"""Staff may have added `audio`, the recording: that is theirs to decide, and stays."""


WHOLE = frozenset({"conversation_initiation_client_data_webhook", "webhooks", "end_call"})
"""Objects that the vendor takes as a whole: a part of one would lack what it requires."""


@dataclass(frozen=True, slots=True)
class DesiredAgent:
    """Everything of ours that the vendor keeps for one agent."""

    name: str
    tag: str
    """Marks the agent as this tenant's, should its id ever be lost."""
    prompt: str
    first_message: str
    language: str
    timezone: str
    voice_id: str
    """"" leaves the voice to staff."""
    max_seconds: int
    overrides: frozenset[str]
    placeholders: Mapping[str, str]
    """Values of the dynamic variables for a try in the dashboard: a variable without one ends the session."""
    initiation_url: str
    secret_id: str
    webhook_id: str
    tool_ids: tuple[str, ...]
    audio_format: str = "ulaw_8000"
    """Both ways and the carrier's, so that nothing between it and the agent has to be converted."""

    def body(self, now: Json) -> Json:
        """As the vendor wants it. `now` is what it has, {} for a new one: its lists are kept and added to."""
        return {
            "name": self.name,
            "tags": _with(_at(now, "tags"), [self.tag]),
            "conversation_config": {
                "agent": {
                    "first_message": self.first_message,
                    "language": self.language,
                    "dynamic_variables": {"dynamic_variable_placeholders": dict(self.placeholders)},
                    "prompt": {
                        "prompt": self.prompt,
                        "timezone": self.timezone,
                        "tool_ids": list(self.tool_ids),
                        "built_in_tools": built_in_tools(),
                    },
                },
                "asr": {"user_input_audio_format": self.audio_format},
                "tts": {
                    "agent_output_audio_format": self.audio_format,
                    **({"voice_id": self.voice_id} if self.voice_id else {}),
                    **_speaking_model(self.language, _at(now, "conversation_config", "tts", "model_id")),
                },
                "conversation": {
                    "client_events": _with(
                        _at(now, "conversation_config", "conversation", "client_events"), CLIENT_EVENTS
                    ),
                    "max_duration_seconds": self.max_seconds,
                },
            },
            "platform_settings": {
                "auth": {"enable_auth": True},
                "overrides": {
                    "conversation_config_override": _tree(self.overrides),
                    "enable_conversation_initiation_client_data_from_webhook": True,
                },
                "workspace_overrides": {
                    "conversation_initiation_client_data_webhook": {
                        "url": self.initiation_url,
                        "request_headers": {"Authorization": {"secret_id": self.secret_id}},
                    },
                    "webhooks": {
                        "post_call_webhook_id": self.webhook_id,
                        "events": _with(
                            _at(now, "platform_settings", "workspace_overrides", "webhooks", "events"),
                            POST_CALL_EVENTS,
                        ),
                        "transcript_format": "json",
                    },
                },
            },
        }


_ENGLISH_ONLY = frozenset({"eleven_flash_v2", "eleven_turbo_v2", "eleven_multilingual_v2"})
_NOT_ENGLISH = frozenset({"eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_multilingual_v2"})


def _speaking_model(language: str, now: Any) -> Json:
    """A model that the vendor lets speak this language; nothing while the agent has one.

    It refuses "Non-english Agents must use turbo or flash v2_5", and the other way round. The first set holds
    what agents in other languages may not have, the second what English ones may not.
    """
    if language.lower().partition("-")[0] == "en":
        return {"model_id": "eleven_flash_v2"} if now in _NOT_ENGLISH else {}
    return {"model_id": "eleven_flash_v2_5"} if not now or now in _ENGLISH_ONLY else {}


def sent_overrides(initiation: Mapping[str, Any]) -> frozenset[str]:
    """Which overrides an initiation message sends, of those that an agent can allow."""
    override = initiation.get("conversation_config_override", {})
    sent = {f"{section}.{field}" for section, fields in override.items() for field in fields}
    return OVERRIDABLE & sent


def differences(desired: Mapping[str, Any], now: Mapping[str, Any]) -> Json:
    """The part of `desired` that `now` does not already say. Lists of names are sets."""
    changes: Json = {}
    for name, value in desired.items():
        there = now.get(name)
        if isinstance(value, Mapping):
            kept = there if isinstance(there, Mapping) else {}
            inner = differences(value, kept)
            if inner:
                changes[name] = {**kept, **value} if name in WHOLE else inner
        elif not _same(value, there):
            changes[name] = value
    return changes


def paths(changes: Mapping[str, Any], above: str = "") -> list[str]:
    """Dotted names of what changes, for people: values may be long, and some are nobody's to read."""
    found: list[str] = []
    for name, value in changes.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            found += paths(value, f"{path}.")
        else:
            found.append(path)
    return found


def summary(changes: Mapping[str, Any]) -> str:
    """`paths`, short enough to be read: `agent.prompt.prompt, tts.agent_output_audio_format`."""
    short = (
        path.removeprefix("conversation_config.").removeprefix("platform_settings.")
        for path in paths(changes)
    )
    return ", ".join(dict.fromkeys(".".join(path.split(".")[:3]) for path in short))


def _same(wanted: Any, there: Any) -> bool:
    if isinstance(wanted, list) and isinstance(there, list) and all(isinstance(x, str) for x in wanted):
        return sorted(wanted) == sorted(map(str, there))
    return bool(wanted == there)


def _with(there: Any, ours: Iterable[str]) -> list[str]:
    kept = [str(name) for name in there] if isinstance(there, list) else []
    return [*kept, *(name for name in ours if name not in kept)]


def _at(tree: Any, *path: str) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _tree(overrides: frozenset[str]) -> Json:
    """Ours on or off; what else staff allow is not touched."""
    tree: dict[str, dict[str, bool]] = {}
    for path in sorted(OVERRIDABLE):
        section, _, field = path.partition(".")
        tree.setdefault(section, {})[field] = path in overrides
    return tree
