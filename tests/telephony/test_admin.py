"""The page of a call tells its whole story, and nothing on it can be changed."""

import datetime
import html
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Conversation, ProviderSession, ToolInvocation, Turn
from appointments import booking
from appointments.models import Customer, Service
from telephony import calls
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


def test_what_the_carrier_told_of_the_line_is_told_in_words(staff, salon, call):
    with tenant_scope(salon):
        for kind in ("stream-started", "stream-error", "stream-stopped"):
            CallEvent.objects.create(tenant=salon, call=call, kind=f"carrier:{kind}")
    words = words_of(staff, page_of(call))
    for told in (
        "The carrier opened the line to us",
        "line to us failed",
        "The carrier closed the line to us",
    ):
        assert told in words
    assert "carrier:stream" not in words


def test_the_story_is_told_in_order(staff, call):
    words = words_of(staff, page_of(call))
    story = [
        "12:00:01 Agent Hello, this is",
        "12:00:02 Caller A haircut please",
        "✓ book_appointment Booked at noon.",
        "12:00:03 Agent You are booked.",
        "✓ book_appointment Booked at noon. 19 ms",
        '{ "customerName": "Alex Taylor" }',
        '"message": "Booked at noon."',
    ]
    places = [words.index(line) for line in story]
    assert places == sorted(places)


def test_summary_recording_and_costs_are_there_to_read_and_to_hear(staff, call, salon):
    assert "<audio" not in staff.get(page_of(call)).text
    with tenant_scope(salon):
        Conversation.objects.update(recording="conv_42.mp3", cost=Decimal(120))
        ProviderSession.objects.create(
            tenant=salon,
            conversation=call.conversation,
            provider="openai",
            external_id="s",
            cost=Decimal("0.05"),
        )
    words = words_of(staff, page_of(call))
    assert "Booked a haircut." in words
    assert "Cost 120 credits, 0.05 US dollars" in words
    player = (
        f'<audio controls preload="none" src="/admin/agents/conversation/{call.conversation_id}/recording'
    )
    assert player in staff.get(page_of(call)).text


def test_what_the_caller_did_not_hear_is_told_apart(staff, call):
    words = words_of(staff, page_of(call))
    assert "Hello, this is Test Salon. How can I help you today? (cut short: the caller heard" in words
    assert "<s> Test Salon. How" in staff.get(page_of(call)).text
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
    assert "The connection to the agent was closed outcome: The agent said goodbye" in words
    assert "conv_42" in words
    assert "CA123" in words
    assert "2:05" in words


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_nothing_of_a_call_can_be_changed(site, staff, operator, call):
    client = {"admin": staff, "ops": operator}[site]
    text = client.get(page_of(call, site)).text
    assert 'name="_save"' not in text
    assert not re.search(r"<select", text)
    assert re.findall(r'<textarea name="([^"]+)', text) == (["text"] if site == "admin" else [])  # a note
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


def test_a_call_whose_audio_was_set_up_wrongly_says_so_and_how(staff, salon):
    why = "the leg speaks audio/l16;rate=8000, its configuration 16000 Hz"
    with tenant_scope(salon):
        bad = Call.objects.create(
            tenant=salon,
            carrier="infobip",
            carrier_call_id="c8",
            to_e164="+15551230001",
            outcome=calls.WRONG_SAMPLE_RATE,
        )
        CallEvent.objects.create(tenant=salon, call=bad, kind=calls.WRONG_SAMPLE_RATE, detail={"reason": why})
    words = words_of(staff, page_of(bad))
    assert words.count("The carrier's audio is set up wrongly") >= 2, "as the ending, and among the events"
    assert f"reason: {why}" in words
    assert "The carrier's audio is set up wrongly" in words_of(staff, "/admin/telephony/call/")


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


@pytest.mark.parametrize(
    ("typed", "found"), [("said goodbye", 1), ("booked a haircut", 1), ("agent fell silent", 0)]
)
def test_a_call_is_found_by_its_outcome_in_words_and_its_summary(typed, found, staff, call):
    assert staff.get("/admin/telephony/call/", {"q": typed}).context["cl"].result_count == found


def test_a_caller_is_found_and_shown_by_the_name_of_the_customer(staff, salon, garage, call):
    with tenant_scope(garage):
        Customer.objects.create(tenant=garage, name="Stranger", phone_e164="+15550001")
    with tenant_scope(salon):
        Call.objects.create(tenant=salon, carrier_call_id="CA8", to_e164="+1", from_e164="+15550001")
        Call.objects.create(tenant=salon, carrier_call_id="CA9", to_e164="+1", from_e164="+15550002")
        Customer.objects.create(tenant=salon, name="Zoë <i>Late", phone_e164="+15550002")
    assert "Stranger" not in staff.get("/admin/telephony/call/").text
    answer = staff.get("/admin/telephony/call/", {"q": "zoë"})
    assert [one.carrier_call_id for one in answer.context["cl"].result_list] == ["CA9"]
    assert "Zoë &lt;i&gt;Late" in answer.text


