"""The audit trail: who did what, in the transaction that did it; only ever added to; a missing entry is seen."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from appointments import lifecycle
from appointments.models import Appointment
from tenants import api_keys
from tenants.audit.actors import Actor, Kind, acting
from tenants.audit.verifying import verify
from tenants.audit.writing import MASK, record
from tenants.credentials import set_secret
from tenants.models import AuditDetail, AuditEntry, Credential, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_lifecycle import NOW, booked
from tests.owner import as_owner
from tests.tenants.test_admin import cheaper_settings

pytestmark = pytest.mark.django_db
__all__ = ["cheaper_settings"]
PASSWORD = "correct horse battery staple"


def sealed() -> None:
    """What a commit does; a test's transaction has none."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def told(tenant: Tenant | None, action: str) -> list[dict[str, Any]]:
    with platform_scope():
        entries = AuditEntry.objects.filter(tenant=tenant, action=action).order_by("occurred_at")
        return [
            {
                **json.loads(entry.detail.content),
                "by": (entry.actor_kind, entry.actor_id),
                "subject": entry.subject_id,
            }
            for entry in entries.select_related("detail")
        ]


def person(tenant: Tenant, name: str, role: str = Member.Role.OWNER) -> User:
    user = User.objects.create_user(name, password=PASSWORD)
    with platform_scope():
        Member.objects.create(tenant=tenant, user=user, role=role)
    return user


# --- What is noted -------------------------------------------------------------------------------


def test_settings_are_noted_key_by_key_and_secrets_among_them_masked(salon):
    with tenant_scope(salon), acting(Actor(Kind.MEMBER, "7", "ana")):
        tenant = Tenant.objects.get(pk=salon.pk)
        tenant.settings = {**tenant.settings, "aiTone": "warm", "webhookSecret": "hunter2"}
        tenant.save()
    [change] = told(salon, "business.changed")
    assert change["by"] == ("member", "7")
    assert change["after"] == {"settings": {"aiTone": "warm", "webhookSecret": MASK}}
    assert "aiTone" not in change.get("before", {}).get("settings", {})


def test_a_save_that_changes_nothing_is_not_noted(salon):
    with tenant_scope(salon):
        Tenant.objects.get(pk=salon.pk).save()
    assert told(salon, "business.changed") == []


def test_members_and_their_roles_are_noted(salon):
    user = person(salon, "ana", Member.Role.STAFF)
    with tenant_scope(salon):
        member = Member.objects.get(user=user)
        member.role = Member.Role.MANAGER
        member.save()
        member.delete()
    assert told(salon, "member.changed")[0]["before"] == {"role": "staff"}
    assert told(salon, "member.changed")[0]["after"] == {"role": "manager"}
    assert len(told(salon, "member.made")) == len(told(salon, "member.deleted")) == 1


def test_a_secret_is_noted_and_its_value_is_nowhere(salon):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.OPENAI_API_KEY, "sk-canary-1")
        set_secret(salon, Credential.Name.OPENAI_API_KEY, "sk-canary-2")
        set_secret(salon, Credential.Name.OPENAI_API_KEY, "")
        assert not AuditDetail.objects.filter(content__contains="canary").exists()
    for action in ("made", "changed", "deleted"):
        assert len(told(salon, f"credential.{action}")) == 1


def test_api_keys_are_noted_when_made_and_when_revoked(salon):
    with tenant_scope(salon):
        key, text = api_keys.create_key(salon, "website")
        api_keys.revoke(key)
        assert not AuditDetail.objects.filter(content__contains=text).exists()
    assert (
        told(salon, "api_key.made")[0]["subject"]
        == told(salon, "api_key.revoked")[0]["subject"]
        == str(key.pk)
    )


def test_logins_and_failed_ones_stand_in_the_trail_of_the_business(salon, garage):
    user = person(salon, "ana")
    form = {"username": "ana", "password": PASSWORD}
    Client().post("/admin/login/", form)
    Client().post("/admin/login/", {**form, "password": "wrong"})
    Client().post("/admin/login/", {**form, "username": "my-password-by-mistake"})
    assert told(salon, "login")[0]["by"] == ("member", str(user.pk))
    assert told(salon, "login.failed")[0]["by"] == ("stranger", "")
    assert told(None, "login.failed") == [
        {"by": ("stranger", ""), "subject": "", "after": {"login": "unknown"}}
    ]
    assert told(garage, "login") == told(garage, "login.failed") == []


