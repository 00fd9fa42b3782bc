"""The REST API: what integrators ask, book and change. `Integrator` holds every answer against the OpenAPI document."""

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from agents.tools import registry
from agents.tools.facts import read_slot_id
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentChange,
    Customer,
    Employee,
    Service,
    TimeOff,
    WaitlistEntry,
)
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.tonris.integrator import Integrator

JANE = {"customerName": "Jane", "customerPhone": "+15550001111"}
ANA = "12345678-1234-1234-1234-123456789012"
HAIRCUT = "87654321-4321-4321-4321-210987654321"


def wish(day: str, **changes: Any) -> dict[str, Any]:
    body = {
        "serviceId": HAIRCUT,
        "employeeId": ANA,
        "startTime": f"{day}T10:00",
        "customerName": "John Doe",
        "customerPhone": "+15559876543",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def book(api: Integrator, day: str, **changes: Any) -> dict[str, Any]:
    answer = api.post("appointments", wish(day, **changes))
    assert answer.status_code == 201, answer.json()
    return answer.json()["data"]["appointment"]


def refused(answer: Any) -> tuple[int, str]:
    told = answer.json()
    assert told["success"] is False
    assert told["error"]
    return answer.status_code, told["code"]


def appointments(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return Appointment.objects.count()


# --- Catalog -------------------------------------------------------------------------------------


def test_services_are_told_with_add_ons_and_who_performs_them(api, salon):
    with tenant_scope(salon):
        service = Service.objects.get(pk=HAIRCUT)
        AddOn.objects.filter(service=service).delete()
        AddOn.objects.create(tenant=salon, service=service, name="Beard", minutes=15, price="12.50")
        AddOn.objects.create(tenant=salon, service=service, name="Gone", is_active=False)
    data = api.data("services")
    assert (data["total"], [one["name"] for one in data["services"]]) == (
        3,
        ["Coloring", "Haircut", "Styling"],
    )
    haircut = api.data(f"services/{HAIRCUT}")["service"]
    assert haircut in data["services"]
    assert [(one["name"], one["duration"], one["price"]) for one in haircut["addOns"]] == [
        ("Beard", 15, 12.5)
    ]
    assert ANA in haircut["employeeIds"]
    assert (haircut["price"], haircut["duration"], haircut["slotStepMinutes"]) == (50, 60, 30)


def test_what_is_not_offered_any_more_is_not_listed_but_still_found(api, salon):
    with tenant_scope(salon):
        Service.objects.filter(pk=HAIRCUT).update(is_active=False)
        Employee.objects.filter(pk=ANA).update(is_active=False)
    assert HAIRCUT not in [one["id"] for one in api.data("services")["services"]]
    assert api.data(f"services/{HAIRCUT}")["service"]["active"] is False
    assert [one["name"] for one in api.data("employees")["employees"]] == ["Ben"]
    assert api.data(f"employees/{ANA}")["employee"]["active"] is False


def test_the_week_is_the_tools_own(api, salon):
    told = registry.answer(salon.pk, None, "get_business_hours", {})
    assert api.get("business-hours").json() == told


# --- Customers -----------------------------------------------------------------------------------


def test_a_customer_is_entered_once_and_changed(api):
    body = {"name": "Ann Lee", "phone": "(555) 987-0001", "email": "ann@example.com", "notes": "shy"}
    made = api.post("customers", body)
    customer = made.json()["data"]["customer"]
    assert (made.status_code, customer["phone"], customer["notes"]) == (201, "+15559870001", "shy")
    again = api.post("customers", {"name": "ann lee", "phone": "+15559870001", "notes": "bold"})
    assert (again.status_code, again.json()["data"]["customer"]) == (200, customer)
    changed = api.patch(f"customers/{customer['id']}", {"name": "Ann Li", "notes": ""})
    assert changed.json()["data"]["customer"] == {**customer, "name": "Ann Li", "notes": ""}
    assert api.data(f"customers/{customer['id']}")["customer"]["name"] == "Ann Li"


def test_customers_are_found_by_phone_mail_and_part_of_a_name(api):
    for name, phone, email in (("Ann Lee", "+15559870001", ""), ("Bob Leeds", "", "Bob@example.com")):
        api.post("customers", {"name": name, "phone": phone, "email": email})

    def found(**query: str) -> list[str]:
        return [one["name"] for one in api.data("customers", **query)["customers"]]

    assert found() == ["Ann Lee", "Bob Leeds"]
    assert found(name="lee") == ["Ann Lee", "Bob Leeds"]
    assert (
        found(phone="+15559870001")
        == found(phone=" 15559870001")
        == found(phone="555 987 0001")
        == ["Ann Lee"]
    )
    assert found(email="bob@EXAMPLE.com") == ["Bob Leeds"]
    assert found(name="lee", email="nobody@example.com") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "+15559870001"}, "name"),
        ({"name": " ", "phone": "+15559870001"}, "name"),
        ({"name": "n" * 121, "phone": "+15559870001"}, "name"),
        ({"name": "Ann"}, "phone"),
        ({"name": "Ann", "phone": "soon"}, "phone"),
        ({"name": "Ann", "email": "at home"}, "email"),
        ({"name": "Ann\x00", "email": 7}, "email"),
        ({"name": ["Ann"], "phone": "+15559870001"}, "name"),
    ],
)
def test_a_wrong_customer_is_refused_by_field(api, body, field):
    answer = api.post("customers", body)
    assert refused(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["fields"]) == [field]


