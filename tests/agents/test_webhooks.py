"""What comes from the agents' providers: who may speak for whom, and what is answered."""

import datetime
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from agents.admin import cost_of
from agents.conversations import Opened, adding_sessions, open_conversation, session_closed
from agents.events import Spent
from agents.models import Conversation, ProviderEvent, ProviderSession, SeenSignature, ToolInvocation
from agents.session import Closing
from agents.speech import speech_for
from appointments.models import Appointment
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.conftest import CALLER
from tests.statements import write_down

WEBHOOK = "/api/ai/webhook/elevenlabs"
INITIATION = "/api/webhooks/elevenlabs/conversation-initiation"
PLATFORM_SECRET = "wsec_tests"
SALON_SECRET, GARAGE_SECRET = "tws_salon", "tws_garage"
HAIRCUT = "87654321-4321-4321-4321-210987654321"
ANA = "12345678-1234-1234-1234-123456789012"


def mac(secret: str, content: str) -> str:
    return hmac.new(secret.encode(), content.encode(), hashlib.sha256).hexdigest()


def stamped(secret: str, body: str, at: float | None = None) -> dict[str, str]:
    sent_at = int(time.time() if at is None else at)
    return {"ElevenLabs-Signature": f"t={sent_at},v0={mac(secret, f'{sent_at}.{body}')}"}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def post(path: str, payload: object, headers: dict[str, str] | None = None, **kwargs):
    body = payload if isinstance(payload, str | bytes) else json.dumps(payload)
    return Client().post(path, body, content_type="application/json", headers=headers, **kwargs)


@pytest.fixture
def secrets(salon, garage) -> None:
    for tenant, secret in ((salon, SALON_SECRET), (garage, GARAGE_SECRET)):
        with tenant_scope(tenant):
            set_secret(tenant, Credential.Name.WEBHOOK_SECRET, secret)


@pytest.fixture
def conversation(salon) -> Conversation:
    """A call of the salon that is going on, known to the provider as conv_1."""
    with tenant_scope(salon):
        conversation = open_conversation(
            tenant_id=salon.pk,
            provider="elevenlabs",
            agent_id="agent_demo_salon",
            caller_e164=CALLER,
            called_e164="+15551234567",
            carrier_call_id="CA1",
        )
        names = ("elevenlabs", "conv_1", "agent_demo_salon", "mulaw", "mulaw")
        write_down(adding_sessions([Opened(salon.pk, conversation.pk, *names, timezone.now())]))
    return conversation


# --- Who speaks ----------------------------------------------------------------------------------

EVENT = json.dumps(
    {"type": "conversation_started", "data": {"agent_id": "agent_demo_salon", "conversation_id": "c"}}
)


def restamped(change: Callable[[str], str]) -> dict[str, str]:
    return {"ElevenLabs-Signature": change(stamped(PLATFORM_SECRET, EVENT)["ElevenLabs-Signature"])}


@pytest.mark.parametrize(
    "prove",  # when the test runs: a signature is soon stale
    [
        lambda: stamped(PLATFORM_SECRET, EVENT),
        lambda: {"X-ElevenLabs-Signature": mac(PLATFORM_SECRET, EVENT)},
        lambda: {"X-ElevenLabs-Signature": mac(PLATFORM_SECRET, EVENT).upper()},
        lambda: bearer(PLATFORM_SECRET),
        lambda: restamped(lambda stamp: stamp.replace(",", ", ")),
        lambda: restamped(lambda stamp: ",".join(reversed(stamp.split(",")))),
        lambda: restamped(lambda stamp: stamp + ",v0=" + "0" * 64),
        lambda: stamped(PLATFORM_SECRET, EVENT, time.time() - 290),
    ],
)
def test_each_of_the_three_proofs_is_accepted(salon, prove):
    assert post(WEBHOOK, EVENT, prove()).status_code == 200


def test_the_vendors_own_vector_verifies():
    from agents.providers.elevenlabs.signatures import read_proof

    body = (
        b'{"type":"post_call_transcription","event_timestamp":1739537319,'
        b'"data":{"agent_id":"agent_x","conversation_id":"conv_y"}}'
    )
    mac_hex = "627612cfefea4c87b693a590feadb118494b70551f6c0e3c1ac13766632c9d29"
    proof = read_proof({"ElevenLabs-Signature": f"t=1739537319,v0={mac_hex}"}, body)
    assert proof.made_with("wsec_example_secret", now=1739537319 + 60, tolerance_s=300)
    assert not proof.made_with("wsec_example_secret", now=1739537319 + 301, tolerance_s=300)
    assert not proof.made_with("wsec_other", now=1739537319, tolerance_s=300)


