"""What is not kept: after as many days as a business says, or when a customer asks. Looked for byte by byte."""

import base64
import datetime
import logging
import re
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import current_app
from django.conf import settings as live
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from redis import Redis

from agents import recordings
from agents.models import (
    Conversation,
    Message,
    OneTimeCode,
    ProviderEvent,
    ProviderSession,
    ToolInvocation,
    Turn,
)
from appointments.models import (
    Appointment,
    AppointmentChange,
    Customer,
    Hold,
    IdempotencyRecord,
    ImportDraft,
    Service,
)
from telephony import tasks
from telephony.forgetting import retention, sweeping
from telephony.forgetting.erasure import erase_customer
from telephony.models import (
    BlockedNumber,
    Call,
    CallEvent,
    InboundText,
    Meter,
    Notification,
    OptOut,
    OutboundCall,
    PhoneNumber,
)
from tenants.audit.verifying import verify
from tenants.audit.writing import record
from tenants.models import AuditEntry, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.toolbox import Call as ToolCall
from tests.appointments.test_lifecycle import NINE, booked
from tests.owner import as_owner
from tests.tenants.test_admin import cheaper_settings
from tests.tenants.test_audit import sealed

__all__ = ["cheaper_settings"]
pytestmark = pytest.mark.django_db
NAME, PHONE, MAIL, WORDS = "Zebedee Canarysson", "+15557770001", "zebedee@canary.test", "purple giraffe"
CANARIES = (NAME, PHONE.removeprefix("+"), MAIL, WORDS, "Zebedee", "canarysson")
HOUR = datetime.timedelta(hours=1)
QUEUE = "of-nobody"
"""Which no worker reads, and no other test."""


@pytest.fixture(autouse=True)
def private_files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def a_customer(
    tenant: Tenant, name: str = NAME, phone: str = PHONE, mail: str = MAIL, words: str = WORDS
) -> UUID:
    """Somebody who has called, and is written down wherever anybody can be."""
    now, its = timezone.now(), {"tenant": tenant}
    with tenant_scope(tenant):
        customer = Customer.objects.create(
            **its, name=name, phone_e164=phone, email=mail, notes=f"{words} fan"
        )
        service = Service.objects.filter(employees__isnull=False).order_by("name")[0]
        appointment = booked(tenant, service=service, who=service.employees.order_by("name")[0].name)
        Appointment.objects.filter(pk=appointment.pk).update(customer=customer, notes=f"for {name}: {words}")
        talk = Conversation.objects.create(
            **its, provider="elevenlabs", caller_e164=phone, proven_phones=[phone], summary=f"{name} said {words}",
            analysis={"who": name}, ended_at=now, recording=recordings.new_name(tenant.pk),
        )  # fmt: skip
        voicemail = recordings.new_name(tenant.pk, "wav")
        for name_of_file in (talk.recording, voicemail):
            path = Path(live.MEDIA_ROOT) / name_of_file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"ID3 {words}".encode())
        ProviderSession.objects.create(
            **its, conversation=talk, provider="elevenlabs", external_id=f"conv_{tenant.slug}"
        )
        Turn.objects.create(
            **its,
            conversation=talk,
            position=1,
            speaker="caller",
            text=f"I am {name}, {words}",
            occurred_at=now,
        )
        ToolInvocation.objects.create(
            **its, conversation=talk, tool="book_appointment", arguments={"customerName": name},
            answer={"message": f"Booked for {name}"}, succeeded=True, duration_ms=1, appointment=appointment,
        )  # fmt: skip
        Message.objects.create(
            **its, conversation=talk, text=words, caller_name=name, callback_e164=phone, recording=voicemail
        )
        OneTimeCode.objects.create(**its, conversation=talk, phone_e164=phone, digest="d", expires_at=now)
        ProviderEvent.objects.create(
            **its, provider="elevenlabs", kind="post_call_transcription", external_id=f"conv_{tenant.slug}",
            body={"transcript": [{"message": f"{name}: {words}"}]}, digest=f"d{phone}",
        )  # fmt: skip
        call = Call.objects.create(
            **its, carrier_call_id=f"CA{tenant.slug}", from_e164=phone, to_e164="+15551234567", conversation=talk,
            ended_at=now, stream_ended_at=now,
        )  # fmt: skip
        CallEvent.objects.create(**its, call=call, kind="rung", detail={"words": f"{name} {phone}"})
        Meter.objects.create(**its, call=call, caller_e164=phone, day=now.date(), micros_per_second=1)
        addressed = {"starts_at": NINE, "due_at": now, "not_after": now, "to_address": phone}
        Notification.objects.create(
            **its, appointment=appointment, kind="booked", version="1", channel="sms", state="sent",
            text=f"Dear {name}", **addressed,
        )  # fmt: skip
        InboundText.objects.create(
            **its, carrier_message_id=f"SM{tenant.slug}", from_e164=phone, to_e164="+15551234567", text=words
        )
        OptOut.objects.create(**its, e164=phone)
        BlockedNumber.objects.create(**its, e164=phone, reason=name)
        Hold.objects.create(
            **its, employee=appointment.employee, service=appointment.service, starts_at=NINE + 2 * HOUR,
            ends_at=NINE + 3 * HOUR, blocked_from=NINE + 2 * HOUR, blocked_until=NINE + 3 * HOUR,
            holder=str(talk.pk), caller_e164=phone, expires_at=now,
        )  # fmt: skip
        IdempotencyRecord.objects.create(
            **its,
            scope="tool",
            key=f"natural {phone}",
            request_hash="x",
            answer={"message": f"Booked for {name}"},
        )
        AppointmentChange.objects.filter(appointment=appointment).update(actor=name, reason=words)
        record("customer.changed", customer, before={"name": name}, after={"phone": phone}, about=customer.pk)
        record("note.taken", after={"note": f"{name.upper()} rang"})
        ProviderEvent.objects.create(
            **its,
            provider="elevenlabs",
            kind="stray",
            body={"said": f'a "friend" of {name}'},
            digest=f"s{phone}",
        )
        user = User.objects.create_user(f"staff-{tenant.slug}")
        LogEntry.objects.create(
            user=user, action_flag=CHANGE, object_id=str(customer.pk), object_repr=name,
            change_message=f"Changed {name}", content_type=ContentType.objects.get_for_model(Customer),
        )  # fmt: skip
        found: UUID = customer.pk
        return found