def test_calls_are_filtered_by_how_they_ended_and_what_they_left(staff, salon, call):
    with tenant_scope(salon):
        for number, outcome in enumerate(["agent_lost", "transfer", "lines_busy", ""]):
            Call.objects.create(
                tenant=salon, carrier_call_id=f"CA{number}", to_e164="+15551234567", outcome=outcome
            )

    def shown(**asked: str) -> list[str]:
        rows = staff.get("/admin/telephony/call/", asked).context["cl"].result_list
        return sorted(row.outcome for row in rows)

    assert shown(ended="served") == ["agent_ended"]
    assert shown(ended="cut-off") == ["agent_lost"]
    assert shown(ended="person") == ["transfer"]
    assert shown(ended="turned-away") == ["lines_busy"]
    assert len(shown(ended="going-on")) == 5  # none of them has an end here
    assert shown(appointment="yes") == ["agent_ended"]
    assert "agent_ended" not in shown(appointment="no")


def test_calls_are_exported_and_no_cell_calculates(staff, salon, call):
    with tenant_scope(salon):
        Conversation.objects.update(summary="=HYPERLINK(1)")
    form = {"action": "export_csv", "_selected_action": [str(call.pk)]}
    answer = staff.post("/admin/telephony/call/", form)
    rows = answer.getvalue().decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Began,Began (UTC),")
    assert "The agent said goodbye,125,'=HYPERLINK(1)" in rows[1]
    assert f"'{CALLER}" in rows[1]


def test_a_note_says_who_wrote_it_when_and_is_escaped(staff, call):
    answer = staff.post(f"/admin/telephony/call/{call.pk}/note/", {"text": "Call <b>her</b> back\ntoday"})
    assert answer.url == f"{page_of(call)}#notes"
    text = staff.get(page_of(call)).text
    assert "Call &lt;b&gt;her&lt;/b&gt; back<br>today" in text
    assert re.search(r"sam, \w{3} \d+ \w{3} \d{4}, \d\d:\d\d E", words_of(staff, page_of(call)))


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001])
def test_a_note_without_words_or_with_too_many_is_none(text, staff, call):
    staff.post(f"/admin/telephony/call/{call.pk}/note/", {"text": text})
    with platform_scope():
        assert not CallEvent.objects.filter(kind="staff_note").exists()


def test_notes_are_written_by_the_desk_of_the_calls_own_business(salon, garage, operator, call):
    note = f"telephony/call/{call.pk}/note/"
    for tenant, role, status in ((salon, "read_only", 403), (garage, "owner", 404)):
        user = User.objects.create_user(f"{role} of {tenant}")
        with tenant_scope(tenant):
            Member.objects.create(tenant=tenant, user=user, role=role)
        client = Client()
        client.force_login(user)
        assert client.post(f"/admin/{note}", {"text": "hello"}).status_code == status
    assert operator.post(f"/ops/{note}", {"text": "hello"}).status_code == 403
    assert operator.get(f"/ops/{note}").status_code == 405
    with platform_scope():
        assert not CallEvent.objects.filter(kind="staff_note").exists()


def test_one_call_leads_to_the_next_and_to_no_strangers(staff, salon, garage, call):
    others = {}
    for tenant, days in ((salon, -2), (salon, -1), (salon, 1), (garage, 0)):
        with tenant_scope(tenant):
            sid = f"CA-{tenant.name}{days}"
            one = Call.objects.create(tenant=tenant, carrier_call_id=sid, to_e164="+15551234567")
            Call.objects.filter(pk=one.pk).update(created_at=NOON + datetime.timedelta(days=days, seconds=1))
            others[days] = one.pk
    text = staff.get(page_of(call)).text
    assert re.findall(r'rel="(\w+)" href="/admin/telephony/call/([^/]+)/', text) == [
        ("prev", str(others[-1])),
        ("next", str(others[1])),
    ]


def test_what_the_desk_did_says_who_did_it(staff, salon, call):
    sam = User.objects.get(username="sam").pk
    with tenant_scope(salon):
        detail = {"member": sam, "text": "Offer <i>coffee</i>"}
        CallEvent.objects.create(tenant=salon, call=call, kind="staff_whisper", detail=detail)
        CallEvent.objects.create(tenant=salon, call=call, kind="brand_new", detail={"a": "b"})
    words = words_of(staff, page_of(call))
    assert "The agent was told from the desk by sam, “Offer <i>coffee</i>”" in words
    assert "brand new a: b" in words


def test_a_conversation_that_two_clocks_have_timed_lasts_no_less_than_nothing(staff, call, salon):
    with tenant_scope(salon):
        Conversation.objects.update(ended_at=F("started_at") - datetime.timedelta(seconds=80))
    page = staff.get("/admin/agents/conversation/").content.decode()
    assert ">0:00<" in page


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