@pytest.mark.parametrize(
    "prove",
    [
        dict,
        lambda: {"ElevenLabs-Signature": ""},
        lambda: {"ElevenLabs-Signature": "t=,v0="},
        lambda: {"ElevenLabs-Signature": "nonsense"},
        lambda: {"ElevenLabs-Signature": f"t=1e9,v0={mac(PLATFORM_SECRET, EVENT)}"},
        lambda: {"ElevenLabs-Signature": f"t=٣,v0={mac(PLATFORM_SECRET, EVENT)}"},
        lambda: {"ElevenLabs-Signature": f"t={'9' * 400},v0={mac(PLATFORM_SECRET, EVENT)}"},
        lambda: restamped(lambda stamp: stamp[:-1]),
        lambda: restamped(lambda stamp: stamp + "0"),
        lambda: restamped(lambda stamp: stamp.replace("v0=", "v1=")),
        lambda: restamped(lambda stamp: stamp + ",t=1"),
        lambda: restamped(lambda stamp: stamp + "é"),
        lambda: stamped("wsec_wrong", EVENT),
        lambda: stamped(PLATFORM_SECRET, EVENT + " "),
        lambda: stamped(PLATFORM_SECRET, EVENT, time.time() - 330),
        lambda: stamped(PLATFORM_SECRET, EVENT, time.time() + 330),
        lambda: {"X-ElevenLabs-Signature": mac("wsec_wrong", EVENT)},
        lambda: {"X-ElevenLabs-Signature": mac(PLATFORM_SECRET, EVENT + " ")},
        lambda: {"X-ElevenLabs-Signature": "sha256=" + mac(PLATFORM_SECRET, EVENT)},
        lambda: bearer("wsec_wrong"),
        lambda: bearer(""),
        lambda: {"Authorization": f"Basic {PLATFORM_SECRET}"},
        lambda: {"Authorization": PLATFORM_SECRET},
        lambda: {"Authorization": f"Bearer {PLATFORM_SECRET} x"},
    ],
)
def test_whoever_does_not_prove_themselves_gets_401_and_nothing_is_done(salon, prove, caplog):
    with caplog.at_level(logging.WARNING, "tonris.security"):
        answer = post(WEBHOOK, EVENT, prove())
    assert answer.status_code == 401
    assert answer.json()["code"] == "UNAUTHENTICATED"
    assert sum(record.name == "tonris.security" for record in caplog.records) == 1
    with platform_scope():
        assert not ProviderEvent.objects.exists()
    assert not SeenSignature.objects.exists()


def test_without_any_secret_configured_everything_is_refused(salon, settings):
    settings.ELEVENLABS_WEBHOOK_SECRET = ""
    assert post(WEBHOOK, EVENT, bearer("")).status_code == 401
    assert post(WEBHOOK, EVENT, stamped("", EVENT)).status_code == 401


def test_unsigned_webhooks_pass_only_where_development_allows_them(salon, settings):
    settings.ALLOW_UNSIGNED_WEBHOOKS = True
    assert post(WEBHOOK, EVENT).status_code == 200
    assert post(WEBHOOK, EVENT, REMOTE_ADDR="203.0.113.5").status_code == 401
    assert post(WEBHOOK, EVENT, {"X-Forwarded-For": "203.0.113.5"}).status_code == 401
    assert post(WEBHOOK, EVENT, bearer("wsec_wrong")).status_code == 401


# --- For whom ------------------------------------------------------------------------------------


def tool(name: str, parameters: dict | None = None, **root) -> dict:
    return {"event": "tool_call", "data": {"tool_name": name, "parameters": parameters or {}}, **root}


def test_the_credential_decides_the_tenant(secrets):
    services = post(WEBHOOK, tool("get_services"), bearer(GARAGE_SECRET)).json()["data"]["services"]
    assert {one["name"] for one in services} == {"Oil change", "Tyre change", "Inspection"}


