"""A suspended business x every way in of its agent: nothing is told or booked, and no record of a call is lost."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from agents.models import Conversation, ProviderEvent
from agents.speech import speech_for
from agents.tools import registry
from appointments.models import Employee, Service
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.test_webhooks import (
    GARAGE_SECRET,
    INITIATION,
    PLATFORM_SECRET,
    WEBHOOK,
    bearer,
    post,
    stamped,
    tool,
    transcription,
)
from tests.tenants.test_admin import Rows, furnish
from tests.walls.table import HTTP, Wall
from tests.walls.test_matrix import body, kept, told_of

pytestmark = pytest.mark.django_db
WAYS = sorted(f"/{route}" for route, wall in HTTP.items() if wall is Wall.ELEVENLABS and "<" not in route)
CATALOGUE = [way for way in WAYS if way.endswith(("/services", "/employees", "/appointments"))]
REFUSED: dict[str, Any] = {"success": False, "error": "This account is suspended", "code": "TENANT_SUSPENDED"}
POLITE = f"{speech_for('de').cannot_do_that} {speech_for('de').goodbye}"
PROOFS = pytest.mark.parametrize(
    "secret", [GARAGE_SECRET, PLATFORM_SECRET], ids=["its own", "the platform's"]
)


@pytest.fixture
def theirs(garage: Tenant) -> Rows:
    with tenant_scope(garage):
        set_secret(garage, Credential.Name.WEBHOOK_SECRET, GARAGE_SECRET)
    return furnish(garage, "garagecanary", "4930222")


def suspend(tenant: Tenant) -> None:
    with platform_scope():
        Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.SUSPENDED)


def get(way: str, headers: dict[str, str], **query: str) -> Any:
    return Client(headers=headers).get(way, query)


def calendar(tenant: Tenant) -> list[str]:
    """Every row of the tenant's but those that tell of calls."""
    of_calls = ("Conversation ", "ProviderSession ", "ToolInvocation ", "ProviderEvent ")
    return [row for row in kept(tenant) if not row.startswith(of_calls)]


def test_in_service_the_same_requests_are_answered_or_this_would_prove_nothing(theirs, garage):
    named = {"tenantId": str(garage.pk)}
    told = [
        get("/api/webhooks/elevenlabs/services", bearer(GARAGE_SECRET)),
        get("/api/webhooks/elevenlabs/employees", bearer(PLATFORM_SECRET), **named),
        post("/api/ai/tools/get_services", {}, bearer(GARAGE_SECRET)),
        post(INITIATION, {"tenant_id": str(garage.pk)}, bearer(PLATFORM_SECRET)),
    ]
    assert [bool(told_of(body(answer))) for answer in told] == [True] * 4


@PROOFS
def test_its_catalogue_is_not_told_and_nothing_is_booked(theirs, garage, secret):
    suspend(garage)
    before = kept(garage)
    named = {"tenantId": str(garage.pk)}
    wish = {
        **named,
        "serviceId": str(theirs[Service].pk),
        "employeeId": str(theirs[Employee].pk),
        "customerName": "Eve", "customerPhone": "+15559990000", "startTime": "2026-11-30T10:00:00",
    }  # fmt: skip
    assert len(CATALOGUE) == 3
    answers = [get(way, bearer(secret), customerPhone="+49302220000", **named) for way in CATALOGUE]
    answers.append(post("/api/webhooks/elevenlabs/appointments", wish, bearer(secret)))
    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, REFUSED)] * 4
    assert kept(garage) == before


@PROOFS
def test_every_tool_is_refused_in_words_and_a_call_may_still_end(theirs, garage, secret):
    suspend(garage)
    before = calendar(garage)
    arguments = {"customerPhone": "+49302220000", "message": "x", "code": "123456", "bookingCode": "x"}
    named = {"tenantId": str(garage.pk), "conversation_id": "conv_garage"}
    succeeded = set()
    for name in (one.name for one in registry.TOOLS):
        for answer in (
            post(f"/api/ai/tools/{name}", {**named, **arguments}, bearer(secret)),
            post(WEBHOOK, tool(name, arguments, **named), bearer(secret)),
        ):
            said = answer.json()
            assert (answer.status_code, told_of(body(answer))) == (200, ""), name
            if said["success"]:
                succeeded.add(name)
            else:
                assert said == {**REFUSED, "message": POLITE}
    assert succeeded == {registry.ENDS_A_CALL}
    assert calendar(garage) == before


@PROOFS
def test_a_new_conversation_begins_as_for_an_unknown_agent(theirs, garage, secret):
    asked = {
        "tenant_id": str(garage.pk),
        "caller_id": "+15559990000",
        "call_sid": "CA1",
        "conversation_id": "c1",
    }
    suspend(garage)
    answer = post(INITIATION, asked, bearer(secret))
    nobodys = post(INITIATION, {**asked, "tenant_id": str(uuid4())}, bearer(PLATFORM_SECRET))
    assert (answer.status_code, body(answer)) == (200, body(nobodys))
    with tenant_scope(garage):
        assert not Conversation.objects.filter(carrier_call_id="CA1").exists()


@PROOFS
def test_what_comes_after_its_calls_is_kept(theirs, garage, secret):
    suspend(garage)
    named = {"tenantId": str(garage.pk)}
    with tenant_scope(garage):
        before = ProviderEvent.objects.count()
    audio = base64.b64encode(b"ID3 of a call").decode()
    recording = {"type": "post_call_audio", "data": {"conversation_id": "conv_late", "full_audio": audio}}
    for event in (transcription("conv_late"), recording, {"type": "conversation_ended", "data": {}}):
        answer = post(WEBHOOK, {**event, **named}, bearer(secret))
        assert (answer.status_code, answer.json()) == (200, {"success": True, "data": {"received": True}})
    with tenant_scope(garage):
        assert ProviderEvent.objects.count() == before + 3
        assert ProviderEvent.objects.exclude(attachment="").filter(external_id="conv_late").exists()


def test_whoever_proves_nothing_cannot_tell_it_from_others(theirs, garage, salon):
    """Nor does who has another business's secret: suspended, in service and nobody's are answered alike."""
    suspend(garage)
    for way in [*WAYS, "/api/ai/tools/get_services"]:
        for headers in ({}, bearer("wrong"), stamped("wrong", "{}")):
            answers = {
                (answer.status_code, body(answer))
                for whose in (garage.pk, salon.pk, uuid4())
                for answer in (
                    get(way, headers, tenantId=str(whose)),
                    Client(headers=headers).post(
                        way, json.dumps({"tenantId": str(whose)}), content_type="application/json"
                    ),
                )
                if answer.status_code != 405
            }
            assert {status for status, _ in answers} == {401}, way
            assert len(answers) == 1, way


def test_a_foreign_secret_is_refused_alike_whether_a_business_is_suspended_or_not(theirs, garage, salon):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "tws_salon")

    def answers() -> list[tuple[int, str]]:
        named = {"tenantId": str(garage.pk)}
        asked = [get(way, bearer("tws_salon"), **named) for way in CATALOGUE]
        asked.append(post("/api/ai/tools/get_services", named, bearer("tws_salon")))
        return [(answer.status_code, body(answer)) for answer in asked]

    before = answers()
    suspend(garage)
    assert answers() == before
    assert {status for status, _ in before} == {403}
    assert REFUSED["code"] not in str(before)
