"""Infobip's side of text messages, over a real socket: the wire of `/sms/3/messages` and `/sms/3/logs`."""

import json
from typing import Any

import pytest
from django.utils import timezone

from agents.simulators.asgi import LoopServer
from telephony.models import PhoneNumber
from telephony.notifications import unanswered
from tenants.credentials import set_secret
from tenants.models import Credential
from tenants.scoping import in_thread, tenant_scope
from tests.conftest import CALLER
from tests.telephony.letters import NUMBER, booked, change, row_of, rows, tells, work
from tests.telephony.test_texts import send

pytestmark = pytest.mark.django_db(transaction=True)


class Infobip:
    """Takes messages; `answers` are given instead, one each."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.answers: list[tuple[int, Any]] = []
        self.takes_first = False
        self.server = LoopServer(self._serve)

    async def _serve(self, scope, receive, send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.keys.add(headers["authorization"])
        status, told = self._answer(scope["method"], scope["path"], scope["query_string"].decode(), body)
        content = json.dumps(told).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        if (method, path) == ("GET", "/sms/3/logs"):
            asked = query.removeprefix("messageId=")
            ids = [one["destinations"][0]["messageId"] for one in self.taken]
            return 200, {"results": [{"messageId": one} for one in ids if one == asked]}
        assert (method, path) == ("POST", "/sms/3/messages")
        [message] = json.loads(body)["messages"]
        if not self.answers or self.takes_first:
            self.taken.append(message)
        if self.answers:
            return self.answers.pop(0)
        return 200, accepted(message["destinations"][0]["messageId"])


def accepted(message_id: str, group: str = "PENDING") -> dict[str, Any]:
    status = {"groupId": 1, "groupName": group, "id": 26, "name": f"{group}_ACCEPTED", "description": ""}
    message = {"messageId": message_id, "destination": CALLER[1:], "status": status}
    return {"bulkId": "1", "messages": [message]}


@pytest.fixture
async def infobip(salon, settings):
    def move_number() -> None:
        tells(salon)
        with tenant_scope(salon):
            PhoneNumber.objects.update(carrier="infobip")
            set_secret(salon, Credential.Name.INFOBIP_API_KEY, "infobip-key")

    await in_thread(move_number)
    carrier = Infobip()
    settings.INFOBIP_BASE_URL = carrier.server.base_url
    await carrier.server.start()
    yield carrier
    await carrier.server.stop()


async def test_a_code_is_sent_by_the_carrier_of_the_tenants_own_number(salon, infobip, settings):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"
    assert await send(salon, CALLER, "Your code is 123456")
    [message] = infobip.taken
    assert infobip.keys == {"App infobip-key"}
    assert (message["sender"], message["destinations"][0]["to"]) == (NUMBER[1:], CALLER[1:])
    assert message["content"] == {"text": "Your code is 123456"}


async def test_a_code_that_infobip_refuses_is_not_said_to_be_sent(salon, infobip, caplog):
    infobip.answers.append((200, accepted(str(salon.pk), "REJECTED")))
    assert not await send(salon, CALLER, "Your code is 123456")
    assert "was not sent" in caplog.text
    assert "123456" not in caplog.text
    assert CALLER not in caplog.text


async def test_a_text_goes_out_with_our_own_id_and_a_link(salon, infobip):
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    [message] = infobip.taken
    assert infobip.keys == {"App infobip-key"}
    assert message["sender"] == NUMBER[1:]
    assert message["destinations"] == [{"to": CALLER[1:], "messageId": str(row.pk)}]
    assert message["options"] == {"platform": {"entityId": str(salon.pk)}}
    text = message["content"]["text"]
    assert "Confirm, change or cancel: http" in text  # no answer would reach us
    assert "Reply C" not in text
    assert (row.state, row.carrier, row.carrier_message_id) == ("sent", "infobip", str(row.pk))


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [
        (200, accepted("x", "REJECTED"), "failed"),
        (200, {"messages": []}, "unknown"),
        (429, {}, "waiting"),
        (
            400,
            {"requestError": {"serviceException": {"messageId": "BAD_REQUEST", "text": "Bad"}}},
            "failed",
        ),
        (401, {"requestError": {"serviceException": {"messageId": "UNAUTHORIZED"}}}, "failed"),
        (500, {}, "unknown"),
    ],
)
async def test_each_answer_has_its_consequence(salon, infobip, status, answer, state):
    infobip.answers.append((status, answer))
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    assert (row.state, row.attempts) == (state, 1)


@pytest.mark.parametrize("taken", [True, False])
async def test_what_may_have_gone_out_is_asked_for_by_our_own_id(salon, infobip, taken):
    infobip.answers.append((500, {}))
    infobip.takes_first = taken
    await in_thread(booked, salon)
    await in_thread(work, salon)
    [row] = await in_thread(rows, salon)
    infobip.takes_first = False
    await in_thread(change, row, claimed_at=timezone.now() - unanswered.UNANSWERED)
    await in_thread(work, salon)
    assert len(infobip.taken) == 1
    assert (await in_thread(row_of, row)).state == "sent"