def test_a_tenant_id_that_disagrees_with_the_credential_is_403(secrets, salon):
    answer = post(WEBHOOK, tool("get_services", tenantId=str(salon.pk)), bearer(GARAGE_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_another_tenants_conversation_is_403(secrets, conversation):
    answer = post(WEBHOOK, tool("get_services", sessionId="conv_1"), bearer(GARAGE_SECRET))
    assert answer.status_code == 403


def test_with_the_platforms_secret_the_conversation_decides(salon, garage, conversation):
    answer = post(WEBHOOK, tool("get_services", sessionId="conv_1"), bearer(PLATFORM_SECRET))
    assert "Haircut" in answer.json()["data"]["message"]
    contradicted = tool("get_services", sessionId="conv_1", tenantId=str(garage.pk))
    assert post(WEBHOOK, contradicted, bearer(PLATFORM_SECRET)).status_code == 403


def test_with_the_platforms_secret_an_agent_of_one_tenant_decides(salon, garage):
    answer = post(WEBHOOK, tool("get_services", agentId="agent_demo_garage"), bearer(PLATFORM_SECRET))
    assert "Oil change" in answer.json()["data"]["message"]


def test_a_request_for_nobody_says_so(salon, garage):
    answer = post(WEBHOOK, tool("get_services"), bearer(PLATFORM_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (400, "TENANT_NOT_RESOLVED")
    unknown = tool("get_services", tenantId="00000000-0000-0000-0000-000000000000")
    assert post(WEBHOOK, unknown, bearer(PLATFORM_SECRET)).status_code == 404


@pytest.mark.parametrize(
    ("payload", "query"),
    [
        (
            tool("get_services", tenantId="11111111-1111-1111-1111-111111111111"),
            "?tenantId=22222222-2222-2222-2222-222222222222",
        ),
        ({"event": "tool_call", "agentId": "a", "data": {"tool_name": "get_services", "agent_id": "b"}}, ""),
        ({"type": "a", "event": "b", "data": {}}, ""),
    ],
)
def test_a_request_that_contradicts_itself_is_400(salon, payload, query):
    assert post(WEBHOOK + query, payload, bearer(PLATFORM_SECRET)).status_code == 400


@pytest.mark.parametrize("write", [str.upper, str.lower, lambda text: text.replace("-", "")])
def test_a_tenant_that_is_written_in_two_ways_is_one(salon, write):
    plain, other = str(salon.pk), write(str(salon.pk))
    listed = Client().get(
        f"/api/webhooks/elevenlabs/services?tenantId={plain}&tenantId={other}",
        headers=bearer(PLATFORM_SECRET),
    )
    assert (listed.status_code, listed.json()["data"]["tenantId"]) == (200, plain)
    asked = post(f"{WEBHOOK}?tenantId={plain}", tool("get_services", tenantId=other), bearer(PLATFORM_SECRET))
    assert "Haircut" in asked.json()["data"]["message"]
    begun = post(
        INITIATION,
        {"tenant_id": plain, "dynamic_variables": {"tenantId": other}},
        bearer(PLATFORM_SECRET),
    )
    assert begun.json()["dynamic_variables"]["business_name"] == "Test Salon"


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "type"),
        ("{", "JSON"),
        ("[]", "object"),
        ('"text"', "object"),
        ("nul", "JSON"),
        (b"\xff\xfe", "JSON"),
        ("[" * 100_000, "JSON"),
        ('{"type": NaN}', "JSON"),
        ('{"type": 1e999}', "JSON"),
        ({"data": {}}, "type"),
        ({"event": "tool_call", "data": []}, "data"),
        ({"event": "tool_call", "data": {}, "agentId": "agent_demo_salon"}, "tool_name"),
        ({"event": "tool_call", "data": {"tool_name": 7}, "agentId": "agent_demo_salon"}, "tool_name"),
        (
            {
                "event": "tool_call",
                "data": {"tool_name": "x", "parameters": []},
                "agentId": "agent_demo_salon",
            },
            "parameters",
        ),
        (tool("get_services", tenantId="not-a-uuid"), "tenantId"),
    ],
)
def test_bad_input_is_400_and_names_what_is_wrong(salon, body, named):
    answer = post(WEBHOOK, body, bearer(PLATFORM_SECRET))
    assert answer.status_code == 400, answer.content
    assert answer.json()["success"] is False
    assert answer.json()["code"] == "VALIDATION_ERROR"
    assert named in answer.json()["error"]


def test_a_body_over_a_mebibyte_is_413(salon):
    assert post(WEBHOOK, "x" * (1024 * 1024 + 1), bearer(PLATFORM_SECRET)).status_code == 413


def test_characters_that_postgresql_refuses_do_not_break_an_event(salon):
    body = '{"type":"conversation_ended","data":{"agent_id":"agent_demo_salon","note":"a\\u0000b\\ud800c"}}'
    assert post(WEBHOOK, body, bearer(PLATFORM_SECRET)).status_code == 200
    with tenant_scope(salon):
        assert ProviderEvent.objects.get().body["data"]["note"] == "ab?c"


# --- Events --------------------------------------------------------------------------------------


def transcription(conversation_id: str) -> dict:
    return {
        "type": "post_call_transcription",
        "event_timestamp": 1760000100,
        "data": {
            "agent_id": "agent_demo_salon",
            "conversation_id": conversation_id,
            "status": "done",
            "transcript": [],
            "metadata": {"call_duration_secs": 79, "cost": 531},
            "analysis": {"transcript_summary": "Booked a haircut.", "call_successful": "success"},
        },
    }


def test_an_event_is_kept_raw_and_a_repeat_changes_nothing(
    salon, conversation, django_capture_on_commit_callbacks
):
    payload = transcription("conv_1")
    for _ in range(3):
        answer = post(WEBHOOK, payload, bearer(PLATFORM_SECRET))
        assert (answer.status_code, answer.json()["success"]) == (200, True)
    with tenant_scope(salon):
        assert ProviderEvent.objects.get().body == payload


def test_a_worker_makes_sense_of_a_transcription_once(salon, conversation):
    from agents.tasks import process_event, process_waiting_events

    post(WEBHOOK, transcription("conv_1"), bearer(PLATFORM_SECRET))
    with tenant_scope(salon):
        event = ProviderEvent.objects.get()
    process_event(str(salon.pk), str(event.pk))
    process_event(str(salon.pk), str(event.pk))
    assert process_waiting_events() == 0
    with tenant_scope(salon):
        told = Conversation.objects.get(pk=conversation.pk)
        assert (told.summary, told.duration_seconds, told.cost) == ("Booked a haircut.", 79, 531)


@pytest.mark.parametrize("came_second", [False, True])
def test_a_call_that_two_providers_shared_keeps_both_costs_and_its_own_end(salon, conversation, came_second):
    from agents.tasks import process_event

    names = ("openai", "sess_1", "gpt", "mulaw", "mulaw")
    openai = Opened(salon.pk, conversation.pk, *names, timezone.now())
    hour = datetime.timedelta(hours=1)
    with tenant_scope(salon):
        if came_second:
            Conversation.objects.filter(pk=conversation.pk).update(provider="openai")
        write_down(adding_sessions([openai]))
        other = ProviderSession.objects.filter(provider="openai")
        other.update(started_at=timezone.now() + (-hour if came_second else hour))
        spent = Spent({"audio_out": 100}, Decimal("0.0125"))
        session_closed("openai", "sess_1", Closing(1000, "", spent))
    post(WEBHOOK, transcription("conv_1"), bearer(PLATFORM_SECRET))
    with tenant_scope(salon):
        process_event(str(salon.pk), str(ProviderEvent.objects.get().pk))
        told = Conversation.objects.get(pk=conversation.pk)
        costs = dict(ProviderSession.objects.values_list("provider", "cost"))
        shown = cost_of(told)
    assert costs == {"elevenlabs": 531, "openai": Decimal("0.0125")}
    assert told.cost == (Decimal("0.0125") if came_second else 531), "in its own provider's unit"
    assert (told.ended_at is None) == (not came_second), "whoever goes on with a call ends it"
    assert "531 credits" in shown
    assert "0.0125 US dollars" in shown


def test_what_the_broker_lost_the_sweep_finds(salon, garage, conversation):
    from agents.tasks import process_waiting_events

    post(WEBHOOK, transcription("conv_1"), bearer(PLATFORM_SECRET))
    assert process_waiting_events() == 1
    with tenant_scope(salon):
        assert ProviderEvent.objects.get().processed_at


def test_an_unknown_event_is_acknowledged(salon):
    payload = {"type": "moon_phase", "data": {"agent_id": "agent_demo_salon"}}
    assert post(WEBHOOK, payload, bearer(PLATFORM_SECRET)).status_code == 200


def test_a_replayed_event_is_acknowledged_and_a_replayed_tool_call_refused(salon):
    headers = stamped(PLATFORM_SECRET, EVENT)
    assert [post(WEBHOOK, EVENT, headers).status_code for _ in range(2)] == [200, 200]
    body = json.dumps(tool("get_services", agentId="agent_demo_salon"))
    headers = stamped(PLATFORM_SECRET, body)
    assert post(WEBHOOK, body, headers).status_code == 200
    again = post(WEBHOOK, body, headers)
    assert (again.status_code, again.json()["code"]) == (403, "REPLAYED")
    padded = {"ElevenLabs-Signature": headers["ElevenLabs-Signature"] + ",v0=00"}
    assert post(WEBHOOK, body, padded).status_code == 403
    with tenant_scope(salon):
        assert ToolInvocation.objects.count() == 1


# --- Initiation ----------------------------------------------------------------------------------


def test_the_documented_request_gets_the_documented_answer(salon):
    request = {
        "type": "conversation_initiation_client_data",
        "conversation_id": "unique-conversation-id",
        "agent_id": "agent_demo_salon",
        "dynamic_variables": {
            "tenant_id": str(salon.pk),
            "caller_number": "+15551234567",
            "call_sid": "CA12345",
            "business_name": "Test Salon",
        },
    }
    answer = post(INITIATION, request, bearer(PLATFORM_SECRET))
    assert answer.status_code == 200
    told = answer.json()
    expected = {
        "tenant_id": str(salon.pk),
        "tenant_name": "Test Salon",
        "business_name": "Test Salon",
        "caller_number": "+15551234567",
        "call_sid": "CA12345",
        "conversation_id": "unique-conversation-id",
        "business_hours_summary": "We're open Monday through Friday from 09:00 to 17:00.",
    }
    assert told["dynamic_variables"].items() >= expected.items()
    assert told["conversation_config_override"] == {
        "agent": {
            "agent_output_audio_format": "ulaw_8000",
            "user_input_audio_format": "ulaw_8000",
            "language": "en",
            "first_message": "Hello! Welcome to Test Salon.",
        },
        "tts": {"output_format": "ulaw_8000"},
    }


@pytest.mark.parametrize(
    ("tag", "name"), [("de-AT", "de"), ("es_MX", "es"), ("pt-BR", "pt-br"), ("EN", "en"), ("", "en")]
)
def test_an_agents_language_is_named_as_its_vendor_does(salon, tag, name):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(language=tag)
    told = post(INITIATION, {"called_number": salon.phone}, bearer(PLATFORM_SECRET)).json()
    assert told["conversation_config_override"]["agent"]["language"] == name


def test_the_vendors_own_request_is_known_by_the_called_number(salon, garage):
    request = {
        "caller_id": CALLER,
        "called_number": "+15557654321",
        "agent_id": "whatever",
        "call_sid": "CA9",
    }
    told = post(INITIATION, request, bearer(PLATFORM_SECRET)).json()["dynamic_variables"]
    assert (told["business_name"], told["caller_number"]) == ("Test Garage", CALLER)


def test_a_tenant_that_contradicts_the_called_number_is_403(salon, garage, secrets):
    request = {"called_number": "+15557654321", "dynamic_variables": {"tenant_id": str(salon.pk)}}
    assert post(INITIATION, request, bearer(PLATFORM_SECRET)).status_code == 403
    assert post(INITIATION, {"called_number": "+15557654321"}, bearer(SALON_SECRET)).status_code == 403


@pytest.mark.parametrize(
    ("secret", "address", "body", "status"),
    [
        (GARAGE_SECRET, "?tenantId={salon}", {}, 403),
        (SALON_SECRET, "?tenantId={salon}", {}, 200),
        (PLATFORM_SECRET, "?tenantId={garage}", {"tenant_id": "{salon}"}, 400),
        (PLATFORM_SECRET, "?tenantId={salon}&tenantId={garage}", {}, 400),
        (PLATFORM_SECRET, "?tenantId={salon}", {"called_number": "+15557654321"}, 403),
        (PLATFORM_SECRET, "?tenantId={garage}", {"called_number": "+15557654321"}, 200),
    ],
)
def test_a_tenant_in_the_address_counts_as_one_in_the_body(
    salon, garage, secrets, secret, address, body, status
):
    ids = {"salon": salon.pk, "garage": garage.pk}
    told = {name: value.format(**ids) for name, value in body.items()}
    assert post(INITIATION + address.format(**ids), told, bearer(secret)).status_code == status


def test_for_nobody_the_answer_is_neutral_and_complete(salon):
    answer = post(INITIATION, {"called_number": "+15550009999", "agent_id": "x"}, bearer(PLATFORM_SECRET))
    told = answer.json()["dynamic_variables"]
    assert (answer.status_code, told["business_name"], told["tenant_id"]) == (200, "Our Business", "")
    assert "Salon" not in answer.content.decode()


def test_the_socket_and_the_webhook_tell_the_agent_the_same(salon, conversation):
    from agents.assignments import assignment_for

    with tenant_scope(salon):
        socket = json.loads(assignment_for(conversation.pk).initiation_json)
    request = {
        "caller_id": CALLER,
        "called_number": "+15551234567",
        "call_sid": "CA1",
        "conversation_id": "c",
    }
    webhook = post(INITIATION, request, bearer(PLATFORM_SECRET)).json()
    assert webhook["dynamic_variables"].pop("conversation_id") == "c"
    assert webhook == socket


def test_a_tenant_may_narrow_the_overrides(salon, conversation):
    from agents.assignments import assignment_for

    def initiation(wanted: object) -> dict:
        with tenant_scope(salon):
            Tenant.objects.filter(pk=salon.pk).update(settings={"sendOverrides": wanted})
            return json.loads(assignment_for(conversation.pk).initiation_json)

    assert "conversation_config_override" not in initiation("none")
    narrowed = initiation(["first_message"])["conversation_config_override"]
    assert narrowed == {"agent": {"first_message": "Hello! Welcome to Test Salon."}}


# --- Tools ---------------------------------------------------------------------------------------


def run(name: str, parameters: dict | None = None, **root) -> dict:
    answer = post(
        WEBHOOK, tool(name, parameters, agentId="agent_demo_salon", **root), bearer(PLATFORM_SECRET)
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize("name", ["get_services", "list_services"])
def test_services_are_listed_as_documented(salon, name):
    answer = run(name)
    assert answer["success"] is True
    haircut = next(one for one in answer["data"]["services"] if one["id"] == HAIRCUT)
    assert haircut.items() >= {"name": "Haircut", "price": 50, "duration": 60}.items()
    assert answer["data"]["message"] == "We offer: Coloring, Haircut, Styling."
    assert len(run(name, {"limit": 2})["data"]["services"]) == 2


@pytest.mark.parametrize("name", ["get_business_hours", "get_hours"])
def test_hours_are_told_as_documented(salon, name):
    data = run(name)["data"]
    assert data["message"] == "We're open Monday through Friday from 09:00 to 17:00."
    assert (
        data["businessHours"]["monday"].items()
        >= {"open": "09:00", "close": "17:00", "enabled": True}.items()
    )
    assert data["businessHours"]["sunday"]["enabled"] is False


@pytest.fixture
def next_week() -> str:
    """A Wednesday that is not this week's."""
    import datetime

    today = datetime.datetime.now(datetime.UTC).date()
    return (today + datetime.timedelta(days=7 + (2 - today.weekday()) % 7)).isoformat()


@pytest.mark.parametrize("name", ["check_availability", "get_availability"])
def test_availability_names_slots_that_can_be_booked(salon, name, next_week):
    data = run(name, {"date": next_week, "serviceId": HAIRCUT})["data"]
    assert (data["date"], data["timezone"], len(data["slots"])) == (next_week, "America/New_York", 15)
    first = data["slots"][0]
    assert first["startTimeLocal"] == f"{next_week}T09:00"
    assert first["employeeName"] in {"Ana", "Ben"}
    assert "9 AM" in data["message"]
    assert data["message"].count("AM") + data["message"].count("PM") <= 4
    booked = run(
        "book_appointment", {"slotId": first["slotId"], "customerName": "John", "customerPhone": CALLER}
    )
    assert booked["data"]["appointment"]["startTime"] == first["startTime"]


def test_without_a_date_the_next_free_day_is_offered(salon):
    data = run("check_availability", {"serviceId": HAIRCUT})["data"]
    assert data["slots"]


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2020-02-29"])
def test_absurd_dates_are_answered_like_others(salon, day):
    answer = run("check_availability", {"serviceId": HAIRCUT, "date": day})
    assert (answer["success"], answer["data"]["slots"]) == (True, [])
    assert answer["data"]["message"]


def test_a_secret_that_no_key_opens_locks_nobody_else_out(secrets, salon, garage):
    from django.db import connection

    with tenant_scope(garage), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_credential SET value = 'gAAAAAbad'")
    assert post(WEBHOOK, tool("get_services"), bearer(SALON_SECRET)).status_code == 200
    assert post(WEBHOOK, tool("get_services"), bearer(GARAGE_SECRET)).status_code == 401


def test_without_a_service_the_caller_is_asked_which(salon):
    answer = run("check_availability")
    assert answer["success"] is False
    assert "Which service would you like?" in answer["message"]
    assert {one["name"] for one in answer["services"]} == {"Coloring", "Haircut", "Styling"}


@pytest.mark.parametrize("name", ["book_appointment", "create_appointment"])
def test_a_booking_by_fields_answers_as_documented(salon, name, next_week):
    answer = run(
        name,
        {
            "employeeId": ANA,
            "serviceId": HAIRCUT,
            "customerName": "John Doe",
            "customerEmail": "john@example.com",
            "customerPhone": "+15551234567",
            "startTime": f"{next_week}T10:00:00",
        },
    )
    appointment = answer["data"]["appointment"]
    assert (
        appointment.items()
        >= {
            "tenantId": str(salon.pk),
            "employeeId": ANA,
            "serviceId": HAIRCUT,
            "customerName": "John Doe",
            "customerEmail": "john@example.com",
            "customerPhone": "+15551234567",
            "startTimeLocal": f"{next_week}T10:00",
            "status": "scheduled",
            "notes": "Created via ElevenLabs AI",
        }.items()
    )
    assert appointment["startTime"].endswith("Z")
    assert "Ana" in answer["data"]["message"]
    assert "10 AM" in answer["data"]["message"]


def test_a_repeated_booking_gets_the_same_answer(salon, conversation, next_week):
    wish = {"serviceId": HAIRCUT, "customerName": "John", "startTime": f"{next_week}T10:00:00"}
    first, again = (run("book_appointment", wish, sessionId="conv_1") for _ in range(2))
    assert first == again
    with tenant_scope(salon):
        assert Appointment.objects.get().customer.phone_e164 == CALLER  # by caller ID
        assert ToolInvocation.objects.filter(conversation=conversation).count() == 2


def booked_at(start: str) -> dict:
    wish = {"serviceId": HAIRCUT, "customerName": "J", "customerPhone": CALLER, "startTime": start}
    return run("book_appointment", wish)["data"]["appointment"]


def test_a_time_may_be_written_in_small_letters(salon, next_week):
    told = booked_at(f"{next_week}t15:00:00z")
    assert datetime.datetime.fromisoformat(told["startTime"]).hour == 15


def test_a_local_time_with_a_z_is_taken_as_local_when_only_that_is_free(salon, next_week):
    assert booked_at(f"{next_week}T09:00:00Z")["startTimeLocal"] == f"{next_week}T09:00"


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"startTime": ""}, "VALIDATION_ERROR", "startTime"),
        ({"startTime": "next tuesday"}, "VALIDATION_ERROR", "startTime"),
        ({"startTime": "9999-12-31T23:59:59-12:00"}, "VALIDATION_ERROR", "startTime"),
        ({"startTime": 7}, "VALIDATION_ERROR", "startTime"),
        ({"startTime": ["x"]}, "VALIDATION_ERROR", "startTime"),
        ({"startTime": "2020-01-06T10:00:00"}, "IN_THE_PAST", "passed"),
        ({"serviceId": "nope"}, "VALIDATION_ERROR", "serviceId"),
        ({"serviceId": "00000000-0000-0000-0000-000000000000"}, "NOT_FOUND", "serviceId"),
        ({"employeeId": "00000000-0000-0000-0000-000000000000"}, "NOT_FOUND", "employeeId"),
        ({"customerName": ""}, "VALIDATION_ERROR", "customerName"),
        ({"customerName": {"first": "J"}}, "VALIDATION_ERROR", "customerName"),
        ({"customerPhone": "12"}, "VALIDATION_ERROR", "customerPhone"),
        ({"customerPhone": "+49" + "1" * 15}, "VALIDATION_ERROR", "customerPhone"),
        ({"customerPhone": ""}, "VALIDATION_ERROR", "customerPhone"),
        ({"customerEmail": "nope"}, "VALIDATION_ERROR", "customerEmail"),
        ({"slotId": "forged"}, "VALIDATION_ERROR", "slotId"),
    ],
)
def test_a_wish_that_cannot_be_met_is_told_in_words(salon, next_week, changes, code, named):
    wish = {
        "serviceId": HAIRCUT,
        "customerName": "John",
        "customerPhone": CALLER,
        "startTime": f"{next_week}T10:00:00",
    }
    answer = run("book_appointment", {**wish, **changes})
    assert (answer["success"], answer["code"]) == (False, code)
    assert named in answer["error"]
    assert answer["message"]
    with tenant_scope(salon):
        assert not Appointment.objects.exists()


