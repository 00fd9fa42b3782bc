"""Services, employees, customers and appointments from a file: what is shown is what is written, or nothing is."""

import datetime
import io
import json
import resource
import zipfile
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from appointments.importing import drafts, visits
from appointments.importing.tables import LARGEST_BYTES
from appointments.models import (
    Appointment,
    AppointmentChange,
    Customer,
    Employee,
    EmployeeService,
    ImportDraft,
    OutboxMessage,
    Service,
)
from appointments.tasks import forget_imports
from tenants.admin_sites import staff
from tenants.models import AuditDetail, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import Desk, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
KINDS = ("service", "employee", "customer", "appointment")
UTC = datetime.UTC


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines that run tests are slow."""
    monkeypatch.setattr(visits, "LONGEST_LOCK_S", 60.0)


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    return Desk(salon, "owner")


def page(kind: str) -> str:
    return f"/admin/appointments/{kind}/import/"


def upload(desk: Desk, kind: str, content: bytes | str, name: str = "file.csv", **more: Any) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return desk.client.post(page(kind), {"file": SimpleUploadedFile(name, data)}, follow=True, **more)


def shown(answer: Any) -> list[tuple[int, str]]:
    """Line and fate of each row of a preview."""
    return [(one.line, str(one.fate)) for one in answer.context["page"].object_list]


def verdict(answer: Any, line: int) -> Any:
    return next(one for one in answer.context["page"].object_list if one.line == line)


def reasons(answer: Any) -> list[tuple[str, str]]:
    return [(p.title, p.sentence) for one in answer.context["page"].object_list for p in one.problems]


def agree(desk: Desk, preview: Any, **more: str) -> Any:
    return desk.client.post(preview.request["PATH_INFO"], {"confirm": "yes", **more}, follow=True)


def refusal(answer: Any) -> str:
    return " ".join(answer.context["form"].errors.get("file", []))


def count(tenant: Tenant, model: Any) -> int:
    with tenant_scope(tenant):
        return int(model.objects.count())


def workbook(*lines: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# --- Shown, then written ---------------------------------------------------------------------------


def test_a_preview_says_of_each_row_what_becomes_of_it_and_writes_nothing(desk):
    with tenant_scope(desk.tenant):
        Customer.objects.create(tenant=desk.tenant, name="Jane Roe", phone_e164="+15551230001")
    before = count(desk.tenant, Customer)
    preview = upload(
        desk,
        "customer",
        "Name,Phone,E-mail\nAda,(555) 123-0009,ada@example.com\nJane Roe,+1 555 123 0001,jane@example.com\n"
        "Kim Low,5552223333,\nEve,12,\nBob,,nonsense\n",
    )
    assert shown(preview) == [(2, "create"), (3, "change"), (4, "same"), (5, "refuse"), (6, "refuse")]
    assert [(one.title, one.before, one.after) for one in verdict(preview, 3).changes] == [
        ("E-mail", "", "jane@example.com")
    ]
    assert reasons(preview) == [
        ("Phone", "“12” is not a telephone number such as +15551234567."),
        ("E-mail", "Enter a valid email address."),
    ]
    assert count(desk.tenant, Customer) == before


def test_refused_rows_are_left_out_when_that_is_said_and_the_rest_is_written_at_once(desk):
    preview = upload(desk, "customer", "Name,Phone\nAda,5551230009\nEve,12\n")
    assert "Some rows are refused" in agree(desk, preview).text
    assert count(desk.tenant, Customer) == 1
    done = agree(desk, preview, without_refused="yes")
    assert "Customers: 1 added. The file is forgotten." in done.text
    with tenant_scope(desk.tenant):
        assert Customer.objects.get(name="Ada").phone_e164 == "+15551230009"
        assert not ImportDraft.objects.exists()


def test_who_imported_is_in_the_trail_and_in_the_history_of_each_row(desk):
    agree(desk, upload(desk, "customer", "Name,Phone\nAda,5551230009\nBob,5551230008\n"))
    with tenant_scope(desk.tenant):
        told = json.loads(AuditDetail.objects.get(entry__action="import.customer").content)
        ada = Customer.objects.get(name="Ada")
    assert told["after"] == {"created": 2, "changed": 0, "as they were": 0, "left out": 0}
    assert told["by"] == desk.user.get_username()
    assert LogEntry.objects.filter(object_id=str(ada.pk), user=desk.user, action_flag=1).count() == 1


def test_the_same_file_again_changes_nothing(desk):
    text = "Name,Minutes,Price\nBeard,20,15\n"
    agree(desk, upload(desk, "service", text))
    again = upload(desk, "service", text)
    assert shown(again) == [(2, "same")]
    assert "nothing in this file to import" in again.text
    assert count(desk.tenant, Service) == 4


def test_what_changed_since_it_was_shown_is_shown_again_and_not_written(desk):
    preview = upload(desk, "customer", "Name,Phone,Notes\nKim Low,5552223333,likes tea\nAda,5551230009,\n")
    with tenant_scope(desk.tenant):
        Customer.objects.filter(name="Kim Low").update(notes="likes coffee")
    answer = agree(desk, preview)
    assert "Meanwhile line 2 came to stand otherwise" in answer.text
    assert count(desk.tenant, Customer) == 1
    assert "Customers: 1 added and 1 changed" in agree(desk, answer).text


def test_a_second_click_imports_nothing_again(desk):
    preview = upload(desk, "customer", "Name,Phone\nAda,5551230009\n")
    agree(desk, preview)
    assert "This file is not kept any more" in agree(desk, preview).text
    assert count(desk.tenant, Customer) == 2


def test_whoever_leaves_it_leaves_nothing_behind(desk):
    preview = upload(desk, "customer", "Name,Phone\nAda,5551230009\n")
    desk.client.post(preview.request["PATH_INFO"], {"leave": "yes"})
    assert (count(desk.tenant, ImportDraft), count(desk.tenant, Customer)) == (0, 1)


def test_a_file_that_nobody_agrees_to_is_forgotten(desk):
    preview = upload(desk, "customer", "Name,Phone\nAda,5551230009\n")
    assert forget_imports() == 0
    with tenant_scope(desk.tenant):
        ImportDraft.objects.update(created_at=timezone.now() - drafts.KEPT)
    assert desk.client.get(preview.request["PATH_INFO"]).status_code == 404
    assert forget_imports() == 1
    assert count(desk.tenant, ImportDraft) == 0


# --- The catalog -----------------------------------------------------------------------------------


def test_services_are_known_by_name_and_changed_where_cells_say_something(desk):
    preview = upload(
        desk, "service", b"Name;Minutes;Price;Category\nHAIRCUT;45;;\nBeard;20;15,50;hair\nWax;0;x;\n"
    )
    assert shown(preview) == [(2, "change"), (3, "create"), (4, "refuse")]
    assert ("Price", "“x” is not a number.") in reasons(preview)
    agree(desk, preview, without_refused="yes")
    with tenant_scope(desk.tenant):
        haircut, beard = Service.objects.get(name="HAIRCUT"), Service.objects.get(name="Beard")
    assert (haircut.pk, haircut.duration_minutes, haircut.price) == (desk.services["Haircut"].pk, 45, 50)
    assert (str(beard.price), beard.category, beard.currency) == ("15.50", "hair", "USD")


def test_employees_get_services_added_and_none_taken_away(desk):
    preview = upload(desk, "employee", 'Name,Performs\nZoe,"Haircut, Coloring"\nAna,Nails\nBen,\n')
    assert shown(preview) == [(2, "create"), (3, "refuse"), (4, "same")]
    assert reasons(preview) == [("Performs", "There is no service called “Nails”.")]
    agree(desk, preview, without_refused="yes")
    with tenant_scope(desk.tenant):
        performs = EmployeeService.objects.filter(employee__name="Zoe").values_list(
            "service__name", flat=True
        )
        assert sorted(performs) == ["Coloring", "Haircut"]
        assert EmployeeService.objects.filter(employee__name="Ana").exists()


def test_a_name_that_two_employees_have_needs_an_id(desk):
    with tenant_scope(desk.tenant):
        other = Employee.objects.create(tenant=desk.tenant, name="Ana")
    preview = upload(desk, "employee", f"Name,E-mail,Id\nAna,a@example.com,\nAna,b@example.com,{other.pk}\n")
    assert shown(preview) == [(2, "refuse"), (3, "change")]
    assert "write the id" in reasons(preview)[0][1]


def test_a_customer_who_had_left_only_an_address_gets_a_number_and_is_not_doubled(desk):
    with tenant_scope(desk.tenant):
        Customer.objects.create(tenant=desk.tenant, name="Ada", email="ada@example.com")
    preview = upload(desk, "customer", "Name,Phone,E-mail\nada,5551230009,ADA@example.com\nAda,5551230009,\n")
    assert shown(preview) == [(2, "change"), (3, "change")] or shown(preview) == [(2, "change"), (3, "same")]
    agree(desk, preview)
    with tenant_scope(desk.tenant):
        (ada,) = Customer.objects.filter(email__iexact="ada@example.com")
    assert ada.phone_e164 == "+15551230009"


# --- Appointments ----------------------------------------------------------------------------------


HEAD = "Starts,Customer,Phone,Service,Employee\n"


def test_appointments_are_booked_by_the_one_writer_and_nobody_is_told(desk):
    preview = upload(
        desk,
        "appointment",
        HEAD + "2030-03-04 10:00,Jane Roe,5551230001,Haircut,Ana\n3/4/2030 2:30 pm,Kim Low,,haircut,ben\n",
    )
    assert shown(preview) == [(2, "create"), (3, "create")]
    assert count(desk.tenant, Appointment) == 0
    assert "2 added" in agree(desk, preview).text
    with tenant_scope(desk.tenant):
        first, second = Appointment.objects.order_by("starts_at").select_related("customer", "employee")
        assert not OutboxMessage.objects.filter(handled_at=None).exists()
        told = AppointmentChange.objects.get(appointment=first)
        assert (told.kind, told.actor) == ("booked", desk.user.get_username())
    assert first.starts_at == datetime.datetime(2030, 3, 4, 15, tzinfo=UTC)
    assert (first.customer.name, first.customer.phone_e164) == ("Jane Roe", "+15551230001")
    assert (second.starts_at.hour, second.customer_id) == (19, desk.customer.pk)
    assert second.ends_at - second.starts_at == datetime.timedelta(hours=1)


def test_an_employees_own_minutes_and_price_fill_empty_cells(desk):
    with tenant_scope(desk.tenant):
        EmployeeService.objects.filter(employee=desk.employees["Ana"]).update(duration_minutes=90, price=77)
    rows = (
        "2030-03-04 10:00,Kim Low,,Haircut,Ana\n2030-03-04 10:00,Kim Low,,Haircut,Ben\n"
        "2030-03-04 11:00,Kim Low,,Haircut,Ana\n"
    )
    preview = upload(desk, "appointment", HEAD + rows)
    assert shown(preview) == [(2, "create"), (3, "create"), (4, "refuse")]
    agree(desk, preview, without_refused="yes")
    anas, bens = sorted(desk.appointments(), key=lambda one: -one.price)
    assert (anas.ends_at - anas.starts_at, anas.price) == (datetime.timedelta(minutes=90), 77)
    assert (bens.ends_at - bens.starts_at, bens.price) == (datetime.timedelta(minutes=60), 50)


def test_a_time_that_is_taken_is_refused_with_the_engines_reason_and_its_neighbours(desk):
    desk.add("10:00")
    preview = upload(
        desk,
        "appointment",
        HEAD
        + "2030-03-04 10:30,Jane,5551230001,Haircut,Ana\n2030-03-04 12:00,Jane,5551230001,Haircut,Ana\n"
        + "2030-03-04 12:30,Joe,5551230002,Haircut,Ana\n2030-03-04 12:00,Jane,555 123 0001,Haircut,Ana\n",
    )
    assert shown(preview) == [(2, "refuse"), (3, "create"), (4, "refuse"), (5, "same")]
    (title, taken), (_, inside) = reasons(preview)
    assert title == "Starts"
    assert taken.startswith("Taken: Ana has Kim Low for Haircut then, Mon 4 Mar 2030, 10:00 to 11:00 EST.")
    assert "The nearest free times are" in taken
    assert inside == "Line 3 has Ana for Jane then."
    agree(desk, preview, without_refused="yes")
    assert count(desk.tenant, Appointment) == 2


def test_outside_the_hours_staff_may_and_are_told(desk):
    preview = upload(desk, "appointment", HEAD + "2030-03-04 20:00,Kim Low,5552223333,Haircut,Ana\n")
    assert shown(preview) == [(2, "create")]
    assert "The business is not open for all of 20:00 to 21:00." in verdict(preview, 2).notes[0]


def test_whoever_takes_the_time_between_preview_and_import_keeps_it(desk):
    preview = upload(
        desk,
        "appointment",
        HEAD + "2030-03-04 10:00,Jane,5551230001,Haircut,Ana\n2030-03-04 12:00,Joe,5551230002,Haircut,Ana\n",
    )
    desk.add("10:00")
    answer = agree(desk, preview)
    assert "Meanwhile line 2 came to stand otherwise" in answer.text
    assert shown(answer) == [(2, "refuse"), (3, "create")]
    assert count(desk.tenant, Appointment) == 1
    assert "1 added" in agree(desk, answer, without_refused="yes").text


def test_a_preview_holds_no_lock_on_a_calendar(desk):
    with tenant_scope(desk.tenant):
        from django.db import connection

        from appointments.importing.kinds import KINDS as known
        from appointments.importing.running import try_out
        from appointments.importing.sheets import Row

        cells = {"starts": "2030-03-04 10:00", "name": "Kim Low", "service": "Haircut", "employee": "Ana"}
        (told,) = try_out(desk.tenant, known["appointment"], [Row(2, cells)])
        assert told.fate == "create"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            )
            assert cursor.fetchone() == (0,)


def test_an_import_that_would_keep_callers_waiting_gives_up_and_says_so(desk, monkeypatch):
    preview = upload(desk, "appointment", HEAD + "2030-03-04 10:00,Jane,5551230001,Haircut,Ana\n")
    monkeypatch.setattr(visits, "LONGEST_LOCK_S", -1.0)
    answer = agree(desk, preview)
    assert "The calendar has too much to do" in answer.text
    assert (count(desk.tenant, Appointment), shown(answer)) == (0, [(2, "create")])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("2030-03-10 02:30,Kim Low,5552223333,Haircut,Ana", "skips this time and goes on at 03:00"),
        ("tomorrow,Kim Low,5552223333,Haircut,Ana", "is not a date and a time"),
        ("13/13/2030 10:00,Kim Low,5552223333,Haircut,Ana", "is no date; it was read as month/day/year"),
        ("2030-03-04 25:00,Kim Low,5552223333,Haircut,Ana", "is no time that a clock shows"),
        (",Kim Low,5552223333,Haircut,Ana", "is not a date and a time"),
        ("2030-03-04 10:00,Kim Low,5552223333,Nails,Ana", "You have no service called “Nails”."),
        ("2030-03-04 10:00,Kim Low,5552223333,Haircut,Zed", "You have no employee called “Zed”."),
        ("2030-03-04 10:00,Newcomer,,Haircut,Ana", "a new one needs a number or an address"),
        ("2030-03-04 10:00,,5552223333,Haircut,Ana", "The cell is empty."),
        ("2030-03-04 10:00,Kim Low,4.91512E+11,Haircut,Ana", "your spreadsheet has shortened"),
    ],
)
def test_a_row_that_makes_no_sense_says_why(desk, cells, reason):
    preview = upload(desk, "appointment", HEAD + cells + "\n")
    assert shown(preview) == [(2, "refuse")]
    assert reason in reasons(preview)[0][1]


@pytest.mark.parametrize("price", ["-5", "100000000", "99999999999999999999"])
def test_what_is_no_price_is_refused(desk, price):
    text = f"{HEAD.strip()},Price\n2030-03-04 10:00,Kim Low,5552223333,Haircut,Ana,{price}\n"
    preview = upload(desk, "appointment", text)
    assert shown(preview) == [(2, "refuse")]
    assert reasons(preview)[0][0] == "Price"


def test_nobody_is_a_no_show_of_what_is_still_to_come(desk):
    head = "Starts,Customer,Phone,Service,Employee,Status\n"
    row = "-03-04 10:00,Kim Low,5552223333,Haircut,Ana,no-show\n"
    preview = upload(desk, "appointment", f"{head}2030{row}2020{row}")
    assert shown(preview) == [(2, "refuse"), (3, "create")]
    assert reasons(preview) == [("Status", "It is still to come, so it cannot be a no-show.")]
    agree(desk, preview, without_refused="yes")
    (missed,) = desk.appointments()
    moved = f"Id,{head}{missed.pk},2030-03-04 10:00,Kim Low,,Haircut,Ana,\n"
    assert shown(upload(desk, "appointment", moved)) == [(2, "refuse")]


def test_dates_are_read_as_the_business_writes_them(garage):
    theirs = Desk(garage, "owner")
    service, employee = next(iter(theirs.services.values())), next(iter(theirs.employees.values()))
    with tenant_scope(garage):
        EmployeeService.objects.get_or_create(tenant=garage, service=service, employee=employee)
    text = f"Beginn;Kunde;Telefon;Leistung;Mitarbeiter\n04.03.2030 10:00;Jörg;+49 151 23456789;{service};{employee}\n"
    preview = upload(theirs, "appointment", text.encode("cp1252"))
    assert shown(preview) == [(2, "create")]
    assert "Windows-1252" in preview.text
    agree(theirs, preview)
    with tenant_scope(garage):
        (made,) = Appointment.objects.select_related("customer")
    assert made.starts_at == datetime.datetime(2030, 3, 4, 9, tzinfo=UTC)
    assert (made.customer.name, made.customer.phone_e164) == ("Jörg", "+4915123456789")


def test_the_second_pass_of_an_hour_comes_back_as_it_was_exported(desk):
    text = "Starts,Starts (UTC),Customer,Phone,Service,Employee\n"
    row = "2030-11-03 01:30,{},Kim Low,5552223333,Haircut,Ana\n"
    for told, hour in (("2030-11-03T06:30:00Z", 6), ("", 5)):
        agree(desk, upload(desk, "appointment", text + row.format(told)))
        with tenant_scope(desk.tenant):
            assert Appointment.objects.filter(starts_at__hour=hour).exists()


def test_an_appointment_that_is_there_is_moved_by_its_id_and_stays_its_customers(desk):
    desk.add("10:00")
    (made,) = desk.appointments()
    head = "Id,Starts,Customer,Service,Employee\n"
    preview = upload(desk, "appointment", f"{head}{made.pk},2030-03-04 11:00,Kim Low,Haircut,Ana\n")
    assert shown(preview) == [(2, "change")]
    assert [one.title for one in verdict(preview, 2).changes] == ["Starts", "Ends"]
    agree(desk, preview)
    (moved,) = desk.appointments()
    assert (moved.pk, moved.starts_at.hour) == (made.pk, 16)
    other = upload(desk, "appointment", f"{head}{made.pk},2030-03-04 11:00,Somebody,Haircut,Ana\n")
    assert "stays with them" in reasons(other)[0][1]


def test_another_service_costs_and_lasts_what_that_does(desk):
    desk.add("10:00")
    with tenant_scope(desk.tenant):
        booked = Appointment.objects.get()
        EmployeeService.objects.filter(
            employee=desk.employees["Ana"], service=desk.services["Coloring"]
        ).update(duration_minutes=100, price=88)
        Service.objects.filter(name="Coloring").update(currency="EUR")
    head = "Starts,Customer,Service,Employee,Price,Id\n"
    line = "2030-03-04 10:00,Kim Low,{},Ana,{},{}\n".format
    agree(desk, upload(desk, "appointment", head + line("Coloring", "", booked.pk)))
    (coloring,) = desk.appointments()
    assert (coloring.price, coloring.currency) == (88, "EUR")
    assert coloring.ends_at - coloring.starts_at == datetime.timedelta(minutes=100)
    agree(desk, upload(desk, "appointment", head + line("Haircut", "12.50", booked.pk)))
    assert (desk.appointments()[0].price, desk.appointments()[0].currency) == (Decimal("12.50"), "USD")
    agree(desk, upload(desk, "appointment", head + line("Haircut", "", booked.pk)))
    assert desk.appointments()[0].price == Decimal("12.50")


# --- What was exported comes back -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_exported_is_as_it_is_when_it_is_imported(desk, kind, form):
    desk.add("10:00", notes="=1+1")
    with tenant_scope(desk.tenant):
        Customer.objects.create(
            tenant=desk.tenant, name="'=odd", phone_e164="+15551112222", notes="-5 'quoted'"
        )
        model = {"service": Service, "employee": Employee, "customer": Customer, "appointment": Appointment}[
            kind
        ]
        ids = [str(row.pk) for row in model.objects.all()]
    answer = desk.client.post(
        f"/admin/appointments/{kind}/", {"action": f"export_{form}", "_selected_action": ids}
    )
    content = b"".join(answer.streaming_content)
    preview = upload(desk, kind, content, f"file.{form}")
    assert reasons(preview) == []
    assert {fate for _, fate in shown(preview)} == {"same"}
    assert len(shown(preview)) == len(ids)


def test_a_workbook_calculates_nothing(desk):
    with tenant_scope(desk.tenant):
        Customer.objects.update(name="=1+1", notes="\x0b@SUM(A1)")
    ids = [str(desk.customer.pk)]
    answer = desk.client.post(
        "/admin/appointments/customer/", {"action": "export_xlsx", "_selected_action": ids}
    )
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert {"'=1+1", "'+15552223333"} <= {cell.value for cell in cells}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_can_be_imported(desk, kind, form):
    example = desk.client.get(f"{page(kind)}example.{form}")
    preview = upload(desk, kind, example.content, f"example.{form}")
    assert reasons(preview) == []
    assert {fate for _, fate in shown(preview)} == {"create"}


def test_excels_own_dates_and_numbers_are_read(desk):
    book = workbook(
        ["Starts", "Ends", "Customer", "Phone", "Service", "Employee", "Price"],
        [
            datetime.datetime(2030, 3, 4, 10),
            datetime.time(12, 0),
            "Jane",
            15551230001,
            "Haircut",
            "Ana",
            49.5,
        ],
    )
    agree(desk, upload(desk, "appointment", book, "file.xlsx"))
    with tenant_scope(desk.tenant):
        (made,) = Appointment.objects.select_related("customer")
    assert (made.starts_at.hour, made.ends_at.hour, str(made.price)) == (15, 17, "49.50")
    assert made.customer.phone_e164 == "+15551230001"


# --- Files that mean no good ------------------------------------------------------------------------


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        with parts.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(64):
                sheet.write(bytes(1024 * 1024))
    return file.getvalue()


def lying() -> bytes:
    """Of which the sheet says that it is small."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(["Name"], ["A"]))) as parts:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copied:
            for part in parts.infolist():
                with copied.open(part.filename, "w", force_zip64=True) as copy:
                    copy.write(parts.read(part))
                    for _ in range(600 if "sheet1" in part.filename else 0):
                        copy.write(b" " * 1024 * 1024)
            for part in copied.infolist():
                part.file_size = min(part.file_size, 1000)
    return made.getvalue()


