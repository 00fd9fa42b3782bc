"""Every address of the REST API, taken from the urlconf: nothing without a key, nothing of another tenant's.

A new address must be put into CASES, or the first test here fails.
"""

import datetime
import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from agents.tools.facts import Offered, slot_id
from appointments.models import AddOn, Service
from telephony.models import OutboundCall, PhoneNumber
from tenants.api_keys import revoke
from tenants.models import ApiKey, Tenant, TenantOwned
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.toolbox import set_settings
from tests.tonris.integrator import ROOT, Integrator
from tests.tonris.test_api import ANA, HAIRCUT
from tonris.api.urls import urlpatterns

VERBS = ("get", "post", "put", "patch", "delete")
ROUTES = [
    (str(pattern.pattern), method)
    for pattern in urlpatterns
    for method in VERBS
    if hasattr(getattr(pattern.callback, "view_class", None), method)
]
OWNED = [model for model in apps.get_models() if issubclass(model, TenantOwned)]

WISH = ("serviceId", "employeeId", "addOns", "slotId")
CASES: dict[tuple[str, str], tuple[str, ...]] = {
    ("services", "get"): (),
    ("services/<uuid:service_id>", "get"): (),
    ("employees", "get"): (),
    ("employees/<uuid:employee_id>", "get"): (),
    ("business-hours", "get"): (),
    ("customers", "get"): (),
    ("customers", "post"): (),
    ("customers/<uuid:customer_id>", "get"): (),
    ("customers/<uuid:customer_id>", "patch"): (),
    ("availability", "get"): ("serviceId", "employeeId", "addOns"),
    ("availability/why-not", "get"): ("serviceId", "employeeId", "addOns"),
    ("appointments", "get"): ("serviceId", "employeeId", "customerId", "visitId", "seriesId"),
    ("appointments", "post"): WISH,
    ("appointments/<uuid:appointment_id>", "get"): (),
    ("appointments/<uuid:appointment_id>/history", "get"): (),
    ("appointments/<uuid:appointment_id>/confirm", "post"): (),
    ("appointments/<uuid:appointment_id>/complete", "post"): (),
    ("appointments/<uuid:appointment_id>/no-show", "post"): (),
    ("appointments/<uuid:appointment_id>/cancel", "post"): (),
    ("appointments/<uuid:appointment_id>/restore", "post"): (),
    ("appointments/<uuid:appointment_id>/reschedule", "post"): ("employeeId", "slotId"),
    ("calls", "get"): (),
    ("calls", "post"): ("appointmentId",),
    ("calls/<str:call_id>", "get"): (),
    ("calls/<str:call_id>", "delete"): (),
    ("calls/<str:call_id>/hangup", "post"): (),
    ("visits", "post"): ("services",),
    ("series", "post"): WISH,
    ("waitlist", "get"): ("serviceId", "customerId"),
    ("waitlist", "post"): ("serviceId", "employeeId"),
    ("waitlist/<uuid:entry_id>", "get"): (),
    ("waitlist/<uuid:entry_id>", "delete"): (),
    ("waitlist/<uuid:entry_id>/accept", "post"): (),
    ("waitlist/<uuid:entry_id>/decline", "post"): (),
}
"""The ids that each takes in its query or body; those in the path are seen from the path."""

IN_PATHS = [case for case in CASES if "<" in case[0]]
IN_VALUES = [(*case, field) for case, fields in CASES.items() for field in fields]

Ids = dict[str, Any]


@pytest.fixture
def theirs(garage: Tenant, day: str) -> Ids:
    """A row of everything that the API can make, of the garage's."""
    api = Integrator(garage)
    with tenant_scope(garage):
        service = Service.objects.get(name="Oil change")
        add_on = AddOn.objects.create(tenant=garage, service=service, name="garagecanary")
    who = {"customerName": "garagecanary", "customerPhone": "+493022200001"}
    wish = {"serviceId": str(service.pk), "startTime": f"{day}T10:00", **who}
    made = api.post("appointments", wish).json()["data"]["appointment"]
    visit = api.post(
        "visits", {**wish, "services": [{"serviceId": str(service.pk)}], "startTime": f"{day}T14:00"}
    )
    series = api.post("series", {**wish, "startTime": f"{day}T16:00", "count": 2})
    entry = api.post("waitlist", wish).json()["data"]["entry"]
    slot = api.data("availability", serviceId=str(service.pk), date=day)["slots"][-1]
    return {
        "serviceId": str(service.pk),
        "employeeId": made["employeeId"],
        "customerId": made["customerId"],
        "addOns": [str(add_on.pk)],
        "slotId": slot["slotId"],
        "visitId": visit.json()["data"]["visitId"],
        "seriesId": series.json()["data"]["seriesId"],
        "services": [{"serviceId": str(service.pk)}],
        "service_id": str(service.pk),
        "employee_id": made["employeeId"],
        "customer_id": made["customerId"],
        "appointment_id": made["id"],
        "entry_id": entry["id"],
        "call_id": order_of(garage),
        "appointmentId": made["id"],
    }


