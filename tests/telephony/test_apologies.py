"""A business's own recorded apology: heard when the agent fails, and a machine's voice where it cannot be played."""

import io
import shutil

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from agents.simulators.elevenlabs import Behaviour
from telephony import apologies
from telephony.simulators.twilio import Script
from tenants.models import Tenant
from tenants.scoping import in_tenant, in_thread, tenant_scope
from tests.exchange import open_exchange
from tests.telephony.test_twilio_webhooks import fields, post, said

WAV = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40
MP3 = b"ID3\x04" + b"\0" * 400


@pytest.fixture(autouse=True)
def kept_here(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def set_apology(monkeypatch, audio: bytes, tenant: str = "salon") -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(audio)))
    call_command("set_apology", tenant, stdout=io.StringIO())


def alone(tenant: Tenant) -> None:
    """Neither person nor voicemail nor menu."""
    with tenant_scope(tenant):
        row = Tenant.objects.get()
        kept = {
            key: row.settings[key] for key in ("elevenLabsAgentId", apologies.SETTING) if key in row.settings
        }
        Tenant.objects.filter(pk=tenant.pk).update(settings=kept)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("audio", [WAV, MP3], ids=["WAV", "MP3"])
async def test_when_the_agent_fails_the_caller_hears_it_and_then_the_way_on(
    salon, settings, monkeypatch, audio
):
    await in_thread(set_apology, monkeypatch, audio)
    async with open_exchange(behaviour=Behaviour(handshake_status=403)) as exchange:
        call = await exchange.call(Script(hang_up_after_s=8.0))
        await exchange.settled(call)
    heard = [one.sound for one in call.timeline.segments if one.sound in {"play", "say", "dial"}]
    assert heard == ["play", "say", "dial"]
    assert call.warnings == []
    played = next(each for each in call.exchanges if "/apology/" in each.url)
    assert (played.status, played.body) == (200, audio)


@pytest.mark.django_db(transaction=True)
async def test_it_is_the_last_word_where_nothing_goes_on(salon, settings, monkeypatch):
    await in_thread(set_apology, monkeypatch, WAV)
    await in_thread(alone, salon)
    async with open_exchange(behaviour=Behaviour(handshake_status=403)) as exchange:
        call = await exchange.call(Script())
    assert len(call.timeline.all_of("play")) == 1
    assert call.timeline.says == []
    assert call.warnings == []


@pytest.mark.django_db(transaction=True)
async def test_where_the_file_is_lost_a_voice_says_it(salon, settings, monkeypatch, tmp_path):
    await in_thread(set_apology, monkeypatch, WAV)
    await in_thread(alone, salon)
    shutil.rmtree(tmp_path / "announcements")
    async with open_exchange(behaviour=Behaviour(handshake_status=403)) as exchange:
        call = await exchange.call(Script())
    assert call.timeline.all_of("play") == []
    assert call.timeline.says == ["We encountered an error. Please try again later."]


@pytest.mark.django_db
def test_where_the_carrier_could_not_run_our_answer_nothing_is_played(salon, monkeypatch):
    set_apology(monkeypatch, WAV)
    alone(salon)
    post("elevenlabs", fields())
    broken = fields(CallStatus="in-progress", ErrorCode="12300")
    assert said(post("fallback", broken)) == ["We encountered an error. Please try again later."]
    assert b"<Play>" in post("stream-ended", fields(CallStatus="in-progress")).content


@pytest.mark.django_db(transaction=True)
def test_another_one_takes_its_place_and_nothing_removes_it(salon, monkeypatch, tmp_path):
    def files() -> list[bytes]:
        return [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    set_apology(monkeypatch, WAV)
    set_apology(monkeypatch, MP3)
    assert files() == [MP3]
    set_apology(monkeypatch, b"")
    assert files() == []
    with tenant_scope(salon):
        assert apologies.SETTING not in Tenant.objects.get().settings


@pytest.mark.django_db
@pytest.mark.parametrize("audio", [b"<html>", WAV + b"\0" * apologies.MAX_BYTES, b"RIFF", b"\xff"])
def test_what_is_no_recording_is_refused(salon, monkeypatch, audio):
    with pytest.raises(CommandError):
        set_apology(monkeypatch, audio)
    with tenant_scope(salon):
        assert apologies.SETTING not in Tenant.objects.get().settings


@pytest.mark.django_db
def test_only_an_address_of_ours_opens_a_file(salon, garage, monkeypatch, tmp_path):
    set_apology(monkeypatch, WAV)
    with tenant_scope(salon):
        tenant = Tenant.objects.get()
    name = tenant.settings[apologies.SETTING]
    path = apologies.url_of(tenant).partition("8000")[2]
    assert Client().get(path).content == WAV
    for wrong in (path[:-1], path.replace("wav", "mp3"), f"/api/webhooks/twilio/apology/{name}"):
        assert Client().get(wrong).status_code == 404
    with tenant_scope(garage):  # another's file is nobody's apology
        other = Tenant.objects.get()
        other.settings[apologies.SETTING] = name
    assert apologies.url_of(other) == ""
    other.settings[apologies.SETTING] = f"announcements/{other.pk}/../{salon.pk}/{name.rpartition('/')[2]}"
    assert apologies.url_of(other) == ""


@pytest.mark.django_db(transaction=True)
async def test_no_apology_is_made_where_nothing_went_wrong(salon, settings, monkeypatch):
    await in_thread(set_apology, monkeypatch, WAV)
    settings.MAX_SILENT_SECONDS = 1
    async with open_exchange() as exchange:
        call = await exchange.call(Script(give_up_after_s=60))
        await exchange.settled(call)
    assert call.timeline.all_of("play") == []
    assert await in_tenant(salon.pk, Tenant.objects.get)