def strangely_packed() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(["Name"], ["A"]))) as parts:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_BZIP2) as copied:
            for part in parts.infolist():
                copied.writestr(part.filename, parts.read(part))
    return made.getvalue()


def wide() -> bytes:
    """A line of a million cells, before anybody counts them."""
    file = io.BytesIO(workbook(["Name"], ["A"]))
    made = io.BytesIO()
    with zipfile.ZipFile(file) as parts, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as copied:
        for part in parts.infolist():
            content = parts.read(part)
            if "sheet1" in part.filename:
                content = content.replace(b"</row>", b"<c/>" * 7_000_000 + b"</row>", 1)
            copied.writestr(part.filename, content)
    return made.getvalue()


@pytest.mark.parametrize("made", [lying, strangely_packed, wide])
def test_a_workbook_that_is_larger_than_it_says_takes_no_memory_of_ours(desk, made):
    content = made()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "no Excel workbook that can be read" in refusal(upload(desk, "customer", content))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty."),
        (b" \r\n;;\r\n", "The file is empty."),
        (b"Name,Phone\r\n", "nothing below it"),
        (b"x" * (LARGEST_BYTES + 1), "5 MB are the most"),
        (b"Phone\n5551230001\n", "The file lacks the column “Name”"),
        (b"Name,Phone,Telephone\nA,1,2\n", "Two columns are headed “Phone”"),
        (b"Name\n" + b"A\n" * 100_000, "more than 5,000 lines"),
        (b'Name\n"never closed\n', "a quotation mark is opened there and never closed"),
        (b'Name\n"' + b"x" * 140_000, "a cell is too long"),
        (b"Name\n" + b"x" * 10_001, "more than 10,000 characters"),
        (b"Name\n\x00\x01", "there is binary data in it"),
        (b"\xff\xfeN\x00a", "is not. Save it again"),
        (b"Name\nJ\x81\n", "Save it as CSV in UTF-8"),
        (b"\xd0\xcf\x11\xe0 old", "old kind, or one with a password"),
        (b"PK\x03\x04 no zip", "no Excel workbook that can be read"),
        (bomb(), "far larger than it looks"),
        (workbook(["Name"], *(["A"] for _ in range(5001))), "more than 5,000 lines"),
        (workbook(["Name"] * 61, ["A"]), "has 61 columns"),
    ],
)  # fmt: skip
def test_a_file_of_which_nothing_can_be_made_is_refused_in_a_sentence(desk, content, told):
    assert told in refusal(upload(desk, "customer", content))
    assert count(desk.tenant, ImportDraft) == 0


