"""Every rule of a business can be set in the admin, explains itself, and refuses what makes no sense."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.admin.filters import PERIODS
from appointments.models import (
    AddOn,
    Appointment,
    Closure,
    Customer,
    Employee,
    EmployeeService,
    OpeningHours,
    Resource,
    Service,
    ServiceResource,
    SpecialHours,
    TimeOff,
)
from tenants.admin_sites import staff
from tenants.models import Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.invariants import broken
from tests.appointments.test_admin import (
    NEW_YORK,
    Desk,
    FormReader,
    errors_of,
    static_files_need_no_collecting,
)

__all__ = ["static_files_need_no_collecting"]
RULES = [
    AddOn,
    Closure,
    Customer,
    Employee,
    EmployeeService,
    OpeningHours,
    Resource,
    Service,
    ServiceResource,
    SpecialHours,
    TimeOff,
]
LIST = "/admin/appointments/appointment/"


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    return Desk(salon)


@pytest.fixture
def owner(salon: Tenant) -> Client:
    return Desk(salon, "owner").client


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


# --- Explained and settable ----------------------------------------------------------------------


def editable(model: Any) -> list[Any]:
    return [
        one for one in model._meta.get_fields() if getattr(one, "editable", False) and one.name != "tenant"
    ]


@pytest.mark.parametrize("model", RULES, ids=lambda model: model.__name__)
def test_every_rule_explains_itself(model):
    by_list = {"services"}  # of an employee: the table on the same page
    silent = [one.name for one in editable(model) if not one.help_text and one.name not in by_list]
    assert silent == []


@pytest.mark.parametrize("model", RULES, ids=lambda model: model.__name__)
def test_every_rule_can_be_set_on_a_page(model, owner, salon):
    pages, by_list = staff._registry[model], {"services", "resources"}
    request = owner.get("/admin/").wsgi_request
    with tenant_scope(salon):
        fieldsets = pages.get_fieldsets(request)
    shown = {name for _, options in fieldsets for name in options["fields"]}
    assert {one.name for one in editable(model)} - by_list <= shown


def test_the_zone_and_the_holidays_are_on_the_page_of_the_business(owner, salon):
    page = FormReader()
    page.feed(owner.get(f"/admin/tenants/tenant/{salon.pk}/change/").text)
    assert {"timezone", "holiday_region"} <= set(page.fields)


@pytest.mark.parametrize(
    ("field", "typed", "problem"),
    [
        ("buffer_before_minutes", "1441", "A buffer is 1440 minutes (a day) at most."),
        ("buffer_after_minutes", "1441", "A buffer is 1440 minutes (a day) at most."),
        ("buffer_after_minutes", "-1", "Ensure this value is greater than or equal to 0."),
        ("minimum_notice_minutes", "527041", "Notice is 527040 minutes (a year) at most."),
        ("minimum_notice_minutes", "-1", "Ensure this value is greater than or equal to 0."),
        ("cancel_notice_minutes", "99999999999", "Notice is 527040 minutes (a year) at most."),
        ("booking_window_days", "1831", "Callers book 1830 days ahead at most."),
        ("booking_window_days", "-1", "Ensure this value is greater than or equal to 0."),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(owner, desk, field, typed, problem):
    page = f"/admin/appointments/service/{desk.services['Haircut'].pk}/change/"
    shown = FormReader()
    shown.feed(owner.get(page).text)
    answer = owner.post(page, {**shown.fields, field: typed})
    assert problem in errors_of(answer)[field]
    longest = {
        "buffer_before_minutes": "1440",
        "minimum_notice_minutes": "527040",
        "booking_window_days": "1830",
    }
    assert owner.post(page, {**shown.fields, **longest}).status_code == 302


# --- Times that are typed ------------------------------------------------------------------------


def closure(**fields: str) -> dict[str, str]:
    return {
        "starts_at_0": "2030-03-04",
        "starts_at_1": "10:00",
        "ends_at_0": "2030-03-04",
        "ends_at_1": "12:00",
        "note": "",
        **fields,
    }


def closures(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return [str(row) for row in Closure.objects.select_related("tenant")]


def test_an_operator_types_a_closure_in_the_clock_of_the_business(operator, salon):
    answer = operator.post("/ops/appointments/closure/add/", {**closure(), "tenant": str(salon.pk)})
    assert answer.status_code == 302
    assert closures(salon) == ["2030-03-04 10:00 to 2030-03-04 12:00 EST"]


def test_a_closure_may_begin_in_an_hour_that_comes_twice_but_not_in_one_that_is_skipped(owner, salon):
    add = "/admin/appointments/closure/add/"
    twice = closure(starts_at_0="2030-11-03", starts_at_1="01:30", ends_at_0="2030-11-03")
    assert owner.post(add, twice).status_code == 302
    skipped = errors_of(owner.post(add, closure(starts_at_0="2030-03-10", starts_at_1="02:30")))
    assert "skips it and goes on at 03:00" in skipped["starts_at"][0]
    backwards = errors_of(owner.post(add, closure(ends_at_1="09:00")))
    assert backwards["ends_at"] == ["It must end after it starts."]


def test_a_page_of_a_closure_saved_as_it_is_changes_nothing(owner, salon):
    second_pass = datetime.datetime(2030, 11, 3, 6, 30, tzinfo=datetime.UTC)
    with tenant_scope(salon):
        row = Closure.objects.create(
            tenant=salon, starts_at=second_pass, ends_at=second_pass + datetime.timedelta(hours=2)
        )
    page = f"/admin/appointments/closure/{row.pk}/change/"
    shown = FormReader()
    shown.feed(owner.get(page).text)
    assert owner.post(page, {**shown.fields, "note": "clocks"}).status_code == 302
    with tenant_scope(salon):
        assert Closure.objects.get(note="clocks").starts_at == second_pass


def test_rows_are_told_in_the_clock_of_the_business_without_a_query(desk):
    desk.add("10:00")
    with tenant_scope(desk.tenant):
        loaded = Appointment.objects.select_related("tenant").get()
        bare = Appointment.objects.get()
        with CaptureQueriesContext(connection) as asked:
            assert str(loaded) == "2030-03-04 10:00 EST"
            assert str(bare) == "2030-03-04 15:00 UTC"
            with timezone.override(NEW_YORK):
                assert str(bare) == "2030-03-04 10:00 EST"
    assert len(asked) == 0


# --- Lists ---------------------------------------------------------------------------------------


def test_periods_are_whole_days():
    sunday = datetime.date(2030, 12, 29)
    told = {name: tuple(map(str, period(sunday))) for name, (_, period) in PERIODS.items()}
    assert told == {
        "today": ("2030-12-29", "2030-12-30"),
        "tomorrow": ("2030-12-30", "2030-12-31"),
        "week": ("2030-12-29", "2031-01-05"),
        "this_week": ("2030-12-23", "2030-12-30"),
        "next_week": ("2030-12-30", "2031-01-06"),
        "this_month": ("2030-12-01", "2031-01-01"),
        "next_month": ("2031-01-01", "2031-02-01"),
    }


def listed(client: Client, page: str = LIST, **chosen: str) -> int:
    count: int = client.get(page, chosen).context["cl"].result_count
    return count


def test_days_are_those_of_the_business(desk):
    """22:30 on a Monday in New York is Tuesday in UTC."""
    desk.add("22:30")
    assert [listed(desk.client, weekday=str(day)) for day in range(3)] == [1, 0, 0]
    assert listed(desk.client, weekday="nonsense") == listed(desk.client, when="nonsense") == 1
    month = {"starts_at__year": "2030", "starts_at__month": "3"}
    assert listed(desk.client, **month, starts_at__day="4") == 1
    assert listed(desk.client, **month, starts_at__day="5") == 0


def test_an_operator_who_looks_at_one_business_sees_its_days(desk, operator):
    desk.add("22:30")
    page = LIST.replace("admin", "ops", 1)
    whose = {"tenant__id__exact": str(desk.tenant.pk)}
    assert [listed(operator, page, weekday=str(day), **whose) for day in range(2)] == [1, 0]
    assert listed(operator, page, tenant__id__exact="nonsense", e="1") == 1


def test_a_filtered_list_takes_as_many_queries_however_long_it_is(desk):
    chosen = {
        "weekday": "0",
        "status__exact": "scheduled",
        "employee__id__exact": str(desk.employees["Ana"].pk),
        "service__id__exact": str(desk.services["Haircut"].pk),
    }

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert listed(desk.client, **chosen)
        return len(asked)

    desk.add("09:00")
    few = queries()
    for hour in range(10, 16):
        desk.add(f"{hour}:00")
    assert queries() == few


# --- Deleting ------------------------------------------------------------------------------------


@pytest.fixture
def group(desk: Desk) -> list[Appointment]:
    with tenant_scope(desk.tenant):
        Service.objects.filter(name="Haircut").update(seats=3)
        chair = Resource.objects.create(tenant=desk.tenant, name="Chair")
        ServiceResource.objects.create(tenant=desk.tenant, service=desk.services["Haircut"], resource=chair)
    for _ in range(3):
        desk.add("10:00")
    return sorted(desk.appointments(), key=lambda one: one.seat)


def left(desk: Desk) -> list[tuple[int, str]]:
    with tenant_scope(desk.tenant):
        assert broken() == {}
        return [(row.seat, row.status) for row in Appointment.objects.order_by("seat")]


def test_appointments_are_cancelled_and_not_deleted_whoever_asks(desk, owner, operator, group):
    first = group[0]
    for client, site in ((owner, "admin"), (operator, "admin"), (operator, "ops")):
        page = LIST.replace("admin", site, 1)
        assert client.post(f"{page}{first.pk}/delete/", {"post": "yes"}).status_code == 403
        shown = client.get(page).text
        assert "delete_selected" not in shown
        assert "Cancel</option>" in shown
        client.post(page, {"action": "delete_selected", "_selected_action": [str(first.pk)], "post": "yes"})
    assert left(desk) == [(1, "scheduled"), (2, "scheduled"), (3, "scheduled")]


def test_a_group_whose_first_is_cancelled_has_another_first(desk, owner, group):
    owner.post(LIST, {"action": "cancel", "_selected_action": [str(group[0].pk)]})
    assert sorted(left(desk)) == [(1, "cancelled"), (1, "scheduled"), (3, "scheduled")]


# --- The page of a business ----------------------------------------------------------------------


def settings_of(operator: Client, tenant: Tenant, settings: str) -> Any:
    page = f"/ops/tenants/tenant/{tenant.pk}/change/"
    shown = FormReader()
    shown.feed(operator.get(page).text)
    return operator.post(page, {**shown.fields, "settings": settings})


def hours_of(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return [str(row) for row in OpeningHours.objects.filter(employee=None)]


def test_hours_in_the_settings_replace_the_week(operator, salon):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        OpeningHours.objects.create(
            tenant=salon, employee=ana, weekday=0, opens=datetime.time(10), closes=datetime.time(12)
        )
    answer = settings_of(
        operator,
        salon,
        '{"voicemail": true, "businessHours": {"monday": {"open": "10:00", "close": "18:00", "enabled": true},'
        ' "friday": {"open": "22:00", "close": "02:00"}, "sunday": {"enabled": false}}}',
    )
    assert answer.status_code == 302
    assert hours_of(salon) == ["Monday 10:00-18:00", "Friday 22:00-02:00"]
    with platform_scope():
        assert Tenant.objects.get(pk=salon.pk).settings == {"voicemail": True}
        assert ana.hours.count() == 1


def test_wrong_hours_are_told_by_their_fields_and_change_nothing(operator, salon):
    before = hours_of(salon)
    answer = settings_of(
        operator, salon, '{"businessHours": {"monday": {"open": "9", "close": "17:00"}, "funday": null}}'
    )
    assert errors_of(answer)["settings"] == [
        "businessHours.funday: is not a day of the week such as monday",
        "businessHours.monday.open: must be HH:MM",
    ]
    assert hours_of(salon) == before


def test_the_page_shows_the_hours_in_that_shape(owner, operator, salon):
    with tenant_scope(salon):
        OpeningHours.objects.filter(weekday=0).update(closes=datetime.time(12))
        OpeningHours.objects.create(
            tenant=salon, weekday=0, opens=datetime.time(13), closes=datetime.time(18)
        )
    for client, site in ((owner, "admin"), (operator, "ops")):
        text = client.get(f"/{site}/tenants/tenant/{salon.pk}/change/").text
        told = (block.split("</pre>")[0].replace("&quot;", '"') for block in text.split("<pre")[1:])
        block = next(block for block in told if '"monday"' in block)
        monday = block.split('"monday"')[1].split('"tuesday"')[0]
        assert (
            monday.index('"open": "09:00"') < monday.index('"close": "18:00"') < monday.index('"intervals"')
        )
        assert '"close": "12:00"' in monday


def test_settings_without_hours_leave_the_week_alone(operator, salon):
    before = hours_of(salon)
    assert settings_of(operator, salon, '{"voicemail": false}').status_code == 302
    assert hours_of(salon) == before
    assert "JSON object" in settings_of(operator, salon, '"businessHours"').text
