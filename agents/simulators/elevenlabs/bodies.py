"""What the vendor's API takes: agents, tools, secrets, webhooks.  Source: ElevenLabs, "API reference: Agents"."""

from typing import Any

from agents.simulators.elevenlabs.profile import OVERRIDABLE
from agents.simulators.elevenlabs.schema import (
    Invalid,
    Loc,
    anything,
    boolean,
    https_url,
    integer,
    listing,
    mapping,
    nullable,
    one_of,
    record,
    text,
)

AUDIO_FORMATS = (
    "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000",
)  # fmt: skip
CLIENT_EVENTS = (
    "conversation_initiation_metadata", "asr_initiation_metadata", "ping", "audio", "interruption",
    "user_transcript", "tentative_user_transcript", "agent_response", "agent_response_correction",
    "agent_response_complete", "agent_response_metadata", "agent_chat_response_part", "client_tool_call",
    "agent_tool_request", "agent_tool_response", "agent_tool_response_full_payload", "mcp_tool_call",
    "mcp_connection_status", "vad_score", "guardrail_triggered", "client_error", "dtmf_request",
)  # fmt: skip
WEBHOOK_EVENTS = (
    "transcript", "audio", "call_initiation_failure", "answering_machine_detection",
    "unredacted_transcript", "unredacted_audio",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _header(value: Any, loc: Loc) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, dict) or len(value) != 1:
        raise Invalid(loc, "Input should be a string or one locator", "union_error")
    record({name: text(least=1) for name in ("secret_id", "variable_name", "env_var_label")})(value, loc)


# --- Tools ---------------------------------------------------------------------------------------

SOURCES = ("description", "dynamic_variable", "constant_value", "is_system_provided", "is_omitted")


def _property(value: Any, loc: Loc) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "array":
        record({"type": anything, "description": text(), "items": _property}, ["items"])(value, loc)
    elif kind == "object":
        PARAMETERS(value, loc)
    else:
        _literal(value, loc)


def _literal(value: Any, loc: Loc) -> None:
    record(
        {
            "type": text(choices=("string", "number", "integer", "boolean")),
            "description": text(least=1),
            "enum": nullable(listing(text())),
            "dynamic_variable": text(),
            "constant_value": anything,
            "is_system_provided": boolean,
            "is_omitted": boolean,
        },
        ["type"],
    )(value, loc)
    given = [name for name in SOURCES if value.get(name)]
    if len(given) != 1:
        said = ", ".join(given) or "nothing"
        raise Invalid(
            loc, f"Must set one of: description, dynamic_variable, constant_value; has {said}", "value_error"
        )


PARAMETERS = record(
    {
        "type": text(choices=("object",)),
        "description": text(),
        "properties": mapping(_property),
        "required": listing(text()),
    },
    ["type"],
)


def _api_schema(value: Any, loc: Loc) -> None:
    record(
        {
            "url": https_url,
            "method": text(choices=METHODS),
            "content_type": text(choices=("application/json", "application/x-www-form-urlencoded")),
            "path_params_schema": mapping(_literal),
            "query_params_schema": nullable(anything),
            "request_headers": mapping(_header),
            "request_body_schema": nullable(PARAMETERS),
            "auth_connection": nullable(anything),
            "response_filter": nullable(anything),
        },
        ["url"],
    )(value, loc)
    if value.get("request_body_schema") and value.get("method", "GET") in {"GET", "DELETE"}:
        raise Invalid((*loc, "request_body_schema"), "Only for POST, PUT and PATCH", "value_error")


_TOOL_COMMON = {
    "type": anything,
    "name": text(least=1),
    "description": text(least=1),
    "disable_interruptions": boolean,
    "assignments": listing(anything),
    "dynamic_variables": anything,
    "execution_mode": text(choices=("immediate", "post_tool_speech", "async")),
    "tool_error_handling_mode": text(choices=("auto", "summarized", "passthrough", "hide")),
}
TOOL_CONFIG = one_of(
    "type",
    {
        "webhook": record(
            {**_TOOL_COMMON, "response_timeout_secs": integer(5, 300), "api_schema": _api_schema},
            ["name", "description", "api_schema"],
        ),
        "client": record(
            {
                **_TOOL_COMMON,
                "response_timeout_secs": integer(1, 120),
                "expects_response": boolean,
                "parameters": nullable(PARAMETERS),
            },
            ["name", "description"],
        ),
    },
)
TOOL = record({"tool_config": TOOL_CONFIG}, ["tool_config"])

# --- Agents --------------------------------------------------------------------------------------