def test_a_cell_of_nothing_but_commas_takes_no_time(desk):
    few, many = ",".join(["Haircut"] * 3) + "," * 9000, ",".join(["x"] * 4000)
    preview = upload(desk, "employee", f'Name,Performs\nZoe,"{few}"\nAna,"{many}"\n')
    assert reasons(preview) == [("Performs", "There are 4000 names; 60 are the most.")]


def test_no_file_at_all_is_asked_for(desk):
    answer = desk.client.post(page("customer"))
    assert "Choose a file." in answer.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_whatever_wrote_it_the_letters_are_right(desk, encoding, separator):
    text = separator.join(["Name", "Phone"]) + "\r\n" + separator.join(["Zoë Müller", "5551230001"]) + "\r\n"
    preview = upload(desk, "customer", text.encode(encoding))
    assert verdict(preview, 2).label == "Zoë Müller"


def test_a_line_that_tells_the_separator_is_no_heading(desk):
    preview = upload(desk, "customer", "sep=;\r\nName;Phone\r\n\r\nZoe;5551230001\r\n")
    assert shown(preview) == [(4, "create")]


def test_columns_that_are_not_read_are_named(desk):
    assert "Columns that are not read: Shoe size." in upload(desk, "customer", "Name,Shoe size\nA,42\n").text


