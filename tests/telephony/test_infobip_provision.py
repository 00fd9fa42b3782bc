"""`manage.py provision` and `doctor` for a business with a number at Infobip."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from django.conf import settings as django_settings

from telephony import doctor
from telephony.carriers.infobip.addresses import media_socket_url
from telephony.carriers.infobip.provisioning import own_id
from telephony.doctor import probes
from telephony.models import Carrier, PhoneNumber
from telephony.simulators.infobip import InfobipSimulator
from telephony.simulators.twilio import Script
from tenants import round_trip, vendor_http
from tenants.credentials import own_secret, set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import in_tenant, in_thread, tenant_scope
from tests.exchange import INFOBIP_SECRET, open_infobip_exchange, serving
from tests.telephony.test_doctor import ThisMachine
from tests.vendors import PUBLIC, change_settings, refused, run, settings_of, vendors

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newcomer(salon, settings, monkeypatch) -> Tenant:
    """The salon, had it come with a number at Infobip alone."""
    settings.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET
    settings.MEDIA_BASE_URL = PUBLIC
    monkeypatch.setattr(vendor_http, "pause", lambda seconds: None)
    change_settings(salon, elevenLabsAgentId=None)
    with tenant_scope(salon):
        PhoneNumber.objects.update(carrier=Carrier.INFOBIP)
    return salon


@contextlib.asynccontextmanager
async def infobip() -> AsyncIterator[InfobipSimulator]:
    async with InfobipSimulator(django_settings.INFOBIP_API_KEY) as carrier:
        django_settings.INFOBIP_BASE_URL = carrier.base_url
        django_settings.APP_BASE_URL = PUBLIC
        yield carrier


async def test_a_newcomer_gets_everything_that_a_call_needs(newcomer):
    async with infobip() as carrier:
        lines = await run("provision", "salon", "--carrier-only")
        account = carrier.account
    one_id = own_id(newcomer.pk)
    assert account.configurations.keys() == {one_id}
    assert {config["sampleRate"]: config["url"] for config in account.media_configs.values()} == {
        str(rate): media_socket_url(newcomer.pk, rate) for rate in (16000, 24000)
    }
    profile = account.profiles[one_id]
    assert profile["webhook"]["notifyUrl"] == f"{PUBLIC}/api/webhooks/infobip/calls"
    assert profile["security"]["credentials"] == {"username": "tonris", "password": INFOBIP_SECRET}
    subscription = account.subscriptions[one_id]
    assert subscription["criteria"] == [{"callsConfigurationId": one_id}]
    assert {"CALL_RECEIVED", "CALL_FINISHED", "DIALOG_FINISHED", "SAY_FINISHED"} <= set(
        subscription["events"]
    )
    kept = await in_thread(settings_of, newcomer)
    assert kept["infobipCallsConfigurationId"] == one_id
    assert set(kept["infobipMediaConfigs"].values()) == set(account.media_configs)
    assert one_id in lines[-1]
    assert INFOBIP_SECRET not in "".join(lines)


async def test_an_account_of_the_business_s_own_never_learns_the_platforms_secret(newcomer):
    await in_tenant(
        newcomer.pk,
        lambda: set_secret(newcomer, Credential.Name.INFOBIP_API_KEY, django_settings.INFOBIP_API_KEY),
    )
    async with infobip() as carrier:
        dry = await run("provision", "salon", "--carrier-only", "--dry-run")
        assert carrier.account.profiles == {}
        lines = await run("provision", "salon", "--carrier-only")
        [profile] = carrier.account.profiles.values()
    given = profile["security"]["credentials"]["password"]
    own = await in_tenant(
        newcomer.pk, lambda: own_secret(newcomer.pk, Credential.Name.INFOBIP_WEBHOOK_SECRET)
    )
    assert given == own != INFOBIP_SECRET
    assert "would be created" in dry[0]
    assert given not in "".join(lines)


async def test_a_second_run_changes_nothing(newcomer):
    async with infobip() as carrier:
        await run("provision", "salon", "--carrier-only")
        carrier.rest.requests.clear()
        lines = await run("provision", "salon", "--carrier-only")
        assert carrier.rest.writes == []
    assert {line.split()[0] for line in lines} == {"unchanged"}


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(newcomer):
    async with infobip() as carrier:
        lines = await run("provision", "salon", "--carrier-only", "--dry-run")
        assert carrier.rest.writes == []
    assert sum(line.startswith("would be created") for line in lines) == 5
    assert "infobipCallsConfigurationId" not in await in_thread(settings_of, newcomer)


async def test_a_new_password_and_a_new_address_are_taken_over(newcomer, settings):
    async with infobip() as carrier:
        await run("provision", "salon", "--carrier-only")
        settings.INFOBIP_WEBHOOK_SECRET = "another"
        assert "updated       notification profile" in await run("provision", "salon", "--carrier-only")
        settings.APP_BASE_URL = "https://new.example.com"
        await run("provision", "salon", "--carrier-only")
        profile = carrier.account.profiles[own_id(newcomer.pk)]
    assert profile["security"]["credentials"]["password"] == "another"
    assert profile["webhook"]["notifyUrl"].startswith("https://new.example.com/")


async def test_what_failed_half_way_is_finished_by_the_next_run(newcomer):
    async with infobip() as carrier:
        carrier.faults.rest.append(("/subscriptions/1/profiles", 403))
        assert "scope" in await refused("provision", "salon", "--carrier-only")
        assert (len(carrier.account.configurations), len(carrier.account.media_configs)) == (1, 2)
        lines = await run("provision", "salon", "--carrier-only")
        assert len(carrier.account.media_configs) == 2
    assert [line.split()[0] for line in lines] == [*["unchanged"] * 3, *["created"] * 2, "unchanged"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("INFOBIP_API_KEY", "", "infobip_api_key"),
        ("INFOBIP_WEBHOOK_SECRET", "", "infobip_webhook_secret"),
        ("MEDIA_BASE_URL", "http://phone.example.com", "wss"),
        ("INFOBIP_API_KEY", "wrong", "401"),
    ],
)
async def test_what_is_missing_is_named_with_its_remedy(newcomer, settings, name, value, said):
    async with infobip() as carrier:
        setattr(settings, name, value)
        assert said in await refused("provision", "salon", "--carrier-only")
        assert [path for method, path in carrier.rest.writes] == []


async def test_the_agent_of_a_business_at_infobip_alone_speaks_its_format(newcomer):
    async with vendors() as world:
        await run("provision", "salon", "--agent-only")
        config = world.agent["conversation_config"]
    assert config["tts"]["agent_output_audio_format"] == "pcm_16000"
    assert config["asr"]["user_input_audio_format"] == "pcm_16000"


async def test_a_provisioned_business_takes_calls_and_the_doctor_finds_nothing(
    newcomer, settings, monkeypatch
):
    monkeypatch.setattr(probes, "workers", lambda: 1)
    async with serving() as base_url, infobip() as carrier, vendors():
        settings.APP_BASE_URL = PUBLIC
        monkeypatch.setattr(round_trip, "transport", ThisMachine(base_url))
        await run("provision", "salon")
        carrier.rest.requests.clear()
        assert await in_thread(doctor.examine, newcomer.pk) == []
        assert carrier.rest.writes == []


@pytest.mark.parametrize(
    ("spoil", "missing"),
    [
        (lambda account: account.configurations.clear(), "calls configuration"),
        (lambda account: account.media_configs.clear(), "media-stream config for 16000 Hz"),
        (lambda account: account.profiles.clear(), "notification profile"),
        (lambda account: account.subscriptions.clear(), "subscription"),
    ],
)
async def test_the_doctor_names_the_step_that_is_missing(newcomer, settings, monkeypatch, spoil, missing):
    async with serving() as base_url, infobip() as carrier:
        monkeypatch.setattr(round_trip, "transport", ThisMachine(base_url))
        await run("provision", "salon", "--carrier-only")
        spoil(carrier.account)
        found = {one.code: one for one in await in_thread(doctor.examine, newcomer.pk)}
    assert missing in found["INFOBIP_HALF_SET_UP"].what
    assert "provision salon" in found["INFOBIP_HALF_SET_UP"].fix


async def test_the_doctor_knows_keys_that_are_wrong_or_not_there(newcomer, settings, monkeypatch):
    async with serving() as base_url, infobip():
        monkeypatch.setattr(round_trip, "transport", ThisMachine(base_url))
        settings.INFOBIP_API_KEY = "wrong"
        assert "INFOBIP_REFUSED" in await codes(newcomer)
        settings.INFOBIP_API_KEY = settings.INFOBIP_WEBHOOK_SECRET = ""
        assert {"INFOBIP_KEY_MISSING", "INFOBIP_SECRET_MISSING"} <= set(await codes(newcomer))
        settings.MEDIA_BASE_URL = "http://phone.example.com"
        assert "INFOBIP_MEDIA_NOT_PRIVATE" in await codes(newcomer)


async def codes(tenant: Tenant) -> list[str]:
    return [found.code for found in await in_thread(doctor.examine, tenant.pk)]


async def test_a_tenants_own_account_and_secret_are_used(salon, settings):
    def keep() -> None:
        set_secret(salon, Credential.Name.INFOBIP_WEBHOOK_SECRET, INFOBIP_SECRET)
        set_secret(salon, Credential.Name.INFOBIP_API_KEY, "ib-tests")

    await in_tenant(salon.pk, keep)
    async with open_infobip_exchange(salon) as exchange:
        settings.INFOBIP_API_KEY = settings.INFOBIP_WEBHOOK_SECRET = "the platform's, of no use here"
        call = await exchange.call(Script(hang_up_after_s=1.5))
        await exchange.settled(call)
    assert call.first_audio_ms is not None
    assert call.warnings == []