def test_a_customer_cannot_become_a_twin_or_lose_every_contact(api):
    first = api.post("customers", {"name": "Ann", "phone": "+15559870001"}).json()["data"]["customer"]
    api.post("customers", {"name": "Bob", "phone": "+15559870001"})
    twin = api.patch(f"customers/{first['id']}", {"name": "BOB"})
    assert refused(twin) == (409, "CUSTOMER_EXISTS")
    assert refused(api.patch(f"customers/{first['id']}", {"phone": ""})) == (400, "VALIDATION_ERROR")
    assert api.data(f"customers/{first['id']}")["customer"] == first


# --- Availability --------------------------------------------------------------------------------


@pytest.mark.parametrize("employee", [None, "any", ANA])
def test_availability_is_the_very_object_of_the_tool(api, salon, day, employee):
    asked = {"serviceId": HAIRCUT, "date": day, **({"employeeId": employee} if employee else {})}
    told = registry.answer(salon.pk, None, "check_availability", asked)
    answer = api.get("availability", **asked).json()
    for slots in (answer["data"]["slots"], told["data"]["slots"]):
        for slot in slots:
            slot.pop("slotId")  # signed anew each second
    assert answer == told
    assert answer["data"]["slots"]


def test_without_a_date_it_is_the_first_day_with_anything_free(api):
    data = api.data("availability", serviceId=HAIRCUT)
    assert data["slots"]
    assert data["date"] >= data["today"]


def test_add_ons_make_it_longer_in_either_spelling(api, salon, day):
    with tenant_scope(salon):
        service = Service.objects.get(pk=HAIRCUT)
        ids = [str(AddOn.objects.create(tenant=salon, service=service, name=n, minutes=30).pk) for n in "ab"]
    for given in (",".join(ids), ids):
        slots = api.data("availability", serviceId=HAIRCUT, date=day, addOns=given)["slots"]
        assert slots[-1]["startTimeLocal"] == f"{day}T15:00"
    assert len(api.data("availability", serviceId=HAIRCUT, date=day, addOns="")["slots"]) == 15


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ({}, 400, "serviceId"),
        ({"serviceId": "7"}, 400, "serviceId"),
        ({"serviceId": ANA}, 404, "serviceId"),
        ({"serviceId": HAIRCUT, "employeeId": HAIRCUT}, 404, "employeeId"),
        ({"serviceId": HAIRCUT, "date": "soon"}, 400, "date"),
        ({"serviceId": HAIRCUT, "addOns": "x"}, 400, "addOns"),
        ({"serviceId": HAIRCUT, "addOns": ANA}, 404, "addOns"),
    ],
)
def test_wrong_questions_name_the_field(api, query, status, named):
    answer = api.get("availability", **query)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(named)


def test_why_not_tells_every_reason_and_what_is_free(api, salon, day):
    book(api, day)
    with tenant_scope(salon):
        away = datetime.datetime.fromisoformat(f"{day}T10:00-05:00")
        TimeOff.objects.create(
            tenant=salon, employee_id=ANA, starts_at=away, ends_at=away + datetime.timedelta(days=1)
        )
    told = api.data("availability/why-not", serviceId=HAIRCUT, employeeId=ANA, startTime=f"{day}T10:10")
    assert told["bookable"] is False
    assert {"TIME_OFF", "BUSY", "OFF_GRID"} <= {one["code"] for one in told["reasons"]}
    assert {one["bookingCode"] for one in told["reasons"]} >= {"OUTSIDE_HOURS", "TIME_SLOT_CONFLICT"}
    assert all(one["sentence"] for one in told["reasons"])
    assert told["alternatives"]