def whole_database() -> str:
    """Every row of every table, as text, past both walls."""
    with as_owner() as cursor:
        cursor.execute("SET app.platform = 'on'")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            texts += [f"{table}: {row}" for (row,) in cursor.fetchall()]
        return "\n".join(texts)


def whole_redis() -> str:
    """Every key and value, a line each; what is in base64, as the queue's messages are, once more in clear."""
    readers = {
        b"string": lambda redis, key: [redis.get(key)],
        b"list": lambda redis, key: redis.lrange(key, 0, -1),
        b"set": lambda redis, key: redis.smembers(key),
        b"zset": lambda redis, key: redis.zrange(key, 0, -1),
        b"hash": lambda redis, key: [part for pair in redis.hgetall(key).items() for part in pair],
        b"stream": lambda redis, key: [repr(redis.xrange(key)).encode()],
    }
    with Redis.from_url(live.REDIS_URL) as redis:
        lines = []
        for key in redis.scan_iter(count=1000):
            kind = redis.type(key)
            found = [] if kind == b"none" else readers[kind](redis, key)  # none: it went while we looked
            lines += [part for part in (key, *found) if part is not None]
    return "\n".join(in_clear(line) for line in lines)


def in_clear(value: bytes) -> str:
    texts = [value]
    for coded in re.findall(rb"[A-Za-z0-9+/]{16,}={0,2}", value):
        with suppress(ValueError):
            texts.append(base64.b64decode(coded, validate=True))
    return " ".join(text.decode("latin-1") for text in texts).replace("\n", " ")


def left_of(text: str, canaries: tuple[str, ...] = CANARIES) -> list[str]:
    return [line[:300] for line in text.splitlines() if any(one.lower() in line.lower() for one in canaries)]


def asked_for_a_code(tenant: Tenant) -> list[UUID]:
    """The customer rings and proves who they are: a task goes into the real queue, with no worker."""
    with tenant_scope(tenant):
        before = set(OneTimeCode.objects.values_list("pk", flat=True))
    ToolCall(tenant, PHONE, sid="CAcode").data("send_code")
    with tenant_scope(tenant):
        return [one for one in OneTimeCode.objects.values_list("pk", flat=True) if one not in before]


def test_the_search_of_redis_finds_what_a_task_would_carry():
    """Else it would prove nothing that it finds none."""
    try:
        current_app.send_task("tests.nobodys", ["x", "+15557770002", "Dear Yolanda the Second"], queue=QUEUE)
        assert len(left_of(whole_redis(), ("+15557770002",))) == 1
        assert len(left_of(whole_redis(), ("the Second",))) == 1
    finally:
        with Redis.from_url(live.REDIS_URL) as redis:
            redis.delete(QUEUE)


