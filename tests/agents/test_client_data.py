"""Services, employees and appointments over plain HTTP, as custom actions call them."""

import datetime
import json

import pytest
from django.test import Client

from agents.tools.facts import read_slot_id
from appointments import lifecycle
from appointments.models import AddOn, Appointment, IdempotencyRecord, Service
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.test_webhooks import (  # noqa: F401 - fixtures
    ANA,
    GARAGE_SECRET,
    HAIRCUT,
    PLATFORM_SECRET,
    SALON_SECRET,
    bearer,
    mac,
    next_week,
    post,
    secrets,
    stamped,
)

ROOT = "/api/webhooks/elevenlabs/"
REQUIRED = "employeeId, serviceId, customerName, and startTime are required"
NOBODY = "tenantId=" + HAIRCUT


def get(path: str, query: str, headers: dict[str, str]):
    return Client().get(f"{ROOT}{path}?{query}", headers=headers)


def test_services_are_listed_as_documented(salon):
    query = f"tenantId={salon.pk}"
    answer = get("services", query, {"X-ElevenLabs-Signature": mac(PLATFORM_SECRET, query)})
    told = answer.json()
    assert (answer.status_code, told["success"], told["data"]["total"]) == (200, True, 3)
    assert told["data"]["tenantId"] == str(salon.pk)
    haircut = next(one for one in told["data"]["services"] if one["id"] == HAIRCUT)
    assert (
        haircut.items()
        >= {
            "name": "Haircut",
            "description": "A classic haircut",
            "price": 50,
            "duration": 60,
            "category": "hair",
        }.items()
    )


