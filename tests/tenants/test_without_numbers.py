"""What vendors say of a request may quote a telephone number: it never gets into an error of ours, nor into a log."""

import httpx2 as httpx
import pytest

from agents.providers.elevenlabs import rest as elevenlabs
from agents.providers.openai_realtime import rest as openai
from telephony.carriers.infobip import rest as infobip
from telephony.carriers.infobip import sms
from telephony.carriers.twilio import rest as twilio
from tenants.phone import without_numbers
from tenants.vendor_http import VendorError

NUMBER = "+15559876543"


@pytest.mark.parametrize(
    ("explain", "body"),
    [
        (twilio.explain, {"code": 21211, "message": f"The 'To' number {NUMBER} is not valid"}),
        (
            infobip.explain,
            {"requestError": {"serviceException": {"messageId": "X", "text": f"Bad {NUMBER}"}}},
        ),
        (infobip.explain, {"errorCode": "X", "description": f"destination {NUMBER[1:]} refused"}),
        (
            sms._explain,
            {"requestError": {"serviceException": {"messageId": "X", "text": f"Bad {NUMBER[1:]}"}}},
        ),
        (elevenlabs.explain, {"detail": {"status": "bad", "message": f"cannot call {NUMBER}"}}),
        (elevenlabs.explain, {"detail": [{"loc": ["to_number"], "msg": f"{NUMBER} is wrong"}]}),
        (openai._explain, {"error": {"code": "x", "message": f"{NUMBER} is wrong"}}),
    ],
)
def test_a_vendors_words_do_not_carry_a_number_on(explain, body):
    error = explain(httpx.Response(400, json=body))
    assert isinstance(error, VendorError)
    for said in (str(error), error.message):
        assert "9876543" not in said


@pytest.mark.parametrize(
    "written", ["+1 555 987 6543", "(555) 987-6543", "0049 30 1234567", "%2B15559876543", "to=15559876543."]
)
def test_a_number_is_known_however_it_is_written(written):
    assert without_numbers(f"refused: {written}") != f"refused: {written}"


@pytest.mark.parametrize(
    "kept",
    ["error 21211 of 400", "CA0123456789abcdef0123456789abcdef", "3f2b8c1e-1234-4234-9234-123456789012"],
)
def test_ids_and_codes_stay(kept):
    assert without_numbers(kept) == kept