@pytest.mark.django_db(transaction=True)
def test_of_an_erased_customer_no_byte_is_left_and_the_trail_still_verifies(salon, private_files, caplog):
    caplog.set_level(logging.DEBUG)
    customer_id = a_customer(salon)
    assert len(left_of(whole_database())) >= 18  # else this would prove nothing
    [code_id] = asked_for_a_code(salon)
    out = StringIO()
    call_command("erase_customer", "salon", str(customer_id), stdout=out)
    assert left_of(whole_database()) == []
    assert str(code_id) in whole_redis()  # of the message that waits there the ids alone
    assert left_of(whole_redis()) == []
    assert not tasks.send_code(str(salon.pk), str(code_id))
    assert left_of(caplog.text) == []
    assert [path for path in private_files.rglob("*") if path.is_file()] == []
    with platform_scope():
        verdict = verify(salon.pk)
        assert (verdict.broken_at, verdict.erased) == (None, 2)
        erasure = AuditEntry.objects.get(action="customer.erased")
        assert len(erasure.erases.split(",")) == 2
        assert Appointment.objects.get().customer_id == customer_id  # that there was one stays
    call_command("erase_customer", "salon", str(customer_id), stdout=out)
    with platform_scope():
        assert verify(salon.pk).broken_at is None


@pytest.mark.parametrize("number", [PHONE, "+15557770009"], ids=["their number", "a number they had before"])
def test_a_call_that_waits_for_an_erased_customer_is_called_off(salon, number):
    customer = a_customer(salon)
    now = timezone.now()
    with tenant_scope(salon):
        order = OutboundCall.objects.create(
            tenant=salon, to_e164=number, number=PhoneNumber.objects.get(), customer_id=customer, purpose=WORDS,
            origin="staff", consent="customer", due_at=now, not_after=now + HOUR,
        )  # fmt: skip
        erase_customer(customer)
        order.refresh_from_db()
    assert (order.state, order.to_e164, order.purpose) == ("canceled", "", "")


def test_nobody_else_is_touched(salon, garage):
    theirs = a_customer(garage)
    with tenant_scope(salon):
        sister = Customer.objects.create(tenant=salon, name="Zelda", phone_e164=PHONE, notes=WORDS)
    customer_id = a_customer(salon)
    with tenant_scope(salon):
        sealed()
        erase_customer(customer_id)
        sister.refresh_from_db()
        assert (sister.name, sister.phone_e164, sister.notes) == ("Zelda", PHONE, WORDS)
        assert Customer.objects.get(pk=customer_id).phone_e164 == ""
    with tenant_scope(garage):
        assert Customer.objects.get(pk=theirs).name == NAME
        assert Turn.objects.get().text.endswith(WORDS)
        assert Notification.objects.get().to_address == PHONE


def test_another_of_the_same_name_keeps_their_words(salon):
    customer_id = a_customer(salon)
    with tenant_scope(salon):
        Customer.objects.create(tenant=salon, name=NAME.lower(), phone_e164="+15550009999")
        note = ProviderEvent.objects.create(
            tenant=salon, provider="x", kind="x", digest="q", body={"said": f"{NAME} of 9999"}
        )
        erase_customer(customer_id)
        note.refresh_from_db()
    assert note.body == {"said": f"{NAME} of 9999"}


def test_the_sweep_knows_every_text_of_every_table():
    swept = {column.table for column in sweeping.columns()}
    assert {"agents_turn", "telephony_callevent", "appointments_appointment"} <= swept
    assert not {"appointments_employee", "tenants_credential", "tenants_auditdetail"} & swept


def test_the_command_says_who_is_not_there(salon):
    with pytest.raises(CommandError, match="no such customer"):
        call_command("erase_customer", "salon", "+15550001234")


@pytest.mark.parametrize(
    ("role", "may"), [("owner", True), ("manager", True), ("staff", False), ("read_only", False)]
)
def test_managers_erase_customers_from_the_list_once_they_are_sure(salon, role, may):
    user = User.objects.create_user(role)
    with tenant_scope(salon):
        Member.objects.create(tenant=salon, user=user, role=role)
    customer_id = a_customer(salon)
    client, address = Client(), "/admin/appointments/customer/"
    client.force_login(user)
    form = {"action": "erase", "_selected_action": str(customer_id)}

    def name() -> str:
        with tenant_scope(salon):
            return Customer.objects.get(pk=customer_id).name

    asked = client.post(address, form)
    assert ("Yes, erase them" in asked.content.decode()) is may
    assert name() == NAME
    client.post(address, {**form, "sure": "yes"})
    assert (name() != NAME) is may


