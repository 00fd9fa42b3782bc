"""The page of a call tells its whole story, and nothing on it can be changed."""

import datetime
import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Conversation, ProviderSession, ToolInvocation, Turn
from appointments import booking
from appointments.models import Service
from telephony.models import Call, CallEvent, PhoneNumber
from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.conftest import CALLER

NOON = datetime.datetime(2030, 3, 4, 17, tzinfo=datetime.UTC)  # in New York


@pytest.fixture(autouse=True)
def static_files_need_no_collecting(settings: Any) -> None:
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


@pytest.fixture
def staff(salon: Tenant) -> Client:
    user = User.objects.create_user("sam")
    with tenant_scope(salon):
        Member.objects.create(tenant=salon, user=user, role=Member.Role.STAFF)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def call(salon: Tenant) -> Call:
    """A caller books, and speaks over the agent while at it."""
    with tenant_scope(salon):
        conversation = Conversation.objects.create(
            tenant=salon, provider="elevenlabs", caller_e164=CALLER, summary="Booked a haircut."
        )
        call: Call = Call.objects.create(
            tenant=salon,
            carrier_call_id="CA123",
            from_e164=CALLER,
            to_e164="+15551234567",
            number=PhoneNumber.objects.get(),
            conversation=conversation,
            state=Call.State.COMPLETED,
            outcome="agent_ended",
            duration_seconds=125,
        )
        Call.objects.update(created_at=NOON)
        ProviderSession.objects.create(
            tenant=salon, conversation=conversation, provider="elevenlabs", external_id="conv_42"
        )
        said = [
            ("agent", "Hello, this is Test Salon. How can I help you today?", "Hello, this is"),
            ("caller", "A haircut please <script>alert(1)</script>", None),
            ("agent", "You are booked.", None),
            ("agent", "Goodbye!", ""),
        ]
        for position, (speaker, text, heard) in enumerate(said, start=1):
            Turn.objects.create(
                tenant=salon,
                conversation=conversation,
                position=position,
                speaker=speaker,
                text=text,
                heard_text=heard,
                occurred_at=NOON + datetime.timedelta(seconds=position),
            )
        booked = booking.book(
            salon,
            Service.objects.get(name="Haircut"),
            NOON,
            booking.Contact("Alex Taylor", CALLER),
            now=NOON - datetime.timedelta(days=1),
        )
        ToolInvocation.objects.create(
            tenant=salon,
            conversation=conversation,
            position=2,
            tool="book_appointment",
            arguments={"customerName": "Alex Taylor"},
            answer={"success": True, "data": {"message": "Booked at noon."}},
            succeeded=True,
            duration_ms=19,
            appointment=booked.appointment,
        )
        CallEvent.objects.create(
            tenant=salon, call=call, kind="stream_ended", detail={"outcome": "agent_ended"}
        )
    return call


def page_of(call: Call, site: str = "admin") -> str:
    return f"/{site}/telephony/call/{call.pk}/change/"