def test_markup_in_a_file_stays_text(desk):
    preview = upload(desk, "customer", "Name,<b>x\n<script>alert(1)</script>,1\n")
    assert "<script>alert(1)" not in preview.text
    assert "&lt;script&gt;" in preview.text


# --- Who may, and whose ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", Member.Role.values)
def test_owners_and_managers_import_and_nobody_else(salon, role, kind):
    somebody = Desk(salon, role)
    may = role in {"owner", "manager"}
    listed = somebody.client.get(f"/admin/appointments/{kind}/")
    assert ('href="import/"' in listed.text) == may
    assert somebody.client.get(page(kind)).status_code == (200 if may else 403)
    assert somebody.client.post(page(kind), {}).status_code == (200 if may else 403)
    assert somebody.client.get(f"{page(kind)}example.csv").status_code == (200 if may else 403)


def test_another_business_and_another_person_find_no_such_file(desk, garage, salon):
    preview = upload(desk, "customer", "Name,Phone\nAda,5551230009\n").request["PATH_INFO"]
    for stranger in (Desk(garage, "owner"), Desk(salon, "manager")):
        assert stranger.client.get(preview).status_code == 404
        answer = stranger.client.post(preview, {"confirm": "yes"}, follow=True)
        assert "This file is not kept any more" in answer.text
    assert desk.client.get(preview.replace("customer", "service")).status_code == 404
    assert count(salon, Customer) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_another_businesss_id_is_nobodys(desk, garage, kind):
    theirs = Desk(garage, "owner")
    theirs_rows = {
        "service": next(iter(theirs.services.values())),
        "employee": next(iter(theirs.employees.values())),
        "customer": theirs.customer,
    }
    theirs.add("10:00", service="Inspection", employee="Carla")
    (known,) = theirs.appointments()
    pk = (theirs_rows | {"appointment": known})[kind].pk
    told = set()
    for one in (pk, "12345678-0000-4000-8000-000000000000", "nonsense"):
        text = {
            "service": f"Id,Name,Minutes,Price\n{one},X,1,1\n",
            "appointment": f"Id,{HEAD}{one},2030-03-04 10:00,Kim Low,,Haircut,Ana\n",
        }.get(kind, f"Id,Name\n{one},X\n")
        preview = upload(desk, kind, text)
        assert shown(preview) == [(2, "refuse")]
        told |= set(reasons(preview))
    assert len(told) == 1
    assert "Garage" not in preview.text


def test_another_businesss_names_are_nobodys(desk, garage):
    theirs = Desk(garage, "owner")
    service, employee = next(iter(theirs.services)), next(iter(theirs.employees))
    whom = "Kim Low,5552223333"
    text = f"2030-03-04 10:00,{whom},{service},Ana\n2030-03-04 12:00,{whom},Haircut,{employee}\n"
    assert {fate for _, fate in shown(upload(desk, "appointment", HEAD + text))} == {"refuse"}


def test_an_operator_imports_within_a_business_that_they_have_entered(desk):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    assert client.get(page("customer")).status_code == 403
    assert client.get("/ops/appointments/customer/import/").status_code in {302, 404}
    client.post(f"/ops/enter/{desk.tenant.pk}/")
    assert client.get(page("customer")).status_code == 200


def test_a_file_is_not_seen_through_the_second_wall(desk, garage):
    upload(desk, "customer", "Name,Phone\nAda,5551230009\n")
    with platform_scope():
        assert ImportDraft.objects.count() == 1
    with tenant_scope(garage):
        assert ImportDraft.objects.count() == 0
    assert set(KINDS) <= {model._meta.model_name for model in staff._registry}
