"""Lists as CSV: whose rows, in which clock, and nothing that a spreadsheet would calculate."""

import csv
import datetime
import io
import logging
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from appointments.admin import export
from appointments.formula_guard import guarded
from appointments.models import AddOn, AppointmentAddOn, Customer, Service
from tenants.admin_sites import staff
from tenants.models import Member, Tenant, User
from tenants.scoping import Scope, tenant_scope
from tests.appointments.test_admin import Desk, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
EXPORTED = ["appointment", "customer", "service", "employee"]


def page(name: str, site: str = "admin") -> str:
    return f"/{site}/appointments/{name}/"


def form(ids: list[str], **more: str) -> dict[str, Any]:
    return {"action": "export_csv", "_selected_action": ids, **more}


def body(answer: Any) -> str:
    assert answer.streaming, answer
    return b"".join(answer.streaming_content).decode()


def rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def ids_of(tenant: Tenant, name: str) -> list[str]:
    models = {"customer": Customer, "service": Service}
    with tenant_scope(tenant):
        return [str(pk) for pk in models[name].objects.values_list("pk", flat=True)]


def customers() -> Any:
    return staff._registry[Customer]


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    return Desk(salon)


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


# --- The guard -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+15551234567",
        "-2",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        " =1+1",
        "  \t =1",
        "\u00a0=1",
        " \t harmless",
        "＝1+1",
        "'=1",  # an apostrophe of somebody's own: else it would be taken for ours on the way in
        '=HYPERLINK("https://example.com","x")',
    ],
)
def test_what_a_spreadsheet_would_calculate_becomes_text(cell):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Ana", "", "1-2", "a=b", "12.50", " Ana", "O'Hara", "'1", "'Tis"])
def test_what_is_only_text_stays_as_it_is(cell):
    assert guarded(cell) == cell


def test_every_cell_is_guarded(desk):
    with tenant_scope(desk.tenant):
        Customer.objects.update(name="=cmd|'/C calc'!A0", notes=' @x, "quoted"\r\n=second line', email="")
    answer = desk.client.post(page("customer"), form(ids_of(desk.tenant, "customer")))
    (row,) = rows(body(answer))
    assert row["Name"] == "'=cmd|'/C calc'!A0"
    assert row["Phone"] == "'+15552223333"
    assert row["Notes"] == '\' @x, "quoted"\r\n=second line'


# --- What is in it -------------------------------------------------------------------------------


def test_times_are_the_tenants_and_in_utc(desk):
    desk.add("10:00", service="Coloring", notes="window seat")
    (made,) = desk.appointments()
    with tenant_scope(desk.tenant):
        wash = AddOn.objects.create(tenant=desk.tenant, service=desk.services["Coloring"], name="Wash")
        AppointmentAddOn.objects.create(tenant=desk.tenant, appointment=made, add_on=wash, minutes=0, price=0)
    answer = desk.client.post(page("appointment"), form([str(made.pk)]))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        f"appointments-{timezone.localdate(timezone=desk.tenant.zone)}.csv" in answer["Content-Disposition"]
    )
    (row,) = rows(body(answer))
    assert (row["Starts"], row["Starts (UTC)"]) == ("2030-03-04 10:00", "2030-03-04T15:00:00Z")
    assert (row["Ends"], row["Ends (UTC)"]) == ("2030-03-04 12:00", "2030-03-04T17:00:00Z")
    assert row["Time zone"] == "America/New_York"
    assert (row["Customer"], row["Service"], row["Employee"]) == ("Kim Low", "Coloring", "Ana")
    assert (row["Price"], row["Currency"], row["Add-ons"]) == ("120.00", "USD", "Wash")
    assert row["Id"] == str(made.pk)
    assert "Business" not in row


def test_all_that_were_filtered_are_exported_in_batches(desk, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 7)
    with tenant_scope(desk.tenant):
        Customer.objects.bulk_create(
            Customer(tenant=desk.tenant, name=f"Customer {number:02}") for number in range(60)
        )
    first = ids_of(desk.tenant, "customer")[:1]
    answer = desk.client.post(page("customer") + "?q=Customer", form(first, select_across="1"))
    assert answer.streaming
    parts = list(answer.streaming_content)
    assert len(parts) == 1 + 9
    names = [row["Name"] for row in rows(b"".join(parts).decode())]
    assert names == sorted(names)
    assert len(names) == 60