def words_of(client: Client, page: str) -> str:
    """The page as read: tags and runs of blanks taken out."""
    text = re.sub(r"(?s)<(script|style).*?</\1>", " ", client.get(page).text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_the_story_is_told_in_order(staff, call):
    words = words_of(staff, page_of(call))
    story = [
        "12:00:01 Agent Hello, this is",
        "12:00:02 Caller A haircut please",
        "✓ book_appointment Booked at noon. 19 ms",
        '{ "customerName": "Alex Taylor" }',
        '"message": "Booked at noon."',
        "12:00:03 Agent You are booked.",
    ]
    places = [words.index(line) for line in story]
    assert places == sorted(places)


def test_what_the_caller_did_not_hear_is_told_apart(staff, call):
    words = words_of(staff, page_of(call))
    assert "Hello, this is Test Salon. How can I help you today? (cut short: the caller heard" in words
    assert "<s style" in staff.get(page_of(call)).text
    assert "Goodbye! (cut short: the caller heard nothing of it)" in words


def test_what_callers_say_is_text_and_never_markup(staff, call):
    text = staff.get(page_of(call)).text
    assert "<script>alert(1)" not in text
    assert "A haircut please &lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_times_are_in_the_tenants_zone_and_say_so(site, staff, operator, call):
    client = {"admin": staff, "ops": operator}[site]
    words = words_of(client, page_of(call, site))
    assert f"{CALLER}, Mon 4 Mar 2030, 12:00 EST" in words
    assert "Mon 4 Mar 2030, 12:00 EST : Haircut with Ana for Alex Taylor (Scheduled)" in words
    assert "4 Mar 2030, 12:00 EST" in words_of(client, f"/{site}/telephony/call/")


def test_links_stay_on_the_site(operator, staff, call):
    for client, site, other in ((operator, "ops", "admin"), (staff, "admin", "ops")):
        text = client.get(page_of(call, site)).text
        assert f'href="/{site}/appointments/appointment/' in text
        assert f'href="/{site}/appointments/customer/' in text
        assert f'href="/{other}/' not in text


def test_what_happened_and_the_ids_are_there(staff, call):
    words = words_of(staff, page_of(call))
    assert "stream_ended outcome: agent_ended" in words
    assert "conv_42" in words
    assert "CA123" in words
    assert "2:05" in words


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_nothing_of_a_call_can_be_changed(site, staff, operator, call):
    client = {"admin": staff, "ops": operator}[site]
    text = client.get(page_of(call, site)).text
    assert 'name="_save"' not in text
    assert not re.search(r"<(textarea|select)", text)
    assert client.post(page_of(call, site), {"outcome": "other"}).status_code == 403


def test_a_long_call_takes_no_more_queries_than_a_short_one(staff, salon, call):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert staff.get(page_of(call)).status_code == 200
        return len(asked)

    before = queries()
    with tenant_scope(salon):
        for position in range(5, 35):
            shared = {"tenant": salon, "conversation_id": call.conversation_id, "position": position}
            Turn.objects.create(**shared, speaker="agent", text="More", occurred_at=NOON)
            ToolInvocation.objects.create(**shared, tool="get_services", succeeded=True, duration_ms=1)
            CallEvent.objects.create(tenant=salon, call=call, kind="digit")
    assert queries() == before


def test_a_call_that_went_nowhere_has_a_page_too(staff, salon):
    with tenant_scope(salon):
        bare = Call.objects.create(tenant=salon, carrier_call_id="CA9", to_e164="+15551234567")
    words = words_of(staff, page_of(bare))
    assert "Number withheld" in words
    assert "never began" in words


@pytest.mark.parametrize("typed", ["(555) 987-6543", "+15559876543", "Alex", "CA123", "conv_42"])
def test_a_call_is_found_by_number_name_and_id(typed, staff, salon, call):
    with tenant_scope(salon):
        Call.objects.create(
            tenant=salon, carrier_call_id="CA9", to_e164="+15551234567", from_e164="+15550001"
        )
    answer = staff.get("/admin/telephony/call/", {"q": typed})
    assert answer.context["cl"].result_count == 1
    assert str(call.pk) in answer.text


def test_conversations_are_found_by_what_was_said(staff, call):
    answer = staff.get("/admin/agents/conversation/", {"q": "haircut please"})
    assert answer.context["cl"].result_count == 1


def test_a_number_is_kept_in_e164_and_belongs_to_one_tenant(operator, salon, garage):
    form = {"tenant": str(salon.pk), "e164": "+49 30 1234-567", "carrier": "twilio", "is_active": "on"}
    assert operator.post("/ops/telephony/phonenumber/add/", form).status_code == 302
    with platform_scope():
        assert PhoneNumber.objects.filter(e164="+49301234567", tenant=salon).exists()
    taken = operator.post("/ops/telephony/phonenumber/add/", {**form, "tenant": str(garage.pk)})
    assert "already exists" in taken.context["adminform"].form.errors["e164"][0]
    vague = operator.post("/ops/telephony/phonenumber/add/", {**form, "e164": "030 1234567"})
    assert "with its country" in vague.context["adminform"].form.errors["e164"][0]


def test_members_see_their_numbers_but_operators_hand_them_out(staff, salon):
    with tenant_scope(salon):
        number = PhoneNumber.objects.get()
    assert "+15551234567" in staff.get(f"/admin/telephony/phonenumber/{number.pk}/change/").text
    assert "+15551234567" in staff.get("/admin/telephony/phonenumber/").text
    assert staff.get("/admin/telephony/phonenumber/add/").status_code == 403
