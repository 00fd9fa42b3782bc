"""The vendor's REST side is as strict as its documents."""

from typing import Any

import httpx2
import pytest

from agents.simulators.elevenlabs import AgentProfile, ElevenLabsSimulator

URL = "https://a.example/hook"
WEBHOOK_TOOL = {
    "type": "webhook",
    "name": "find",
    "description": "Find",
    "api_schema": {
        "url": URL,
        "method": "POST",
        "request_body_schema": {
            "type": "object",
            "properties": {"day": {"type": "string", "description": "Which"}},
        },
    },
}


class Api:
    def __init__(self, simulator: ElevenLabsSimulator, http: httpx2.AsyncClient) -> None:
        self.simulator, self._http = simulator, http

    async def send(self, method: str, path: str, body: Any = None, **parts: Any) -> httpx2.Response:
        headers = parts.pop("headers", {"xi-api-key": self.simulator.api_key})
        kwargs = {"json": body} if body is not None else {}
        return await self._http.request(
            method, self.simulator.base_url + path, headers=headers, **kwargs, **parts
        )

    async def refusal(self, method: str, path: str, body: Any) -> tuple[int, list[Any]]:
        """Status, and the places that a 422 complains of."""
        answer = await self.send(method, path, body)
        return answer.status_code, [error["loc"] for error in answer.json()["detail"]]


@pytest.fixture
async def api():
    async with ElevenLabsSimulator(agents=[]) as simulator, httpx2.AsyncClient(trust_env=False) as http:
        yield Api(simulator, http)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/user", "/v1/convai/agents", "/v1/convai/tools", "/v1/convai/secrets",
        "/v1/workspace/webhooks", "/v1/convai/settings", "/v1/convai/conversations",
    ],
)  # fmt: skip
async def test_nothing_is_told_without_the_key(api, path):
    assert (await api.send("GET", path)).status_code == 200
    for headers in ({}, {"xi-api-key": "wrong"}, {"Authorization": f"Bearer {api.simulator.api_key}"}):
        answer = await api.send("GET", path, headers=headers)
        assert (answer.status_code, answer.json()["detail"]["status"]) == (401, "invalid_api_key")


async def test_a_new_agent_speaks_no_telephones_format_and_allows_nothing(api):
    made = await api.send("POST", "/v1/convai/agents/create", {"conversation_config": {}})
    agent = (await api.send("GET", f"/v1/convai/agents/{made.json()['agent_id']}")).json()
    assert agent["conversation_config"]["tts"]["agent_output_audio_format"] == "pcm_16000"
    allowed = agent["platform_settings"]["overrides"]["conversation_config_override"]
    assert allowed["agent"]["first_message"] is False
    profile = api.simulator.workspace.profile(agent["agent_id"])
    assert profile.allowed_overrides == frozenset()
    assert profile.public


async def test_a_patch_merges_objects_and_replaces_lists(api):
    made = await api.send(
        "POST",
        "/v1/convai/agents/create",
        {
            "conversation_config": {
                "agent": {"language": "de"},
                "tts": {"model_id": "eleven_flash_v2_5"},
            },
            "tags": ["a", "b"],
        },
    )
    path = f"/v1/convai/agents/{made.json()['agent_id']}"
    agent = (await api.send("PATCH", path, {"tags": ["c"], "conversation_config": {"agent": {}}})).json()
    assert agent["tags"] == ["c"]
    assert agent["conversation_config"]["agent"]["language"] == "de"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ["body", "conversation_config"]),
        (
            {"conversation_config": {"tts": {"agent_output_audio_format": "alaw_8000"}}},
            ["body", "conversation_config", "tts", "agent_output_audio_format"],
        ),
        ({"conversation_config": {"agnet": {}}}, ["body", "conversation_config", "agnet"]),
        (
            {"conversation_config": {"conversation": {"client_events": ["audio", "smell"]}}},
            ["body", "conversation_config", "conversation", "client_events", 1],
        ),
        (
            {
                "conversation_config": {},
                "platform_settings": {
                    "overrides": {
                        "conversation_config_override": {"tts": {"agent_output_audio_format": True}}
                    }
                },
            },
            [
                "body", "platform_settings", "overrides", "conversation_config_override", "tts",
                "agent_output_audio_format",
            ],
        ),
    ],
)  # fmt: skip
async def test_an_agent_that_makes_no_sense_is_refused_with_the_place(api, body, place):
    assert await api.refusal("POST", "/v1/convai/agents/create", body) == (422, [place])


