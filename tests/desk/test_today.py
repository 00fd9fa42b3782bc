"""The first page of a business: the figures of its own day, and of nobody else's."""

import datetime
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Conversation, Message, ProviderSession, ToolInvocation
from appointments.models import Appointment, Customer, Employee, Service
from telephony import doctor
from telephony.doctor import remembered
from telephony.models import Call, Notification
from tenants.findings import broken, note
from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tests.tenants.test_admin import cheaper_settings, furnish, member, operator
from tonris.desk import figures
from tonris.desk.figures import Ending, day_of

__all__ = ["cheaper_settings", "member", "operator"]

HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def nothing_is_remembered(settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(uuid4())}
    }


def call(tenant: Tenant, at: datetime.datetime, **told: Any) -> Call:
    """One that was answered and ended well, unless told otherwise."""
    known = {"state": "completed", "outcome": "agent_ended", "stream_started_at": at, "ended_at": at}
    known["duration_seconds"] = 61
    row = Call.objects.create(
        tenant=tenant,
        carrier_call_id=str(uuid4()),
        to_e164="+15551234567",
        **{**known, **told},
    )
    Call.objects.filter(pk=row.pk).update(created_at=at)
    return row


def booked_call(tenant: Tenant, at: datetime.datetime) -> Call:
    conversation = Conversation.objects.create(tenant=tenant, provider="elevenlabs", cost=Decimal(250))
    Conversation.objects.filter(pk=conversation.pk).update(started_at=at)
    ToolInvocation.objects.create(
        tenant=tenant,
        conversation=conversation,
        tool="book_appointment",
        succeeded=True,
        duration_ms=1,
        appointment=appointment(tenant, at),
    )
    return call(tenant, at, conversation=conversation)


def appointment(tenant: Tenant, created_at: datetime.datetime, **told: Any) -> Appointment:
    starts_at = timezone.now() + datetime.timedelta(days=1 + Appointment.objects.count())
    customer, _ = Customer.objects.get_or_create(tenant=tenant, name=f"Kim of {tenant.slug}")
    row = Appointment.objects.create(
        tenant=tenant,
        employee=Employee.objects.first(),
        service=Service.objects.order_by("name").first(),
        customer=customer,
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        blocked_from=starts_at,
        blocked_until=starts_at + HOUR,
        currency="USD",
        **{"price": Decimal(40), "source": "agent", **told},
    )
    Appointment.objects.filter(pk=row.pk).update(created_at=created_at)
    return row


def tiles(client: Client) -> dict[str, str]:
    page = client.get("/admin/")
    assert page.status_code == 200
    return {tile.title: tile.value for tile in page.context["tiles"]}


def words(client: Client) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get("/admin/").text))


# --- The day -------------------------------------------------------------------------------------


def test_the_day_is_that_of_the_tenants_clock(salon):
    night = datetime.datetime(2026, 3, 8, 4, 30, tzinfo=datetime.UTC)  # 23:30 on the 7th in New York
    span = day_of(salon, night)
    assert span.since == datetime.datetime(2026, 3, 7, 5, tzinfo=datetime.UTC)
    assert span.until == datetime.datetime(2026, 3, 8, 5, tzinfo=datetime.UTC)


def test_a_day_that_loses_an_hour_is_shorter(salon):
    spring = day_of(salon, datetime.datetime(2026, 3, 8, 18, tzinfo=datetime.UTC))
    assert spring.until.astimezone(datetime.UTC) - spring.since.astimezone(datetime.UTC) == 23 * HOUR


def test_calls_of_other_days_do_not_count(salon):
    with tenant_scope(salon):
        span = day_of(salon, timezone.now())
        call(salon, span.since)
        call(salon, span.since - datetime.timedelta(microseconds=1))
        call(salon, span.until)
        assert figures.calls_of(salon, span).total == 1


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        ({}, Ending.ANSWERED),
        ({"outcome": "caller_hung_up"}, Ending.ANSWERED),
        ({"outcome": "", "state": "in-progress", "ended_at": None}, Ending.ANSWERED),
        ({"outcome": "transfer"}, Ending.TRANSFERRED),
        ({"outcome": "lines_busy", "stream_started_at": None}, Ending.MISSED),
        ({"outcome": "", "state": "no-answer", "stream_started_at": None}, Ending.MISSED),
        ({"outcome": "keypad", "stream_started_at": None}, Ending.ANSWERED),
        ({"outcome": "agent_hung"}, Ending.FAILED),
        ({"outcome": "media_lost"}, Ending.FAILED),
        ({"state": "failed"}, Ending.FAILED),
    ],
)
def test_every_call_ends_in_one_way(salon, told, ended):
    with tenant_scope(salon):
        now = timezone.now()
        call(salon, now, **told)
        assert figures.calls_of(salon, day_of(salon, now)).endings == {ended: 1}


def test_the_tiles_tell_the_day(salon, member):
    now = timezone.now()
    with tenant_scope(salon):
        for _ in range(2):
            booked_call(salon, now)
        call(salon, now)
        call(salon, now, outcome="transfer")
        call(salon, now, stream_started_at=None, outcome="", duration_seconds=None)
        appointment(salon, now, status="cancelled")
        appointment(salon, now, source="staff")
        appointment(salon, now - datetime.timedelta(days=2))
    assert tiles(member("read_only")) == {
        "Calls": "5",
        "Answered": "4",
        "Booked": "2",
        "Booked by callers": "80.00 USD",
        "Transferred": "1",
        "Missed": "1",
        "Minutes": "5",
        "Cost of the agent": "500 credits",
    }


def test_costs_are_told_in_each_providers_unit():
    assert figures.in_unit("elevenlabs", Decimal("1204.2")) == "1,204 credits"
    assert figures.in_unit("openai", Decimal("0.4215")) == "0.42 US dollars"


