"""Texts that customers send to a number at Infobip, and what becomes of ours."""

import datetime
import json
from typing import Any

import pytest
from django.conf import settings as installed
from django.test import Client
from django.utils import timezone

from appointments.models import Appointment, OutboxMessage, WaitlistEntry
from telephony.carriers.infobip import errands
from telephony.carriers.infobip.addresses import reports_secret
from telephony.models import InboundText, Notification, OptOut
from telephony.notifications import due, own_answers
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import in_thread, tenant_scope
from tests.agents.toolbox import status_of
from tests.conftest import CALLER
from tests.exchange import INFOBIP_NUMBER, INFOBIP_SECRET, add_infobip_number
from tests.telephony.letters import booked, rows, tells, work
from tests.telephony.test_infobip_texts import Infobip, infobip
from tests.telephony.test_infobip_webhooks import basic
from tests.telephony.test_text_replies import offered, told

__all__ = ["infobip", "offered"]

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS, REPORTS = "/api/webhooks/infobip/sms", "/api/webhooks/infobip/sms-status"


@pytest.fixture
def line(salon, settings) -> Tenant:
    settings.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET
    add_infobip_number(salon)
    return salon


@pytest.fixture
def answers(monkeypatch) -> list[Any]:
    """What would be sent in answer."""
    wanted: list[Any] = []
    monkeypatch.setattr(errands, "run", lambda work, after_s=0.0: wanted.append(work))
    return wanted


def text(words: str, message_id: str = "817790313235066447", **more: Any) -> dict[str, Any]:
    """As Infobip forwards it."""
    return {
        "messageId": message_id,
        "from": CALLER[1:],
        "to": INFOBIP_NUMBER[1:],
        "text": words,
        "cleanText": words,
        "keyword": "",
        "receivedAt": "2026-11-20T09:28:39.220+0000",
        "smsCount": 1,
        "price": {"pricePerMessage": 0, "currency": "EUR"},
        **more,
    }