_SYSTEM_TOOL = record(
    {
        "type": text(choices=("system",)),
        "name": text(least=1),
        "description": text(),
        "params": anything,
        "response_timeout_secs": anything,
    },
    ["name", "params"],
)
_PROMPT = record(
    {
        "prompt": text(),
        "llm": text(),
        "temperature": anything,
        "max_tokens": anything,
        "timezone": nullable(text()),
        "tool_ids": listing(text()),
        "built_in_tools": mapping(nullable(_SYSTEM_TOOL)),
        "knowledge_base": listing(anything),
        "ignore_default_personality": boolean,
    }
)
_CONVERSATION_CONFIG = record(
    {
        "agent": record(
            {
                "first_message": text(),
                "language": text(least=2),
                "dynamic_variables": record({"dynamic_variable_placeholders": mapping(nullable(anything))}),
                "prompt": _PROMPT,
                "max_conversation_duration_message": text(),
            }
        ),
        "asr": record(
            {
                "user_input_audio_format": text(choices=AUDIO_FORMATS),
                "quality": text(),
                "provider": text(),
                "keywords": listing(text()),
            }
        ),
        "tts": record(
            {
                "agent_output_audio_format": text(choices=AUDIO_FORMATS),
                "voice_id": text(least=1),
                "model_id": text(),
                "stability": anything,
                "similarity_boost": anything,
                "speed": anything,
            }
        ),
        "turn": record({"turn_timeout": anything, "silence_end_call_timeout": anything, "mode": anything}),
        "conversation": record(
            {
                "client_events": listing(text(choices=CLIENT_EVENTS)),
                "max_duration_seconds": integer(1, 86400),
                "text_only": boolean,
            }
        ),
    }
)


def _overrides(value: Any, loc: Loc) -> None:
    mapping(mapping(anything))(value, loc)
    for path, allowed in leaves(value):
        if path not in OVERRIDABLE:
            raise Invalid((*loc, *path.split(".")), "Extra inputs are not permitted", "extra_forbidden")
        boolean(allowed, (*loc, *path.split(".")))


def leaves(tree: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            found += leaves(value, f"{above}{name}.")
        else:
            found.append((f"{above}{name}", value))
    return found


INITIATION_WEBHOOK = record(
    {"url": https_url, "request_headers": mapping(_header)}, ["url", "request_headers"]
)
POST_CALL_WEBHOOKS = record(
    {
        "post_call_webhook_id": nullable(text()),
        "events": listing(text(choices=WEBHOOK_EVENTS)),
        "transcript_format": text(choices=("json", "opentelemetry")),
        "exclude_transcript": boolean,
        "send_audio": nullable(boolean),
    }
)
_PLATFORM_SETTINGS = record(
    {
        "auth": record(
            {
                "enable_auth": boolean,
                "allowlist": listing(record({"hostname": text()}, ["hostname"])),
                "require_origin_header": boolean,
                "shareable_token": nullable(text()),
            }
        ),
        "overrides": record(
            {
                "conversation_config_override": _overrides,
                "custom_llm_extra_body": boolean,
                "enable_conversation_initiation_client_data_from_webhook": boolean,
            }
        ),
        "workspace_overrides": record(
            {
                "conversation_initiation_client_data_webhook": nullable(INITIATION_WEBHOOK),
                "webhooks": nullable(POST_CALL_WEBHOOKS),
            }
        ),
        "call_limits": anything,
        "privacy": anything,
        "widget": anything,
        "evaluation": anything,
        "data_collection": anything,
    }
)
_AGENT = {
    "name": nullable(text()),
    "tags": nullable(listing(text())),
    "conversation_config": _CONVERSATION_CONFIG,
    "platform_settings": nullable(_PLATFORM_SETTINGS),
    "workflow": anything,
}
NEW_AGENT = record(_AGENT, ["conversation_config"])
AGENT_CHANGES = record(_AGENT)

# --- The workspace -------------------------------------------------------------------------------

NEW_SECRET = record(
    {"type": text(choices=("new",)), "name": text(least=1), "value": text(least=1)}, ["type", "name", "value"]
)
SECRET_CHANGES = record(
    {"type": text(choices=("update",)), "name": text(least=1), "value": text(least=1)},
    ["type", "name", "value"],
)
NEW_WEBHOOK = record(
    {
        "settings": record(
            {
                "auth_type": text(choices=("hmac",)),
                "name": text(least=1),
                "webhook_url": https_url,
                "request_headers": mapping(text()),
            },
            ["auth_type", "name", "webhook_url"],
        )
    },
    ["settings"],
)
WEBHOOK_CHANGES = record(
    {"name": text(least=1), "is_disabled": boolean, "retry_enabled": nullable(boolean)},
    ["name", "is_disabled"],
)
SETTINGS_CHANGES = record(
    {
        "conversation_initiation_client_data_webhook": nullable(INITIATION_WEBHOOK),
        "webhooks": POST_CALL_WEBHOOKS,
        "can_use_mcp_servers": boolean,
    }
)