def test_a_call_that_another_provider_took_over_costs_what_both_took(salon, garage):
    midnight = datetime.datetime(2026, 11, 11, tzinfo=datetime.UTC)
    noon = midnight - datetime.timedelta(hours=12)
    span = figures.Span(midnight - datetime.timedelta(days=1), midnight)
    for tenant in (salon, garage):
        with tenant_scope(tenant):
            for moment in (noon, midnight):
                row = Conversation.objects.create(tenant=tenant, provider="elevenlabs", cost=Decimal(100))
                Conversation.objects.filter(pk=row.pk).update(started_at=moment)
                for provider, cost in (("elevenlabs", 100), ("openai", "0.25")):
                    ProviderSession.objects.create(
                        tenant=tenant,
                        conversation=row,
                        provider=provider,
                        external_id=str(uuid4()),
                        cost=Decimal(cost),
                    )
    with tenant_scope(salon), CaptureQueriesContext(connection) as queries:
        assert figures.cost_of(salon, span) == ["100 credits", "0.25 US dollars"]
    assert len(queries) == 1


# --- Whose it is ---------------------------------------------------------------------------------


def test_nothing_of_another_business_is_on_the_page(salon, garage, member):
    now = timezone.now()
    client = member("owner")
    before = tiles(client), words(client)
    furnish(garage, "garagecanary", "4930222")
    with tenant_scope(garage):
        booked_call(garage, now)
        call(garage, now, outcome="agent_hung")
        Message.objects.create(tenant=garage, text="garagecanary")
    remembered.remember(garage.pk, [broken("X", "garagecanary", "x")])
    assert tiles(client) == before[0]
    text = words(client)
    assert "garage" not in text.lower()
    assert text.split("Calls by the hour")[1] == before[1].split("Calls by the hour")[1]


def test_the_page_asks_the_same_number_of_questions_on_a_busy_day(salon, member):
    client = member("owner")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/").status_code == 200
        return len(queries)

    def busy(times: int) -> None:
        now = timezone.now()
        with tenant_scope(salon):
            for each in range(times):
                booked_call(salon, now)
                call(salon, now - each * HOUR, outcome="agent_hung")
                Message.objects.create(tenant=salon, text="x")

    busy(1)
    few = asked()
    busy(12)
    assert asked() == few <= 25


def test_an_operator_within_a_business_sees_its_day(operator, salon):
    operator.post(f"/ops/enter/{salon.pk}/")
    assert tiles(operator)["Calls"] == "0"


def test_an_operator_who_looks_at_all_is_shown_the_way(operator, salon):
    page = operator.get("/admin/")
    assert page.status_code == 200
    assert "To the businesses" in page.text


# --- Worth a look --------------------------------------------------------------------------------


def test_what_needs_somebody_is_listed_the_worst_first(salon, member):
    now = timezone.now()
    with tenant_scope(salon):
        call(salon, now - 30 * HOUR, outcome="agent_hung")
        call(salon, now - 24 * 8 * HOUR, outcome="agent_hung")
        Message.objects.create(tenant=salon, text="call me")
        Message.objects.create(tenant=salon, text="done", handled_at=now)
        Notification.objects.create(
            tenant=salon,
            appointment=appointment(salon, now),
            kind="booked",
            version="1",
            starts_at=now,
            channel="sms",
            due_at=now,
            not_after=now,
            state="undelivered",
        )
    remembered.remember(salon.pk, [note("N", "A note.", "x"), broken("B", "No agent.", "Make one.")])
    client = member("staff")
    told = [(one.level, one.what) for one in client.get("/admin/").context["concerns"]]
    assert told == [
        ("bad", "No agent. Make one."),
        ("bad", "1 call went wrong this week."),
        ("warn", "1 message of callers to deal with."),
        ("warn", "1 text to customers: undelivered."),
    ]


def test_every_link_of_the_page_leads_somewhere_for_everybody(salon, member):
    """Those that a role may not follow are not offered to it."""
    now = timezone.now()
    with tenant_scope(salon):
        call(salon, now, outcome="agent_hung")
        Message.objects.create(tenant=salon, text="call me")
        appointment(salon, now)
    remembered.remember(salon.pk, [broken("B", "No agent.", "Make one.")])
    for role in Member.Role.values:
        client = member(role)
        page = client.get("/admin/").text
        for link in set(re.findall(r'href="(/admin/[^"]*)"', page)):
            assert client.get(link.replace("&amp;", "&")).status_code == 200, (role, link)


def test_what_the_doctor_found_is_kept_for_the_page(salon, member, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda tenant_id: [broken("B", "No agent.", "Make one.")])
    client = member("manager")
    asked = {"action": "examine", "_selected_action": [str(salon.pk)]}
    assert client.post("/admin/tenants/tenant/", asked).status_code == 200
    assert "No agent. Make one." in words(client)


# --- A new business ------------------------------------------------------------------------------


@pytest.fixture
def newcomer(db: None) -> Client:
    tenant = Tenant(name="New Nails", slug="nails", timezone="Asia/Kolkata")
    with tenant_scope(tenant):
        tenant.save(force_insert=True)
        user = User.objects.create_user("nora")
        Member.objects.create(tenant=tenant, user=user, role="owner")
    client = Client()
    client.force_login(user)
    return client


def test_an_empty_desk_says_what_to_do_next(newcomer):
    text = words(newcomer)
    assert "0 of 6 steps until your phone is answered" in text
    assert "Next: A phone number" in text
    assert "No calls yet today." in text
    assert "Nothing is booked from now on." in text
    assert "Nothing: no call failed this week" in text
