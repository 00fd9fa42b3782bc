"""The carrier's REST side refuses as the carrier does."""

from typing import Any

import httpx2
import pytest

from telephony.simulators.twilio import TwilioRestSimulator

ACCOUNT, TOKEN, NUMBER = "AC" + "1" * 32, "token", "+15551234567"


@pytest.fixture
async def carrier():
    async with TwilioRestSimulator(ACCOUNT, TOKEN, numbers=(NUMBER, "+15551234568")) as simulator:
        yield simulator


async def send(simulator: TwilioRestSimulator, method: str, path: str, **parts: Any) -> httpx2.Response:
    parts = {"auth": (ACCOUNT, TOKEN), **parts}
    async with httpx2.AsyncClient(trust_env=False) as http:
        url = f"{simulator.base_url}/2010-04-01/Accounts/{path}"
        return await http.request(method, url, **parts)


async def test_the_account_is_told_to_who_holds_its_token(carrier):
    assert (await send(carrier, "GET", f"{ACCOUNT}.json")).json()["status"] == "active"
    for auth in ((ACCOUNT, "wrong"), ("AC2", TOKEN)):
        answer = await send(carrier, "GET", f"{ACCOUNT}.json", auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    other = "AC" + "2" * 32
    assert (await send(carrier, "GET", f"{other}.json")).json()["code"] == 20404


async def test_numbers_are_found_by_parts_of_them(carrier):
    async def found(number: str) -> int:
        answer = await send(
            carrier, "GET", f"{ACCOUNT}/IncomingPhoneNumbers.json", params={"PhoneNumber": number}
        )
        return len(answer.json()["incoming_phone_numbers"])

    assert [await found(NUMBER), await found("555123"), await found("+1555*68"), await found("+49")] == [
        1, 2, 1, 0,
    ]  # fmt: skip


async def test_a_number_is_rewired_and_read_back(carrier):
    (sid, *_) = carrier.numbers
    path = f"{ACCOUNT}/IncomingPhoneNumbers/{sid}.json"
    fields = {"VoiceUrl": "https://a.example/voice", "StatusCallbackMethod": "GET", "TrunkSid": ""}
    told = (await send(carrier, "POST", path, data=fields)).json()
    assert told["voice_url"] == "https://a.example/voice"
    assert (told["status_callback_method"], told["trunk_sid"]) == ("GET", "")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"VoiceUrl": "a.example"}, 21402),
        ({"VoiceMethod": "PUT"}, 21403),
        ({"VoiceApplicationSid": "PN1"}, 20001),
        ({"VoiceURL": "https://a.example"}, 20001),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(carrier, fields, code):
    (sid, *_) = carrier.numbers
    before = dict(carrier.numbers[sid])
    answer = await send(
        carrier, "POST", f"{ACCOUNT}/IncomingPhoneNumbers/{sid}.json", data={"SmsMethod": "GET", **fields}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert set(answer.json()) == {"code", "message", "more_info", "status"}
    assert carrier.numbers[sid] == before


async def test_unknown_numbers_and_methods_are_told_apart(carrier):
    assert (await send(carrier, "GET", f"{ACCOUNT}/IncomingPhoneNumbers/PN0.json")).status_code == 404
    assert (await send(carrier, "DELETE", f"{ACCOUNT}.json")).status_code == 405


# --- Text messages -----------------------------------------------------------------------------------

TEXT = {"From": NUMBER, "To": "+15559876543", "Body": "Hello"}
MESSAGES = f"{ACCOUNT}/Messages.json"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": "5559876543"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"From": "+15550000000"}, 21606),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "/sms-status"}, 21609),
        ({"Statuscallback": "https://a.example"}, 20001),
    ],
)
async def test_a_text_that_makes_no_sense_is_refused(carrier, fields, code):
    answer = await send(carrier, "POST", MESSAGES, data={**TEXT, **fields})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert carrier.messages == []


async def test_texts_are_listed_by_who_wrote_to_whom(carrier):
    for to in ("+15559876543", "+15559876544", "+15559876543"):
        assert (await send(carrier, "POST", MESSAGES, data={**TEXT, "To": to})).status_code == 201
    answer = await send(carrier, "GET", MESSAGES, params={"From": NUMBER, "To": TEXT["To"]})
    assert [one["to"] for one in answer.json()["messages"]] == [TEXT["To"]] * 2


@pytest.mark.parametrize(("fault", "taken"), [(429, 0), (503, 0), ("drop", 0), ("lost", 1), ("error", 1)])
async def test_a_fault_is_of_one_text(carrier, fault, taken):
    carrier.desk.faults.append(fault)
    try:
        answer = await send(carrier, "POST", MESSAGES, data=TEXT)
        assert answer.status_code == (500 if fault == "error" else fault)
    except httpx2.RemoteProtocolError:
        assert fault in {"drop", "lost"}
    assert len(carrier.messages) == taken
    assert (await send(carrier, "POST", MESSAGES, data=TEXT)).status_code == 201