def order_of(tenant: Tenant) -> str:
    """A call that waits to be placed."""
    with tenant_scope(tenant):
        number, at = PhoneNumber.objects.first(), timezone.now() + datetime.timedelta(hours=1)
        made = OutboundCall.objects.create(
            tenant=tenant, number=number, to_e164="+15550009999", purpose=f"{tenant.slug}canary",
            origin="api", consent="given", due_at=at, not_after=at,
        )  # fmt: skip
        return str(made.pk)


@pytest.fixture
def missing(day: str) -> Ids:
    """As `theirs`, of nobody's."""
    start = datetime.datetime.fromisoformat(f"{day}T12:00+00:00")
    ids: Ids = {
        name: str(uuid4()) for name in ("serviceId", "employeeId", "customerId", "visitId", "seriesId")
    }
    return {
        **ids,
        "addOns": [str(uuid4())],
        "slotId": slot_id(Offered(uuid4(), uuid4(), start)),
        "services": [{"serviceId": str(uuid4())}],
        **{
            f"{name}_id": str(uuid4())
            for name in ("service", "employee", "customer", "appointment", "entry", "call")
        },
        "appointmentId": str(uuid4()),
    }


@pytest.fixture
def ours(salon: Tenant, day: str) -> Ids:
    api = Integrator(salon)
    set_settings(
        salon, outboundQuietHours={"from": "00:00", "to": "23:59"}
    )  # no carrier is there to be asked
    who = {"customerName": "Sue", "customerPhone": "+15550003333"}
    wish = {"serviceId": HAIRCUT, "employeeId": ANA, **who}
    made = api.post("appointments", {**wish, "startTime": f"{day}T09:00"}).json()["data"]["appointment"]
    entry = api.post("waitlist", wish).json()["data"]["entry"]
    return {
        "api": api,
        "service_id": HAIRCUT,
        "employee_id": ANA,
        "customer_id": made["customerId"],
        "appointment_id": made["id"],
        "entry_id": entry["id"],
        "call_id": order_of(salon),
    }


def filled(route: str, ids: Ids) -> str:
    return re.sub(r"<\w+:(\w+)>", lambda found: str(ids[found[1]]), route)


def values_for(route: str, method: str, day: str) -> dict[str, Any]:
    """What the salon would send there itself."""
    who = {"customerName": "Sue", "customerPhone": "+15550003333"}
    wish = {"serviceId": HAIRCUT, "startTime": f"{day}T11:00", **who}
    match route, method:
        case ("appointments" | "waitlist", "post"):
            return wish
        case "calls", "post":
            return {"to": "+15550003333"}
        case "series", "post":
            return {**wish, "count": 2}
        case "visits", "post":
            return {"services": [{"serviceId": HAIRCUT}], "startTime": f"{day}T11:00", **who}
        case "customers", "post":
            return {"name": "Sue", "phone": "+15550003333"}
        case "customers/<uuid:customer_id>", "patch":
            return {"notes": "changed"}
        case "appointments/<uuid:appointment_id>/reschedule", _:
            return {"startTime": f"{day}T11:00"}
        case "availability", _:
            return {"serviceId": HAIRCUT, "date": day}
        case "availability/why-not", _:
            return {"serviceId": HAIRCUT, "startTime": f"{day}T11:00"}
    return {}


def send(api: Integrator, route: str, method: str, path: str, values: dict[str, Any]) -> Any:
    if method == "get":
        return api.get(path, **values)
    return api.send(method, path, values)


def rows_of(tenant: Tenant) -> Iterator[tuple[str, str]]:
    """All that is kept of a tenant."""
    for model in OWNED:
        if model is not ApiKey:  # it notes that it was used
            for row in model.objects.filter(tenant_id=tenant.pk).order_by("pk").values():
                yield model.__name__, repr(row)


def kept(tenant: Tenant) -> list[tuple[str, str]]:
    with platform_scope():
        return list(rows_of(tenant))


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


# --- The list is whole ---------------------------------------------------------------------------


def test_every_address_is_classified():
    assert sorted(ROUTES) == sorted(CASES)


def test_every_id_that_a_request_can_name_is_classified():
    """By the serializers' own fields, as OpenAPI lists them."""
    from tests.tonris.integrator import document

    for (route, method), fields in CASES.items():
        template = ROOT + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
        operation = document()["paths"][template][method]
        named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        if "requestBody" in operation:
            ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            named |= set(document()["components"]["schemas"][ref.rsplit("/", 1)[1]]["properties"])
        ids = {name for name in named if name.endswith("Id") or name in {"addOns", "services"}}
        assert ids == set(fields), (route, method)


