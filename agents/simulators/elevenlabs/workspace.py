"""What the vendor keeps for one workspace: agents, tools, secrets, webhooks, settings."""

import copy
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agents.simulators.elevenlabs.bodies import leaves
from agents.simulators.elevenlabs.profile import CLIENT_EVENTS, OVERRIDABLE, AgentProfile, ServerTool

Json = dict[str, Any]


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(14)}"


def new_agent_settings() -> Json:
    """What an agent is before anybody has set anything: formats that no telephone speaks, no overrides."""
    allowed: Json = {}
    for path in OVERRIDABLE:
        *above, name = path.split(".")
        branch = allowed
        for part in above:
            branch = branch.setdefault(part, {})
        branch[name] = False
    return {
        "name": "New agent",
        "tags": [],
        "conversation_config": {
            "agent": {
                "first_message": "",
                "language": "en",
                "dynamic_variables": {"dynamic_variable_placeholders": {}},
                "prompt": {
                    "prompt": "",
                    "llm": "gemini-2.5-flash",
                    "tool_ids": [],
                    "built_in_tools": {"end_call": None, "language_detection": None},
                    "knowledge_base": [],
                },
            },
            "asr": {"quality": "high", "user_input_audio_format": "pcm_16000", "keywords": []},
            "tts": {
                "model_id": "eleven_flash_v2",
                "voice_id": "cjVigY5qzO86Huf0OWal",
                "agent_output_audio_format": "pcm_16000",
            },
            "turn": {"turn_timeout": 7, "silence_end_call_timeout": -1},
            "conversation": {
                "text_only": False,
                "max_duration_seconds": 600,
                "client_events": ["audio", "interruption", "agent_response", "user_transcript", "ping"],
            },
        },
        "platform_settings": {
            "auth": {"enable_auth": False, "allowlist": [], "require_origin_header": False},
            "overrides": {
                "conversation_config_override": allowed,
                "custom_llm_extra_body": False,
                "enable_conversation_initiation_client_data_from_webhook": False,
            },
            "workspace_overrides": {
                "conversation_initiation_client_data_webhook": None,
                "webhooks": {"post_call_webhook_id": None, "events": ["transcript"], "send_audio": None},
            },
            "call_limits": {"agent_concurrency_limit": -1, "daily_limit": 100000},
        },
        "workflow": {},
    }


def agent_of(profile: AgentProfile, agent_id: str) -> Json:
    """A profile as the API would tell of it."""
    agent: Json = merge(new_agent_settings(), {"name": profile.name, "agent_id": agent_id})
    agent["metadata"] = {"created_at_unix_secs": 0}
    config, platform = agent["conversation_config"], agent["platform_settings"]
    config["agent"]["first_message"] = profile.first_message or ""
    config["tts"]["agent_output_audio_format"] = profile.output_format
    config["asr"]["user_input_audio_format"] = profile.input_format
    config["conversation"]["client_events"] = sorted(profile.client_events)
    platform["auth"]["enable_auth"] = not profile.public
    for path in profile.allowed_overrides:
        *above, name = path.split(".")
        branch = platform["overrides"]["conversation_config_override"]
        for part in above:
            branch = branch[part]
        branch[name] = True
    return agent


def merge(there: Any, changes: Any) -> Any:
    """A PATCH: objects into objects; anything else, lists among it, takes the other's place."""
    if isinstance(there, dict) and isinstance(changes, dict):
        merged = {**there}
        for name, value in changes.items():
            merged[name] = merge(there.get(name), value)
        return merged
    return copy.deepcopy(changes)