def post(path: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return Client().post(path, content, content_type="application/json", headers=headers or basic())


def brought(*texts: dict[str, Any], path: str = TEXTS, **headers: str) -> Any:
    body = {"results": list(texts), "messageCount": len(texts), "pendingMessageCount": 0}
    return post(path, body, **headers)


def test_x_cancels_and_is_answered_once_however_often_it_comes(line, answers):
    appointment = told(line)
    for _ in range(3):
        assert brought(text("X")).json() == {"success": True, "data": {"received": 1}}
    assert status_of(line, appointment) == "cancelled"
    assert len(answers) == 1
    with tenant_scope(line):
        kept = InboundText.objects.get()
    assert (kept.from_e164, kept.to_e164, kept.understood) == (CALLER, INFOBIP_NUMBER, "x")


def test_c_confirms_whichever_names_the_two_ends_have(line, answers):
    appointment = told(line)
    newer = text("C") | {"sender": CALLER[1:], "destination": INFOBIP_NUMBER[1:], "from": None, "to": None}
    assert brought(newer).status_code == 200
    assert status_of(line, appointment) == "confirmed"


def test_stop_is_kept_and_start_takes_it_back(line, answers):
    def opted_out() -> bool:
        with tenant_scope(line):
            return OptOut.objects.filter(e164=CALLER).exists()

    brought(text("Stop"))
    assert opted_out()
    brought(text("START", "2"))
    assert not opted_out()
    assert answers == []


def answer_to(tenant: Tenant, words: str) -> str:
    """What we would answer, or have answered."""
    assert brought(text(words)).status_code == 200
    with tenant_scope(tenant):
        return InboundText.objects.get().answer


def test_r_gives_the_way_to_another_time(line, answers):
    appointment = told(line)
    assert answer_to(line, "R").startswith("Choose another time: http://127.0.0.1:8000/a/")
    assert status_of(line, appointment) == "scheduled"
    assert len(answers) == 1


def test_c_takes_what_was_offered(line, offered, answers):
    assert answer_to(line, "C").startswith("It is yours: Haircut with Ana, Monday, ")
    with tenant_scope(line):
        assert Appointment.objects.get(customer__phone_e164=CALLER).status == "scheduled"
    assert len(answers) == 1


def test_x_leaves_an_offer_to_the_next(line, offered, answers):
    assert answer_to(line, "X") == "All right. You are still on the waiting list."
    with tenant_scope(line):
        assert WaitlistEntry.objects.get(pk=offered.pk).state == "waiting"
        assert not Appointment.objects.filter(customer__phone_e164=CALLER).exists()


async def test_the_answer_is_a_text_of_its_own(salon, infobip, settings):
    def reply() -> None:
        installed.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET
        add_infobip_number(salon)
        told(salon)
        assert brought(text("C")).status_code == 200
        errands.finish()

    settings.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET
    await in_thread(reply)
    [message] = infobip.taken
    assert (message["sender"], message["destinations"][0]["to"]) == (INFOBIP_NUMBER[1:], CALLER[1:])
    assert message["content"]["text"].startswith("Thank you. Haircut Monday, ")


async def test_an_answer_is_not_lost_with_the_process_that_was_to_send_it(
    salon, infobip, settings, monkeypatch
):
    """Killed between commit and send, and once more between send and commit: it arrives, and once."""

    def lost() -> None:
        add_infobip_number(salon)
        told(salon)
        monkeypatch.setattr(errands, "run", lambda work, after_s=0.0: None)  # the process is gone by then
        assert brought(text("C")).status_code == 200
        with tenant_scope(salon):
            Notification.objects.all().delete()
            OutboxMessage.objects.all().delete()
        assert due.tenants_with_work(timezone.now()) == []  # it may be on its way still
        assert own_answers.send_overdue(salon.pk) == 0

    def found() -> None:
        monkeypatch.setattr(own_answers, "PATIENCE", -datetime.timedelta(seconds=1))
        assert due.tenants_with_work(timezone.now()) == [salon.pk]
        assert own_answers.send_overdue(salon.pk) == 1
        assert own_answers.send_overdue(salon.pk) == 0
        with tenant_scope(salon):
            InboundText.objects.update(answer_waits_since=timezone.now())  # as if that had not been written
        assert own_answers.send_overdue(salon.pk) == 1

    settings.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET
    await in_thread(lost)
    assert infobip.taken == []
    await in_thread(found)
    assert len(infobip.taken) == 1


def test_an_answer_that_is_hours_late_is_no_answer(line, answers, monkeypatch):
    told(line)
    brought(text("C"))
    monkeypatch.setattr(own_answers, "PATIENCE", -datetime.timedelta(seconds=1))
    monkeypatch.setattr(own_answers, "_send", lambda *told, **how: pytest.fail("it was sent"))
    with tenant_scope(line):
        InboundText.objects.update(received_at=timezone.now() - datetime.timedelta(hours=7))
    assert own_answers.send_overdue(line.pk) == 1
    with tenant_scope(line):
        assert InboundText.objects.get().answer_waits_since is None


async def test_our_texts_ask_for_answers_where_they_reach_us(salon, infobip):
    def ask() -> None:
        tells(salon, infobipReplies=True)
        booked(salon)
        work(salon)

    await in_thread(ask)
    [message] = infobip.taken
    assert "Reply C" in message["content"]["text"]


@pytest.mark.parametrize("path", [TEXTS, REPORTS])
def test_without_the_secret_nothing_happens(line, answers, path):
    appointment = told(line)
    for headers in (basic("wrong"), basic(user="somebody"), {"Authorization": "Bearer x"}):
        refused = brought(text("X"), path=path, **headers)
        assert refused.status_code == 401
        assert "Basic" in refused["WWW-Authenticate"]
    assert brought(text("X"), path=f"{path}/wrong", **{"X-Nothing": "1"}).status_code == 401
    assert status_of(line, appointment) == "scheduled"
    assert answers == []


def test_the_secret_may_be_the_last_segment_of_the_path(line, answers):
    appointment = told(line)
    assert brought(text("X"), path=f"{TEXTS}/{INFOBIP_SECRET}", **{"X-Nothing": "1"}).status_code == 200
    assert status_of(line, appointment) == "cancelled"


def test_one_tenants_secret_moves_nobody_elses_texts(line, garage, answers):
    appointment = told(line)
    with tenant_scope(line):
        set_secret(line, Credential.Name.INFOBIP_WEBHOOK_SECRET, "salons-own")
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.INFOBIP_WEBHOOK_SECRET, "garages-own")
    both = (text("X", to="15557654321"), text("X", "2"))
    assert brought(*both, **basic("garages-own")).status_code == 401
    assert brought(text("X", "2"), **basic(INFOBIP_SECRET)).status_code == 401
    assert status_of(line, appointment) == "scheduled"
    assert brought(text("X", "2"), **basic("salons-own")).status_code == 200
    assert status_of(line, appointment) == "cancelled"


