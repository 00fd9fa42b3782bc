"""The Hours page: a whole week typed and kept, and whatever was typed is there again when something is wrong."""

import datetime
import re
from typing import Any

import pytest

from appointments.models import Closure, Employee, OpeningHours, SpecialHours, TimeOff
from appointments.slots import WeeklyHours
from appointments.wallclock import WallInterval
from appointments.week.typed import Bar, TypedWeek, bars, clock, length
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import Desk, FormReader
from tests.tenants.test_admin import cheaper_settings, member, operator

__all__ = ["cheaper_settings", "member", "operator"]

PAGE = "/admin/hours/"
EVENING = {"opens-4": ["09:00", "22:00"], "closes-4": ["17:00", "02:00"]}


def hours(weekday: int, opens: int, closes: int) -> WeeklyHours:
    return WeeklyHours(weekday, WallInterval(datetime.time(opens), datetime.time(closes)))


class Sent(dict[str, list[str]]):
    def getlist(self, key: str) -> list[str]:
        return self.get(key, [])


def understood(**typed: list[str]) -> list[str]:
    """What is wrong, in the order of the week."""
    week = TypedWeek.sent(Sent({name.replace("_", "-"): rows for name, rows in typed.items()}))
    week.understood()
    return [row.problem for rows in week.days for row in rows if row.problem]


# --- A week as typed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("9", (9, 0)),
        ("09:30", (9, 30)),
        ("9.30", (9, 30)),
        ("09:30:00", (9, 30)),
        ("24:00", None),
        ("25", None),
    ],
)
def test_a_time_is_read_as_people_write_it(text, means):
    assert clock(text) == (datetime.time(*means) if means else None)


def test_24_00_ends_a_day():
    assert clock("24:00", ends=True) == datetime.time()


def test_a_night_is_seen_in_both_days_strips():
    assert bars([hours(6, 22, 2)])[6] == [Bar(1320, 120)]
    assert bars([hours(6, 22, 2)])[0] == [Bar(0, 120, is_night=True)]
    assert bars([hours(0, 0, 0)])[0] == [Bar(0, 1440)]
    assert length([hours(0, 9, 17), hours(6, 22, 2)]) == "12 h"


def test_what_is_wrong_is_said_in_plain_words():
    assert understood(opens_0=["09:00"], closes_0=[""]) == ["The closing time is missing."]
    assert understood(opens_0=["nine"], closes_0=["17:00"]) == ["“nine” is no opening time, such as 09:00."]
    overlap = understood(opens_0=["09:00", "12:00"], closes_0=["13:00", "17:00"])
    assert overlap == ["It begins before Monday 09:00 to 13:00 has ended."]
    assert understood(opens_0=["09:00", "12:00"], closes_0=["12:00", "17:00"]) == []


def test_a_night_reaches_into_the_next_day_and_the_last_into_the_first():
    night = {"opens_4": ["22:00"], "closes_4": ["02:00"]}
    assert understood(**night, opens_5=["01:00"], closes_5=["05:00"]) == [
        "It begins before Friday 22:00 to 02:00 has ended."
    ]
    assert understood(opens_6=["22:00"], closes_6=["02:00"], opens_0=["01:00"], closes_0=["05:00"]) == [
        "It begins before Sunday 22:00 to 02:00 has ended."
    ]


# --- The page -------------------------------------------------------------------------------------


def typed(client: Any, page: str = PAGE, **fields: Any) -> dict[str, Any]:
    """What the browser sends of the page as it is, with some fields typed over."""
    text = client.get(page).text
    sent: dict[str, Any] = {"seen": re.search(r'name="seen" value="(\w+)"', text)[1]}  # type: ignore[index]
    for which in ("opens", "closes"):
        for day in range(7):
            sent[f"{which}-{day}"] = re.findall(rf'name="{which}-{day}" value="([^"]*)"', text)
    return {**sent, **{name.replace("__", "-"): value for name, value in fields.items()}}


def week_of(tenant: Tenant, employee: str | None = None) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    with tenant_scope(tenant):
        rows = (
            OpeningHours.objects.filter(employee__name=employee)
            if employee
            else OpeningHours.objects.filter(employee=None)
        )
        for row in rows.order_by("weekday", "opens"):
            found.setdefault(row.weekday, []).append(f"{row.opens:%H:%M}-{row.closes:%H:%M}")
    return found


