"""Appointments in the admin: staff may choose any minute, and nobody is booked twice."""

import datetime
import threading
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.test import Client

from appointments import booking, by_hand
from appointments.extras import write_add_ons
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentAddOn,
    Customer,
    Employee,
    EmployeeService,
    OpeningHours,
    Service,
    SpecialHours,
)
from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope

ADD = "/admin/appointments/appointment/add/"
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime.date(2030, 3, 4)


@pytest.fixture(autouse=True)
def static_files_need_no_collecting(settings: Any) -> None:
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


class FormReader(HTMLParser):
    """The fields of a page with the values that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name = has.get("name") or ""
        match tag:
            case "input" if has.get("type") == "checkbox":
                self.fields |= {name: has.get("value") or "on"} if "checked" in has else {}
            case "input" if name and not name.startswith("_") and has.get("type") != "submit":
                self.fields[name] = has.get("value") or ""
            case "select":
                self._select = name
            case "option" if self._select and "selected" in has:
                self.fields[self._select] = has.get("value") or ""
            case "textarea":
                self._textarea = name
                self.fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


class Desk:
    """Somebody of the salon's staff at the admin."""

    def __init__(self, tenant: Tenant, role: str = "staff") -> None:
        self.tenant = tenant
        self.user = User.objects.create_user(f"{tenant.slug}-{role}")
        with tenant_scope(tenant):
            Member.objects.create(tenant=tenant, user=self.user, role=role)
            self.customer, _ = Customer.objects.get_or_create(
                tenant=tenant, name="Kim Low", phone_e164="+15552223333"
            )
            self.services = {row.name: row for row in Service.objects.all()}
            self.employees = {row.name: row for row in Employee.objects.all()}
        self.client = self.browser()

    def browser(self) -> Client:
        client = Client()
        client.force_login(self.user)
        return client

    def form(self, time: str = "10:00", **fields: str) -> dict[str, str]:
        employee = fields.pop("employee", "Ana")
        service = fields.pop("service", "Haircut")
        return {
            "customer": str(self.customer.pk),
            "employee": str(self.employees[employee].pk),
            "service": str(self.services[service].pk),
            "starts_at_0": str(MONDAY),
            "starts_at_1": time,
            "ends_at": "",
            "status": "scheduled",
            "price": "",
            "notes": "",
            **fields,
        }

    def add(self, time: str = "10:00", **fields: str) -> Any:
        return self.client.post(ADD, self.form(time, **fields), follow=True)

    def change(self, appointment: Appointment, **fields: str) -> Any:
        return self.client.post(page_of(appointment), {**self.as_shown(appointment), **fields}, follow=True)

    def as_shown(self, appointment: Appointment) -> dict[str, str]:
        """What the browser sends back of a page that nobody has typed into."""
        page = FormReader()
        page.feed(self.client.get(page_of(appointment)).text)
        return page.fields

    def appointments(self) -> list[Appointment]:
        with tenant_scope(self.tenant):
            return list(Appointment.objects.order_by("starts_at"))


def page_of(appointment: Appointment) -> str:
    return f"/admin/appointments/appointment/{appointment.pk}/change/"


def wall(appointment: Appointment) -> list[str]:
    times = (
        appointment.blocked_from,
        appointment.starts_at,
        appointment.ends_at,
        appointment.blocked_until,
    )
    return [f"{instant.astimezone(NEW_YORK):%H:%M}" for instant in times]