@pytest.mark.parametrize(
    "strange",
    [
        text("X", to="15550009999"),
        text("X", **{"from": "Salon"}),
        {**text("X"), "from": None},
        text("", message_id="m" * 200),
    ],
    ids=["nobody's number", "a name", "no sender", "a long id"],
)
def test_strange_texts_are_acknowledged(line, answers, strange):
    assert brought(strange).status_code == 200
    assert answers == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[]", "object"),
        ("{", "JSON"),
        ({}, "results: must be a list"),
        ({"results": [1]}, "results: must be a list of objects"),
        ({"results": [{"text": "X"}]}, "messageId is required"),
    ],
)
def test_what_is_no_text_is_told_so_to_whoever_knows_the_secret(line, body, said):
    for path in (TEXTS, REPORTS):
        refused = post(path, body)
        assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
        assert said in refused.json()["error"]
        assert post(path, body, **basic("wrong")).status_code == 401


# --- Delivery reports ----------------------------------------------------------------------------


def report(message_id: str, group: str, error: str = "NO_ERROR") -> dict[str, Any]:
    """As Infobip posts it."""
    return {
        "bulkId": "1",
        "messageId": message_id,
        "to": CALLER[1:],
        "sender": INFOBIP_NUMBER[1:],
        "sentAt": "2026-11-20T09:00:00.000+0000",
        "doneAt": "2026-11-20T09:00:02.000+0000",
        "messageCount": 1,
        "price": {"pricePerMessage": 0.01, "currency": "EUR"},
        "status": {"groupId": 3, "groupName": group, "id": 5, "name": f"{group}_X", "description": ""},
        "error": {
            "groupId": 0 if error == "NO_ERROR" else 1,
            "groupName": "OK" if error == "NO_ERROR" else "HANDSET_ERRORS",
            "id": 0,
            "name": error,
            "description": "",
            "permanent": False,
        },
    }


@pytest.fixture
async def sent(salon, infobip: Infobip, settings) -> Notification:
    """A text that Infobip has taken."""
    settings.INFOBIP_WEBHOOK_SECRET = INFOBIP_SECRET

    def send() -> Notification:
        booked(salon)
        work(salon)
        return rows(salon)[0]

    return await in_thread(send)


@pytest.mark.parametrize(
    ("reports", "state", "error"),
    [
        ([("PENDING", "NO_ERROR")], "sent", ""),
        ([("DELIVERED", "NO_ERROR")], "delivered", ""),
        ([("UNDELIVERABLE", "EC_ABSENT_SUBSCRIBER")], "undelivered", "EC_ABSENT_SUBSCRIBER"),
        ([("EXPIRED", "EC_EXPIRED")], "undelivered", "EC_EXPIRED"),
        ([("DELIVERED", "NO_ERROR"), ("PENDING", "NO_ERROR"), ("REJECTED", "X")], "delivered", ""),
        ([("SOMETHING_NEW", "NO_ERROR")], "sent", ""),
    ],
)
async def test_a_report_moves_what_is_known_forward(salon, infobip, sent, reports, state, error):
    path = f"{REPORTS}/{reports_secret(salon.pk)}"
    assert infobip.taken[0]["webhooks"]["delivery"]["url"].endswith(path)

    def tell() -> Notification:
        for group, why in reports:
            body = {"results": [report(str(sent.pk), group, why)]}
            assert post(path, body, **{"X-Nothing": "1"}).status_code == 200
        return rows(salon)[0]

    row = await in_thread(tell)
    assert (row.state, row.error_code) == (state, error)


async def test_another_tenants_address_moves_nothing(salon, garage, infobip, sent):
    def tell() -> str:
        body = {"results": [report(str(sent.pk), "DELIVERED")]}
        path = f"{REPORTS}/{reports_secret(garage.pk)}"
        assert post(path, body, **{"X-Nothing": "1"}).status_code == 401
        assert post(REPORTS, body).status_code == 200, "Basic authentication is as good"
        return rows(salon)[0].state

    assert await in_thread(tell) == "delivered"


def test_a_report_of_a_text_that_is_not_ours_is_acknowledged(line):
    assert post(REPORTS, {"results": [report("rem-8821", "DELIVERED")]}).status_code == 200