def test_a_week_is_typed_and_kept(salon, garage, member):
    client, others = member("owner"), week_of(garage)
    answer = client.post(PAGE, {**typed(client), **EVENING, "opens-6": [], "closes-6": []})
    assert answer.status_code == 302
    assert week_of(salon)[4] == ["09:00-17:00", "22:00-02:00"]
    assert 6 not in week_of(salon)
    assert "next day" in client.get(PAGE).text
    assert week_of(garage) == others


def test_rows_that_stay_the_same_stay(salon, member):
    client = member("owner")
    with tenant_scope(salon):
        before = set(OpeningHours.objects.filter(employee=None, weekday=0).values_list("pk", flat=True))
    client.post(PAGE, {**typed(client), **EVENING})
    with tenant_scope(salon):
        assert before == set(
            OpeningHours.objects.filter(employee=None, weekday=0).values_list("pk", flat=True)
        )


def test_what_is_wrong_is_kept_on_the_page_and_out_of_the_database(salon, member):
    client, before = member("owner"), week_of(salon)
    sent = {**typed(client), "opens-2": ["09:00", "11:11"], "closes-2": ["12:00", "13:13"]}
    answer = client.post(PAGE, {**sent, "day-date": "2030-02-31", "day-note": "my note"})
    assert answer.status_code == 200
    assert "It begins before Wednesday 09:00 to 12:00 has ended." in answer.text
    assert "Enter a valid date." in answer.text
    assert "This field is required." not in answer.text  # nobody asked for a closure
    for kept in ("11:11", "13:13", "2030-02-31", "my note"):
        assert kept in answer.text
    assert week_of(salon) == before


@pytest.mark.parametrize(
    ("button", "monday"),
    [("add:0", 2), ("remove:0:0", 0), ("add:9", None), ("remove:0:7", 1), ("copy:1", 1), ("copy:x", None)],
)
def test_the_buttons_change_what_is_typed_and_save_nothing(salon, member, button, monday):
    client, before = member("owner"), week_of(salon)
    answer = client.post(PAGE, {**typed(client), "opens-0": ["09:00"], "closes-0": ["17:00"], "do": button})
    assert answer.status_code == (404 if monday is None else 200)
    if monday is not None:
        assert answer.text.count('name="opens-0"') == monday
    assert week_of(salon) == before


def test_a_day_is_copied_to_others(salon, member):
    client = member("owner")
    sent = {**typed(client), **EVENING, "do": "copy:4", "onto-4": ["0", "6"]}
    page = client.post(PAGE, sent).text
    for day in (0, 4, 6):
        assert re.findall(rf'name="opens-{day}" value="([^"]*)"', page) == ["09:00", "22:00"]
    reader = FormReader()
    reader.feed(page)


def test_a_week_that_somebody_else_has_saved_meanwhile_is_not_overwritten(salon, member):
    client = member("owner")
    mine = {**typed(client), "opens-0": ["06:06"], "closes-0": ["07:07"]}
    client.post(PAGE, {**typed(client), **EVENING})
    answer = client.post(PAGE, mine)
    assert "Somebody else has changed these hours" in answer.text
    assert "Friday 22:00 to 02:00" in answer.text
    assert "06:06" in answer.text
    assert week_of(salon)[4] == ["09:00-17:00", "22:00-02:00"]
    again = {**mine, "seen": re.search(r'name="seen" value="(\w+)"', answer.text)[1]}  # type: ignore[index]
    assert client.post(PAGE, again).status_code == 302
    assert week_of(salon)[0] == ["06:06-07:07"]


def test_an_employee_has_a_week_of_their_own_and_goes_back_to_the_businesss(salon, member):
    client = member("owner")
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
    page = f"{PAGE}?employee={ana.pk}"
    asked = client.post(page, {**typed(client, page), "do": "as-business"}).text
    assert re.findall(r'name="opens-0" value="([^"]*)"', asked) == ["09:00"]
    before = week_of(salon)
    sent: dict[str, list[str]] = {f"{which}-{day}": [] for which in ("opens", "closes") for day in range(7)}
    client.post(page, {**typed(client, page), **sent, **EVENING})
    assert week_of(salon, "Ana") == {4: ["09:00-17:00", "22:00-02:00"]}
    assert week_of(salon) == before
    client.post(page, {**typed(client, page), **sent})
    assert week_of(salon, "Ana") == {}
    assert "works whenever the business is open" in client.get(page).text