async def test_an_agent_cannot_refer_to_what_is_not_there(api):
    body: dict[str, Any] = {"conversation_config": {"agent": {"prompt": {"tool_ids": ["tool_x"]}}}}
    assert (await api.send("POST", "/v1/convai/agents/create", body)).status_code == 404
    hooks = {"workspace_overrides": {"webhooks": {"post_call_webhook_id": "wh_x"}}}
    body = {"conversation_config": {}, "platform_settings": hooks}
    assert (await api.send("POST", "/v1/convai/agents/create", body)).status_code == 404
    assert (await api.send("GET", "/v1/convai/agents/agent_x")).status_code == 404
    assert (await api.send("PATCH", "/v1/convai/agents/agent_x", {})).status_code == 404


async def test_a_model_must_speak_the_agents_language(api):
    german = {"conversation_config": {"agent": {"language": "de"}}}
    refused = await api.send("POST", "/v1/convai/agents/create", german)
    assert (refused.status_code, refused.json()["detail"]["status"]) == (400, "invalid_tts_model")
    english = {"conversation_config": {"tts": {"model_id": "eleven_flash_v2_5"}}}
    assert (await api.send("POST", "/v1/convai/agents/create", english)).status_code == 400


def tool(**changes: Any) -> dict[str, Any]:
    return {"tool_config": {**WEBHOOK_TOOL, **changes}}


def api_schema(**changes: Any) -> dict[str, Any]:
    return tool(api_schema={**WEBHOOK_TOOL["api_schema"], **changes})  # type: ignore[dict-item]


def body_schema(**properties: Any) -> dict[str, Any]:
    return api_schema(request_body_schema={"type": "object", "properties": properties})


@pytest.mark.parametrize(
    "body",
    [
        {},
        tool(type="carrier_pigeon"),
        tool(name=""),
        tool(description=""),
        tool(response_timeout_secs=2),
        tool(response_timeout_secs=301),
        tool(colour="red"),
        tool(type="client"),  # which has no api_schema
        api_schema(url="http://a.example/plain"),
        api_schema(method="FETCH"),
        api_schema(method="GET"),  # which carries no body
        api_schema(content_type="text/plain"),
        api_schema(request_headers={"Authorization": {"secret_id": "a", "variable_name": "b"}}),
        body_schema(day={"type": "date", "description": "Which"}),
        body_schema(day={"type": "string"}),
        body_schema(day={"type": "string", "description": "Which", "dynamic_variable": "day"}),
        body_schema(days={"type": "array", "description": "Which"}),
    ],
)
async def test_a_tool_that_makes_no_sense_is_refused(api, body):
    status, places = await api.refusal("POST", "/v1/convai/tools", body)
    assert status == 422
    assert places[0][0] == "body"


async def test_a_tools_secret_must_exist_and_is_kept_while_it_is_used(api):
    headers = {"Authorization": {"secret_id": "sec_x"}}
    assert (
        await api.send("POST", "/v1/convai/tools", api_schema(request_headers=headers))
    ).status_code == 404
    new = {"type": "new", "name": "n", "value": "v"}
    secret_id = (await api.send("POST", "/v1/convai/secrets", new)).json()["secret_id"]
    headers = {"Authorization": {"secret_id": secret_id}}
    made = await api.send("POST", "/v1/convai/tools", api_schema(request_headers=headers))
    assert (await api.send("DELETE", f"/v1/convai/secrets/{secret_id}")).status_code == 400
    await api.send("DELETE", f"/v1/convai/tools/{made.json()['id']}")
    assert (await api.send("DELETE", f"/v1/convai/secrets/{secret_id}")).status_code == 204


