"""Whatever a request accepts, it is answered."""

import json

import pytest
from django.test import Client

from tests.agents.test_webhooks import PLATFORM_SECRET, bearer
from tests.telephony.test_twilio_webhooks import fields, post

SCHEMA = "/api/v1/schema"
ACCEPTS = [
    "",
    "*/*",
    "text/html",
    "text/xml",
    "application/xml",
    "application/json",
    "nonsense",
    "x/y;" * 3000,
]
WEBHOOK = "/api/webhooks/elevenlabs/services"


@pytest.mark.parametrize("accept", ACCEPTS)
def test_a_caller_is_connected_whatever_twilio_accepts(salon, accept):
    answer = post("elevenlabs", fields(), Accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert b"<Connect" in answer.content


@pytest.mark.parametrize("accept", ACCEPTS)
def test_programs_get_json_whatever_they_accept(api, accept):
    headers = {"Accept": accept}
    key, secret = {"Authorization": f"Bearer {api.key}"}, bearer(PLATFORM_SECRET)
    query = {"tenantId": str(api.tenant.pk)}
    listed = Client().get("/api/v1/services", headers={**headers, **key})
    asked = Client().get(WEBHOOK, headers={**headers, **secret}, query_params=query)
    refused = Client().get("/api/v1/services", headers=headers)
    assert [one.status_code for one in (listed, asked, refused)] == [200, 200, 401]
    assert {one["Content-Type"] for one in (listed, asked, refused)} == {"application/json"}


@pytest.mark.parametrize("format", ["json", "xml", "api"])
def test_a_parameter_named_format_is_nobodys(api, salon, format):
    assert api.get("services", format=format).status_code == 200
    query = {"tenantId": str(salon.pk), "format": format}
    assert Client().get(WEBHOOK, headers=bearer(PLATFORM_SECRET), query_params=query).status_code == 200
    assert b"<Connect" in post(f"elevenlabs?format={format}", fields()).content


@pytest.mark.parametrize("accept", ACCEPTS)
def test_the_document_is_yaml_unless_json_is_accepted(db, accept):
    answer = Client().get(SCHEMA, headers={"Accept": accept})
    assert answer.status_code == 200
    if accept == "application/json":
        assert json.loads(answer.content)["openapi"]
    else:
        assert answer.content.startswith(b"openapi: ")


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_the_document_is_in_the_format_that_is_asked_for(db, accept):
    headers = {"Accept": accept}
    assert json.loads(Client().get(f"{SCHEMA}?format=json", headers=headers).content)["openapi"]
    assert Client().get(f"{SCHEMA}?format=yaml", headers=headers).content.startswith(b"openapi: ")
    assert Client().get(f"{SCHEMA}?format=pdf", headers=headers).status_code == 404