def test_why_not_of_a_free_time_has_no_reasons(api, day):
    told = api.data("availability/why-not", serviceId=HAIRCUT, startTime=f"{day}T10:00")
    assert (told["bookable"], told["reasons"], told["alternatives"]) == (True, [], [])
    book(api, day)
    told = api.data("availability/why-not", serviceId=HAIRCUT, startTime=f"{day}T10:00")
    assert (told["bookable"], told["employeeName"]) == (True, "Ben")
    plus = api.data("availability/why-not", serviceId=HAIRCUT, startTime=f"{day}T10:00:00 00:00")
    assert plus["startTime"] == f"{day}T10:00:00Z"


def test_times_may_be_written_in_small_letters(api, day):
    told = api.data("availability/why-not", serviceId=HAIRCUT, startTime=f"{day}t15:00:00z")
    assert told["startTime"] == f"{day}T15:00:00Z"
    made = book(api, day, startTime=f"{day}t15:00:00z")
    assert made["startTime"] == f"{day}T15:00:00Z"
    before = api.data("appointments", to=f"{day}t15:00:00z")["appointments"]
    assert made["id"] not in [one["id"] for one in before]


def test_why_not_of_a_time_that_the_clocks_skip(api):
    told = api.data("availability/why-not", serviceId=HAIRCUT, employeeId=ANA, startTime="2027-03-14T02:30")
    assert told["startTime"] is None
    assert "NONEXISTENT_TIME" in {one["bookingCode"] for one in told["reasons"]}


# --- Booking -------------------------------------------------------------------------------------


def test_an_appointment_is_booked_told_and_found_again(api, salon, day):
    made = book(api, day, notes="by the window", customerEmail="john@example.com")
    assert (made["startTimeLocal"], made["status"], made["source"]) == (f"{day}T10:00", "scheduled", "api")
    assert (made["price"], made["currency"], made["notes"]) == (50, "USD", "by the window")
    assert api.data(f"appointments/{made['id']}")["appointment"] == made
    assert api.data("appointments")["appointments"] == [made]
    history = api.data(f"appointments/{made['id']}/history")["history"]
    assert [(one["kind"], one["actor"]) for one in history] == [("booked", "API key website")]


def test_a_slot_that_was_offered_is_booked_by_its_id(api, day):
    slot = api.data("availability", serviceId=HAIRCUT, date=day)["slots"][3]
    made = book(api, day, slotId=slot["slotId"], serviceId=None, employeeId=None, startTime=None)
    assert (made["startTime"], made["employeeId"]) == (slot["startTime"], slot["employeeId"])


def test_add_ons_are_booked_with_their_price(api, salon, day):
    with tenant_scope(salon):
        service = Service.objects.get(pk=HAIRCUT)
        beard = AddOn.objects.create(tenant=salon, service=service, name="Beard", minutes=15, price="12.50")
    made = book(api, day, addOns=[str(beard.pk)])
    assert made["price"] == 62.5
    assert [one["name"] for one in made["addOns"]] == ["Beard"]


def test_the_same_wish_again_is_the_same_appointment(api, salon, day):
    made = book(api, day)
    again = api.post("appointments", wish(day))
    assert (again.status_code, again.json()["data"]["appointment"]) == (200, made)
    assert appointments(salon) == 1


def test_a_taken_time_is_409_with_what_is_free(api, salon, day):
    book(api, day)
    answer = api.post("appointments", wish(day, **JANE))
    assert refused(answer) == (409, "TIME_SLOT_CONFLICT")
    free = answer.json()["alternatives"]
    made = book(api, day, slotId=free[0]["slotId"], **JANE)
    assert made["startTime"] == free[0]["startTime"]