# --- Without a key -------------------------------------------------------------------------------


NO_KEYS = (
    "",
    "Bearer",
    "Bearer tk_" + "0" * 48,
    "Token tk_" + "0" * 48,
    "Bearer wsec_tests",
)


@pytest.mark.parametrize(("route", "method"), CASES)
def test_without_a_key_there_is_nothing(db, caplog, route, method):
    names = ("service", "employee", "customer", "appointment", "entry", "call")
    nobody = {f"{name}_id": uuid4() for name in names}
    path = ROOT + filled(route, nobody)
    for shown in NO_KEYS:
        caplog.clear()
        with caplog.at_level(logging.WARNING, "tonris.security"):
            answer = Client().generic(method.upper(), path, headers={"Authorization": shown} if shown else {})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert f"An API request was refused at {path}" in caplog.text
        assert "tk_" not in caplog.text


@pytest.mark.parametrize(("route", "method"), CASES)
def test_a_suspended_tenants_key_and_a_revoked_one_are_refused(ours, salon, day, caplog, route, method):
    api, path = ours["api"], filled(route, ours)
    before = kept(salon)
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="suspended")
    suspended = send(api, route, method, path, values_for(route, method, day))
    assert (suspended.status_code, suspended.json()["code"]) == (403, "TENANT_SUSPENDED")
    assert kept(salon) == before
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="active")
        revoke(api.row)
    before = kept(salon)
    revoked = send(api, route, method, path, values_for(route, method, day))
    assert (revoked.status_code, revoked.json()["code"]) == (401, "UNAUTHENTICATED")
    assert kept(salon) == before
    assert api.key not in caplog.text


# --- Another tenant's ----------------------------------------------------------------------------


@pytest.mark.parametrize(("route", "method"), CASES)
def test_nothing_of_another_tenant_is_told_or_changed(ours, theirs, garage, day, route, method):
    before = kept(garage)
    answer = send(ours["api"], route, method, filled(route, ours), values_for(route, method, day))
    assert answer.status_code in {200, 201, 409}  # a no-show is still to come, and nothing is offered
    text = json.dumps(answer.json())
    foreign = [theirs[name] for name in theirs if name.endswith(("_id", "Id"))]
    assert not [
        word for word in ("garagecanary", "+4930", "Oil", "Carla", "Berlin", *foreign) if word in text
    ]
    assert kept(garage) == before


@pytest.mark.parametrize(("route", "method"), IN_PATHS)
def test_a_foreign_id_in_the_path_is_a_missing_one(ours, theirs, missing, garage, day, route, method):
    before = kept(garage)
    values = values_for(route, method, day)
    foreign = send(ours["api"], route, method, filled(route, theirs), values)
    absent = send(ours["api"], route, method, filled(route, missing), values)
    assert told(foreign) == told(absent)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "NOT_FOUND")
    assert kept(garage) == before


@pytest.mark.parametrize(("route", "method", "field"), IN_VALUES)
def test_a_foreign_id_in_query_or_body_is_a_missing_one(
    ours, theirs, missing, garage, day, route, method, field
):
    salon = ours["api"].tenant
    before, salons = kept(garage), kept(salon)
    path, values = filled(route, ours), values_for(route, method, day)
    foreign = send(ours["api"], route, method, path, {**values, field: theirs[field]})
    absent = send(ours["api"], route, method, path, {**values, field: missing[field]})
    assert told(foreign) == told(absent)
    assert foreign.status_code == (200 if method == "get" and route in {"appointments", "waitlist"} else 404)
    assert "garagecanary" not in foreign.content.decode()
    assert kept(garage) == before
    assert kept(salon) == salons


@pytest.mark.parametrize(("route", "method"), CASES)
def test_a_tenant_that_is_named_must_be_the_keys_own(ours, salon, garage, day, route, method):
    path, values = filled(route, ours), values_for(route, method, day)
    before = kept(salon)
    for tenant_id in (garage.pk, uuid4(), "x"):
        answer = send(ours["api"], route, method, path, {**values, "tenantId": str(tenant_id)})
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert kept(salon) == before
    own = send(ours["api"], route, method, path, {**values, "tenantId": str(salon.pk).upper()})
    assert own.status_code in {200, 201, 409}


def test_a_cursor_of_another_tenants_tells_nothing(ours, theirs, garage):
    theirs_page = Integrator(garage).data("appointments", limit=1)
    data = ours["api"].data("appointments", cursor=theirs_page["nextCursor"])
    assert all(one["customerName"] == "Sue" for one in data["appointments"])
