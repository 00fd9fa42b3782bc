"""A new encryption key: everything is under it afterwards, whatever else goes on meanwhile."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from telephony.models import Call
from tenants import rotation
from tenants.credentials import own_secret, set_secret
from tenants.encryption import encrypt, is_current
from tenants.models import Credential
from tenants.scoping import platform_scope, tenant_scope

pytestmark = pytest.mark.django_db
OPENAI, WEBHOOK = Credential.Name.OPENAI_API_KEY, Credential.Name.WEBHOOK_SECRET


def kept_values() -> list[str]:
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT value FROM tenants_credential ORDER BY id")
        return [value for (value,) in cursor.fetchall()]


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def secrets_of_two(salon, garage):
    for tenant in (salon, garage):
        with tenant_scope(tenant):
            set_secret(tenant, OPENAI, f"sk-{tenant.slug}")
            set_secret(tenant, WEBHOOK, f"wh-{tenant.slug}")


def test_every_encrypted_column_is_known():
    columns = {(model.__name__, column) for model, column in rotation.encrypted_columns()}
    assert columns == {("Credential", "value"), ("Call", "handover"), ("Call", "session_url")}


def test_everything_is_under_the_new_key_and_says_the_same(
    secrets_of_two, salon, garage, settings, monkeypatch
):
    monkeypatch.setattr(rotation, "BATCH", 2)
    with tenant_scope(salon):
        Call.objects.create(tenant=salon, carrier_call_id="CA1", to_e164="+1", handover=encrypt("{}"))
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    told = rotate()
    assert "credential.value: 4 re-encrypted, 0 under" in told
    assert "call.handover: 1 re-encrypted" in told
    again = kept_values()
    assert "credential.value: 0 re-encrypted, 4 under" in rotate()
    assert kept_values() == again
    settings.FIELD_ENCRYPTION_KEYS = [new]
    for tenant in (salon, garage):
        with tenant_scope(tenant):
            assert own_secret(tenant.pk, OPENAI) == f"sk-{tenant.slug}"


def test_what_is_written_meanwhile_is_not_overwritten(secrets_of_two, salon, settings, monkeypatch):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]
    read = rotation._batch

    def read_and_then_somebody_writes(*args):
        rows = read(*args)
        if args[0] is Credential:
            set_secret(salon, OPENAI, "sk-newer")
        return rows

    monkeypatch.setattr(rotation, "_batch", read_and_then_somebody_writes)
    assert "credential.value: 3 re-encrypted" in rotate()
    with tenant_scope(salon):
        assert own_secret(salon.pk, OPENAI) == "sk-newer"
    assert all(is_current(value) for value in kept_values())


def test_what_no_key_opens_stays_and_is_told(secrets_of_two, settings):
    before = kept_values()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="4 values"):
        rotate()
    assert kept_values() == before
