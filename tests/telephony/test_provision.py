"""`manage.py provision`: a tenant goes live without anybody opening a vendor's dashboard."""

import asyncio
import io
import json

import pytest
from django.core.management import call_command

from agents.initiation import build_initiation
from agents.providers.elevenlabs.provisioning_webhook import secret_name
from agents.provisioning_log import Log
from agents.simulators.elevenlabs import rest
from agents.simulators.scenarios import BOOKING
from agents.tools import registry
from appointments.models import Appointment, Service
from telephony.models import PhoneNumber
from telephony.provisioning import provision_numbers
from telephony.simulators.twilio import Script, TwilioRestSimulator
from tenants import vendor_http
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import in_tenant, in_thread
from tenants.vendor_http import VendorError
from tests.exchange import open_exchange
from tests.vendors import PUBLIC, change_settings, refused, run, secret_of, settings_of, vendors

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newcomer(salon, settings):
    """The salon before it has an agent."""
    change_settings(salon, elevenLabsAgentId=None)
    return salon


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(vendor_http, "pause", waits.append)
    return waits


async def test_a_newcomer_gets_an_agent_that_speaks_the_telephones_format(newcomer):
    async with vendors() as world:
        lines = await run("provision", "salon")
        agent = world.agent
    config, platform = agent["conversation_config"], agent["platform_settings"]
    assert config["tts"]["agent_output_audio_format"] == "ulaw_8000"
    assert config["asr"]["user_input_audio_format"] == "ulaw_8000"
    assert {"interruption", "client_tool_call", "agent_tool_response"} <= set(
        config["conversation"]["client_events"]
    )
    assert config["agent"]["language"] == "en"
    assert config["agent"]["first_message"] == "{{greeting}}"
    assert "end_call" in config["agent"]["prompt"]["built_in_tools"]
    assert "Haircut, 60 minutes, 50 dollars." in config["agent"]["prompt"]["prompt"]
    assert platform["auth"]["enable_auth"] is True
    assert await in_thread(settings_of, newcomer) | {"elevenLabsAgentId": agent["agent_id"]} == (
        await in_thread(settings_of, newcomer)
    )
    assert any(line.startswith("created") and "agent" in line for line in lines)