def test_what_becomes_of_an_appointment_is_noted_with_who_did_it(salon):
    with tenant_scope(salon), acting(Actor(Kind.CALL, "c-1")):
        appointment = booked(salon)
    with tenant_scope(salon), acting(Actor(Kind.API_KEY, "k-1", "website")):
        lifecycle.cancel(salon, appointment.pk, actor="API key website", now=NOW)
    [made], [cancelled] = told(salon, "appointment.booked"), told(salon, "appointment.cancelled")
    assert made["by"] == ("call", "c-1")
    assert cancelled["by"] == ("api_key", "k-1")
    assert (cancelled["before"]["status"], cancelled["after"]["status"]) == ("scheduled", "cancelled")
    with tenant_scope(salon):
        assert AuditDetail.objects.filter(about=appointment.customer_id).count() == 2
        name = Appointment.objects.get().customer.name
        assert not AuditDetail.objects.filter(content__contains=name).exists()


def test_what_is_rolled_back_is_not_noted(salon):
    with pytest.raises(ZeroDivisionError), tenant_scope(salon):
        record("something")
        raise ZeroDivisionError
    assert told(salon, "something") == []


def test_an_operator_who_looks_into_a_business_stands_in_its_trail_once_a_day(salon, client):
    operator = User.objects.create_superuser("root", password=PASSWORD)
    client.force_login(operator)
    for address in (
        f"/ops/tenants/tenant/{salon.pk}/change/",
        f"/ops/tenants/tenant/{salon.pk}/history/",
        f"/ops/appointments/service/?tenant__id__exact={salon.pk}",
    ):
        assert client.get(address).status_code == 200
    assert [one["by"] for one in told(salon, "operator.entered")] == [("operator", str(operator.pk))]


def test_a_member_who_works_in_the_business_is_no_operator_who_enters_it(salon, client):
    client.force_login(person(salon, "ana"))
    assert client.get(f"/admin/tenants/tenant/{salon.pk}/change/").status_code == 200
    assert told(salon, "operator.entered") == []


def test_owners_read_the_trail_and_nobody_can_change_it(salon, garage, client):
    with tenant_scope(garage):
        record("canary.of.garage")
    with tenant_scope(salon):
        record("something", after={"tone": "warm"})
        entry = AuditEntry.objects.get(action="something")
    client.force_login(person(salon, "ana"))
    listed = client.get("/admin/tenants/auditentry/").content.decode()
    assert "something" in listed
    assert "canary.of.garage" not in listed
    page = f"/admin/tenants/auditentry/{entry.pk}/"
    assert "warm" in client.get(f"{page}change/").content.decode()
    for address in (f"{page}change/", f"{page}delete/", "/admin/tenants/auditentry/add/"):
        assert client.post(address, {"action": "x"}).status_code == 403
    client.force_login(person(salon, "ben", Member.Role.STAFF))
    assert client.get("/admin/tenants/auditentry/").status_code == 403


def test_operators_read_what_belongs_to_no_business(client):
    client.post("/ops/login/", {"username": "nobody", "password": "wrong"})
    with platform_scope():
        entry = AuditEntry.objects.get(tenant=None, action="login.failed")
    client.force_login(User.objects.create_superuser("olga", password=PASSWORD))
    for page in ("change", "history"):
        answer = client.get(f"/ops/tenants/auditentry/{entry.pk}/{page}/")
        assert answer.status_code == 200
        assert "login.failed" in answer.content.decode()


# --- Only ever added to --------------------------------------------------------------------------


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
        yield


def test_the_database_refuses_to_change_or_delete_an_entry(salon):
    with tenant_scope(salon):
        record("something")
        sealed()
        rows = AuditEntry.objects.filter(action="something")
        with refused():
            rows.update(action="nothing")
        with refused():
            rows.update(hash="0" * 64)
        with refused():
            rows._raw_delete(rows.db)
        with refused():
            AuditDetail.objects.update(content="{}")


