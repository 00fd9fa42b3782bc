"""ElevenLabs' REST API, as far as we use it.  Source: ElevenLabs, "API reference: Agents".

Answers are the vendor's own JSON. Keys and secrets go in and never come out: no error quotes a request.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
from django.conf import settings

from tenants.vendor_http import VendorError, VendorHttp

Json = dict[str, Any]
MOST_PAGES = 20
PAGE_SIZE = 100
LONGEST_REASON = 200

_FIXES = {
    401: "Check the key under Credentials (elevenlabs_api_key) or ELEVENLABS_API_KEY.",
    403: "Give the key the permissions for ElevenLabs Agents (read and write) and workspace webhooks.",
    429: "ElevenLabs wants fewer requests: wait a minute and try again.",
}


class ElevenLabsRest:
    """One workspace. `with ElevenLabsRest(key) as api:`"""

    def __init__(self, api_key: str, *, read_only: bool = False) -> None:
        self._http = VendorHttp(
            "ElevenLabs",
            settings.ELEVENLABS_BASE_URL,
            explain,
            headers={"xi-api-key": api_key},
            read_only=read_only,
        )

    def __enter__(self) -> "ElevenLabsRest":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def check_key(self) -> None:
        """The cheapest request that needs the permission that everything here needs."""
        self._get("/v1/convai/agents", page_size=1)

    # --- Agents

    def agent(self, agent_id: str) -> Json:
        return self._get(f"/v1/convai/agents/{_part(agent_id)}")

    def agents_named(self, name: str) -> Iterator[Json]:
        """Summaries: `agent_id`, `name`, `tags`."""
        return self._pages("/v1/convai/agents", "agents", search=name)

    def create_agent(self, body: Json) -> str:
        return str(self._create("/v1/convai/agents/create", body)["agent_id"])

    def update_agent(self, agent_id: str, changes: Json) -> Json:
        """Objects are merged into the agent's; lists take the place of its lists."""
        return self._patch(f"/v1/convai/agents/{_part(agent_id)}", changes)

    # --- Tools

    def tools(self) -> list[Json]:
        return list(self._pages("/v1/convai/tools", "tools"))

    def create_tool(self, config: Json) -> str:
        return str(self._create("/v1/convai/tools", {"tool_config": config})["id"])

    def update_tool(self, tool_id: str, config: Json) -> None:
        self._patch(f"/v1/convai/tools/{_part(tool_id)}", {"tool_config": config})

    # --- Secrets: values can be written, never read

    def secrets(self) -> list[Json]:
        return list(self._pages("/v1/convai/secrets", "secrets"))

    def create_secret(self, name: str, value: str) -> str:
        body = {"type": "new", "name": name, "value": value}
        return str(self._create("/v1/convai/secrets", body)["secret_id"])

    def update_secret(self, secret_id: str, name: str, value: str) -> None:
        body = {"type": "update", "name": name, "value": value}
        self._patch(f"/v1/convai/secrets/{_part(secret_id)}", body)

    # --- Workspace webhooks

    def webhooks(self) -> list[Json]:
        found: list[Json] = self._get("/v1/workspace/webhooks").get("webhooks") or []
        return found

    def create_webhook(self, name: str, url: str) -> tuple[str, str]:
        """Its id and the secret that it signs with, which is told this once."""
        body = {"settings": {"auth_type": "hmac", "name": name, "webhook_url": url}}
        made = self._create("/v1/workspace/webhooks", body)
        return str(made["webhook_id"]), str(made["webhook_secret"])

    def update_webhook(self, webhook_id: str, *, name: str, retry_enabled: bool) -> None:
        """Also enables it again."""
        body = {"name": name, "is_disabled": False, "retry_enabled": retry_enabled}
        self._patch(f"/v1/workspace/webhooks/{_part(webhook_id)}", body)

    def delete_webhook(self, webhook_id: str) -> None:
        self._http.send("DELETE", f"/v1/workspace/webhooks/{_part(webhook_id)}")

    # --- Conversations

    def conversations(self, agent_id: str, *, started_after: int, started_before: int) -> Iterator[Json]:
        """Summaries, newest first. Unix seconds."""
        return self._pages(
            "/v1/convai/conversations",
            "conversations",
            agent_id=agent_id,
            call_start_after_unix=started_after,
            call_start_before_unix=started_before,
        )

    def conversation(self, conversation_id: str) -> Json:
        """The same object that a post-call webhook carries as `data`."""
        return self._get(f"/v1/convai/conversations/{_part(conversation_id)}")

    def delete_conversation(self, conversation_id: str) -> None:
        """With its transcript and audio, for good."""
        self._http.send("DELETE", f"/v1/convai/conversations/{_part(conversation_id)}")

    # --- The wire

    def _get(self, path: str, **params: Any) -> Json:
        return _object(self._http.send("GET", path, params=params))

    def _create(self, path: str, body: Json) -> Json:
        return _object(self._http.send("POST", path, json=body, repeatable=False))

    def _patch(self, path: str, body: Json) -> Json:
        return _object(self._http.send("PATCH", path, json=body))

    def _pages(self, path: str, key: str, **params: Any) -> Iterator[Json]:
        """All rows of a list that comes in pages, up to a bound that no business reaches."""
        cursor = None
        for _ in range(MOST_PAGES):
            page = self._get(path, **params, page_size=PAGE_SIZE, **({"cursor": cursor} if cursor else {}))
            yield from page.get(key) or []
            cursor = page.get("next_cursor")
            if not cursor or not page.get("has_more", True):
                return


def explain(response: httpx.Response) -> VendorError:
    """Two shapes are in use: a list of what is wrong with which field, and a status with a message."""
    status, reason = response.status_code, ""
    try:
        detail = response.json().get("detail")
    except (ValueError, AttributeError):
        detail = None
    if isinstance(detail, dict):
        reason = str(detail.get("message") or detail.get("status") or "")
        code = str(detail.get("status") or "")
    else:
        code = ""
    if isinstance(detail, list):
        # `input`, which some of these carry, would quote what we sent.
        reason = "; ".join(
            f"{'.'.join(map(str, item.get('loc', [])))}: {item.get('msg', '')}"
            for item in detail
            if isinstance(item, dict)
        )
    elif isinstance(detail, str):
        reason = detail
    said = f": {reason[:LONGEST_REASON]}" if reason else ""
    return VendorError(
        f"ElevenLabs refused ({status}){said}.", status=status, code=code, fix=_FIXES.get(status, "")
    )


def _part(text: str) -> str:
    return quote(text, safe="")


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise VendorError("ElevenLabs answered with something that is not an object.")
    return value
