"""Messages that callers leave: staff are told once, the caller hears that it arrived, voicemail can be played."""

import datetime
import errno
from typing import IO

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from agents import recordings
from agents.models import Conversation, Message
from telephony import calls
from telephony.dialplan import find_destination
from telephony.incoming import IncomingCall
from telephony.models import Call, OptOut, RingPerson
from telephony.people import voicemails
from telephony.simulators.infobip import InfobipSimulator
from telephony.simulators.twilio import TwilioRestSimulator
from tenants.models import Member, Tenant, User
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import Call as Agent
from tests.agents.toolbox import conversation_of, set_settings
from tests.conftest import CALLER
from tests.telephony.letters import NUMBER, rows, states, work
from tests.telephony.test_twilio_webhooks import fields, post, ring

pytestmark = pytest.mark.django_db(transaction=True)

BOSS = "+15550009999"
WORDS = "Please call me about Friday"
MP3 = b"ID3" + b"\x00" * 5000
WAV = b"RIFF\x10\x00\x00\x00WAVE" + b"\x00" * 5000


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": static}
    return tmp_path


@pytest.fixture
async def carrier(salon, settings):
    account = settings.TWILIO_ACCOUNT_SID
    async with TwilioRestSimulator(account, settings.TWILIO_AUTH_TOKEN, numbers=(NUMBER,)) as simulator:
        settings.TWILIO_BASE_URL = simulator.base_url
        yield simulator


def leave(tenant: Tenant, **settings) -> None:
    set_settings(tenant, **settings)
    agent = Agent(tenant)
    first = agent.data("take_message", message=WORDS, callerName="John")
    assert agent.data("take_message", message=WORDS, callerName="John") == first


async def test_staff_are_told_by_text_and_by_mail_and_the_caller_gets_a_receipt(salon, carrier, settings):
    settings.EMAIL_CONFIGURED = True
    alerts = {"sms": [BOSS, "+19005551234"], "email": ["desk@example.com", "no address"]}
    await in_thread(leave, salon, messageAlerts=alerts, messageReceipt=True)
    assert await in_thread(work, salon) == 3
    assert await in_thread(work, salon) == 0
    texts = {one["to"]: one["body"] for one in carrier.messages}
    assert texts.keys() == {BOSS, CALLER}
    assert texts[BOSS] == f"Test Salon: message of John ({CALLER}): {WORDS}"
    assert "we have your message" in texts[CALLER]
    assert [(one.to, one.subject) for one in mail.outbox] == [(["desk@example.com"], "Message of John")]


def test_nobody_is_told_until_a_business_wishes_it(salon):
    leave(salon)
    assert rows(salon) == []


async def test_who_said_stop_gets_no_receipt(salon, carrier):
    def stop() -> None:
        with tenant_scope(salon):
            OptOut.objects.create(tenant=salon, e164=CALLER)
        leave(salon, messageReceipt=True)

    await in_thread(stop)
    assert await in_thread(work, salon) == 0
    assert await in_thread(states, salon) == [("receipt", "skipped")]
    assert carrier.messages == []


def test_a_receipt_goes_to_the_number_of_the_call_and_once(salon):
    set_settings(salon, messageReceipt=True)
    agent = Agent(salon)
    for words in ("One", "Two"):
        agent.data("take_message", message=words, callbackNumber="+15553332211")
    assert [one.to_address for one in rows(salon)] == [CALLER]


@pytest.mark.parametrize("caller", [{"caller": ""}, {"caller_vouched_for": False}])
def test_whose_number_is_not_known_gets_no_receipt(salon, caller):
    set_settings(salon, messageReceipt=True)
    Agent(salon, **caller).data("take_message", message=WORDS)
    assert rows(salon) == []


# --- Voicemail -----------------------------------------------------------------------------------


def record(recording: str = "RE" + "1" * 32) -> None:
    ring()
    for _ in range(2):
        post("recorded", fields(RecordingSid=recording, CallStatus="in-progress"))


def the_message(tenant: Tenant) -> Message:
    with tenant_scope(tenant):
        return Message.objects.select_related("conversation").get()


def fetch(after_s: float = 60) -> int:
    return voicemails.fetch_waiting(timezone.now() + datetime.timedelta(seconds=after_s))


async def test_a_voicemail_is_a_message_and_is_fetched_once(salon, carrier, storage):
    carrier.recordings["RE" + "1" * 32] = MP3
    await in_thread(record)
    message = await in_thread(the_message, salon)
    assert (message.callback_e164, message.recording) == (CALLER, "")
    assert isinstance(message.conversation, Conversation)
    assert await in_thread(fetch) == 1
    assert await in_thread(fetch) == 0
    kept = await in_thread(the_message, salon)
    assert (storage / kept.recording).read_bytes() == MP3
    assert kept.recording.startswith(f"recordings/{salon.pk}/")


