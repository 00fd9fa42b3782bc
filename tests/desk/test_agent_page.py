"""The agent of a business: what its page saves, what it previews, and the way back to any version."""

import json
import threading
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from agents.audio import MULAW_8K
from agents.instructions import prompt_of
from agents.models import AgentVersion, Conversation
from agents.providers import PROVIDERS
from agents.versions.comparing import differences
from agents.versions.keeping import last_of
from tenants.credentials import set_secret
from tenants.models import AuditDetail, Credential, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import Desk, FormReader, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
PAGE, VERSIONS = "/admin/agent/", "/admin/agent/versions/"


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.OPENAI_API_KEY, "sk-hush-hush-hush")
    return Desk(salon, "owner")


def as_shown(client: Client) -> dict[str, str]:
    """What a browser sends back of the page that nobody has typed into."""
    form = client.get(PAGE).context["form"]
    values = {field.html_name: field.value() for field in form}
    return {
        name: "on" if value is True else str(value)
        for name, value in values.items()
        if value not in ("", None) and value is not False
    }


def save(desk: Desk, **fields: str) -> Any:
    return desk.client.post(PAGE, {**as_shown(desk.client), **fields}, follow=True)


def now(tenant: Tenant) -> Tenant:
    with platform_scope():
        return Tenant.objects.get(pk=tenant.pk)


def versions(tenant: Tenant) -> list[AgentVersion]:
    with tenant_scope(tenant):
        return list(AgentVersion.objects.order_by("number"))


# --- Each change is a version ----------------------------------------------------------------------


def test_what_is_saved_is_a_version_with_who_and_what(desk):
    assert len(versions(desk.tenant)) == 1
    answer = save(desk, aiGreeting="Hi there!", transferNumber="(555) 000-1111", aiDisclosure="on")
    assert "Saved as version 2" in answer.text
    settings = now(desk.tenant).settings
    assert (settings["aiGreeting"], settings["transferNumber"]) == ("Hi there!", "+15550001111")
    assert settings["elevenLabsAgentId"] == "agent_demo_salon"  # and whatever else is there stays
    last = versions(desk.tenant)[-1]
    assert (last.actor_kind, last.actor_label) == ("member", desk.user.get_username())
    assert {"aiGreeting", "aiDisclosure"} <= set(last.changed)


def test_a_change_that_is_made_elsewhere_is_a_version_too(desk):
    with tenant_scope(desk.tenant):
        row = Tenant.objects.get(pk=desk.tenant.pk)
        row.settings = {**row.settings, "aiTone": "warm"}
        row.save(update_fields=["settings"])
        row.address = "Elsewhere 1"  # is not the agent
        row.save()
    assert [one.changed for one in versions(desk.tenant)] == [[], ["aiTone"]]
    assert versions(desk.tenant)[-1].actor_kind == "system"


def test_a_business_that_is_older_than_versions_keeps_how_its_agent_was(desk):
    with tenant_scope(desk.tenant):
        AgentVersion.objects.all().delete()
    save(desk, aiTone="dry")
    first, second = versions(desk.tenant)
    assert "aiTone" not in first.facts
    assert (second.number, second.changed) == (2, ["aiTone"])


def test_no_secret_is_in_a_version(desk):
    with tenant_scope(desk.tenant):
        row = Tenant.objects.get(pk=desk.tenant.pk)
        row.settings = {**row.settings, "webhookSecret": "hunter2", "aiTone": "warm"}
        row.save()
    told = json.dumps([one.facts for one in versions(desk.tenant)])
    assert not [word for word in ("hunter2", "sk-hush", "webhookSecret") if word in told]