async def test_a_second_run_changes_nothing(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        world.forget_requests()
        lines = await run("provision", "salon")
        assert world.writes == []
    assert {line.split()[0] for line in lines} == {"unchanged"}


async def test_exactly_the_overrides_that_we_send_are_allowed(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        override = world.agent["platform_settings"]["overrides"]["conversation_config_override"]
        assert override["agent"]["first_message"] is override["agent"]["language"] is True
        assert override["tts"]["voice_id"] is override["agent"]["prompt"]["prompt"] is False
        await in_thread(change_settings, newcomer, sendOverrides=["language"])
        await run("provision", "salon")
        override = world.agent["platform_settings"]["overrides"]["conversation_config_override"]
        assert override["agent"]["first_message"] is False
        assert override["agent"]["language"] is True


async def test_every_tool_is_there_with_its_secret_and_bound_to_its_call(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        attached = set(world.agent["conversation_config"]["agent"]["prompt"]["tool_ids"])
        assert attached == set(world.workspace.tools)
        assert {one["name"] for one in world.workspace.tools.values()} == {
            tool.name for tool in registry.TOOLS if tool.name != "end_call"
        }
        book = world.tool("book_appointment")["api_schema"]
        (secret_id,) = world.workspace.secrets
        assert book["url"] == f"{PUBLIC}/api/ai/tools/book_appointment"
        assert book["method"] == "POST"
        assert book["request_headers"] == {"Authorization": {"secret_id": secret_id}}
        properties = book["request_body_schema"]["properties"]
        assert properties["conversation_id"]["dynamic_variable"] == "system__conversation_id"
        assert properties["tenant_id"]["dynamic_variable"] == "tenant_id"
        assert properties["call_sid"]["dynamic_variable"] == "call_sid"
        assert "dynamic_variable" not in properties["customerName"]
        secret = await in_thread(secret_of, newcomer)
        assert world.workspace.secrets[secret_id]["value"] == f"Bearer {secret}"


async def test_the_webhooks_are_the_agents_own_and_signed_with_the_tenants_secret(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        ((webhook_id, webhook),) = world.workspace.webhooks.items()
        own = world.agent["platform_settings"]["workspace_overrides"]
        assert own["webhooks"]["post_call_webhook_id"] == webhook_id
        assert "transcript" in own["webhooks"]["events"]
        assert webhook["webhook_url"] == f"{PUBLIC}/api/ai/webhook/elevenlabs"
        assert webhook["retry_enabled"] is True
        assert webhook["secret"] == await in_thread(secret_of, newcomer)
        initiation = own["conversation_initiation_client_data_webhook"]
        assert initiation["url"] == f"{PUBLIC}/api/webhooks/elevenlabs/conversation-initiation"
        assert "secret_id" in initiation["request_headers"]["Authorization"]


async def test_every_variable_that_the_agent_refers_to_is_one_that_calls_send(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        profile = world.workspace.profile(world.agent["agent_id"])
    from agents.initiation import Briefing

    sent = build_initiation(Briefing(conversation_id=None))["dynamic_variables"]
    assert profile.required_variables <= sent.keys()


async def test_house_rules_are_part_of_the_instructions(newcomer):
    await in_thread(change_settings, newcomer, aiInstructions="Offer coffee.")
    async with vendors() as world:
        await run("provision", "salon", "--agent-only")
        told = world.agent["conversation_config"]["agent"]["prompt"]["prompt"]
    assert "# House rules\nOffer coffee." in told


async def test_the_agent_speaks_the_tenants_language_with_a_model_that_can(newcomer):
    def speak(language: str) -> None:
        Tenant.objects.filter(pk=newcomer.pk).update(language=language)

    async with vendors() as world:
        for language, model in [
            ("de", "eleven_flash_v2_5"),
            ("en", "eleven_flash_v2"),
            ("fr", "eleven_flash_v2_5"),
        ]:
            await in_tenant(newcomer.pk, speak, language)
            await run("provision", "salon", "--agent-only")
            config = world.agent["conversation_config"]
            assert (config["agent"]["language"], config["tts"]["model_id"]) == (language, model)


async def test_braces_in_a_service_are_no_variable(newcomer):
    def rename() -> None:
        Service.objects.filter(name="Haircut").update(name="Cut {{ten}}")

    await in_tenant(newcomer.pk, rename)
    async with vendors() as world:
        await run("provision", "salon")
        assert "ten" not in world.workspace.profile(world.agent["agent_id"]).required_variables


async def test_the_number_is_pointed_here_and_what_stood_in_the_way_is_cleared(newcomer):
    async with vendors() as world:
        world.number["voice_application_sid"] = "AP" + "1" * 32
        await run("provision", "salon", "--carrier-only")
        number = world.number
        assert world.workspace.agents == {}
    assert number["voice_url"] == f"{PUBLIC}/api/webhooks/twilio/elevenlabs"
    assert number["voice_fallback_url"] == f"{PUBLIC}/api/webhooks/twilio/fallback"
    assert number["status_callback"] == f"{PUBLIC}/api/webhooks/twilio/status"
    assert number["voice_application_sid"] == ""

    def kept() -> str:
        return PhoneNumber.objects.get().carrier_number_id

    assert await in_tenant(newcomer.pk, kept) == number["sid"]


async def test_a_dry_run_tells_and_only_reads(newcomer):
    async with vendors() as world:
        lines = await run("provision", "salon", "--dry-run")
        assert world.writes == []
        assert world.workspace.agents == {}
    assert any("would be created" in line and "agent" in line for line in lines)
    assert any("VoiceUrl" in line for line in lines)
    assert "elevenLabsAgentId" not in await in_thread(settings_of, newcomer)
    assert await in_thread(secret_of, newcomer) is None


async def test_only_the_agent_leaves_the_number_alone(newcomer):
    async with vendors() as world:
        await run("provision", "salon", "--agent-only")
        assert world.carrier.requests == []


async def test_what_staff_set_in_the_dashboard_stays(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        theirs = {"type": "client", "name": "open_the_door", "description": "Opens it"}
        world.workspace.tools["tool_theirs"] = theirs
        config = world.agent["conversation_config"]
        config["agent"]["prompt"]["tool_ids"].insert(0, "tool_theirs")
        config["agent"]["prompt"]["llm"] = "their-model"
        config["tts"]["voice_id"] = "their-voice"
        config["conversation"]["client_events"].append("vad_score")
        world.agent["tags"].append("their-tag")
        config["tts"]["agent_output_audio_format"] = "pcm_16000"  # and this is ours
        lines = await run("provision", "salon")
        config = world.agent["conversation_config"]
        assert "tool_theirs" in config["agent"]["prompt"]["tool_ids"]
        assert config["agent"]["prompt"]["llm"] == "their-model"
        assert config["tts"]["voice_id"] == "their-voice"
        assert "vad_score" in config["conversation"]["client_events"]
        assert "their-tag" in world.agent["tags"]
        assert config["tts"]["agent_output_audio_format"] == "ulaw_8000"
        assert world.workspace.tools["tool_theirs"] == theirs
    (told,) = [line for line in lines if not line.startswith("unchanged")]
    assert told.endswith(": tts.agent_output_audio_format")


async def test_a_tool_of_staff_that_has_one_of_our_names_gives_way_and_is_not_written(newcomer):
    theirs = {"type": "client", "name": "get_services", "description": "Theirs"}
    async with vendors() as world:
        await run("provision", "salon")
        world.workspace.tools["tool_theirs"] = dict(theirs)
        world.agent["conversation_config"]["agent"]["prompt"]["tool_ids"].append("tool_theirs")
        await run("provision", "salon")
        assert "tool_theirs" not in world.agent["conversation_config"]["agent"]["prompt"]["tool_ids"]
        assert world.workspace.tools["tool_theirs"] == theirs


async def test_a_tool_that_was_changed_at_the_vendor_is_put_right(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        world.tool("get_services")["description"] = "something else"
        world.tool("check_availability")["api_schema"]["request_body_schema"]["properties"]["extra"] = {
            "type": "string",
            "description": "A parameter that we do not know",
        }
        lines = await run("provision", "salon")
        assert world.tool("get_services")["description"].startswith("List the services")
        assert (
            "extra" not in world.tool("check_availability")["api_schema"]["request_body_schema"]["properties"]
        )
    assert [line.split()[-1] for line in lines if line.startswith("updated")] == ["description", "extra"]


async def test_an_agent_that_was_made_and_not_written_down_is_found_again(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        await in_thread(change_settings, newcomer, elevenLabsAgentId=None)
        await run("provision", "salon")
        assert len(world.workspace.agents) == 1
        assert (await in_thread(settings_of, newcomer))["elevenLabsAgentId"] == world.agent["agent_id"]


async def test_another_tenant_in_the_same_workspace_gets_things_of_its_own(newcomer, garage):
    await in_thread(change_settings, garage, elevenLabsAgentId=None)
    async with vendors() as world:
        await run("provision", "salon", "--agent-only")
        before = dict(world.workspace.tools)
        await run("provision", "garage", "--agent-only")
        assert len(world.workspace.agents) == len(world.workspace.webhooks) == 2
        assert len(world.workspace.secrets) == 2
        assert {key: world.workspace.tools[key] for key in before} == before
        lines = await run("provision", "salon", "--agent-only")
    assert {line.split()[0] for line in lines} == {"unchanged"}
    assert await in_thread(secret_of, newcomer) != await in_thread(secret_of, garage)


async def test_a_new_public_address_moves_webhook_tools_and_number(newcomer, settings):
    async with vendors() as world:
        await run("provision", "salon")
        old = await in_thread(secret_of, newcomer)
        settings.APP_BASE_URL = "https://moved.example.com"
        await run("provision", "salon")
        (webhook,) = world.workspace.webhooks.values()  # the former one is gone
        assert webhook["webhook_url"].startswith("https://moved.example.com")
        assert all(
            one["api_schema"]["url"].startswith("https://moved.example.com")
            for one in world.workspace.tools.values()
            if one["type"] == "webhook"
        )
        (secret,) = world.workspace.secrets.values()
        new = await in_thread(secret_of, newcomer)
        assert secret["value"] == f"Bearer {new}"
        assert new != old
        assert world.number["voice_url"].startswith("https://moved.example.com")
        lines = await run("provision", "salon")
    assert {line.split()[0] for line in lines} == {"unchanged"}


async def test_a_webhook_that_the_vendor_has_switched_off_is_switched_on(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        (webhook,) = world.workspace.webhooks.values()
        webhook["is_auto_disabled"] = True
        await run("provision", "salon")
        assert webhook["is_auto_disabled"] is False


async def test_overrides_are_sent_again_once_the_agent_allows_them(newcomer):
    async with vendors() as world:
        await run("provision", "salon")
        agent_id = world.agent["agent_id"]
        await in_thread(change_settings, newcomer, overridesRefusedBy=[agent_id, "agent_other"])
        await run("provision", "salon")
    assert (await in_thread(settings_of, newcomer))["overridesRefusedBy"] == ["agent_other"]


async def test_no_secret_is_printed(newcomer, settings, caplog):
    caplog.set_level("DEBUG")
    async with vendors() as world:
        lines = await run("provision", "salon")
        lines += await run("provision", "salon", "--dry-run")
        (webhook,) = world.workspace.webhooks.values()
        told = "\n".join([*lines, caplog.text])
        for secret in (webhook["secret"], settings.ELEVENLABS_API_KEY, settings.TWILIO_AUTH_TOKEN):
            assert secret not in told


async def test_the_name_of_a_secret_does_not_tell_it(newcomer):
    assert secret_name(newcomer, "one") != secret_name(newcomer, "two")
    assert "one" not in secret_name(newcomer, "one")


async def test_a_busy_vendor_is_asked_again_and_then_given_up(newcomer, no_waiting):
    async with vendors() as world:
        world.agents.rest.failures = [429, 503]
        await run("provision", "salon", "--agent-only")
        assert len(no_waiting) == 2
        world.carrier.failures = [429]
        await run("provision", "salon", "--carrier-only")
        assert no_waiting[-1] >= 1  # as its Retry-After says
        world.agents.rest.failures = [503, 503, 503]
        message = await refused("provision", "salon", "--agent-only")
    assert "ElevenLabs refused (503)" in message
    assert all(0 < wait <= vendor_http.LONGEST_WAIT_SECONDS for wait in no_waiting)


async def test_what_may_have_been_made_is_not_asked_for_twice(newcomer):
    async with vendors() as world:
        client = vendor_http.VendorHttp(
            "ElevenLabs", world.agents.base_url, lambda response: VendorError("no"), headers={}
        )
        world.agents.rest.failures = [503]
        with pytest.raises(VendorError):
            await in_thread(
                lambda: client.send("POST", "/v1/convai/agents/create", json={}, repeatable=False)
            )
        client.close()
        assert len(world.agents.rest.requests) == 1


async def test_a_vendor_that_is_not_there_is_an_error_that_says_so(newcomer, settings):
    async with vendors():
        settings.ELEVENLABS_BASE_URL = "http://127.0.0.1:9"
        assert "ElevenLabs cannot be reached" in await refused("provision", "salon")


async def test_errors_say_what_to_do(newcomer, settings):
    async with vendors() as world:
        world.carrier.numbers.clear()
        message = await refused("provision", "salon", "--carrier-only")
        assert message.startswith("Twilio says the number +1…67 isn't in this account.")
        assert "Phone numbers" in message
        settings.TWILIO_AUTH_TOKEN = "another"
        assert "twilio_auth_token" in await refused("provision", "salon", "--carrier-only")
        settings.TWILIO_AUTH_TOKEN = ""
        assert "There is no Twilio login." in await refused("provision", "salon", "--carrier-only")
        settings.ELEVENLABS_API_KEY = "another"
        assert "elevenlabs_api_key" in await refused("provision", "salon", "--agent-only")
        settings.ELEVENLABS_API_KEY = ""
        assert "no ElevenLabs key" in await refused("provision", "salon", "--agent-only")


async def test_what_a_vendor_drops_without_a_word_is_noticed(newcomer, monkeypatch):
    async with vendors() as world:
        await run("provision", "salon")
        world.agent["conversation_config"]["asr"]["user_input_audio_format"] = "pcm_16000"
        monkeypatch.setattr(rest, "merge", lambda there, changes: there)
        assert "asr.user_input_audio_format" in await refused("provision", "salon", "--agent-only")
        world.number["voice_url"] = "https://elsewhere.example.com/"
        monkeypatch.setattr(TwilioRestSimulator, "_update", lambda *_: None)
        assert "VoiceUrl" in await refused("provision", "salon", "--carrier-only")


async def test_an_agent_id_that_the_vendor_does_not_know_is_left_to_people(newcomer):
    await in_thread(change_settings, newcomer, elevenLabsAgentId="agent_of_another_workspace")
    async with vendors() as world:
        message = await refused("provision", "salon")
        assert world.writes == []
    assert "agent_of_another_workspace" in message
    assert "elevenLabsAgentId" in message


async def test_half_a_login_is_no_login(newcomer):
    def keep_half() -> None:
        set_secret(newcomer, Credential.Name.TWILIO_AUTH_TOKEN, "own")

    await in_tenant(newcomer.pk, keep_half)
    async with vendors() as world:
        assert "one half" in await refused("provision", "salon", "--carrier-only")
        assert world.carrier.requests == []


async def test_the_tenants_own_keys_come_first(newcomer, settings):
    def keep() -> None:
        set_secret(newcomer, Credential.Name.ELEVENLABS_API_KEY, settings.ELEVENLABS_API_KEY)

    await in_tenant(newcomer.pk, keep)
    async with vendors() as world:
        settings.ELEVENLABS_API_KEY = "the platform's, of no use here"
        await run("provision", "salon", "--agent-only")
        assert world.agent


async def test_a_provisioned_agent_books_over_its_own_tools(newcomer, settings):
    """The whole walk with nothing but what provisioning has set up: tools, secrets, webhook, formats."""
    settings.ELEVENLABS_WEBHOOK_SECRET = "the platform's, which this tenant does not use"
    async with open_exchange(agents=[]) as exchange:
        await run("provision", "salon", "--agent-only")
        call = await exchange.call(Script.of(BOOKING))
        await exchange.settled(call)
        session = exchange.vendor.sessions[0]
        await asyncio.wait_for(session.finished.wait(), 5)
    assert session.webhook_status == 200
    assert session.violations == []
    assert [tool.status for tool in session.tools if tool.kind == "webhook"] == [200, 200, 200]

    def booked() -> int:
        return Appointment.objects.count()

    assert await in_tenant(newcomer.pk, booked) == 1


def test_the_tools_can_be_printed_for_the_dashboard(salon):
    out = io.StringIO()
    call_command("agent_tools", "salon", stdout=out)
    document = json.loads(out.getvalue())
    assert "Test Salon" in document["prompt"]
    assert "get_services" in {tool["name"] for tool in document["tools"]}


async def test_a_tenant_without_a_number_is_told_where_to_add_one(newcomer):
    def remove() -> None:
        PhoneNumber.objects.all().delete()

    await in_tenant(newcomer.pk, remove)
    with pytest.raises(VendorError, match="Phone numbers"):
        await in_thread(provision_numbers, newcomer.pk, Log())