RECEIPT = [("receipt", "waiting", CALLER)]


def receipts(tenant: Tenant) -> list[tuple[str, str, str]]:
    return [(one.kind, one.state, one.to_address) for one in rows(tenant)]


@pytest.mark.parametrize(
    ("path", "agent", "wished", "caller", "told"),
    [
        ("elevenlabs", True, True, {}, RECEIPT),
        ("elevenlabs", False, True, {}, RECEIPT),
        ("voice", True, True, {}, RECEIPT),
        ("voice", True, False, {}, []),
        ("voice", True, True, {"StirVerstat": "TN-Validation-Passed-A"}, RECEIPT),
        ("voice", True, True, {"StirVerstat": "TN-Validation-Failed-A"}, []),
        ("voice", True, True, {"From": "+266696687"}, []),
        ("voice", True, True, {"From": "+19005551234"}, []),
    ],
    ids=[
        "agent",
        "agent is missing",
        "no agent",
        "not wished",
        "vouched for",
        "forged",
        "withheld",
        "premium",
    ],
)
def test_who_speaks_after_the_tone_gets_a_receipt_as_others_do(
    salon, settings, path, agent, wished, caller, told
):
    if not agent:
        settings.ELEVENLABS_API_KEY = ""
    set_settings(salon, voicemail=True, messageReceipt=wished)
    form = fields(RecordingSid="RE" + "1" * 32, **caller)
    assert post(path, form).status_code == 200
    for _ in range(2):
        post("recorded", {**form, "CallStatus": "in-progress"})
    assert receipts(salon) == told
    assert (the_message(salon).conversation is not None) == (path == "elevenlabs" and agent)


async def test_the_receipt_of_a_voicemail_is_sent_and_not_after_stop(salon, carrier):
    def leave_one(call_id: str) -> None:
        post("voice", fields(CallSid=call_id))
        post("recorded", fields(CallSid=call_id, RecordingSid=f"RE{call_id}", CallStatus="in-progress"))

    def both() -> int:
        set_settings(salon, voicemail=True, messageReceipt=True)
        leave_one("CA1")
        sent = work(salon)
        with tenant_scope(salon):
            OptOut.objects.create(tenant=salon, e164=CALLER)
        leave_one("CA2")
        return sent + work(salon)

    assert await in_thread(both) == 1
    [text] = carrier.messages
    assert (text["to"], text["body"]) == (
        CALLER,
        "Test Salon: we have your message and will get back to you.",
    )
    assert await in_thread(states, salon) == [("receipt", "sent"), ("receipt", "skipped")]


def test_a_voicemail_over_infobip_has_its_receipt_without_an_agent_too(salon):
    set_settings(salon, voicemail=True, messageReceipt=True)
    incoming = IncomingCall("c-1", "", CALLER, NUMBER, carrier="infobip")
    destination = find_destination(NUMBER)
    assert destination is not None
    calls.record_refused(incoming, destination, "agent_missing")
    call = calls.find_call("c-1", "infobip")
    assert call is not None
    for _ in range(2):
        voicemails.left(call, "file-1")
    assert receipts(salon) == RECEIPT


async def test_a_recording_that_is_not_ready_is_asked_for_again_and_not_at_once(salon, carrier):
    await in_thread(record)
    assert await in_thread(fetch, 0) == 0
    assert carrier.requests == []
    assert await in_thread(fetch, 6) == 0
    carrier.recordings["RE" + "1" * 32] = MP3
    assert await in_thread(fetch, 6) == 0
    assert len(carrier.requests) == 1
    assert await in_thread(fetch, 11) == 1


async def test_fifty_that_cannot_be_fetched_keep_nobody_elses_waiting(salon, garage, carrier):
    carrier.recordings["RE" + "1" * 32] = MP3

    def fail_for_a_while() -> None:
        with tenant_scope(garage):
            gone = [
                Message(tenant=garage, text="?", recording_ref=f"twilio:RE{n}", recording_tries=8)
                for n in range(voicemails.AT_A_TIME)
            ]
            Message.objects.bulk_create(gone)

    await in_thread(fail_for_a_while)
    await in_thread(record)
    assert await in_thread(fetch) == 1