def test_days_that_are_different_are_added_beside_the_week_and_nothing_typed_is_lost(salon, member):
    client = member("owner")
    day = {"day-date": "2030-12-24", "day-is_closed": "on", "day-note": "Christmas Eve", "do": "day"}
    answer = client.post(PAGE, {**typed(client), **day, "opens-0": ["06:06"], "closes-0": ["07:07"]})
    assert answer.status_code == 200
    assert "06:06" in answer.text
    with tenant_scope(salon):
        assert [str(row) for row in SpecialHours.objects.filter(note="Christmas Eve")] == [
            "2030-12-24 closed"
        ]
    assert week_of(salon)[0] == ["09:00-17:00"]
    closure = {"closure-starts_at_0": "2030-07-01", "closure-starts_at_1": "00:00"}
    closure |= {"closure-ends_at_0": "2030-07-08", "closure-ends_at_1": "00:00", "do": "closure"}
    assert client.post(PAGE, {**typed(client), **closure}).status_code == 302
    with tenant_scope(salon):
        assert Closure.objects.get().starts_at.hour == 4  # midnight in New York


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"day-date": "2030-12-24"}, "Say from when until when it is open"),
        ({"day-date": "2030-12-24", "day-is_closed": "on", "day-opens": "09:00"}, "not both"),
        ({"day-date": "2030-12-31", "day-is_closed": "on"}, "There is a line for that date already"),
        ({"closure-starts_at_0": "2030-01-01"}, "This field is required"),
    ],
)
def test_a_day_that_cannot_be_meant_is_refused(salon, member, fields, says):
    client = member("owner")
    with tenant_scope(salon):
        eve = {"opens": datetime.time(9), "closes": datetime.time(12)}
        SpecialHours.objects.create(tenant=salon, date=datetime.date(2030, 12, 31), **eve)
    answer = client.post(PAGE, {**typed(client), **fields})
    assert says in answer.text
    with tenant_scope(salon):
        assert not SpecialHours.objects.filter(date="2030-12-24").exists()


def test_public_holidays_stand_beside_the_week(salon, member):
    client = member("owner")
    assert "say which country" in client.get(PAGE).text
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(holiday_region="US-NY")
    page = client.get(PAGE).text
    assert "Christmas Day" in page
    assert "Closed on the public holidays of US-NY" in page


def test_time_off_is_added_beside_an_employees_week(salon, member):
    client = member("owner")
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
    page = f"{PAGE}?employee={ana.pk}"
    away = {"away-starts_at_0": "2030-07-01", "away-starts_at_1": "09:00", "do": "away"}
    away |= {"away-ends_at_0": "2030-07-02", "away-ends_at_1": "09:00", "away-note": "dentist"}
    assert client.post(page, {**typed(client, page), **away}).status_code == 302
    with tenant_scope(salon):
        assert TimeOff.objects.get(note="dentist").employee == ana


def test_whoever_closes_is_told_who_is_booked(salon):
    desk = Desk(salon, "owner")
    for name in ("Ana", "Ben"):
        assert desk.add("10:00", employee=name).status_code == 200
    desk.add("11:00", status="cancelled")
    ana = desk.employees["Ana"]
    ends = {"ends_at_0": "2030-03-05", "ends_at_1": "00:00", "note": ""}
    fields = {"starts_at_0": "2030-03-04", "starts_at_1": "09:00", **ends}
    add = "/admin/appointments/{}/add/".format
    closed = desk.client.post(add("closure"), fields, follow=True).text
    assert "2 appointments are booked in that time, and not cancelled by this" in closed
    assert "Mon 4 Mar 2030, 10:00 EST</a>: Kim Low with Ben" in closed
    away = desk.client.post(add("timeoff"), {**fields, "employee": str(ana.pk)}, follow=True).text
    assert "1 appointment is booked in that time" in away
    day = {"date": "2030-03-04", "opens": "", "closes": "", "note": ""}
    assert "2 appointments are" in desk.client.post(add("specialhours"), day, follow=True).text
    later = {**fields, "starts_at_1": "11:00"}
    assert "booked in that time" not in desk.client.post(add("closure"), later, follow=True).text
    beside = {f"away-{name}": value for name, value in fields.items()} | {"do": "away"}
    page = f"{PAGE}?employee={ana.pk}"
    told = desk.client.post(page, {**typed(desk.client, page), **beside}, follow=True).text
    assert "1 appointment is booked in that time" in told