def test_a_taken_time_is_refused_with_others(salon, next_week):
    wish = {"serviceId": HAIRCUT, "employeeId": ANA, "startTime": f"{next_week}T10:00:00"}
    run("book_appointment", {**wish, "customerName": "John", "customerPhone": CALLER})
    answer = run("book_appointment", {**wish, "customerName": "Jane", "customerPhone": "+15551112222"})
    assert answer["code"] == "TIME_SLOT_CONFLICT"
    assert answer["message"].startswith("That time is already taken. I could offer")
    assert 1 <= len(answer["alternatives"]) <= 4


def test_an_hour_that_the_clocks_skip_is_refused_with_the_nearest(salon):
    import time_machine

    with time_machine.travel("2027-03-10T12:00:00Z", tick=False):
        wish = {
            "serviceId": HAIRCUT,
            "customerName": "J",
            "customerPhone": CALLER,
            "startTime": "2027-03-14T02:30:00",
        }
        answer = run("book_appointment", wish)
    assert answer["code"] == "NONEXISTENT_TIME"
    assert "does not exist" in answer["message"]


def test_an_unknown_tool_is_told_politely(salon):
    answer = run("launch_rocket")
    assert answer["error"] == "Unknown tool: launch_rocket"
    assert answer["code"] == "UNKNOWN_TOOL"
    assert answer["message"]