async def test_a_disk_that_takes_no_more_of_one_keeps_no_other_waiting(salon, carrier, monkeypatch):
    store = recordings.store
    full = [OSError(errno.ENOSPC, "No space left on device")]

    def store_at_last(name: str, audio: IO[bytes]) -> None:
        if full:
            raise full.pop()
        store(name, audio)

    monkeypatch.setattr(recordings, "store", store_at_last)
    for one in ("RE" + "1" * 32, "RE" + "2" * 32):
        carrier.recordings[one] = MP3
        await in_thread(record, one)
    assert await in_thread(fetch) == 1
    assert await in_thread(fetch) == 1


async def test_infobips_recording_is_fetched_as_what_it_is(salon, settings, storage):
    def leave_one() -> None:
        with tenant_scope(salon):
            call = Call.objects.create(
                tenant=salon, carrier="infobip", carrier_call_id="c-1", from_e164=CALLER, to_e164=NUMBER
            )
        call.tenant = salon
        voicemails.left(call, "file-1")

    async with InfobipSimulator(settings.INFOBIP_API_KEY) as simulator:
        settings.INFOBIP_BASE_URL = simulator.base_url
        simulator.rest.recordings["file-1"] = WAV
        await in_thread(leave_one)
        assert await in_thread(fetch) == 1
    kept = await in_thread(the_message, salon)
    assert kept.recording.endswith(".wav")
    assert (storage / kept.recording).read_bytes() == WAV


def member_of(tenant: Tenant, role: str = "staff") -> Client:
    user = User.objects.create_user(f"{role}-{tenant.slug}")
    with tenant_scope(tenant):
        Member.objects.create(tenant=tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


async def test_staff_play_their_own_voicemail_and_nobody_elses(salon, garage, carrier):
    carrier.recordings["RE" + "1" * 32] = MP3
    await in_thread(record)
    await in_thread(fetch)
    message = await in_thread(the_message, salon)
    page = f"/admin/agents/message/{message.pk}"

    def look() -> None:
        own, strange = member_of(salon), member_of(garage)
        assert f"{page}/recording" in own.get(f"{page}/change/").content.decode()
        played = own.get(f"{page}/recording", headers={"Range": "bytes=0-99"})
        assert (played.status_code, played["Content-Type"], played.content) == (206, "audio/mpeg", MP3[:100])
        assert strange.get(f"{page}/recording").status_code in {302, 404}
        assert Client().get(f"{page}/recording").status_code == 302

    await in_thread(look)


# --- The page of a group -------------------------------------------------------------------------


def group_form(e164: str, **more: str) -> dict[str, str]:
    person = {"name": "Zoe", "e164": e164, "position": "1", "is_active": "on", **more}
    managed = {
        f"{name}_set-{field}": value
        for name, total in (("ringperson", "1"), ("ringhours", "0"))
        for field, value in (
            ("TOTAL_FORMS", total),
            ("INITIAL_FORMS", "0"),
            ("MIN_NUM_FORMS", "0"),
            ("MAX_NUM_FORMS", "1000"),
        )
    }
    group = {"name": "Desk", "position": "1", "when": "opening", "order": "in_order", "rings_seconds": "20"}
    return {**group, "is_active": "on", **managed, **{f"ringperson_set-0-{k}": v for k, v in person.items()}}


@pytest.mark.parametrize(
    ("e164", "word"),
    [("+4930123456", "another country"), ("+19005551234", "special rates"), ("desk", "not a telephone")],
)
def test_the_page_of_a_group_takes_no_number_that_may_not_be_dialled(salon, e164, word):
    manager = member_of(salon, "manager")
    # Whoever runs the business cannot allow it to themselves.
    page = manager.post("/admin/telephony/ringgroup/add/", group_form(e164, may_cost="on"))
    assert page.status_code == 200
    assert word in page.content.decode()
    with tenant_scope(salon):
        assert not RingPerson.objects.exists()


def test_a_group_is_written_down_with_its_people(salon):
    manager = member_of(salon, "manager")
    page = manager.post("/admin/telephony/ringgroup/add/", group_form("(555) 000-2221"))
    assert page.status_code == 302, page.content.decode()
    with tenant_scope(salon):
        person = RingPerson.objects.select_related("group").get()
        assert (person.e164, person.group.name, person.may_cost) == ("+15550002221", "Desk", False)


def test_a_conversation_without_a_call_tells_staff_all_the_same(salon):
    set_settings(salon, messageAlerts={"sms": [BOSS]})
    conversation = conversation_of(salon, sid="CA7")
    with tenant_scope(salon):
        Message.objects.create(tenant=salon, conversation=conversation, text=WORDS)
    assert [(one.kind, one.to_address) for one in rows(salon)] == [("alert", BOSS)]