async def test_a_secrets_value_is_never_told(api):
    new = {"type": "new", "name": "n", "value": "very secret"}
    made = await api.send("POST", "/v1/convai/secrets", new)
    listed = await api.send("GET", "/v1/convai/secrets")
    assert "very secret" not in made.text + listed.text
    assert (await api.send("POST", "/v1/convai/secrets", {"name": "n", "value": "v"})).status_code == 422


async def test_a_webhooks_secret_is_told_once(api):
    settings = {"auth_type": "hmac", "name": "n", "webhook_url": URL}
    made = (await api.send("POST", "/v1/workspace/webhooks", {"settings": settings})).json()
    listed = await api.send("GET", "/v1/workspace/webhooks")
    assert made["webhook_secret"] not in listed.text
    path = f"/v1/workspace/webhooks/{made['webhook_id']}"
    assert (await api.send("PATCH", path, {"retry_enabled": True})).status_code == 422
    assert (await api.send("PATCH", path, {"name": "n", "is_disabled": True})).status_code == 200
    (webhook,) = (await api.send("GET", "/v1/workspace/webhooks")).json()["webhooks"]
    assert webhook["is_disabled"] is True
    plain = {"settings": {**settings, "webhook_url": "http://a.example"}}
    assert (await api.send("POST", "/v1/workspace/webhooks", plain)).status_code == 422


async def test_workspace_settings_are_read_and_patched(api):
    hook = {"url": URL, "request_headers": {"X": "y"}}
    body = {"conversation_initiation_client_data_webhook": hook}
    assert (await api.send("PATCH", "/v1/convai/settings", body)).json() | body == (
        await api.send("GET", "/v1/convai/settings")
    ).json()
    del hook["request_headers"]
    assert (await api.send("PATCH", "/v1/convai/settings", body)).status_code == 422


async def test_lists_come_in_pages(api):
    for number in range(5):
        body = {"conversation_config": {}, "name": f"Agent {number}"}
        await api.send("POST", "/v1/convai/agents/create", body)
    first = (await api.send("GET", "/v1/convai/agents", params={"page_size": 3})).json()
    second = (
        await api.send("GET", "/v1/convai/agents", params={"page_size": 3, "cursor": first["next_cursor"]})
    ).json()
    names = [agent["name"] for agent in first["agents"] + second["agents"]]
    assert names == [f"Agent {number}" for number in range(5)]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert (await api.send("GET", "/v1/convai/agents", params={"page_size": 101})).status_code == 422


async def test_wrong_addresses_methods_and_json_are_told_apart(api):
    assert (await api.send("GET", "/v1/convai/nothing")).status_code == 404
    assert (await api.send("PUT", "/v1/convai/tools", {})).status_code == 405
    answer = await api.send("POST", "/v1/convai/tools", content=b"{")
    assert answer.status_code == 422


async def test_an_agent_that_was_only_named_is_what_its_profile_says():
    async with ElevenLabsSimulator(default_agent=AgentProfile(input_format="pcm_8000")) as simulator:
        async with httpx2.AsyncClient(trust_env=False) as http:
            api = Api(simulator, http)
            agent = (await api.send("GET", "/v1/convai/agents/agent_any")).json()
            assert agent["conversation_config"]["asr"]["user_input_audio_format"] == "pcm_8000"
            assert simulator.workspace.agents == {}  # to be looked at changes nothing
            await api.send("PATCH", "/v1/convai/agents/agent_any", {"name": "Any"})
            assert simulator.workspace.agents["agent_any"]["name"] == "Any"
