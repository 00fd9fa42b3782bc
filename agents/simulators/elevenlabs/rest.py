"""The vendor's REST API over a workspace: keys checked, bodies checked, refusals in the vendor's shapes.
Source: ElevenLabs, "API reference: Agents", "Webhooks"."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agents.simulators.elevenlabs import bodies
from agents.simulators.elevenlabs.postcall import build_data
from agents.simulators.elevenlabs.profile import AgentProfile
from agents.simulators.elevenlabs.schema import Invalid
from agents.simulators.elevenlabs.session import Session
from agents.simulators.elevenlabs.workspace import Workspace, agent_of, merge, new_agent_settings, new_id

Json = dict[str, Any]
Answer = tuple[int, Any]
MAX_PAGE = 100


class Refused(Exception):
    """Anything but a 422: a status and a message."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"detail": {"status": name, "message": message}}


class Rest:
    """`answer` for one request. `failures` are statuses to answer the next requests with instead."""

    def __init__(
        self,
        api_key: str,
        workspace: Workspace,
        sessions: Sequence[Session],
        profile_of: Callable[[str], AgentProfile | None],
    ) -> None:
        self.api_key = api_key
        self.failures: list[int] = []
        self.requests: list[tuple[str, str]] = []
        """Method and path of all that were asked, refused ones among them."""
        self._workspace, self._sessions, self._profile_of = workspace, sessions, profile_of
        self._deleted: set[str] = set()

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.requests if request[0] != "GET"]

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> Answer:
        self.requests.append((method, path))
        if self.failures:
            return self.failures.pop(0), {"detail": {"status": "system_busy", "message": "Try again."}}
        known = False
        for route_method, pattern, handler in self._routes():
            match = re.fullmatch(pattern, path)
            if match is None:
                continue
            known = True
            if route_method != method:
                continue
            if headers.get("xi-api-key") != self.api_key:
                return 401, {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
            try:
                return handler(*match.groups(), query=query, body=body)
            except Invalid as error:
                return 422, {"detail": [error.detail]}
            except Refused as refused:
                return refused.status, refused.body
        return (405, {"detail": "Method Not Allowed"}) if known else (404, {"detail": "Not Found"})

    def _routes(self) -> Iterable[tuple[str, str, Callable[..., Answer]]]:
        one = "/([^/]+)"
        agents, tools = "/v1/convai/agents", "/v1/convai/tools"
        secrets, hooks = "/v1/convai/secrets", "/v1/workspace/webhooks"
        return (
            ("GET", "/v1/user", self._user),
            ("POST", f"{agents}/create", self._create_agent),
            ("GET", agents, self._list_agents),
            ("GET", agents + one, self._get_agent),
            ("PATCH", agents + one, self._patch_agent),
            ("DELETE", agents + one, self._delete_agent),
            ("GET", tools, self._list_tools),
            ("POST", tools, self._create_tool),
            ("GET", tools + one, self._get_tool),
            ("PATCH", tools + one, self._patch_tool),
            ("DELETE", tools + one, self._delete_tool),
            ("GET", secrets, self._list_secrets),
            ("POST", secrets, self._create_secret),
            ("PATCH", secrets + one, self._patch_secret),
            ("DELETE", secrets + one, self._delete_secret),
            ("GET", hooks, self._list_webhooks),
            ("POST", hooks, self._create_webhook),
            ("PATCH", hooks + one, self._patch_webhook),
            ("DELETE", hooks + one, self._delete_webhook),
            ("GET", "/v1/convai/settings", self._get_settings),
            ("PATCH", "/v1/convai/settings", self._patch_settings),
            ("GET", "/v1/convai/conversations", self._list_conversations),
            ("DELETE", f"/v1/convai/conversations{one}", self._delete_conversation),
            ("GET", "/v1/convai/conversations" + one, self._get_conversation),
        )

    def _user(self, *, query: Json, body: Any) -> Answer:
        return 200, {"user_id": "user_simulated", "subscription": {"tier": "creator", "status": "active"}}

    # --- Agents

    def _create_agent(self, *, query: Json, body: Any) -> Answer:
        bodies.NEW_AGENT(body, ("body",))
        self._check_references(body)
        _check_model(merge(new_agent_settings(), body))
        agent = self._workspace.add_agent(body)
        return 200, {"agent_id": agent["agent_id"]}

    def _list_agents(self, *, query: Json, body: Any) -> Answer:
        wanted = query.get("search", "").lower()
        rows = [
            {
                "agent_id": agent["agent_id"],
                "name": agent["name"],
                "tags": agent["tags"],
                "created_at_unix_secs": agent["metadata"]["created_at_unix_secs"],
                "archived": False,
            }
            for agent in self._workspace.agents.values()
            if wanted in agent["name"].lower()
        ]
        return _page("agents", rows, query)

    def _get_agent(self, agent_id: str, *, query: Json, body: Any) -> Answer:
        return 200, self._agent(agent_id)

    def _patch_agent(self, agent_id: str, *, query: Json, body: Any) -> Answer:
        agent = self._agent(agent_id)
        bodies.AGENT_CHANGES(body, ("body",))
        self._check_references(body)
        merged = merge(agent, body)
        _check_model(merged)
        self._workspace.agents[agent_id] = merged
        return 200, merged

    def _delete_agent(self, agent_id: str, *, query: Json, body: Any) -> Answer:
        self._agent(agent_id)
        self._workspace.agents.pop(agent_id, None)
        return 200, {}

    def _agent(self, agent_id: str) -> Json:
        """An agent that the simulator was only told the id of has what its profile says."""
        if agent_id in self._workspace.agents:
            return self._workspace.agents[agent_id]
        profile = self._profile_of(agent_id)
        if profile is None:
            raise Refused(404, "agent_not_found", f"The agent with the id {agent_id} was not found.")
        return agent_of(profile, agent_id)

    def _check_references(self, body: Json) -> None:
        """Tools, secrets and webhooks that do not exist."""
        prompt = body.get("conversation_config", {}).get("agent", {}).get("prompt", {})
        for tool_id in prompt.get("tool_ids", []):
            if tool_id not in self._workspace.tools:
                raise Refused(404, "document_not_found", f"Document with id {tool_id} not found.")
        overrides = (body.get("platform_settings") or {}).get("workspace_overrides", {})
        webhook_id = (overrides.get("webhooks") or {}).get("post_call_webhook_id")
        if webhook_id and webhook_id not in self._workspace.webhooks:
            raise Refused(404, "webhook_not_found", f"Webhook {webhook_id} not found.")
        initiation = overrides.get("conversation_initiation_client_data_webhook") or {}
        self._check_headers(initiation.get("request_headers", {}))

    def _check_headers(self, headers: Json) -> None:
        for value in headers.values():
            if isinstance(value, dict) and "secret_id" in value:
                self._secret(value["secret_id"])

    # --- Tools

    def _list_tools(self, *, query: Json, body: Any) -> Answer:
        rows = [_tool(tool_id, config) for tool_id, config in self._workspace.tools.items()]
        return _page("tools", rows, query)

    def _create_tool(self, *, query: Json, body: Any) -> Answer:
        config = self._tool_config(body)
        tool_id = new_id("tool")
        self._workspace.tools[tool_id] = config
        return 200, _tool(tool_id, config)

    def _get_tool(self, tool_id: str, *, query: Json, body: Any) -> Answer:
        return 200, _tool(tool_id, self._known_tool(tool_id))

    def _patch_tool(self, tool_id: str, *, query: Json, body: Any) -> Answer:
        """The whole tool anew: there is no merge."""
        self._known_tool(tool_id)
        self._workspace.tools[tool_id] = self._tool_config(body)
        return 200, _tool(tool_id, self._workspace.tools[tool_id])

    def _delete_tool(self, tool_id: str, *, query: Json, body: Any) -> Answer:
        self._known_tool(tool_id)
        if any(tool_id in repr(agent) for agent in self._workspace.agents.values()):
            raise Refused(400, "tool_in_use", "The tool is used by an agent.")
        del self._workspace.tools[tool_id]
        return 200, {}

    def _tool_config(self, body: Any) -> Json:
        bodies.TOOL(body, ("body",))
        config: Json = body["tool_config"]
        self._check_headers(config.get("api_schema", {}).get("request_headers", {}))
        return config

    def _known_tool(self, tool_id: str) -> Json:
        if tool_id not in self._workspace.tools:
            raise Refused(404, "document_not_found", f"Document with id {tool_id} not found.")
        return self._workspace.tools[tool_id]

    # --- Secrets

    def _list_secrets(self, *, query: Json, body: Any) -> Answer:
        rows = [
            {"type": "stored", "secret_id": secret_id, "name": one["name"], "used_by": {}}
            for secret_id, one in self._workspace.secrets.items()
        ]
        return _page("secrets", rows, query)

    def _create_secret(self, *, query: Json, body: Any) -> Answer:
        bodies.NEW_SECRET(body, ("body",))
        secret_id = new_id("sec")
        self._workspace.secrets[secret_id] = {"name": body["name"], "value": body["value"]}
        return 200, {"type": "stored", "secret_id": secret_id, "name": body["name"]}

    def _patch_secret(self, secret_id: str, *, query: Json, body: Any) -> Answer:
        self._secret(secret_id)
        bodies.SECRET_CHANGES(body, ("body",))
        self._workspace.secrets[secret_id] = {"name": body["name"], "value": body["value"]}
        return 200, {"type": "stored", "secret_id": secret_id, "name": body["name"]}

    def _delete_secret(self, secret_id: str, *, query: Json, body: Any) -> Answer:
        self._secret(secret_id)
        if self._workspace.secret_is_used(secret_id):
            raise Refused(400, "secret_in_use", "The secret is in use.")
        del self._workspace.secrets[secret_id]
        return 204, {}

    def _secret(self, secret_id: str) -> Json:
        if secret_id not in self._workspace.secrets:
            raise Refused(404, "secret_not_found", f"Secret {secret_id} not found.")
        return self._workspace.secrets[secret_id]

    # --- Webhooks and settings

    def _list_webhooks(self, *, query: Json, body: Any) -> Answer:
        hidden = {"secret"}
        rows = [
            {"webhook_id": webhook_id, **{k: v for k, v in one.items() if k not in hidden}}
            for webhook_id, one in self._workspace.webhooks.items()
        ]
        return 200, {"webhooks": rows}

    def _create_webhook(self, *, query: Json, body: Any) -> Answer:
        bodies.NEW_WEBHOOK(body, ("body",))
        webhook_id, secret = new_id("wh"), new_id("wsec")
        self._workspace.webhooks[webhook_id] = {
            "name": body["settings"]["name"],
            "webhook_url": body["settings"]["webhook_url"],
            "auth_type": "hmac",
            "is_disabled": False,
            "is_auto_disabled": False,
            "retry_enabled": False,
            "created_at_unix": int(time.time()),
            "secret": secret,
        }
        return 200, {"webhook_id": webhook_id, "webhook_secret": secret}

    def _patch_webhook(self, webhook_id: str, *, query: Json, body: Any) -> Answer:
        webhook = self._webhook(webhook_id)
        bodies.WEBHOOK_CHANGES(body, ("body",))
        webhook |= body
        webhook["is_auto_disabled"] = webhook["is_auto_disabled"] and body["is_disabled"]
        return 200, {"status": "ok"}

    def _delete_webhook(self, webhook_id: str, *, query: Json, body: Any) -> Answer:
        self._webhook(webhook_id)
        if any(webhook_id in repr(agent) for agent in self._workspace.agents.values()):
            raise Refused(400, "webhook_in_use", "The webhook is used by an agent.")
        del self._workspace.webhooks[webhook_id]
        return 200, {"status": "ok"}

    def _webhook(self, webhook_id: str) -> Json:
        if webhook_id not in self._workspace.webhooks:
            raise Refused(404, "webhook_not_found", f"Webhook {webhook_id} not found.")
        return self._workspace.webhooks[webhook_id]

    def _get_settings(self, *, query: Json, body: Any) -> Answer:
        return 200, self._workspace.settings

    def _patch_settings(self, *, query: Json, body: Any) -> Answer:
        bodies.SETTINGS_CHANGES(body, ("body",))
        self._check_references({"platform_settings": {"workspace_overrides": body}})
        self._workspace.settings = merge(self._workspace.settings, body)
        return 200, self._workspace.settings

    # --- Conversations

    def _list_conversations(self, *, query: Json, body: Any) -> Answer:
        after, before = _number(query, "call_start_after_unix"), _number(query, "call_start_before_unix")
        rows = [
            {
                "agent_id": session.agent_id,
                "conversation_id": session.conversation_id,
                "start_time_unix_secs": int(session.started_unix),
                "call_duration_secs": round(session.elapsed_s),
                "message_count": len(session.turns),
                "status": _status(session),
                "call_successful": "success",
            }
            for session in reversed(self._kept())
            if query.get("agent_id") in {None, session.agent_id}
            and (after is None or session.started_unix >= after)
            and (before is None or session.started_unix <= before)
        ]
        return _page("conversations", rows, query)

    def _kept(self) -> list[Session]:
        return [session for session in self._sessions if session.conversation_id not in self._deleted]

    def _delete_conversation(self, conversation_id: str, *, query: Json, body: Any) -> Answer:
        if any(session.conversation_id == conversation_id for session in self._kept()):
            self._deleted.add(conversation_id)
            return 200, {}
        raise Refused(404, "conversation_not_found", f"Conversation {conversation_id} was not found.")

    def _get_conversation(self, conversation_id: str, *, query: Json, body: Any) -> Answer:
        for session in self._kept():
            if session.conversation_id == conversation_id:
                profile = self._profile_of(session.agent_id) or AgentProfile()
                return 200, {**build_data(session, profile), "status": _status(session)}
        raise Refused(404, "conversation_not_found", f"Conversation {conversation_id} was not found.")


def _check_model(agent: Json) -> None:
    """Some models speak English only, and the others anything but."""
    config = agent["conversation_config"]
    model = config["tts"]["model_id"]
    english = config["agent"]["language"].lower().startswith("en")
    if english and model not in {"eleven_flash_v2", "eleven_turbo_v2", "eleven_v3_conversational"}:
        raise Refused(400, "invalid_tts_model", "English Agents must use turbo or flash v2.")
    if not english and model not in {"eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_v3_conversational"}:
        raise Refused(400, "invalid_tts_model", "Non-english Agents must use turbo or flash v2_5.")


def _status(session: Session) -> str:
    return "done" if session.ended.is_set() else "in-progress"


def _tool(tool_id: str, config: Json) -> Json:
    return {"id": tool_id, "tool_config": config, "access_info": {"is_creator": True}}


def _number(query: Json, name: str) -> int | None:
    given = query.get(name)
    if given is None:
        return None
    if not given.isdecimal():
        raise Invalid(("query", name), "Input should be a valid integer", "int_parsing")
    return int(given)


def _page(key: str, rows: list[Json], query: Json) -> Answer:
    size = _number(query, "page_size") or 30
    if not 1 <= size <= MAX_PAGE:
        raise Invalid(("query", "page_size"), f"Input should be from 1 to {MAX_PAGE}")
    start = int(query.get("cursor") or 0)
    more = start + size < len(rows)
    return 200, {
        key: rows[start : start + size],
        "has_more": more,
        "next_cursor": str(start + size) if more else None,
    }