def test_saving_what_is_there_makes_no_version(desk):
    assert "Nothing was changed." in save(desk).text
    assert len(versions(desk.tenant)) == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("aiGreeting", "Hello {{caller_name}}", "Two braces in a row"),
        ("aiGreeting", "x" * 501, "at most 500 characters"),
        ("transferNumber", "12", "This is not a telephone number"),
        ("transferNumber", "+19005551234", "special rates"),
        ("elevenLabsVoiceId", "no voice!", "not the id of a voice"),
        ("agentProvider", "nobody", "not one of the available choices"),
        ("language", "tlh", "not one of the available choices"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(desk, field, value, told):
    answer = save(desk, **{field: value})
    assert told in answer.text
    assert field in answer.context["form"].errors
    assert len(versions(desk.tenant)) == 1


def test_a_provider_without_a_key_is_refused(desk, settings):
    settings.OPENAI_API_KEY = ""
    with tenant_scope(desk.tenant):
        Credential.objects.all().delete()
    assert "There is no key of OpenAI" in save(desk, agentProvider="openai").text


def test_who_saves_second_is_told_and_loses_nothing(desk):
    other = Desk(desk.tenant, "manager")
    mine = as_shown(desk.client)
    save(other, aiTone="dry")
    answer = desk.client.post(PAGE, {**mine, "aiGreeting": "Mine"}, follow=True)
    assert f"{other.user.get_username()} saved version 2" in answer.text
    assert "Mine" in answer.text
    assert "aiGreeting" not in now(desk.tenant).settings
    reader = FormReader()
    reader.feed(answer.text.split('id="content-main"')[1].split("</form>")[0])
    assert reader.fields["based_on"] == "2"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told(salon):
    desks = [Desk(salon, "owner"), Desk(salon, "manager")]
    forms = [{**as_shown(one.client), "aiTone": f"tone {place}"} for place, one in enumerate(desks)]
    answers: list[Any] = []

    def post(one: Desk, form: dict[str, str]) -> None:
        try:
            answers.append(one.client.post(PAGE, form))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post, args=each) for each in zip(desks, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert [one.number for one in versions(salon)] == [1, 2]


# --- What the agent would be told ------------------------------------------------------------------


def test_a_preview_is_what_the_builders_make_of_it_and_saves_nothing(desk):
    form = {**as_shown(desk.client), "preview": "yes", "aiGreeting": "Ahoy!", "aiInstructions": "Offer rum."}
    for provider in ("", "openai"):
        answer = desk.client.post(PAGE, {**form, "agentProvider": provider, "recordingDisclosure": "on"})
        shown = answer.context["preview"]
        assert shown.greeting == "Ahoy! This call may be recorded."
        assert "Offer rum." in shown.instructions
        assert "{{" not in shown.instructions
    assert len(versions(desk.tenant)) == 1
    assert "aiGreeting" not in now(desk.tenant).settings


def test_calls_that_begin_are_told_what_the_preview_showed(desk):
    form = {"aiGreeting": "Ahoy!", "aiDisclosure": "on", "agentProvider": "openai", "openaiVoice": "cedar"}
    shown = desk.client.post(PAGE, {**as_shown(desk.client), **form, "preview": "yes"}).context["preview"]
    save(desk, **form)
    tenant = now(desk.tenant)
    with tenant_scope(tenant):
        call = Conversation.objects.create(tenant=tenant, provider="openai")
        begun = PROVIDERS["openai"].initiation(tenant, call, MULAW_8K)
        assert prompt_of(tenant).split("# This call")[0] in shown.instructions
    assert begun["greeting"] == shown.greeting == "Ahoy! You are speaking with an AI assistant."
    assert begun["session"]["instructions"] == shown.instructions
    assert begun["session"]["audio"]["output"]["voice"] == shown.voice == "cedar"


def test_elevenlabs_gets_the_voice_and_the_disclosure_of_the_business(desk):
    save(desk, elevenLabsVoiceId="voice42", aiDisclosure="on", language="de", aiGreeting="Moin!")
    tenant = now(desk.tenant)
    with tenant_scope(tenant):
        begun = PROVIDERS["elevenlabs"].initiation(tenant, Conversation(tenant=tenant), MULAW_8K)
    override = begun["conversation_config_override"]
    assert override["tts"]["voice_id"] == "voice42"
    assert override["agent"]["first_message"] == "Moin! Sie sprechen mit einem KI-Assistenten."
    assert begun["dynamic_variables"]["greeting"] == override["agent"]["first_message"]


# --- Back ------------------------------------------------------------------------------------------


def test_going_back_is_a_new_version_and_stands_in_the_trail(desk):
    save(desk, aiGreeting="One", language="de")
    save(desk, aiGreeting="Two", language="en")
    page = desk.client.get(f"{VERSIONS}3/?against=2")
    assert "<del>One </del><ins>Two </ins>" in "".join(page.text.split("\n"))
    answer = desk.client.post(f"{VERSIONS}2/", follow=True)
    assert "that is version 4" in answer.text
    last = versions(desk.tenant)[-1]
    assert (last.restores, last.facts) == (2, versions(desk.tenant)[1].facts)
    assert (now(desk.tenant).settings["aiGreeting"], now(desk.tenant).language) == ("One", "de")
    with tenant_scope(desk.tenant):
        told = json.loads(AuditDetail.objects.get(entry__action="agent.rolled_back").content)
    assert (told["before"]["aiGreeting"], told["after"]["version"]) == ("Two", 2)
    assert "as in version 4 already" in desk.client.post(f"{VERSIONS}4/", follow=True).text


def test_a_version_that_makes_no_sense_any_more_is_refused_with_the_reason(desk, settings):
    save(desk, agentProvider="openai")
    save(desk, agentProvider="")
    settings.OPENAI_API_KEY = ""
    with tenant_scope(desk.tenant):
        Credential.objects.all().delete()
    answer = desk.client.post(f"{VERSIONS}2/", follow=True)
    assert "Version 2 cannot be gone back to as it is. Provider: There is no key of OpenAI" in answer.text
    assert len(versions(desk.tenant)) == 3


def test_differences_are_told_word_by_word():
    (one,) = differences({"aiGreeting": "Hello dear caller"}, {"aiGreeting": "Hello good caller"})
    told = [(piece.kind, piece.text) for piece in one.pieces]
    assert told == [("same", "Hello "), ("gone", "dear "), ("new", "good "), ("same", "caller ")]


# --- Who -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees", "saves"),
    [("owner", 200, True), ("manager", 200, True), ("staff", 403, False), ("read_only", 200, False)],
)
def test_each_role_sees_and_saves_what_the_table_says(salon, role, sees, saves):
    assert role in Member.Role.values
    somebody = Desk(salon, role)
    for page in (PAGE, VERSIONS, f"{VERSIONS}1/"):
        assert somebody.client.get(page).status_code == sees
    posted = somebody.client.post(PAGE, {"language": "en", "aiTone": "dry", "based_on": "1"})
    assert posted.status_code == (302 if saves else 403)
    assert somebody.client.post(f"{VERSIONS}1/").status_code == (302 if saves else 403)
    if sees == 200:
        assert (">Save</button>" in somebody.client.get(PAGE).text) == saves


def test_versions_of_another_business_are_none(desk, garage):
    theirs = Desk(garage, "owner")
    save(theirs, aiGreeting="garagecanary")
    assert desk.client.get(f"{VERSIONS}2/").status_code == 404
    assert desk.client.post(f"{VERSIONS}2/").status_code == 404
    assert "garagecanary" not in desk.client.get(VERSIONS).text
    with tenant_scope(desk.tenant):
        assert last_of(garage.pk) is None


def test_an_operator_who_has_entered_no_business_is_sent_to_the_list(salon):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    assert client.get(PAGE).status_code == 302
    assert client.get(VERSIONS).status_code == 403
    client.post(f"/ops/enter/{salon.pk}/")
    assert client.get(PAGE).status_code == 200


def test_very_long_texts_are_not_compared_word_by_word():
    before, after = {"aiGreeting": "a b " * 1500}, {"aiGreeting": "a c " * 1500}
    (difference,) = differences(before, after)
    assert [one.kind for one in difference.pieces] == ["gone", "new"]