def errors_of(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    assert "adminform" in answer.context, "it was saved"
    return answer.context["adminform"].form.errors


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    with tenant_scope(salon):
        Service.objects.filter(name="Coloring").update(buffer_before_minutes=10, buffer_after_minutes=20)
    return Desk(salon)


# --- Adding --------------------------------------------------------------------------------------


def test_a_time_is_the_tenants_and_the_end_follows_from_the_service(desk):
    desk.add("10:00")
    (made,) = desk.appointments()
    assert made.starts_at == datetime.datetime(2030, 3, 4, 15, tzinfo=datetime.UTC)
    assert wall(made) == ["10:00", "10:00", "11:00", "11:00"]
    assert (made.price, made.currency, made.source) == (50, "USD", "staff")
    assert LogEntry.objects.filter(object_id=str(made.pk)).count() == 1


def test_buffers_follow_the_service(desk):
    desk.add("10:00", service="Coloring")
    assert wall(desk.appointments()[0]) == ["09:50", "10:00", "12:00", "12:20"]


def own_terms(desk, name="Ana", minutes=90, price=77):
    """So long this employee takes for a haircut, and so much."""
    with tenant_scope(desk.tenant):
        performs = EmployeeService.objects.filter(
            employee=desk.employees[name], service=desk.services["Haircut"]
        )
        performs.update(duration_minutes=minutes, price=price)


@pytest.mark.parametrize("typed", ["2:30 PM", "2:30pm", "2 pm", "14.30", "14:30:00"])
def test_a_time_may_be_typed_as_one_says_it(desk, typed):
    desk.add(typed, ends_at="3:30 PM")
    (made,) = desk.appointments()
    assert wall(made)[1:3] == ["14:00" if typed == "2 pm" else "14:30", "15:30"]


def test_what_is_no_time_is_told_with_an_example(desk):
    assert errors_of(desk.add("noon"))["starts_at"] == ["This is no time, such as 14:30 or 2:30 PM."]


@pytest.mark.parametrize(
    ("phone", "typed"),
    [("+12125550100", "3/4/2030"), ("+34911234567", "4/3/2030"), ("+4930123456", "04.03.2030")],
)
def test_a_date_is_read_as_the_business_writes_it(desk, phone, typed):
    with platform_scope():
        Tenant.objects.update(phone=phone)
    desk.add("10:00", starts_at_0=typed)
    assert desk.appointments()[0].starts_at.date() == MONDAY
    assert "is no date" in errors_of(desk.add("12:00", starts_at_0="13/13/2030"))["starts_at"][0]
    day = {"date": typed, "opens": "", "closes": "", "note": ""}
    owner = Desk(desk.tenant, "owner")
    assert owner.client.post("/admin/appointments/specialhours/add/", day).status_code == 302
    with tenant_scope(desk.tenant):
        assert SpecialHours.objects.get().date == MONDAY


def test_an_employees_own_minutes_and_price_go_before_those_of_the_service(desk):
    own_terms(desk)
    desk.add("10:00")
    desk.add("10:00", employee="Ben")
    desk.add("14:00", ends_at="14:30", price="12")
    anas, bens, typed = sorted(desk.appointments(), key=lambda one: (one.starts_at, -one.price))
    assert (wall(anas)[1:3], anas.price) == (["10:00", "11:30"], 77)
    assert (wall(bens)[1:3], bens.price) == (["10:00", "11:00"], 50)
    assert (wall(typed)[1:3], typed.price) == (["14:00", "14:30"], 12)


def test_an_employees_own_minutes_keep_the_next_away(desk):
    own_terms(desk)
    desk.add("10:00")
    assert "Ana has Kim Low" in errors_of(desk.add("11:00"))["starts_at"][0]


def test_an_end_can_be_typed(desk):
    desk.add("10:00", ends_at="10:25", price="12.50")
    (made,) = desk.appointments()
    assert wall(made)[1:3] == ["10:00", "10:25"]
    assert made.price == 12.5


def test_nobody_is_paid_for_coming(desk):
    assert "greater than or equal to 0" in errors_of(desk.add("10:00", price="-5"))["price"][0]
    desk.add("10:00", price="0")
    assert desk.appointments()[0].price == 0


def test_an_end_past_midnight_is_the_next_days(desk):
    desk.add("23:30", ends_at="00:30")
    (made,) = desk.appointments()
    assert made.ends_at - made.starts_at == datetime.timedelta(hours=1)


def test_an_end_before_the_start_is_a_slip(desk):
    assert "this would be 23 hours" in errors_of(desk.add("14:00", ends_at="13:00"))["ends_at"][0]
    assert "this would be 24 hours" in errors_of(desk.add("14:00", ends_at="14:00"))["ends_at"][0]


def test_an_hour_that_the_clock_skips_is_refused(desk):
    errors = errors_of(desk.add("02:30", starts_at_0="2030-03-10"))
    assert "skips it and goes on at 03:00" in errors["starts_at"][0]


def test_an_hour_that_comes_twice_is_the_first_and_stays_what_it_was(desk):
    desk.add("01:30", starts_at_0="2030-11-03")
    (made,) = desk.appointments()
    assert made.starts_at == datetime.datetime(2030, 11, 3, 5, 30, tzinfo=datetime.UTC)
    with tenant_scope(desk.tenant):
        hour = datetime.timedelta(hours=1)
        Appointment.objects.update(
            starts_at=made.starts_at + hour,
            ends_at=made.ends_at + hour,
            blocked_from=made.starts_at + hour,
            blocked_until=made.ends_at + hour,
        )
    desk.change(made, notes="the second pass")
    (kept,) = desk.appointments()
    assert (kept.notes, kept.starts_at) == ("the second pass", made.starts_at + hour)


def test_any_minute_will_do(desk):
    answer = desk.add("10:07")
    assert wall(desk.appointments()[0])[1] == "10:07"
    assert "mind" not in answer.text


@pytest.mark.parametrize(
    ("date", "time", "words"),
    [
        ("2030-03-03", "10:00", "The business does not open on 2030-03-03."),
        (
            "2030-03-04",
            "16:30",
            "The business is not open for all of 16:30 to 17:30. On 2030-03-04 it opens 09:00 to 17:00.",
        ),
        ("2020-03-02", "10:00", "That time has passed."),
    ],
)
def test_outside_of_opening_hours_is_allowed_but_told(desk, date, time, words):
    answer = desk.add(time, starts_at_0=date)
    assert words in answer.text
    assert f"mind ({told_of(desk.appointments()[0])})" in answer.text
    assert ("The nearest free times are" in answer.text) == (date != "2020-03-02")


def told_of(appointment: Appointment) -> str:
    since, until = (each.astimezone(NEW_YORK) for each in (appointment.starts_at, appointment.ends_at))
    return f"{since:%a} {since.day} {since:%b %Y, %H:%M}–{until:%H:%M %Z}"


def test_what_the_typed_length_reaches_into_is_told(desk):
    with tenant_scope(desk.tenant):  # whatever length is usual for the one who serves
        EmployeeService.objects.filter(service__name="Haircut").update(duration_minutes=45)
    assert "The business is not open" not in desk.add("16:30", ends_at="17:00").text
    assert "for all of 15:00 to 17:30" in desk.add("15:00", ends_at="17:30", employee="Ben").text


def test_an_employees_own_hours_are_told(desk):
    with tenant_scope(desk.tenant):
        OpeningHours.objects.create(
            tenant=desk.tenant,
            employee=desk.employees["Ana"],
            weekday=0,
            opens=datetime.time(12),
            closes=datetime.time(17),
        )
    assert "Ana does not work for all of 10:00 to 11:00." in desk.add("10:00").text


def test_only_what_is_offered_can_be_chosen(desk):
    with tenant_scope(desk.tenant):
        EmployeeService.objects.filter(employee=desk.employees["Ben"], service__name="Coloring").delete()
        Service.objects.filter(name="Styling").update(is_active=False)
    unable = errors_of(desk.add("10:00", employee="Ben", service="Coloring"))
    assert unable["employee"] == ["Ben does not perform Coloring."]
    assert errors_of(desk.add("10:00", service="Styling"))["service"] == ["Styling is not active."]


def test_an_empty_form_says_what_is_missing(desk):
    errors = errors_of(desk.client.post(ADD, {}))
    assert set(errors) == {"customer", "employee", "service", "starts_at", "status"}
    assert "starts_at" in errors_of(desk.add("", starts_at_0=""))
    assert "starts_at" in errors_of(desk.add("25:00"))


# --- Nobody is booked twice ----------------------------------------------------------------------


def test_a_taken_time_is_refused_and_told_whose_it_is(desk):
    desk.add("10:00")
    errors = errors_of(desk.add("10:30"))
    assert errors["starts_at"] == [
        "Ana has Kim Low for Haircut then: Mon 4 Mar 2030, 10:00 to 11:00 EST.",
        "The nearest free times are Mon 4 Mar 2030, 09:00 EST (Ana); Mon 4 Mar 2030, 11:00 EST (Ana); "
        "Mon 4 Mar 2030, 11:30 EST (Ana); Mon 4 Mar 2030, 12:00 EST (Ana).",
    ]
    assert len(desk.appointments()) == 1
    desk.add("10:30", employee="Ben")
    desk.add("11:00")
    assert len(desk.appointments()) == 3


def test_buffers_keep_others_away(desk):
    desk.add("10:00", service="Coloring")
    errors = errors_of(desk.add("12:15"))
    assert errors["starts_at"][0] == (
        "Ana has Kim Low for Coloring then: Mon 4 Mar 2030, 10:00 to 12:00 EST, with its buffers 09:50 to 12:20."
    )
    desk.add("12:20")
    assert len(desk.appointments()) == 2


def test_a_cancelled_appointment_is_in_nobodys_way(desk):
    desk.add("10:00", status="cancelled")
    desk.add("10:00")
    assert len(desk.appointments()) == 2


def test_who_takes_no_lock_meets_the_constraint_and_the_form_says_the_same(desk, monkeypatch):
    """A writer that asks nobody: its row is there only when ours is inserted."""
    desk.add("10:00", employee="Ben")
    asked: list[Appointment | None] = []

    def blind_at_first(appointment: Appointment) -> Appointment | None:
        found = collision(appointment)
        asked.append(found)
        return None if len(asked) <= 2 else found  # once for the form, once for the verb

    collision = booking.collision
    monkeypatch.setattr(booking, "collision", blind_at_first)
    monkeypatch.setattr(by_hand, "collision", blind_at_first)
    errors = errors_of(desk.add("10:30", employee="Ben"))
    assert errors["starts_at"][0].startswith("Ben has Kim Low for Haircut then")
    assert len(asked) == 3
    assert len(desk.appointments()) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_the_same_time_at_once_one_is_refused(salon):
    desk = Desk(salon)
    others = [desk.browser() for _ in range(4)]
    start = threading.Barrier(len(others))
    answers: list[Any] = []

    def save(browser: Client, minute: int) -> None:
        start.wait()
        try:
            answers.append(browser.post(ADD, desk.form(f"10:{minute:02}")))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=(browser, 5 * n)) for n, browser in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 302]
    refused = [answer for answer in answers if answer.status_code == 200]
    assert all("Ana has Kim Low" in errors_of(answer)["starts_at"][0] for answer in refused)
    assert len(desk.appointments()) == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_swap_employees_at_once_do_not_wait_for_each_other(salon):
    desk = Desk(salon)
    desk.add("10:00", employee="Ana")
    desk.add("12:00", employee="Ben")
    first, second = desk.appointments()
    forms = [
        (page_of(first), {**desk.as_shown(first), "employee": str(desk.employees["Ben"].pk)}),
        (page_of(second), {**desk.as_shown(second), "employee": str(desk.employees["Ana"].pk)}),
    ]
    start = threading.Barrier(2)
    codes: list[int] = []

    def save(browser: Client, page: str, form: dict[str, str]) -> None:
        start.wait()
        try:
            codes.append(browser.post(page, form).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=(desk.browser(), *form)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [302, 302]


# --- Changing --------------------------------------------------------------------------------------


@pytest.fixture
def booked(desk: Desk) -> Appointment:
    desk.add("10:00")
    return desk.appointments()[0]


def test_saving_a_page_as_it_is_changes_nothing(desk, booked):
    desk.change(booked)
    (after,) = desk.appointments()
    assert wall(after) == wall(booked)
    assert after.price == booked.price


def test_an_end_that_is_left_alone_moves_along(desk, booked):
    desk.change(booked, starts_at_1="14:15")
    assert wall(desk.appointments()[0]) == ["14:15", "14:15", "15:15", "15:15"]


def test_a_moved_appointment_does_not_collide_with_itself(desk, booked):
    desk.change(booked, starts_at_1="10:30")
    assert wall(desk.appointments()[0])[1] == "10:30"


def test_another_service_brings_its_length_price_and_buffers(desk, booked):
    desk.change(booked, service=str(desk.services["Coloring"].pk))
    (after,) = desk.appointments()
    assert wall(after) == ["09:50", "10:00", "12:00", "12:20"]
    assert after.price == 120


def test_another_employee_brings_their_length_and_price(desk, booked):
    own_terms(desk, "Ben")
    desk.change(booked, employee=str(desk.employees["Ben"].pk))
    (after,) = desk.appointments()
    assert (wall(after)[1:3], after.price) == (["10:00", "11:30"], 77)


def test_what_was_agreed_on_goes_along_to_another_employee(desk, booked):
    own_terms(desk, "Ben")
    desk.change(booked, ends_at="10:20", price="12")
    desk.change(booked, employee=str(desk.employees["Ben"].pk))
    (after,) = desk.appointments()
    assert (wall(after)[1:3], after.price) == (["10:00", "10:20"], 12)
    desk.change(booked, ends_at="", price="")
    (after,) = desk.appointments()
    assert (wall(after)[1:3], after.price) == (["10:00", "11:30"], 77)


@pytest.fixture
def washed(desk, booked):
    """With an add-on, as a caller books it."""
    with tenant_scope(desk.tenant):
        wash = AddOn.objects.create(
            tenant=desk.tenant, service=desk.services["Haircut"], name="Wash", minutes=15, price=5
        )
        write_add_ons(booked, [wash])
    return booked


def test_the_page_says_what_was_added(desk, washed):
    assert "Wash" in desk.client.get(page_of(washed)).text


def test_another_service_comes_without_the_add_ons_of_the_one_before(desk, washed):
    desk.change(washed, notes="Rang.")
    with tenant_scope(desk.tenant):
        assert AppointmentAddOn.objects.count() == 1
    desk.change(washed, service=str(desk.services["Coloring"].pk))
    with tenant_scope(desk.tenant):
        assert not AppointmentAddOn.objects.exists()


def test_an_emptied_end_and_price_are_those_with_the_add_ons_that_were_booked(desk, washed):
    desk.change(washed, ends_at="", price="")
    (after,) = desk.appointments()
    assert (wall(after)[1:3], after.price) == (["10:00", "11:15"], 55)


def test_a_move_onto_another_appointment_is_refused(desk, booked):
    desk.add("12:00")
    assert "starts_at" in errors_of(desk.change(booked, starts_at_1="12:30"))
    desk.add("10:30", employee="Ben")
    assert "starts_at" in errors_of(desk.change(booked, employee=str(desk.employees["Ben"].pk)))
    assert wall(desk.appointments()[0])[1] == "10:00"


def test_a_note_can_be_written_whatever_has_become_of_the_service(desk, booked):
    desk.add("11:00")
    with tenant_scope(desk.tenant):
        Service.objects.filter(name="Haircut").update(buffer_after_minutes=30, is_active=False)
        EmployeeService.objects.all().delete()
    answer = desk.change(booked, notes="prefers the window")
    assert "mind" not in answer.text
    first, _ = desk.appointments()
    assert first.notes == "prefers the window"
    assert wall(first) == wall(booked)


def test_cancelling_frees_the_time_and_taking_it_back_needs_it_free(desk, booked):
    desk.change(booked, status="cancelled")
    desk.add("10:30")
    errors = errors_of(desk.change(booked, status="scheduled"))
    assert "Ana has Kim Low for Haircut then" in errors["starts_at"][0]
    other = next(row for row in desk.appointments() if row.pk != booked.pk)
    desk.change(other, status="cancelled")
    desk.change(booked, status="scheduled")
    with tenant_scope(desk.tenant):
        assert Appointment.objects.get(pk=booked.pk).status == "scheduled"


def test_nobody_is_a_no_show_of_what_is_still_to_come(desk, booked):
    told = ["It is still to come, so it cannot be a no-show."]
    assert errors_of(desk.change(booked, status="no_show"))["status"] == told
    assert errors_of(desk.add("14:00", status="no_show"))["status"] == told
    desk.change(booked, starts_at_0="2020-03-02", status="no_show")
    (missed,) = desk.appointments()
    assert missed.status == "no_show"
    assert errors_of(desk.change(missed, starts_at_0=str(MONDAY)))["status"] == told
    desk.change(missed, notes="Rang twice.")
    assert desk.appointments()[0].notes == "Rang twice."


def test_a_page_that_is_out_of_date_overwrites_nothing(desk, booked):
    stale = desk.as_shown(booked)
    desk.change(booked, starts_at_1="15:00")
    answer = desk.client.post(page_of(booked), {**stale, "notes": "written on the old page"})
    assert "was changed in the meantime" in errors_of(answer)["__all__"][0]
    (after,) = desk.appointments()
    assert (wall(after)[1], after.notes) == ("15:00", "")


def test_several_are_marked_at_once_but_none_is_brought_back(desk, booked):
    desk.add("12:00")
    desk.add("14:00", status="cancelled")
    chosen = [str(row.pk) for row in desk.appointments()]
    answer = desk.client.post(
        "/admin/appointments/appointment/", {"action": "complete", "_selected_action": chosen}, follow=True
    )
    assert "2 are now completed." in answer.text
    assert [row.status for row in desk.appointments()] == ["completed", "completed", "cancelled"]


# --- Operators, and who may only look --------------------------------------------------------------


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


def test_an_operators_times_are_the_tenants_too(desk, booked, operator):
    page = f"/ops/appointments/appointment/{booked.pk}/change/"
    shown = operator.get(page)
    assert 'value="10:00"' in shown.text
    assert "America/New_York" in shown.text
    form = {**desk.form("13:00"), "tenant": str(desk.tenant.pk)}
    assert operator.post("/ops/appointments/appointment/add/", form).status_code == 302
    assert wall(desk.appointments()[1])[1] == "13:00"


@pytest.mark.parametrize("name", ["customer", "employee", "service"])
def test_an_operator_cannot_mix_tenants(desk, garage, operator, name):
    garages = Desk(garage)
    with tenant_scope(garage):
        foreign = {
            "customer": garages.customer,
            "employee": garages.employees["Carla"],
            "service": garages.services["Inspection"],
        }[name]
    form = {**desk.form(), "tenant": str(desk.tenant.pk), name: str(foreign.pk)}
    errors = errors_of(operator.post("/ops/appointments/appointment/add/", form))
    assert errors == {name: [f"{foreign} belongs to Test Garage, not to Test Salon."]}
    assert desk.appointments() == []


def test_an_operator_must_say_which_tenant(desk, operator):
    errors = errors_of(operator.post("/ops/appointments/appointment/add/", desk.form()))
    assert set(errors) == {"tenant"}


def test_a_member_cannot_name_rows_of_another_tenant(desk, garage):
    with tenant_scope(garage):
        carla = Employee.objects.get(name="Carla")
    errors = errors_of(desk.client.post(ADD, {**desk.form(), "employee": str(carla.pk)}))
    assert "Select a valid choice" in errors["employee"][0]


def test_who_may_only_look_sees_the_appointment(desk, booked):
    page = Desk(desk.tenant, "read_only").client.get(page_of(booked))
    assert page.status_code == 200
    assert "Kim Low: Haircut with Ana, Mon 4 Mar 2030, 10:00–11:00 EST" in page.text
    assert "_save" not in page.text
    assert "Version" not in page.text


def test_the_list_is_in_the_tenants_clock_and_is_searched_by_number(desk, booked):
    answer = desk.client.get("/admin/appointments/appointment/", {"q": "(555) 222-3333"})
    assert "Mon 4 Mar 2030, 10:00–11:00 EST" in answer.text
    assert answer.context["cl"].result_count == 1


@pytest.mark.parametrize("when", ["upcoming", "today", "tomorrow", "week", "past"])
def test_the_list_is_narrowed_by_day(desk, booked, when):
    answer = desk.client.get("/admin/appointments/appointment/", {"when": when})
    assert ("Kim Low" in answer.text) == (when == "upcoming")


def test_a_customers_number_may_be_typed_as_in_the_tenants_country(desk):
    with platform_scope():
        Tenant.objects.filter(pk=desk.tenant.pk).update(phone="+12125550100")
    form = {
        "name": "Alex Taylor",
        "phone_e164": "(555) 987-6543",
        "email": "",
        "notes": "",
    }
    answer = desk.client.post("/admin/appointments/customer/add/", form)
    assert answer.status_code == 302
    with platform_scope():
        assert Customer.objects.get(name="Alex Taylor").phone_e164 == "+15559876543"
    refused = desk.client.post("/admin/appointments/customer/add/", {**form, "phone_e164": "call me"})
    assert "not a telephone number" in errors_of(refused)["phone_e164"][0]
    twice = desk.client.post("/admin/appointments/customer/add/", form)
    assert "There is a customer of this name" in errors_of(twice)["__all__"][0]


def test_of_two_at_one_customer_each_keeps_what_they_typed(desk):
    page = f"/admin/appointments/customer/{desk.customer.pk}/change/"
    shown = FormReader()
    shown.feed(desk.client.get(page).text)
    for typed in ({"notes": "Allergic to henna."}, {"email": "kim@example.com"}):
        assert desk.client.post(page, {**shown.fields, **typed}).status_code == 302
    with tenant_scope(desk.tenant):
        kim = Customer.objects.get(pk=desk.customer.pk)
    assert (kim.notes, kim.email, kim.name) == ("Allergic to henna.", "kim@example.com", "Kim Low")
    second = desk.client.post(page, {**shown.fields, "notes": "Likes tea."})
    assert "to “Allergic to henna.”" in errors_of(second)["notes"][0]
    fresh = FormReader()
    fresh.feed(desk.client.get(page).text)
    assert desk.client.post(page, {**fresh.fields, "notes": ""}).status_code == 302


def test_of_two_at_one_service_each_keeps_what_they_typed(desk):
    owner = Desk(desk.tenant, "owner").client
    page = f"/admin/appointments/service/{desk.services['Haircut'].pk}/change/"
    shown = FormReader()
    shown.feed(owner.get(page).text)
    shown.fields.pop("is_active")
    kept = {name: value for name, value in shown.fields.items() if "__prefix__" not in name}
    for typed in ({"price": "61.00", "is_active": "on"}, {"duration_minutes": "50", "is_active": "on"}, {}):
        assert owner.post(page, {**kept, **typed}).status_code == 302
    with tenant_scope(desk.tenant):
        cut = Service.objects.get(pk=desk.services["Haircut"].pk)
    assert (cut.price, cut.duration_minutes, cut.is_active) == (61, 50, False)