@dataclass
class Workspace:
    agents: dict[str, Json] = field(default_factory=dict)
    tools: dict[str, Json] = field(default_factory=dict)  # id -> tool_config
    secrets: dict[str, Json] = field(default_factory=dict)  # id -> name, value
    webhooks: dict[str, Json] = field(default_factory=dict)  # with `secret`
    settings: Json = field(
        default_factory=lambda: {
            "conversation_initiation_client_data_webhook": None,
            "webhooks": {"post_call_webhook_id": None, "events": ["transcript"], "send_audio": None},
            "can_use_mcp_servers": True,
        }
    )

    def add_agent(self, body: Json, agent_id: str = "") -> Json:
        agent: Json = merge(new_agent_settings(), body)
        agent["agent_id"] = agent_id or new_id("agent")
        agent["metadata"] = {"created_at_unix_secs": int(time.time())}
        self.agents[agent["agent_id"]] = agent
        return agent

    def tools_of(self, agent: Json) -> Iterator[Json]:
        for tool_id in agent["conversation_config"]["agent"]["prompt"]["tool_ids"]:
            if tool_id in self.tools:
                yield self.tools[tool_id]

    def header_values(self, headers: Json, variables: dict[str, Any]) -> dict[str, str]:
        """Request headers with what they point at: workspace secrets and dynamic variables."""
        told = {}
        for name, value in headers.items():
            if isinstance(value, str):
                told[name] = value
            elif "secret_id" in value:
                told[name] = self.secrets[value["secret_id"]]["value"]
            elif "variable_name" in value:
                told[name] = str(variables.get(value["variable_name"], ""))
        return told

    def secret_is_used(self, secret_id: str) -> bool:
        needle = f"'secret_id': {secret_id!r}"
        return any(
            needle in repr(one) for one in (*self.tools.values(), *self.agents.values(), self.settings)
        )

    def profile(self, agent_id: str) -> AgentProfile | None:
        """The agent as a session meets it."""
        agent = self.agents.get(agent_id)
        if agent is None:
            return None
        config, platform = agent["conversation_config"], agent["platform_settings"]
        overrides = platform["overrides"]["conversation_config_override"]
        tools = list(self.tools_of(agent))
        hooks = platform["workspace_overrides"].get("webhooks") or {}
        webhook = self.webhooks.get(hooks.get("post_call_webhook_id") or "")
        listens = webhook and not webhook["is_disabled"] and "transcript" in hooks.get("events", [])
        return AgentProfile(
            agent_id=agent_id,
            name=agent["name"],
            first_message=config["agent"]["first_message"] or None,
            output_format=config["tts"]["agent_output_audio_format"],
            input_format=config["asr"]["user_input_audio_format"],
            allowed_overrides=frozenset(path for path, allowed in leaves(overrides) if allowed),
            variable_placeholders={
                name: str(value)
                for name, value in config["agent"]["dynamic_variables"][
                    "dynamic_variable_placeholders"
                ].items()
            },
            required_variables=frozenset(_variables(agent, tools)),
            client_events=frozenset(config["conversation"]["client_events"]) | _ALWAYS,
            client_tools=frozenset(tool["name"] for tool in tools if tool["type"] == "client"),
            expects_response=all(tool.get("expects_response") for tool in tools if tool["type"] == "client"),
            max_duration_s=config["conversation"]["max_duration_seconds"],
            public=not platform["auth"]["enable_auth"],
            server_tools={
                tool["name"]: self._server_tool(tool) for tool in tools if tool["type"] == "webhook"
            },
            post_call=(webhook["webhook_url"], webhook["secret"]) if webhook and listens else None,
        )

    def _server_tool(self, tool: Json) -> ServerTool:
        api = tool["api_schema"]
        body = (api.get("request_body_schema") or {}).get("properties") or {}
        bound = {
            name: str(one["dynamic_variable"]) for name, one in body.items() if one.get("dynamic_variable")
        }
        return ServerTool(
            url=api["url"],
            method=api.get("method", "GET"),
            headers=self.header_values(api.get("request_headers") or {}, {}),
            bound=bound,
            timeout_s=float(tool.get("response_timeout_secs", 20)),
        )


_ALWAYS = CLIENT_EVENTS & {"conversation_initiation_metadata", "ping"}


def _variables(agent: Json, tools: list[Json]) -> Iterator[str]:
    """Custom variables that the agent refers to: without a value for each, a session ends."""
    config = agent["conversation_config"]["agent"]
    for text in (config["first_message"], config["prompt"]["prompt"]):
        for piece in text.split("{{")[1:]:
            name = piece.partition("}}")[0].strip()
            if not name.startswith("system__"):
                yield name
    for tool in tools:
        body = (tool.get("api_schema", {}).get("request_body_schema") or {}).get("properties") or {}
        for one in body.values():
            name = one.get("dynamic_variable") or ""
            if name and not name.startswith("system__"):
                yield name