def test_what_is_free_instead_is_free_with_the_add_ons_that_were_wished(api, salon, day):
    with tenant_scope(salon):
        service = Service.objects.get(pk=HAIRCUT)
        beard = AddOn.objects.create(tenant=salon, service=service, name="Beard", minutes=30)
    book(api, day)
    made = book(api, day, startTime=f"{day}T14:00", addOns=[str(beard.pk)], **JANE)
    taken = {"startTime": f"{day}T10:00"}
    longer = wish(day, addOns=[str(beard.pk)], **JANE)
    asked = {name: longer[name] for name in ("serviceId", "employeeId", "startTime", "addOns")}
    offered = [
        api.post("appointments", longer).json()["alternatives"],
        api.post(f"appointments/{made['id']}/reschedule", taken).json()["alternatives"],
        api.data("availability/why-not", **asked)["alternatives"],
        api.post("series", {**longer, "count": 1}).json()["conflicts"][0]["alternatives"],
    ]
    for slot in (slots[0] for slots in offered):
        assert read_slot_id(slot["slotId"]).add_on_ids == (beard.pk,)
    again = book(api, day, slotId=offered[0][0]["slotId"], **JANE)
    assert (again["endTime"], len(again["addOns"])) == (offered[0][0]["endTime"], 1)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"startTime": "2020-01-06T10:00"}, 400, "IN_THE_PAST"),
        ({"startTime": "{day}T20:00"}, 400, "OUTSIDE_HOURS"),
        ({"startTime": "{day}T10:10"}, 400, "OFF_GRID"),
        ({"startTime": "2199-01-07T10:00"}, 400, "TOO_FAR"),
        ({"startTime": "2027-03-14T02:30"}, 400, "NONEXISTENT_TIME"),
        ({"startTime": "soon"}, 400, "VALIDATION_ERROR"),
        ({"startTime": "0001-01-01T00:00"}, 400, "VALIDATION_ERROR"),
        ({"startTime": None}, 400, "VALIDATION_ERROR"),
        ({"slotId": "nonsense"}, 400, "VALIDATION_ERROR"),
        ({"serviceId": None}, 400, "VALIDATION_ERROR"),
        ({"serviceId": "7"}, 400, "VALIDATION_ERROR"),
        ({"serviceId": ANA}, 404, "NOT_FOUND"),
        ({"employeeId": HAIRCUT}, 404, "NOT_FOUND"),
        ({"addOns": [ANA]}, 404, "NOT_FOUND"),
        ({"addOns": "x"}, 400, "VALIDATION_ERROR"),
        ({"addOns": [{}]}, 400, "VALIDATION_ERROR"),
        ({"customerName": ""}, 400, "VALIDATION_ERROR"),
        ({"customerPhone": None}, 400, "VALIDATION_ERROR"),
        ({"customerPhone": "12"}, 400, "VALIDATION_ERROR"),
        ({"customerEmail": "at home"}, 400, "VALIDATION_ERROR"),
        ({"notes": "n" * 2001}, 400, "VALIDATION_ERROR"),
        ({"notes": {"a": 1}}, 400, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_booked_says_why(api, salon, day, changes, status, code):
    changes = {k: v.replace("{day}", day) if isinstance(v, str) else v for k, v in changes.items()}
    answer = api.post("appointments", wish(day, **changes))
    assert refused(answer) == (status, code)
    assert answer.json()["message"]
    assert appointments(salon) == 0


def test_every_wrong_field_is_named_at_once(api, day):
    told = api.post("appointments", {"serviceId": "x", "customerPhone": "y", "addOns": ["z"]}).json()
    assert set(told["fields"]) >= {"serviceId", "customerName", "customerPhone", "addOns.0"}


@pytest.mark.parametrize("body", ["", "[]", "7", "{", '{"a": NaN}', "[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object_is_a_400(api, salon, body):
    headers = {"Authorization": f"Bearer {api.key}"}
    answer = Client().post("/api/v1/appointments", body, content_type="application/json", headers=headers)
    assert refused(answer) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "7"])
def test_a_body_that_is_json_and_no_object_is_told_so(api, body):
    headers = {"Authorization": f"Bearer {api.key}"}
    answer = Client().post("/api/v1/appointments", body, content_type="application/json", headers=headers)
    assert answer.json()["error"] == "The body must be a JSON object"
    broken = Client().post("/api/v1/appointments", "{", content_type="application/json", headers=headers)
    assert broken.json()["error"] == "The body is not valid JSON"


def test_a_body_of_another_kind_is_a_415(api):
    headers = {"Authorization": f"Bearer {api.key}"}
    assert Client().post("/api/v1/appointments", {"a": 1}, headers=headers).status_code == 415


# --- Idempotency ---------------------------------------------------------------------------------


def test_the_same_key_and_request_get_the_same_answer_whatever_happened_since(api, salon, day):
    first = api.post("appointments", wish(day), Idempotency_Key="k1")
    made = first.json()["data"]["appointment"]
    api.post(f"appointments/{made['id']}/cancel")
    again = api.post("appointments", wish(day), Idempotency_Key="k1")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert appointments(salon) == 1


def test_the_same_key_with_another_request_is_a_conflict(api, salon, day):
    api.post("appointments", wish(day), Idempotency_Key="k1")
    other = api.post("appointments", wish(day, startTime=f"{day}T12:00"), Idempotency_Key="k1")
    assert refused(other) == (422, "IDEMPOTENCY_CONFLICT")
    elsewhere = api.post("customers", {"name": "Ann", "email": "ann@example.com"}, Idempotency_Key="k1")
    assert refused(elsewhere) == (422, "IDEMPOTENCY_CONFLICT")
    assert appointments(salon) == 1


def test_a_new_key_is_a_new_wish(api, salon, day):
    anybody = wish(day, employeeId=None)
    made = [
        api.post("appointments", anybody, Idempotency_Key=key).json()["data"]["appointment"]
        for key in ("k1", "k2")
    ]
    assert {one["employeeName"] for one in made} == {"Ana", "Ben"}


def test_a_refused_request_may_be_tried_again_with_its_key(api, salon, day):
    taken = book(api, day)
    other = wish(day, **JANE)
    assert api.post("appointments", other, Idempotency_Key="k1").status_code == 409
    api.post(f"appointments/{taken['id']}/cancel")
    assert api.post("appointments", other, Idempotency_Key="k1").status_code == 201


def test_an_endless_key_is_refused_rather_than_cut_off(api, salon, day):
    answer = api.post("appointments", wish(day), Idempotency_Key="k" * 201)
    assert (refused(answer), answer.json()["field"]) == ((400, "VALIDATION_ERROR"), "Idempotency-Key")


def test_two_tenants_may_use_the_same_key(api, salon, garage):
    body = {"name": "Ann", "email": "ann@example.com"}
    ours = api.post("customers", body, Idempotency_Key="k1").json()["data"]["customer"]
    theirs = Integrator(garage).post("customers", body, Idempotency_Key="k1").json()["data"]["customer"]
    assert ours["id"] != theirs["id"]


# --- Lists ---------------------------------------------------------------------------------------


def test_appointments_are_listed_by_whatever_is_asked(api, salon, day):
    first = book(api, day)
    second = book(api, day, employeeId=None, startTime=f"{day}T14:00", **JANE)
    api.post(f"appointments/{second['id']}/cancel")
    following = (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()

    def found(**query: Any) -> list[str]:
        return [one["id"] for one in api.data("appointments", **query)["appointments"]]

    both = [first["id"], second["id"]]
    assert found() == both
    assert found(**{"from": day, "to": following}) == both
    assert found(**{"from": f"{day}T10:01"}) == [second["id"]]
    assert found(**{"from": first["startTime"], "to": second["startTime"]}) == [first["id"]]
    assert found(to=day) == []
    assert found(status="scheduled") == [first["id"]]
    assert found(status=["scheduled", "cancelled"]) == both
    assert found(customerPhone="+15550001111") == found(customerId=second["customerId"]) == [second["id"]]
    assert found(employeeId=ANA)[0] == first["id"]
    assert found(serviceId=HAIRCUT) == both
    assert found(serviceId=str(uuid4())) == []


@pytest.mark.parametrize(
    "query", [{"from": "soon"}, {"status": "late"}, {"employeeId": "7"}, {"limit": "0"}, {"limit": "101"},
              {"cursor": "x"}, {"cursor": "WyJhIiwgImIiXQ"}, {"cursor": "é"}, {"customerPhone": "x"}]
)  # fmt: skip
def test_a_wrong_filter_is_refused(api, query):
    answer = api.get("appointments", **query)
    assert refused(answer) == (400, "VALIDATION_ERROR")
    assert set(answer.json()["fields"]) == set(query)


def test_pages_follow_one_another_and_lose_nothing(api, salon, day):
    for hour in (9, 10, 11, 12, 13):
        book(api, day, startTime=f"{day}T{hour:02}:00")
        book(
            api,
            day,
            startTime=f"{day}T{hour:02}:00",
            employeeId=None,
            customerName="Zoe",
            customerPhone="+15550001111",
        )
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        data = api.data("appointments", **query)
        seen += [one["id"] for one in data["appointments"]]
        if data["nextCursor"] is None:
            break
        query["cursor"] = data["nextCursor"]
    assert len(seen) == len(set(seen)) == 10


def test_names_that_are_alike_are_paged_too(api):
    for number in range(5):
        api.post("customers", {"name": "Ann", "phone": f"+1555987000{number}"})
    first = api.data("customers", limit=2)
    second = api.data("customers", limit=3, cursor=first["nextCursor"])
    assert len({one["id"] for one in first["customers"] + second["customers"]}) == 5
    assert second["nextCursor"] is None


@pytest.mark.parametrize("path", ["services", "employees", "customers", "appointments", "waitlist"])
def test_a_longer_list_takes_no_more_queries(api, salon, day, path, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def furnish(number: int) -> None:
        with tenant_scope(salon):
            service = Service.objects.create(
                tenant=salon, name=f"S{number}", duration_minutes=30, price=1, slot_step_minutes=30
            )
            beard = AddOn.objects.create(tenant=salon, service=service, name="x")
            ben = Employee.objects.create(tenant=salon, name=f"E{number}")
            ben.performs.create(tenant=salon, service=service)
        body = {"serviceId": str(service.pk), "addOns": [str(beard.pk)], "startTime": f"{day}T10:00"}
        contact = {"customerName": f"C{number}", "customerPhone": f"+1555000{number:04}"}
        assert api.post("appointments", {**body, **contact}).status_code == 201
        assert api.post("waitlist", {"serviceId": str(service.pk), **contact}).status_code == 201

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            api.get(path)
        return len(captured)

    furnish(1)
    few = queries()
    for number in range(2, 8):
        furnish(number)
    assert queries() == few


# --- What becomes of it --------------------------------------------------------------------------


def test_an_appointment_goes_through_its_life(api, day):
    pk = book(api, day)["id"]

    def act(verb: str, **body: Any) -> tuple[str, bool]:
        answer = api.post(f"appointments/{pk}/{verb}", body)
        assert answer.status_code == 200, answer.json()
        data = answer.json()["data"]
        return data["appointment"]["status"], data["changed"]

    assert act("confirm") == ("confirmed", True)
    assert act("confirm") == ("confirmed", False)
    assert act("cancel", reason="ill") == ("cancelled", True)
    assert act("restore", reason="well again") == ("scheduled", True)
    assert act("reschedule", startTime=f"{day}T11:00") == ("scheduled", True)
    assert act("complete") == ("completed", True)
    history = api.data(f"appointments/{pk}/history")["history"]
    assert [one["kind"] for one in history] == [
        "booked", "confirmed", "cancelled", "restored", "moved", "completed",
    ]  # fmt: skip
    assert {one["actor"] for one in history} == {"API key website"}
    assert [one["reason"] for one in history][2:4] == ["ill", "well again"]


def test_a_verb_needs_no_body_at_all(api, day):
    pk = book(api, day)["id"]
    headers = {"Authorization": f"Bearer {api.key}"}
    answer = Client().generic("POST", f"/api/v1/appointments/{pk}/cancel", headers=headers)
    assert answer.status_code == 200


def test_a_status_that_does_not_allow_it_is_409(api, day):
    pk = book(api, day)["id"]
    assert refused(api.post(f"appointments/{pk}/no-show")) == (409, "NOT_ALLOWED")  # still to come
    api.post(f"appointments/{pk}/complete")
    for verb in ("confirm", "cancel"):
        assert refused(api.post(f"appointments/{pk}/{verb}")) == (409, "NOT_ALLOWED")
    moved = api.post(f"appointments/{pk}/reschedule", {"startTime": f"{day}T11:00"})
    assert refused(moved) == (409, "NOT_ALLOWED")


def test_the_cut_off_binds_customers_and_not_staff(api, salon, day):
    made = book(api, day)
    with tenant_scope(salon):
        Service.objects.filter(pk=HAIRCUT).update(cancel_notice_minutes=60 * 24 * 60)
    for verb, body in (("cancel", {}), ("reschedule", {"startTime": f"{day}T11:00"})):
        late = api.post(f"appointments/{made['id']}/{verb}", body)
        assert refused(late) == (409, "TOO_LATE")
    staff = {"byCustomer": False}
    assert api.post(f"appointments/{made['id']}/cancel", staff).status_code == 200


def test_it_moves_to_another_time_or_employee_or_slot(api, day):
    made = book(api, day)

    def move(**body: Any) -> dict[str, Any]:
        answer = api.post(f"appointments/{made['id']}/reschedule", body)
        assert answer.status_code == 200, answer.json()
        return answer.json()["data"]["appointment"]

    assert move(startTime=f"{day}T10:30")["employeeId"] == ANA
    slots = api.data("availability", serviceId=HAIRCUT, date=day)["slots"]
    offered = next(slot for slot in slots if slot["startTimeLocal"] == f"{day}T15:00")
    assert move(slotId=offered["slotId"])["startTime"] == offered["startTime"]
    employees = {one["name"]: one["id"] for one in api.data("employees")["employees"]}
    assert move(startTime=f"{day}T09:00", employeeId=employees["Ben"])["employeeName"] == "Ben"


def test_it_does_not_move_to_a_taken_time_or_to_another_service(api, day):
    made = book(api, day)
    book(api, day, startTime=f"{day}T14:00", **JANE)
    taken = api.post(f"appointments/{made['id']}/reschedule", {"startTime": f"{day}T14:00"})
    assert refused(taken) == (409, "TIME_SLOT_CONFLICT")
    assert taken.json()["alternatives"]
    styling = next(one for one in api.data("services")["services"] if one["name"] == "Styling")
    slot = api.data("availability", serviceId=styling["id"], date=day)["slots"][0]
    other = api.post(f"appointments/{made['id']}/reschedule", {"slotId": slot["slotId"]})
    assert refused(other) == (400, "VALIDATION_ERROR")
    nothing = api.post(f"appointments/{made['id']}/reschedule", {})
    assert list(nothing.json()["fields"]) == ["startTime"]
    assert api.data(f"appointments/{made['id']}")["appointment"] == made


def test_a_restored_appointment_needs_its_time_free(api, day):
    made = book(api, day)
    api.post(f"appointments/{made['id']}/cancel")
    book(api, day, **JANE)
    assert refused(api.post(f"appointments/{made['id']}/restore")) == (409, "TIME_SLOT_CONFLICT")


# --- Visits and series ---------------------------------------------------------------------------


def visit(api: Integrator, day: str, **changes: Any) -> Any:
    ids = {one["name"]: one["id"] for one in api.data("services")["services"]}
    body = wish(day, serviceId=None, employeeId=None, **changes)
    return api.post("visits", {"services": [{"serviceId": ids[n]} for n in ("Haircut", "Styling")], **body})


def test_a_visit_is_booked_back_to_back_or_not_at_all(api, salon, day):
    made = visit(api, day)
    data = made.json()["data"]
    first, second = data["appointments"]
    assert (made.status_code, first["endTime"]) == (201, second["startTime"])
    assert {first["visitId"], second["visitId"]} == {data["visitId"]}
    assert visit(api, day).status_code == 200
    listed = api.data("appointments", visitId=data["visitId"])["appointments"]
    assert listed == data["appointments"]
    before = appointments(salon)
    assert visit(api, day, customerName="B", customerPhone="+15550001111").status_code == 201
    full = visit(api, day, customerName="C", customerPhone="+15550001112")
    assert refused(full) == (409, "TIME_SLOT_CONFLICT")
    assert full.json()["alternatives"]
    assert appointments(salon) == before + 2


def test_a_visit_names_the_service_that_is_wrong(api, day):
    body = wish(day, serviceId=None, employeeId=None)
    told = api.post("visits", {**body, "services": [{"serviceId": HAIRCUT}, {"serviceId": "x"}]}).json()
    assert list(told["fields"]) == ["services.1.serviceId"]
    assert refused(api.post("visits", {**body, "services": []})) == (400, "VALIDATION_ERROR")
    assert refused(api.post("visits", {**body, "services": [{"serviceId": ANA}]})) == (404, "NOT_FOUND")


def test_a_series_tells_its_conflicts_one_by_one(api, salon, day):
    third = datetime.date.fromisoformat(day) + datetime.timedelta(weeks=2)
    book(api, day, startTime=f"{third}T10:00", **JANE)
    made = api.post("series", wish(day, count=4))
    data = made.json()["data"]
    assert (made.status_code, len(data["appointments"])) == (201, 3)
    assert [one["startTimeLocal"] for one in data["conflicts"]] == [f"{third}T10:00"]
    assert data["conflicts"][0]["code"] == "TIME_SLOT_CONFLICT"
    assert data["conflicts"][0]["alternatives"]
    assert len(api.data("appointments", seriesId=data["seriesId"])["appointments"]) == 3
    again = api.post("series", wish(day, count=4))
    told = again.json()["data"]
    for one in (*data["conflicts"], *told["conflicts"]):
        one.pop("alternatives")  # slotIds are signed with the second
    assert (again.status_code, told) == (200, data)


def test_a_series_of_all_or_nothing_is_nothing(api, salon, day):
    book(api, day, **JANE)
    answer = api.post("series", wish(day, count=3, allOrNothing=True), Idempotency_Key="k1")
    assert refused(answer) == (409, "TIME_SLOT_CONFLICT")
    assert len(answer.json()["conflicts"]) == 1
    assert appointments(salon) == 1
    with tenant_scope(salon):
        assert not Customer.objects.filter(name="John Doe").exists()


@pytest.mark.parametrize(
    "rhythm", [{}, {"count": 3, "until": "2027-01-01"}, {"count": 0}, {"count": 201}, {"count": 2, "everyWeeks": 0},
               {"until": "2020-01-01"}]
)  # fmt: skip
def test_a_series_without_a_sensible_end_is_refused(api, day, rhythm):
    assert refused(api.post("series", wish(day, **rhythm))) == (400, "VALIDATION_ERROR")


# --- The waiting list ----------------------------------------------------------------------------


def waiting(api: Integrator, **changes: Any) -> Any:
    body = {"serviceId": HAIRCUT, "customerName": "Wanda", "customerPhone": "+15550002222", **changes}
    return api.post("waitlist", body)


def test_who_waits_is_offered_what_is_freed_and_takes_it(api, salon, day):
    made = book(api, day)
    joined = waiting(api, **{"from": f"{day}T10:00", "to": f"{day}T10:30", "employeeId": ANA})
    data = joined.json()["data"]
    entry = data["entry"]
    assert (joined.status_code, data["position"], entry["state"]) == (201, 1, "waiting")
    again = waiting(api, **{"from": f"{day}T10:00", "to": f"{day}T10:30", "employeeId": ANA})
    assert (again.status_code, again.json()["data"]["entry"]["id"]) == (200, entry["id"])
    assert refused(api.post(f"waitlist/{entry['id']}/accept")) == (409, "OFFER_EXPIRED")
    api.post(f"appointments/{made['id']}/cancel")
    offered = api.data(f"waitlist/{entry['id']}")["entry"]
    assert (offered["state"], offered["offer"]["startTime"]) == ("offered", made["startTime"])
    taken = api.post(f"waitlist/{entry['id']}/accept")
    assert taken.json()["data"]["appointment"]["customerName"] == "Wanda"
    assert api.post(f"waitlist/{entry['id']}/accept").status_code == 200
    assert api.data("waitlist", state="booked")["entries"][0]["id"] == entry["id"]


@pytest.mark.parametrize("bound", ["", "from", "to"])
def test_asking_to_wait_again_keeps_the_place(api, day, bound):
    given = {bound: f"{day}T10:00"} if bound else {}
    joined = [waiting(api, **given) for _ in range(3)]
    assert [one.status_code for one in joined] == [201, 200, 200]
    told = [one.json()["data"] for one in joined]
    assert {(one["entry"]["id"], one["position"]) for one in told} == {(told[0]["entry"]["id"], 1)}


def test_who_declines_waits_on_and_who_leaves_does_not(api, day):
    made = book(api, day)
    entry = waiting(api).json()["data"]["entry"]
    api.post(f"appointments/{made['id']}/cancel")
    declined = api.post(f"waitlist/{entry['id']}/decline").json()["data"]["entry"]
    assert (declined["state"], declined["offer"]) == ("waiting", None)
    assert api.delete(f"waitlist/{entry['id']}").json()["data"]["entry"]["state"] == "left"
    assert api.delete(f"waitlist/{entry['id']}").status_code == 200
    assert api.data("waitlist", state="waiting")["entries"] == []


def test_a_wish_to_wait_that_makes_no_sense_is_refused(api, day):
    past = waiting(api, to="2020-01-01")
    assert refused(past) == (400, "VALIDATION_ERROR")
    assert refused(waiting(api, **{"from": f"{day}T12:00", "to": f"{day}T10:00"})) == (
        400,
        "VALIDATION_ERROR",
    )
    assert refused(waiting(api, serviceId=ANA)) == (404, "NOT_FOUND")


def test_what_the_api_did_is_what_the_calendar_says(api, salon, day):
    """One transaction each: rows, history and messages stand together."""
    pk = book(api, day)["id"]
    api.post(f"appointments/{pk}/cancel")
    with tenant_scope(salon):
        row = Appointment.objects.get(pk=pk)
        assert (row.status, row.source) == ("cancelled", "api")
        assert AppointmentChange.objects.filter(appointment=row).count() == 2
        assert not WaitlistEntry.objects.exists()
        assert row.created_at <= timezone.now()
    with platform_scope():
        assert Appointment.objects.count() == 1