def test_an_asynchronous_server_gets_an_asynchronous_stream(desk):
    request = AsyncRequestFactory().post(page("customer"))
    request.user = desk.user
    with tenant_scope(desk.tenant):
        answer = customers().export_csv(request, Customer.objects.all())
    assert answer.is_async


async def test_batches_are_written_one_after_another_away_from_the_loop():
    threads = []

    def written(batch: Any) -> str:
        threads.append(threading.current_thread())
        return f"{len(batch)} rows"

    stream = export._while_served(["heads", [uuid4()], [uuid4(), uuid4()]], written)
    assert [part async for part in stream] == ["heads", "1 rows", "2 rows"]
    assert threading.main_thread() not in threads


# --- Who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPORTED)
@pytest.mark.parametrize("role", Member.Role.values)
def test_whoever_may_read_a_list_may_save_it(desk, role, name):
    client = desk.client if role == "staff" else Desk(desk.tenant, role).client
    desk.add("10:00")
    shown = client.get(page(name))
    assert "Export as CSV" in shown.text
    chosen = [str(row.pk) for row in shown.context["cl"].result_list]
    assert len(rows(body(client.post(page(name), form(chosen))))) == len(chosen) > 0


@pytest.mark.parametrize("name", ["customer", "service"])
def test_another_tenants_rows_stay_there_even_by_their_ids(desk, garage, name):
    theirs = Desk(garage)
    ids = [*ids_of(garage, name), *ids_of(desk.tenant, name)]
    for more in ({}, {"select_across": "1"}):
        found = rows(body(desk.client.post(page(name), form(ids, **more))))
        assert {row["Id"] for row in found} == set(ids_of(desk.tenant, name))
    assert theirs.tenant == garage


def test_the_walls_stand_while_it_is_streamed(desk, garage):
    """Ids of another tenant that have got past the first wall come to nothing at the second."""
    Desk(garage)
    ids = [UUID(pk) for pk in (*ids_of(garage, "customer"), *ids_of(desk.tenant, "customer"))]
    assert len(ids) == 2
    written = customers()._batch(Scope(desk.tenant.pk), ids)
    assert written.count("\r\n") == 1


def test_operators_see_whose_the_rows_are(desk, garage, operator):
    theirs = Desk(garage)
    ids = [str(theirs.customer.pk), str(desk.customer.pk)]
    found = rows(body(operator.post(page("customer", "ops"), form(ids))))
    assert {(row["Business"], row["Time zone"]) for row in found} == {
        ("Test Salon", "America/New_York"),
        ("Test Garage", "Europe/Berlin"),
    }


def test_who_exported_is_logged_without_anybodys_data(desk, caplog):
    with caplog.at_level(logging.INFO, logger="appointments.admin.export"):
        body(desk.client.post(page("customer"), form(ids_of(desk.tenant, "customer"))))
    (record,) = [one for one in caplog.records if one.name == "appointments.admin.export"]
    assert record.getMessage() == f"CSV export of 1 customer rows by user {desk.user.pk}"


def test_a_row_that_went_meanwhile_is_left_out(desk):
    answer = desk.client.post(page("customer"), form(ids_of(desk.tenant, "customer")))
    with tenant_scope(desk.tenant):
        Customer.objects.all().delete()
    assert rows(body(answer)) == []


def test_a_second_pass_of_an_hour_differs_in_utc():
    tenant = Tenant(timezone="America/New_York")
    first = datetime.datetime(2030, 11, 3, 5, 30, tzinfo=datetime.UTC)
    second = first + datetime.timedelta(hours=1)
    assert export.local(first, tenant) == export.local(second, tenant) == "2030-11-03 01:30"
    assert (export.utc(first), export.utc(second)) == ("2030-11-03T05:30:00Z", "2030-11-03T06:30:00Z")
