"""Keys of the REST API: shown once, kept as a hash, recognised, revoked."""

import datetime
import io
import logging

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tenants.api_keys import KeyRefused, TenantSuspended, create_key, find_key, revoke
from tenants.models import ApiKey, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope


def made_by_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


@pytest.fixture
def key(salon) -> tuple[ApiKey, str]:
    with tenant_scope(salon):
        return create_key(salon, "website")


def last_used() -> datetime.datetime | None:
    with platform_scope():
        return ApiKey.objects.get().last_used_at


@pytest.mark.parametrize("named", ["salon", "de535df4-ccee-11f0-a2aa-12736706c408", "Test Salon"])
def test_the_command_prints_a_key_of_the_tenant(salon, garage, named):
    text = made_by_command(named, "--name", "website")
    assert text.startswith("tk_")
    assert len(bytes.fromhex(text.removeprefix("tk_"))) * 8 >= 160
    found = find_key(text)
    assert (found.tenant, found.name) == (salon, "website")


def test_no_two_keys_are_alike(salon):
    assert len({made_by_command("salon", "--name", "n") for _ in range(20)}) == 20


def test_a_key_needs_a_tenant_and_a_name(salon):
    for arguments in (["nobody", "--name", "n"], ["salon", "--name", " "], ["salon", "--name", "n" * 121]):
        with pytest.raises(CommandError):
            made_by_command(*arguments)


def test_the_key_is_nowhere_in_the_database(key):
    row, text = key
    with connection.cursor() as cursor, platform_scope():
        cursor.execute("SELECT api_key::text FROM tenants_apikey api_key")
        kept = cursor.fetchone()[0]
    assert row.prefix in kept
    assert text.startswith(row.prefix)
    assert text.removeprefix(row.prefix) not in kept
    assert len(text) - len(row.prefix) >= 40  # 160 bits in hex are not shown


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:11] + "0" * (len(text) - 11),
        lambda text: text.upper(),
        lambda text: "tk_" + "é" * 300,
        lambda text: "\ud800",
    ],
)
def test_what_is_not_the_key_opens_nothing(key, spoil):
    with pytest.raises(KeyRefused):
        find_key(spoil(key[1]))
    assert last_used() is None


def test_a_nul_byte_opens_nothing(key):
    with pytest.raises(KeyRefused):
        find_key("tk_\x00")


def test_keys_that_begin_alike_are_told_apart(salon, garage, monkeypatch):
    tails = iter(["ab" * 24, "ab" * 4 + "cd" * 20])
    monkeypatch.setattr("tenants.api_keys.secrets.token_hex", lambda length: next(tails))
    texts = []
    for tenant in (salon, garage):
        with tenant_scope(tenant):
            texts.append(create_key(tenant, "n")[1])
    assert [find_key(text).tenant for text in texts] == [salon, garage]


def test_a_revoked_key_opens_nothing(key):
    row, text = key
    with platform_scope():
        assert revoke(row)
        assert not revoke(row)
    with pytest.raises(KeyRefused, match="revoked"):
        find_key(text)


def test_a_suspended_tenants_key_opens_nothing_until_it_is_active_again(salon, key):
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="suspended")
    with pytest.raises(TenantSuspended):
        find_key(key[1])
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="active")
    assert find_key(key[1]).tenant == salon


def test_use_is_noted_at_most_once_a_minute(key, monkeypatch):
    moment = timezone.now()
    monkeypatch.setattr("tenants.api_keys.timezone.now", lambda: moment)
    find_key(key[1])
    assert last_used() == moment
    first, moment = moment, moment + datetime.timedelta(seconds=59)
    find_key(key[1])
    assert last_used() == first
    moment = first + datetime.timedelta(seconds=60)
    find_key(key[1])
    assert last_used() == moment


def test_the_wall_stands_around_keys(salon, garage, key):
    with tenant_scope(garage):
        assert not ApiKey.objects.exists()
        assert not revoke(key[0])


# --- The admin -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def plain_static_files(settings) -> None:
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


def logged_in(tenant: Tenant, role: str) -> Client:
    user = User.objects.create_user(f"{tenant.slug}-{role}")
    with tenant_scope(tenant):
        Member.objects.create(tenant=tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


LIST = "admin:tenants_apikey_changelist"


def revoke_in_admin(client: Client, row: ApiKey):
    return client.post(reverse(LIST), {"action": "revoke", "_selected_action": [str(row.pk)]})


def test_an_owner_sees_a_keys_prefix_and_revokes_it(salon, key):
    row, text = key
    owner = logged_in(salon, "owner")
    for page in (reverse(LIST), reverse("admin:tenants_apikey_change", args=[row.pk])):
        shown = owner.get(page).content.decode()
        assert row.prefix in shown
        assert text not in shown
        assert row.digest not in shown
    assert revoke_in_admin(owner, row).status_code == 302
    with pytest.raises(KeyRefused):
        find_key(text)


@pytest.mark.parametrize("role", ["staff", "read_only"])
def test_only_owners_and_managers_revoke(salon, key, role):
    assert revoke_in_admin(logged_in(salon, role), key[0]).status_code == 403
    assert find_key(key[1]).revoked_at is None


def test_another_tenants_owner_cannot_revoke(salon, garage, key):
    revoke_in_admin(logged_in(garage, "owner"), key[0])
    assert find_key(key[1]).revoked_at is None


def test_nothing_is_logged_of_a_key(key, caplog):
    with caplog.at_level(logging.DEBUG):
        find_key(key[1])
    assert key[1] not in caplog.text