# --- Retention -----------------------------------------------------------------------------------


def aged(tenant: Tenant, days: int) -> None:
    then = timezone.now() - datetime.timedelta(days=days)
    with tenant_scope(tenant):
        Conversation.objects.update(started_at=then)
        ProviderEvent.objects.update(received_at=then, processed_at=then)
        Call.objects.update(created_at=then)
        Message.objects.update(taken_at=then)
        InboundText.objects.update(received_at=then)
        Notification.objects.update(created_at=then)


def keeping(tenant: Tenant, **days: object) -> None:
    with tenant_scope(tenant):
        Tenant.objects.filter(pk=tenant.pk).update(settings={**tenant.settings, **days})


def state(tenant: Tenant) -> dict[str, bool]:
    """What is still there."""
    with tenant_scope(tenant):
        talk, call = Conversation.objects.get(), Call.objects.get()
        return {
            "words": Turn.objects.exists() or bool(talk.summary) or Message.objects.exists(),
            "events": ProviderEvent.objects.exclude(body={}).exists(),
            "recording": bool(talk.recording),
            "caller": bool(talk.caller_e164 or call.from_e164),
            "told": CallEvent.objects.exclude(detail={}).exists() or InboundText.objects.exists(),
        }


ALL = dict.fromkeys(("words", "events", "recording", "caller", "told"), True)


@pytest.mark.parametrize(
    ("kept", "gone"),
    [
        ({}, set()),
        ({"keepTranscriptsDays": 0, "keepCallsDays": True, "keepRecordingsDays": "9"}, set()),
        ({"keepTranscriptsDays": 31, "keepRecordingsDays": 31, "keepCallsDays": 31}, set()),
        ({"keepTranscriptsDays": 29}, {"words", "events"}),
        ({"keepRecordingsDays": 29}, {"recording"}),
        ({"keepCallsDays": 29}, {"caller", "told"}),
    ],
)
def test_each_kind_goes_after_its_own_time_and_not_before(salon, kept, gone, private_files):
    a_customer(salon)
    aged(salon, 30)
    keeping(salon, **kept)
    for tenant_id in retention.tenants_that_forget():
        assert tenant_id == salon.pk
        retention.forget_old(tenant_id, timezone.now())
        assert retention.forget_old(tenant_id, timezone.now()) == 0
    assert state(salon) == {**ALL, **dict.fromkeys(gone, False)}
    files = [path for path in private_files.rglob("*") if path.is_file()]
    assert len(files) == (
        0 if "recording" in gone else 1 if "words" in gone else 2
    )  # a call, and a voicemail
    with tenant_scope(salon):
        assert Call.objects.filter(
            to_e164="+15551234567"
        ).exists()  # that there was a call, and to which number


def test_what_is_forgotten_goes_in_batches_and_by_beat(salon, garage, monkeypatch, settings):
    monkeypatch.setattr("agents.forgetting.BATCH", 2)
    settings.CELERY_TASK_ALWAYS_EAGER = True
    with tenant_scope(salon):
        for _ in range(5):
            Conversation.objects.create(
                tenant=salon, provider="x", caller_e164=PHONE, summary="s", ended_at=timezone.now()
            )
    aged(salon, 9)
    keeping(salon, keepTranscriptsDays=7)
    assert retention.forget_old(salon.pk, timezone.now()) == 5
    assert retention.tenants_that_forget() == [salon.pk]
    entry = live.CELERY_BEAT_SCHEDULE["forget-old"]
    assert entry["task"] == tasks.forget_old.name
    monkeypatch.setattr(tasks.forget_old_of, "delay", tasks.forget_old_of.run)
    assert tasks.forget_old.run() == 1


def test_a_file_that_waits_to_be_imported_goes_with_whoever_is_erased(salon):
    """However it writes the number."""
    with tenant_scope(salon):
        customer = Customer.objects.create(tenant=salon, name=NAME, phone_e164=PHONE)
        ImportDraft.objects.create(
            tenant=salon,
            kind="customer",
            uploaded_by=User.objects.create_user("mia"),
            lines=[[2, {"name": "Z. C.", "phone": "(555) 777-0001"}]],
        )
        erase_customer(customer.pk)
        assert not ImportDraft.objects.exists()
