"""`manage.py doctor`: each fault is found and has its remedy; on a healthy tenant there is none."""

import asyncio
import contextlib
import datetime
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from agents.providers.elevenlabs import facts as elevenlabs
from agents.simulators.openai_realtime import OpenAISimulator
from agents.tools import registry
from appointments.models import Employee, EmployeeService, OpeningHours, Service
from telephony import doctor
from telephony.carriers.twilio import doctor as twilio
from telephony.doctor import installation_checks, probes
from telephony.doctor.facts import Installation
from telephony.models import PhoneNumber
from tenants import round_trip, vendor_http
from tenants.credentials import set_secret
from tenants.findings import Severity
from tenants.models import Credential, Tenant
from tenants.scoping import in_tenant, in_thread
from tests.exchange import open_exchange, serving
from tests.vendors import Vendors, change_settings, run, vendors

pytestmark = pytest.mark.django_db(transaction=True)


class ThisMachine(httpx2.HTTPTransport):
    """Whoever asks for the public address gets here."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._port = urlsplit(base_url).port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return super().handle_request(request)


@contextlib.asynccontextmanager
async def healthy(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> AsyncIterator[Vendors]:
    await in_thread(change_settings, tenant, elevenLabsAgentId=None)
    monkeypatch.setattr(vendor_http, "pause", lambda seconds: None)
    monkeypatch.setattr(probes, "workers", lambda: 1)
    async with serving() as base_url, vendors() as world:
        monkeypatch.setattr(round_trip, "transport", ThisMachine(base_url))
        await run("provision", "salon")
        yield world


async def codes(tenant: Tenant) -> list[str]:
    findings = await in_thread(doctor.examine, tenant.pk)
    assert all(found.what and found.fix.endswith(".") for found in findings)
    return [found.code for found in findings]


async def test_a_healthy_tenant_is_well(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon) as world:
        world.forget_requests()
        assert await codes(salon) == []
        assert await in_thread(doctor.examine_installation) == []
        lines = await run("doctor", "salon")
        assert world.writes == []
    assert [line.strip() for line in lines] == ["installation", "well", "salon", "well"]


# --- Faults in our own rows ----------------------------------------------------------------------


def suspended(salon: Tenant) -> None:
    Tenant.objects.filter(pk=salon.pk).update(status=Tenant.Status.SUSPENDED)


def no_hours(salon: Tenant) -> None:
    OpeningHours.objects.all().delete()


def night_shift(salon: Tenant) -> None:
    ana = Employee.objects.get(name="Ana")
    OpeningHours.objects.create(
        tenant=salon, employee=ana, weekday=0, opens=datetime.time(22), closes=datetime.time(6)
    )


def nobody_colors(salon: Tenant) -> None:
    EmployeeService.objects.filter(service__name="Coloring").delete()


def ben_does_nothing(salon: Tenant) -> None:
    EmployeeService.objects.filter(employee__name="Ben").delete()


def all_services_off(salon: Tenant) -> None:
    Service.objects.update(is_active=False)


def no_number(salon: Tenant) -> None:
    PhoneNumber.objects.all().delete()


def number_off(salon: Tenant) -> None:
    PhoneNumber.objects.update(is_active=False)


def half_a_login(salon: Tenant) -> None:
    set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "own")


def utc(salon: Tenant) -> None:
    Tenant.objects.filter(pk=salon.pk).update(timezone="UTC")


OUR_FAULTS: list[tuple[Callable[[Tenant], None], set[str]]] = [
    (suspended, {"TENANT_SUSPENDED"}),
    (no_hours, {"HOURS_NONE", "AGENT_PROMPT_OLD"}),
    (night_shift, {"HOURS_NEVER_OVERLAP"}),
    (nobody_colors, {"SERVICE_WITHOUT_EMPLOYEE"}),
    (ben_does_nothing, {"EMPLOYEE_WITHOUT_SERVICE"}),
    (all_services_off, {"SERVICES_NONE", "EMPLOYEE_WITHOUT_SERVICE", "INACTIVE", "AGENT_PROMPT_OLD"}),
    (no_number, {"NUMBER_NONE"}),
    (number_off, {"NUMBER_NONE", "NUMBER_INACTIVE"}),
    (half_a_login, {"TWILIO_LOGIN_HALF"}),
    (utc, {"TIMEZONE_UTC", "AGENT_PROMPT_OLD"}),
]

SETTINGS_FAULTS = [
    ({"transferNumber": "call me"}, {"TRANSFER_NUMBER_INVALID"}),
    ({"transferNumber": "+15551234567"}, {"TRANSFER_NUMBER_LOOPS"}),
    ({"transferNumber": "+19005551234"}, {"TRANSFER_NUMBER_COSTLY"}),
    ({"transferNumber": None, "voicemail": None}, {"NOBODY_TO_FALL_BACK_ON"}),
    ({"agentProvider": "parrot"}, {"PROVIDER_UNKNOWN"}),
    ({"elevenLabsAgentId": None}, {"AGENT_NOT_CHOSEN"}),
    ({"elevenLabsAgentId": "agent_gone"}, {"AGENT_UNKNOWN"}),
]


async def test_faults_of_our_own_are_found_each_by_itself(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        for fault, expected in OUR_FAULTS:
            before = await in_tenant(salon.pk, _rows)
            await in_tenant(salon.pk, fault, salon)
            found = set(await codes(salon))
            assert found == expected, fault.__name__
            await in_tenant(salon.pk, _restore, salon, before)
        assert await codes(salon) == []


def _rows() -> list:
    models: list[Any] = [Tenant, Service, Employee, EmployeeService, OpeningHours, PhoneNumber, Credential]
    return [(model, list(model.objects.all())) for model in models]


def _restore(salon: Tenant, rows: list) -> None:
    for model, _ in reversed(rows[3:]):
        model.objects.all().delete()
    for model, before in rows:
        for row in before:
            if model in {Tenant, Service, Employee}:
                row.save(force_update=True)
            else:
                row.save(force_insert=True)


@pytest.mark.parametrize(("names", "expected"), SETTINGS_FAULTS)
async def test_faults_in_a_tenants_settings_are_found(names, expected, salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        await in_thread(change_settings, salon, **names)
        assert set(await codes(salon)) == expected


async def test_an_agent_that_refused_overrides_is_shown(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon) as world:
        await in_thread(change_settings, salon, overridesRefusedBy=[world.agent["agent_id"]])
        assert await codes(salon) == ["OVERRIDES_REFUSED"]


# --- Faults at the vendors -----------------------------------------------------------------------


def pcm(world: Vendors) -> None:
    world.agent["conversation_config"]["tts"]["agent_output_audio_format"] = "pcm_16000"


def no_overrides(world: Vendors) -> None:
    allowed = world.agent["platform_settings"]["overrides"]["conversation_config_override"]
    allowed["agent"]["language"] = False


def no_interruptions(world: Vendors) -> None:
    world.agent["conversation_config"]["conversation"]["client_events"].remove("interruption")


def public(world: Vendors) -> None:
    world.agent["platform_settings"]["auth"]["enable_auth"] = False


def own_words(world: Vendors) -> None:
    world.agent["conversation_config"]["agent"]["prompt"]["prompt"] = "You are a pirate."


def tool_detached(world: Vendors) -> None:
    world.agent["conversation_config"]["agent"]["prompt"]["tool_ids"].pop()


def tool_elsewhere(world: Vendors) -> None:
    world.tool("get_services")["api_schema"]["url"] = "https://elsewhere.example.com/"


def tool_without_secret(world: Vendors) -> None:
    world.tool("get_services")["api_schema"]["request_headers"] = {}


def no_webhook(world: Vendors) -> None:
    world.agent["platform_settings"]["workspace_overrides"]["webhooks"]["post_call_webhook_id"] = None


def webhook_off(world: Vendors) -> None:
    for webhook in world.workspace.webhooks.values():
        webhook["is_auto_disabled"] = True


def webhook_elsewhere(world: Vendors) -> None:
    for webhook in world.workspace.webhooks.values():
        webhook["webhook_url"] = "https://elsewhere.example.com/"


def no_initiation(world: Vendors) -> None:
    own = world.agent["platform_settings"]["workspace_overrides"]
    own["conversation_initiation_client_data_webhook"] = None


def miswired(world: Vendors) -> None:
    world.number["voice_url"] = "https://demo.twilio.com/welcome/voice/"


def trunk(world: Vendors) -> None:
    world.number["trunk_sid"] = "TK" + "1" * 32


def not_bought(world: Vendors) -> None:
    world.carrier.numbers.clear()


def account_suspended(world: Vendors) -> None:
    world.carrier.status = "suspended"


def carrier_busy(world: Vendors) -> None:
    world.carrier.failures = [503] * 3


def vendor_busy(world: Vendors) -> None:
    world.agents.rest.failures = [503] * 3


VENDOR_FAULTS = [
    (pcm, {"AGENT_AUDIO_FORMAT"}),
    (no_overrides, {"AGENT_OVERRIDES"}),
    (no_interruptions, {"AGENT_EVENTS"}),
    (public, {"AGENT_PUBLIC"}),
    (own_words, {"AGENT_PROMPT_OLD"}),
    (tool_detached, {"TOOLS_MISSING"}),
    (tool_elsewhere, {"TOOLS_DIFFER"}),
    (tool_without_secret, {"TOOLS_DIFFER"}),
    (no_webhook, {"WEBHOOK_MISSING"}),
    (webhook_off, {"WEBHOOK_OFF"}),
    (webhook_elsewhere, {"WEBHOOK_ELSEWHERE"}),
    (no_initiation, {"INITIATION_WEBHOOK"}),
    (miswired, {"NUMBER_MISWIRED"}),
    (trunk, {"NUMBER_MISWIRED"}),
    (not_bought, {"NUMBER_NOT_IN_ACCOUNT"}),
    (account_suspended, {"TWILIO_ACCOUNT_INACTIVE"}),
    (carrier_busy, {"TWILIO_UNREACHABLE"}),
    (vendor_busy, {"ELEVENLABS_UNREACHABLE"}),
]


async def test_faults_at_the_vendors_are_found_and_mended_by_provisioning(salon, settings, monkeypatch):
    mended = 0
    async with healthy(monkeypatch, salon) as world:
        for fault, expected in VENDOR_FAULTS:
            bought, status = dict(world.carrier.numbers), world.carrier.status
            fault(world)
            assert set(await codes(salon)) == expected, fault.__name__
            world.carrier.numbers, world.carrier.status = bought, status
            await run("provision", "salon")
            assert await codes(salon) == [], fault.__name__
            mended += 1
    assert mended == len(VENDOR_FAULTS)


async def test_refused_keys_are_told_from_missing_ones(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        settings.ELEVENLABS_API_KEY = "wrong"
        assert await codes(salon) == ["ELEVENLABS_KEY_REFUSED"]
        settings.ELEVENLABS_API_KEY = ""
        assert await codes(salon) == ["ELEVENLABS_KEY_MISSING"]
        settings.ELEVENLABS_API_KEY = "xi-tests"
        settings.TWILIO_AUTH_TOKEN = "wrong"
        assert await codes(salon) == ["TWILIO_REFUSED"]
        settings.TWILIO_AUTH_TOKEN = ""
        assert await codes(salon) == ["TWILIO_LOGIN_MISSING"]


async def test_the_tools_of_a_former_secret_are_found(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        await in_tenant(salon.pk, set_secret, salon, Credential.Name.WEBHOOK_SECRET, "by hand")
        assert await codes(salon) == ["TOOLS_SECRET_OLD"]


async def test_a_missing_webhook_secret_is_found(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        settings.ELEVENLABS_WEBHOOK_SECRET = ""
        await in_tenant(salon.pk, set_secret, salon, Credential.Name.WEBHOOK_SECRET, "")
        assert await codes(salon) == ["WEBHOOK_SECRET_MISSING"]


async def test_a_secret_that_no_key_opens_is_found(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        kept = settings.FIELD_ENCRYPTION_KEYS
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        await in_tenant(salon.pk, set_secret, salon, Credential.Name.OPENAI_API_KEY, "sk")
        settings.FIELD_ENCRYPTION_KEYS = kept
        assert await codes(salon) == ["SECRET_UNREADABLE"]


async def test_signatures_that_the_public_address_refuses_are_found(salon, settings, monkeypatch):
    def refuse(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(403 if "twilio" in request.url.path else 401)

    async with healthy(monkeypatch, salon):
        monkeypatch.setattr(round_trip, "transport", httpx2.MockTransport(refuse))
        assert await codes(salon) == ["TWILIO_SIGNATURE_REFUSED", "ELEVENLABS_SECRET_REFUSED"]


async def test_a_round_trip_needs_the_right_signature(salon, settings, monkeypatch):
    """Or the doctor would find every address well."""
    async with healthy(monkeypatch, salon) as world:
        sid, number = settings.TWILIO_ACCOUNT_SID, world.number["phone_number"]
        wrong = await in_thread(twilio.signed_request, sid, "another token", number)
        assert wrong.status == 403
        assert (await in_thread(elevenlabs.signed_request, str(salon.pk), "another secret")).status == 401


async def test_an_address_at_which_nobody_answers_is_found(salon, settings, monkeypatch):
    async with healthy(monkeypatch, salon):
        monkeypatch.setattr(round_trip, "transport", ThisMachine("http://127.0.0.1:9"))
        assert await codes(salon) == ["APP_UNREACHABLE"]


# --- The installation ----------------------------------------------------------------------------

WELL = Installation(
    app_base_url="https://phone.example.com",
    debug=False,
    unsigned_allowed=False,
    encryption_keys=[Fernet.generate_key().decode()],
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"app_base_url": "http://phone.example.com"}, ["APP_BASE_URL_NOT_PUBLIC"]),
        ({"app_base_url": "https://127.0.0.1:8000"}, ["APP_BASE_URL_NOT_PUBLIC"]),
        ({"app_base_url": "https://192.168.1.7"}, ["APP_BASE_URL_NOT_PUBLIC"]),
        ({"app_base_url": "https://localhost"}, ["APP_BASE_URL_NOT_PUBLIC"]),
        ({"app_base_url": "https://server.local"}, ["APP_BASE_URL_NOT_PUBLIC"]),
        ({"encryption_keys": ["short"]}, ["ENCRYPTION_KEY_INVALID"]),
        ({"unsigned_allowed": True}, ["UNSIGNED_ALLOWED"]),
        ({"debug": True}, ["DEBUG_ON"]),
        ({"database": "unreachable"}, ["DATABASE_UNREACHABLE"]),
        ({"redis": "unreachable"}, ["BROKER_UNREACHABLE"]),
        ({"workers": 0}, ["NO_WORKER"]),
    ],
)
def test_faults_of_the_installation_are_found(change, expected):
    facts = Installation(**{**{name: getattr(WELL, name) for name in WELL.__slots__}, **change})
    found = [one.code for check in installation_checks.CHECKS for one in check(facts)]
    assert found == expected


def test_a_worker_that_is_not_there_does_not_answer():
    assert probes.workers() == 0
    assert probes.redis() == probes.database() == "ok"


def test_redis_that_is_not_there_does_not_answer(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert probes.redis() == "unreachable"


# --- The command ---------------------------------------------------------------------------------


async def test_the_command_tells_all_as_json_and_fails_when_something_is_broken(salon, settings, monkeypatch):
    def examine() -> tuple[object, dict]:
        out = io.StringIO()
        with pytest.raises(SystemExit) as exit_:
            call_command("doctor", "salon", json=True, stdout=out)
        return exit_.value.code, json.loads(out.getvalue())

    async with healthy(monkeypatch, salon) as world:
        miswired(world)
        status, document = await in_thread(examine)
    assert status == 1
    assert document["ok"] is False
    assert document["installation"] == []
    (found,) = document["tenants"]["salon"]
    assert (found["code"], found["severity"]) == ("NUMBER_MISWIRED", Severity.BROKEN)
    assert "provision salon" in found["fix"]


async def test_a_simulated_call_is_placed_when_asked_for(salon, settings, monkeypatch):
    from telephony.management.commands.doctor import try_call

    async with open_exchange() as exchange:
        assert await in_thread(try_call, salon) == []
        settings.ELEVENLABS_API_KEY = "wrong"
        (found,) = await in_thread(try_call, salon)
        assert found.code == "CALL_UNANSWERED"
        await asyncio.sleep(0)
        assert exchange.vendor.sessions


def test_every_tool_of_the_registry_has_words_at_the_vendor():
    """Or `provision` would stop in the middle."""
    from agents.providers.elevenlabs.tool_definitions import tool_configs

    assert tool_configs(registry.TOOLS, base_url="https://a.example", secret_id="s")


# --- OpenAI --------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def through_openai(
    monkeypatch: pytest.MonkeyPatch, salon: Tenant, settings: Any, **names: Any
) -> AsyncIterator[OpenAISimulator]:
    async with healthy(monkeypatch, salon), OpenAISimulator(api_key=settings.OPENAI_API_KEY) as simulator:
        settings.OPENAI_BASE_URL = simulator.base_url
        await in_thread(change_settings, salon, agentProvider="openai", elevenLabsAgentId=None, **names)
        yield simulator


async def test_a_tenant_that_speaks_through_openai_is_well(salon, settings, monkeypatch):
    async with through_openai(monkeypatch, salon, settings):
        assert await codes(salon) == []


async def test_faults_of_openais_key_and_model_are_found(salon, settings, monkeypatch):
    async with through_openai(monkeypatch, salon, settings, openaiModel="gpt-nobody") as simulator:
        assert await codes(salon) == ["MODEL_UNKNOWN"]
        await in_thread(change_settings, salon, openaiModel=None)
        soon = datetime.date.today() + datetime.timedelta(days=30)
        simulator.models["gpt-realtime-2.1"]["shutdown_date"] = soon.isoformat()
        assert await codes(salon) == ["MODEL_ENDS"]
        await in_tenant(salon.pk, set_secret, salon, Credential.Name.OPENAI_API_KEY, "sk-wrong")
        assert await codes(salon) == ["OPENAI_KEY_REFUSED"]
        await in_tenant(salon.pk, set_secret, salon, Credential.Name.OPENAI_API_KEY, "")
        settings.OPENAI_API_KEY = ""
        assert await codes(salon) == ["AGENT_KEY_MISSING"]
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-tests", "http://127.0.0.1:9/v1"
        assert await codes(salon) == ["OPENAI_UNREACHABLE"]