def test_whoever_opens_for_less_is_told_who_is_left_outside(salon):
    desk = Desk(salon, "owner")
    desk.add("10:00", employee="Ana")
    desk.add("15:00", employee="Ben")
    desk.add("19:00", employee="Ben")  # in nobody's hours before, either
    outside = "1 appointment is booked outside these hours, and not cancelled by this"
    mondays, ana = (
        {"opens-0": ["09:00"], "closes-0": ["15:30"]},
        f"{PAGE}?employee={desk.employees['Ana'].pk}",
    )

    def told(page: str, **fields: Any) -> str:
        return desk.client.post(page, {**typed(desk.client, page), **fields}, follow=True).text

    shorter = told(PAGE, **mondays)
    assert outside in shorter
    assert "Mon 4 Mar 2030, 15:00 EST</a>: Kim Low with Ben" in shorter
    assert "outside these hours" not in told(PAGE, **mondays)
    late = {"opens-0": ["11:00"], "closes-0": ["15:30"]}
    assert outside in told(ana, **late)
    assert "outside these hours" not in told(ana, **{"opens-0": [], "closes-0": []})
    half = {"day-date": "2030-03-04", "day-opens": "11:00", "day-closes": "17:00", "do": "day"}
    assert outside in told(PAGE, **half)


def test_the_lists_of_hours_tell_it_too(salon):
    desk = Desk(salon, "owner")
    desk.add("10:00", employee="Ana")
    outside = "1 appointment is booked outside these hours"
    add = "/admin/appointments/{}/add/".format
    half = {"date": "2030-03-04", "opens": "11:00", "closes": "17:00", "note": ""}
    assert outside in desk.client.post(add("specialhours"), half, follow=True).text
    with tenant_scope(salon):
        special = SpecialHours.objects.get()
    page = f"/admin/appointments/specialhours/{special.pk}"
    assert outside not in desk.client.post(f"{page}/delete/", {"post": "yes"}, follow=True).text
    with tenant_scope(salon):
        monday = OpeningHours.objects.get(weekday=0)
    chosen = {"action": "delete_selected", "_selected_action": [str(monday.pk)], "post": "yes"}
    assert outside in desk.client.post("/admin/appointments/openinghours/", chosen, follow=True).text


def test_an_employees_page_tells_it_too(salon):
    desk = Desk(salon, "owner")
    desk.add("10:00", employee="Ana")
    page = f"/admin/appointments/employee/{desk.employees['Ana'].pk}/change/"
    reader = FormReader()
    reader.feed(desk.client.get(page).text)
    fields = {name: value for name, value in reader.fields.items() if "__prefix__" not in name}
    own = {"weekday": "0", "opens": "11:00", "closes": "17:00"}
    fields |= {f"openinghours_set-0-{name}": value for name, value in own.items()}
    told = desk.client.post(page, {**fields, "openinghours_set-TOTAL_FORMS": "1"}, follow=True).text
    assert "1 appointment is booked outside these hours" in told


@pytest.mark.parametrize(("role", "status"), [("manager", 302), ("staff", 403), ("read_only", 403)])
def test_who_may_not_change_hours_may_read_them(salon, member, role, status):
    client, before = member(role), week_of(salon)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert (" disabled>" in page.text) == (status == 403)
    assert client.post(PAGE, {**typed(client), **EVENING}).status_code == status
    assert (week_of(salon) == before) == (status == 403)


def test_a_foreign_employee_is_answered_as_a_missing_one(salon, garage, member):
    with tenant_scope(garage):
        theirs = Employee.objects.first()
    client, asked = member("owner"), [theirs.pk, "00000000-0000-0000-0000-000000000000", "x"]
    assert {client.get(f"{PAGE}?employee={pk}").status_code for pk in asked} == {404}


def test_an_operator_says_first_whose_hours(salon, operator):
    page = f"/ops/hours/?tenant={salon.pk}"
    assert "Open its hours" in operator.get("/ops/hours/").text
    assert operator.post(page, {**typed(operator, page), **EVENING}).status_code == 302
    assert week_of(salon)[4] == ["09:00-17:00", "22:00-02:00"]


def test_the_checklist_leads_to_the_page(salon, member):
    assert f'href="{PAGE}"' in member("owner").get("/admin/setup/").text