def test_a_server_tool_takes_bare_parameters(salon, conversation):
    answer = post(
        "/api/ai/tools/check_availability",
        {"serviceId": HAIRCUT, "conversation_id": "conv_1", "tenant_id": str(salon.pk), "call_sid": "CA1"},
        bearer(PLATFORM_SECRET),
    )
    assert answer.json()["data"]["slots"]
    with tenant_scope(salon):
        used = ToolInvocation.objects.get()
        assert (used.conversation, used.arguments) == (conversation, {"serviceId": HAIRCUT})
    unknown = post("/api/ai/tools/launch_rocket", {}, bearer(PLATFORM_SECRET))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "UNKNOWN_TOOL")
    assert unknown.json()["message"] == speech_for("en").cannot_do_that


def test_a_tool_never_reaches_another_tenants_calendar(secrets, salon, next_week):
    wish = {
        "serviceId": HAIRCUT,
        "customerName": "Eve",
        "customerPhone": CALLER,
        "startTime": f"{next_week}T10:00",
    }
    answer = post("/api/ai/tools/book_appointment", wish, bearer(GARAGE_SECRET)).json()
    assert answer["code"] == "NOT_FOUND"
    with platform_scope():
        assert not Appointment.objects.exists()


def test_when_the_calendar_cannot_be_reached_there_is_something_to_say(salon, monkeypatch):
    from django.db import OperationalError

    from agents.tools import registry

    def down(*args: object) -> None:
        raise OperationalError("down")

    monkeypatch.setattr(registry, "_run", down)
    answer = run("get_services")
    assert (answer["code"], bool(answer["message"])) == ("CALENDAR_UNAVAILABLE", True)