@pytest.mark.django_db(transaction=True)
def test_the_owner_of_the_tables_is_refused_too(salon):
    with as_owner() as cursor:
        cursor.execute("SET app.platform = 'on'")
        for statement in ("UPDATE tenants_auditentry SET action = 'x'", "DELETE FROM tenants_auditentry"):
            with pytest.raises(Exception, match="only ever added to"):
                cursor.execute(statement)


def test_nobody_chooses_the_place_or_the_hash_of_an_entry(salon):
    with tenant_scope(salon):
        AuditEntry.objects.create(
            tenant=salon, action="forged", actor_kind="system", commitment="0" * 64, position=1, hash="f" * 64
        )
        sealed()
        forged = AuditEntry.objects.get(action="forged")
    assert forged.position != 1
    assert forged.hash != "f" * 64


# --- The chain -----------------------------------------------------------------------------------


def some_entries(tenant: Tenant, count: int = 4) -> None:
    for number in range(count):
        with tenant_scope(tenant):
            record(f"thing.{number}", after={"number": number})


@pytest.mark.django_db(transaction=True)
def test_entries_that_are_written_at_once_make_one_chain(salon, garage):
    def write(number: int) -> None:
        try:
            with tenant_scope((salon, garage)[number % 2]):
                record("at.once", after={"number": number})
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as together:
        list(together.map(write, range(40)))
    with platform_scope():
        for tenant in (salon, garage):
            verdict = verify(tenant.pk)
            assert verdict.broken_at is None, verdict
            assert verdict.entries == AuditEntry.objects.filter(tenant=tenant).count() >= 20


NO_WORDS = "DELETE FROM tenants_auditdetail WHERE entry_id = %(id)s"
TAMPERING = {
    "an entry is changed": (
        ["UPDATE tenants_auditentry SET action = 'x' WHERE id = %(id)s"],
        "it was changed",
    ),
    "an entry is moved in time": (
        ["UPDATE tenants_auditentry SET occurred_at = occurred_at - interval '1 us' WHERE id = %(id)s"],
        "it was changed",
    ),
    "an entry is taken out": (
        [NO_WORDS, "DELETE FROM tenants_auditentry WHERE id = %(id)s"],
        "an entry is missing before it",
    ),
    "its words are changed": (
        ["UPDATE tenants_auditdetail SET content = '{}' WHERE entry_id = %(id)s"],
        "what it tells in clear was changed",
    ),
    "its words are gone": ([NO_WORDS], "what it told is gone, and no erasure says so"),
}


@contextmanager
def guards_down() -> Iterator[Any]:
    """As whoever owns the tables could have them."""
    tables = ("tenants_auditentry", "tenants_auditdetail")
    with as_owner() as cursor:
        cursor.execute("SET app.platform = 'on'")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_guard")
        try:
            yield cursor
        finally:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER audit_guard")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_below_the_walls_is_found_at_the_first_entry_that_is_not_as_it_was(salon, how):
    some_entries(salon)
    with platform_scope():
        entry = AuditEntry.objects.get(tenant=salon, action="thing.2")
    statements, why = TAMPERING[how]
    with guards_down() as cursor:
        for statement in statements:
            cursor.execute(statement, {"id": entry.pk})
    out = StringIO()
    with pytest.raises(CommandError) as broken:
        call_command("verify_audit", stdout=out)
    assert broken.value.returncode == 1
    assert f"Test Salon: broken at entry {entry.position}: {why}" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_whole_trail_verifies_by_command_and_its_last_hash_is_told(salon, garage):
    some_entries(salon)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    call_command("verify_audit", str(salon.pk), stdout=out)
    with platform_scope():
        head = AuditEntry.objects.filter(tenant=salon).order_by("-position").first()
    assert head is not None
    assert out.getvalue().count(head.hash) == 2
    assert "platform: " in out.getvalue()


def test_the_trigger_hashes_what_the_code_hashes(salon):
    with tenant_scope(salon):
        record("one", ("thing", "1\n2"), after={"a": "ä"}, erases=[3, 1])
        sealed()
        assert AuditEntry.objects.get(action="one").erases == "1,3"
    with platform_scope():
        assert verify(salon.pk).broken_at is None