def test_the_query_string_is_what_a_get_signs(salon):
    query = f"tenantId={salon.pk}"
    assert get("services", query, stamped(PLATFORM_SECRET, query)).status_code == 200
    other = {"X-ElevenLabs-Signature": mac(PLATFORM_SECRET, query + "&x=1")}
    assert get("services", query, other).status_code == 401
    assert get("services", query, {}).status_code == 401


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "TENANT_NOT_RESOLVED"),
        ("tenantId=7", 400, "VALIDATION_ERROR"),
        (NOBODY, 404, "NOT_FOUND"),
    ],
)
def test_a_get_for_nobody_says_what_is_missing(salon, query, status, code):
    answer = get("services", query, bearer(PLATFORM_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_employees_are_listed_with_what_they_perform(secrets, salon):  # noqa: F811
    told = get("employees", "", bearer(SALON_SECRET)).json()["data"]
    assert [one["name"] for one in told["employees"]] == ["Ana", "Ben"]
    assert HAIRCUT in told["employees"][0]["serviceIds"]
    assert get("employees", f"tenantId={salon.pk}", bearer(GARAGE_SECRET)).status_code == 403


def wish(day: str, **changes: object) -> dict[str, object]:
    return {
        "employeeId": ANA,
        "serviceId": HAIRCUT,
        "customerName": "John Doe",
        "customerEmail": "john@example.com",
        "customerPhone": "+15551234567",
        "startTime": f"{day}T15:00:00Z",
        "addOns": [],
        "notes": "Haircut appointment",
        **changes,
    }


def test_an_appointment_is_made_as_documented(secrets, salon, next_week):  # noqa: F811
    body = wish(next_week, tenantId=str(salon.pk))
    answer = post(ROOT + "appointments", body, bearer(SALON_SECRET))
    told = answer.json()
    assert (answer.status_code, told["data"]["message"]) == (201, "Appointment created successfully")
    appointment = told["data"]["appointment"]
    same = ("employeeId", "serviceId", "customerName", "customerEmail", "customerPhone", "startTime", "notes")
    assert {name: appointment[name] for name in same} == {name: body[name] for name in same}
    assert appointment["endTime"] == f"{next_week}T16:00:00Z"
    assert appointment["status"] == "scheduled"
    again = post(ROOT + "appointments", body, bearer(SALON_SECRET))
    assert (again.status_code, again.json()["data"]["appointment"]["id"]) == (201, appointment["id"])


def test_the_tenant_may_stand_in_the_query(salon, next_week):  # noqa: F811
    path = f"{ROOT}appointments?tenantId={salon.pk}"
    assert post(path, wish(next_week, employeeId="any"), bearer(PLATFORM_SECRET)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "status", "code", "error"),
    [
        (
            {"employeeId": ""},
            400,
            "VALIDATION_ERROR",
            "employeeId, serviceId, customerName, and startTime are required",
        ),
        (
            {"startTime": None},
            400,
            "VALIDATION_ERROR",
            "employeeId, serviceId, customerName, and startTime are required",
        ),
        (
            {"customerPhone": "", "customerEmail": ""},
            400,
            "VALIDATION_ERROR",
            "Either customerEmail or customerPhone is required",
        ),
        ({"startTime": "soon"}, 400, "VALIDATION_ERROR", "startTime"),
        ({"startTime": "2020-01-06T15:00:00Z"}, 400, "IN_THE_PAST", "passed"),
        ({"serviceId": ANA}, 404, "NOT_FOUND", "serviceId"),
        ({"employeeId": HAIRCUT}, 404, "NOT_FOUND", "employeeId"),
    ],
)
def test_bad_wishes_get_4xx(secrets, salon, next_week, changes, status, code, error):  # noqa: F811
    answer = post(ROOT + "appointments", wish(next_week, **changes), bearer(SALON_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert error in answer.json()["error"]
    with platform_scope():
        assert not Appointment.objects.exists()


def test_a_taken_time_is_409_with_alternatives(secrets, salon, next_week):  # noqa: F811
    post(ROOT + "appointments", wish(next_week), bearer(SALON_SECRET))
    other = wish(next_week, customerName="Jane", customerPhone="+15550001111", customerEmail="")
    answer = post(ROOT + "appointments", other, bearer(SALON_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (409, "TIME_SLOT_CONFLICT")
    assert answer.json()["alternatives"]


def test_what_is_free_instead_is_free_with_the_add_ons(secrets, salon, next_week):  # noqa: F811
    with tenant_scope(salon):
        haircut = Service.objects.get(pk=HAIRCUT)
        beard = AddOn.objects.create(tenant=salon, service=haircut, name="Beard", minutes=30)
    post(ROOT + "appointments", wish(next_week), bearer(SALON_SECRET))
    other = wish(next_week, customerPhone="+15550001111", addOns=[str(beard.pk)])
    [slot, *_] = post(ROOT + "appointments", other, bearer(SALON_SECRET)).json()["alternatives"]
    assert read_slot_id(slot["slotId"]).add_on_ids == (beard.pk,)


def test_a_z_time_is_utc_here_and_not_guessed_at(secrets, salon, next_week):  # noqa: F811
    early = wish(next_week, startTime=f"{next_week}T10:00:00Z")
    answer = post(ROOT + "appointments", early, bearer(SALON_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (400, "OUTSIDE_HOURS")


def test_a_signed_booking_presented_again_is_a_replay(salon, next_week):  # noqa: F811
    body = json.dumps(wish(next_week, tenantId=str(salon.pk)))
    headers = stamped(PLATFORM_SECRET, body)
    assert post(ROOT + "appointments", body, headers).status_code == 201
    again = post(ROOT + "appointments", body, headers)
    assert (again.status_code, again.json()["code"]) == (403, "REPLAYED")


def test_a_signed_booking_that_was_refused_is_a_replay_too(secrets, salon, next_week):  # noqa: F811
    post(ROOT + "appointments", wish(next_week), bearer(SALON_SECRET))
    other = wish(next_week, customerName="Jane", customerPhone="+15550001111", customerEmail="")
    body = json.dumps({**other, "tenantId": str(salon.pk)})
    headers = {**stamped(PLATFORM_SECRET, body), "Idempotency-Key": "k1"}
    answers = [post(ROOT + "appointments", body, headers) for _ in range(2)]
    told = [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert told == [(409, "TIME_SLOT_CONFLICT"), (403, "REPLAYED")]
    assert answers[0].json()["alternatives"]
    with tenant_scope(salon):
        assert not IdempotencyRecord.objects.filter(key="k1").exists()


def test_only_the_tenant_itself_lists_a_customers_appointments(secrets, salon, next_week):  # noqa: F811
    post(ROOT + "appointments", wish(next_week), bearer(SALON_SECRET))
    query = "customerPhone=%2B15551234567"
    told = get("appointments", query, bearer(SALON_SECRET)).json()["data"]
    assert [one["startTime"] for one in told["appointments"]] == [f"{next_week}T15:00:00Z"]
    assert "john@example.com" not in json.dumps(told)
    assert get("appointments", "", bearer(SALON_SECRET)).status_code == 400
    assert get("appointments", query, bearer(GARAGE_SECRET)).json()["data"]["appointments"] == []
    platform = get("appointments", f"{query}&tenantId={salon.pk}", bearer(PLATFORM_SECRET))
    assert platform.status_code == 403
    with tenant_scope(salon):
        assert Appointment.objects.count() == 1


def test_a_list_is_narrowed_by_what_the_query_asks_for(secrets, salon, next_week):  # noqa: F811
    made = post(ROOT + "appointments", wish(next_week), bearer(SALON_SECRET)).json()["data"]["appointment"]
    day = datetime.date.fromisoformat(str(next_week))
    before, after = day - datetime.timedelta(days=1), day + datetime.timedelta(days=1)
    for narrowed, found in {
        "status=scheduled": 1,
        "status=cancelled": 0,
        f"employeeId={made['employeeId']}": 1,
        f"employeeId={HAIRCUT}": 0,
        f"startDate={day}&endDate={day}": 1,
        f"startDate={after}": 0,
        f"endDate={before}": 0,
    }.items():
        told = get("appointments", f"customerPhone=%2B15551234567&{narrowed}", bearer(SALON_SECRET)).json()
        assert told["data"]["total"] == found, narrowed


@pytest.mark.parametrize(
    "junk",
    ["status=lost", "employeeId=Ana", "startDate=tomorrow", "endDate=9999-12-31", "startDate=2026-13-01"],
)
def test_a_filter_that_means_nothing_is_refused(secrets, salon, junk):  # noqa: F811
    answer = get("appointments", f"customerPhone=%2B15551234567&{junk}", bearer(SALON_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"].startswith(junk.partition("=")[0] + ":")


def test_an_idempotency_key_gets_the_same_answer_and_none_for_another_body(secrets, salon, next_week):  # noqa: F811
    headers = {**bearer(SALON_SECRET), "Idempotency-Key": "k1"}
    first = post(ROOT + "appointments", wish(next_week), headers)
    again = post(ROOT + "appointments", wish(next_week), headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = post(ROOT + "appointments", wish(next_week, notes="by the window"), headers)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_CONFLICT")
    with tenant_scope(salon):
        assert Appointment.objects.count() == 1


def test_an_idempotency_key_gets_the_same_answer_whatever_became_of_it(secrets, salon, next_week):  # noqa: F811
    headers = {**bearer(SALON_SECRET), "Idempotency-Key": "k1"}
    first = post(ROOT + "appointments", wish(next_week), headers)
    with tenant_scope(salon):
        made = Appointment.objects.get()
        later = made.starts_at + datetime.timedelta(hours=2)
        lifecycle.reschedule(salon, made.pk, later)
    moved = post(ROOT + "appointments", wish(next_week), headers)
    with tenant_scope(salon):
        lifecycle.cancel(salon, made.pk)
    cancelled = post(ROOT + "appointments", wish(next_week), headers)
    for again in moved, cancelled:
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"
    with tenant_scope(salon):
        [appointment] = Appointment.objects.all()
        assert (appointment.starts_at, appointment.status) == (later, "cancelled")


def test_a_refused_booking_may_be_tried_again_with_its_key(secrets, salon, next_week):  # noqa: F811
    post(ROOT + "appointments", wish(next_week), bearer(SALON_SECRET))
    other = wish(next_week, customerName="Jane", customerPhone="+15550001111", customerEmail="")
    headers = {**bearer(SALON_SECRET), "Idempotency-Key": "k1"}
    assert post(ROOT + "appointments", other, headers).status_code == 409
    with tenant_scope(salon):
        lifecycle.cancel(salon, Appointment.objects.get().pk)
    assert post(ROOT + "appointments", other, headers).status_code == 201


def test_an_endless_idempotency_key_is_refused_rather_than_cut_off(secrets, salon, next_week):  # noqa: F811
    headers = {**bearer(SALON_SECRET), "Idempotency-Key": "k" * 201}
    answer = post(ROOT + "appointments", wish(next_week), headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


def test_a_refusal_names_the_field(secrets, salon, next_week):  # noqa: F811
    told = post(ROOT + "appointments", wish(next_week, serviceId="7"), bearer(SALON_SECRET)).json()
    assert (told["code"], told["field"]) == ("VALIDATION_ERROR", "serviceId")
