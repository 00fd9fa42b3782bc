"""The page behind the link: for whoever has the address, until the appointment begins. To look changes nothing."""

import base64
import datetime
import re
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from appointments import lifecycle
from appointments.booking import Contact
from appointments.chains import Stop, book_visit
from appointments.models import Appointment, AppointmentChange, Employee, Service
from telephony.notifications import links, pages
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.agents.toolbox import next_monday, status_of
from tests.conftest import CALLER
from tests.telephony.letters import HOUR, booked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def appointment(salon) -> Appointment:
    return booked(salon)


def address(appointment: Appointment, *, until: datetime.datetime | None = None) -> str:
    return links.PATH + links.token(appointment.pk, until or appointment.starts_at)


def look(path: str, **headers: str):
    return Client(enforce_csrf_checks=True).get(path, headers=headers)


def act(path: str, **form: str):
    return Client(enforce_csrf_checks=True).post(path, form)


def offered(page) -> list[datetime.datetime]:
    return [datetime.datetime.fromisoformat(one) for one in re.findall(r'value="(\d{4}[^"]+)"', page.text)]


def start_of(salon, appointment: Appointment) -> datetime.datetime:
    with tenant_scope(salon):
        return Appointment.objects.get(pk=appointment.pk).starts_at


def test_the_page_tells_the_appointment_and_what_else_is_free(salon, appointment):
    page = look(address(appointment))
    assert page.status_code == 200
    assert "Haircut with Ana, Monday, " in page.text
    assert "10 AM" in page.text
    assert '<html lang="en">' in page.text
    times = offered(page)
    assert times
    assert appointment.starts_at not in times
    assert len(times) <= pages.MOST_DAYS * pages.MOST_TIMES


def test_to_look_changes_nothing(salon, appointment):
    for _ in range(3):
        look(address(appointment) + "?done=cancelled&act=cancel")
    assert status_of(salon, appointment) == "scheduled"


def test_another_time_is_taken(salon, appointment):
    wanted = offered(look(address(appointment)))[-1]
    answer = act(address(appointment), act="move", start=wanted.isoformat())
    assert answer.status_code == 303
    assert start_of(salon, appointment) == wanted
    assert "Your appointment is now " in look(answer["Location"]).text
    with tenant_scope(salon):
        assert AppointmentChange.objects.get(kind="moved").actor == "customer's page"


def test_what_staff_have_lengthened_is_offered_where_all_of_it_has_room(salon, appointment):
    ten = appointment.starts_at
    with tenant_scope(salon):
        longer = Appointment.objects.get(pk=appointment.pk)
        longer.ends_at = ten + 2 * HOUR
        lifecycle.edit(longer)
    booked(salon, 14, phone="+15553332211", name="Eve")
    hours = [(one - ten) / HOUR for one in offered(look(address(appointment)))]
    assert [one for one in hours if abs(one) < 10] == [-1, -0.5, 0.5, 1, 1.5, 2, 5]


def test_a_time_that_was_taken_meanwhile_is_said(salon, appointment):
    wanted = offered(look(address(appointment)))[0]
    with tenant_scope(salon):
        other = Contact("Eve", "+15553332211")
        from appointments.booking import book

        book(
            salon,
            Service.objects.get(name="Haircut"),
            wanted,
            other,
            employee=Employee.objects.get(name="Ana"),
        )
    answer = act(address(appointment), act="move", start=wanted.isoformat())
    assert answer.status_code == 409
    assert "has just been taken" in answer.text
    assert start_of(salon, appointment) == appointment.starts_at


@pytest.mark.parametrize(
    "start",
    ["", "tomorrow", "2026-11-24T10:00", "2026-13-41T10:00:00Z", "9" * 300, "0001-01-01T00:00:00+14:00"],
)
def test_nonsense_moves_nothing(salon, appointment, start):
    assert act(address(appointment), act="move", start=start).status_code == 409
    assert start_of(salon, appointment) == appointment.starts_at


def test_the_rules_of_booking_hold_here_too(salon, appointment):
    at_night = appointment.starts_at + 12 * HOUR
    assert act(address(appointment), act="move", start=at_night.isoformat()).status_code == 409
    assert start_of(salon, appointment) == appointment.starts_at


@pytest.mark.parametrize(("what", "status"), [("confirm", "confirmed"), ("cancel", "cancelled")])
def test_it_is_confirmed_and_cancelled_once(salon, appointment, what, status):
    for _ in range(2):
        answer = act(address(appointment), act=what)
    assert status_of(salon, appointment) == status
    assert f"appointment is {status}" in look(address(appointment)).text
    with tenant_scope(salon):
        assert AppointmentChange.objects.filter(kind=status).count() == 1
    assert answer.status_code in {303, 409}


def test_after_the_cut_off_nothing_is_offered_and_nothing_done(salon, appointment):
    with tenant_scope(salon):
        Service.objects.update(cancel_notice_minutes=60 * 24 * 60)
    page = look(address(appointment))
    assert "It is too late to change" in page.text
    assert 'value="cancel"' not in page.text
    assert act(address(appointment), act="cancel").status_code == 409
    assert status_of(salon, appointment) == "scheduled"


def test_a_part_of_a_visit_is_not_moved_by_itself(salon):
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        names = ("Haircut", "Styling")
        stops = [Stop(Service.objects.get(name=name), ana) for name in names]
        start = next_monday(salon, 9).replace(tzinfo=salon.zone)
        first = book_visit(salon, stops, start, Contact("John Doe", CALLER)).appointments[0]
    page = look(address(first))
    assert "Haircut + Styling with Ana" in page.text
    assert offered(page) == []
    later = first.starts_at + 4 * HOUR
    assert act(address(first), act="move", start=later.isoformat()).status_code == 409
    assert start_of(salon, first) == first.starts_at


# --- The address ------------------------------------------------------------------------------------


def test_it_is_good_until_the_appointment_begins(salon, appointment):
    over = address(appointment, until=timezone.now() - datetime.timedelta(minutes=1))
    assert look(over).status_code == 410
    assert act(over, act="cancel").status_code == 410
    assert status_of(salon, appointment) == "scheduled"


def test_nobody_can_make_one_or_turn_one_into_another(salon, appointment):
    token = links.token(appointment.pk, appointment.starts_at)
    raw = bytearray(base64.urlsafe_b64decode(token + "="))
    forged = []
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        forged.append(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("="))
    for text in (*forged, token[:-1], token + "A", token * 2, "x", "é", "%00", "=" * 43):
        assert links.appointment_of(text) is None
        assert look(links.PATH + text).status_code in {404, 410}


def test_it_is_short_enough_for_a_text(appointment):
    assert len(links.token(appointment.pk, appointment.starts_at)) == 43


def test_a_link_is_good_while_the_key_that_signed_it_is_kept(appointment, settings):
    text = links.token(appointment.pk, appointment.starts_at)
    settings.SECRET_KEY, former = "another-key", settings.SECRET_KEY
    assert links.appointment_of(text) is None
    settings.SECRET_KEY_FALLBACKS = [former]
    assert links.appointment_of(text) == appointment.pk


def test_a_page_is_of_the_business_whose_appointment_it_is(salon, garage, appointment):
    page = look(address(appointment))
    assert "Test Salon" in page.text
    assert "Garage" not in page.text
    assert look(links.PATH + links.token(uuid4(), timezone.now() + HOUR)).status_code == 410
    assert isinstance(appointment.pk, UUID)


def test_a_suspended_business_has_no_pages(salon, appointment):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(status="suspended")
    assert look(address(appointment)).status_code == 410


def test_who_has_no_address_is_told_in_their_language(db):
    assert "Dieser Link gilt nicht mehr" in look(f"{links.PATH}nothing", accept_language="de-AT,de").text


# --- What a browser is told ------------------------------------------------------------------------------


def test_a_browser_runs_nothing_and_tells_nobody(salon, appointment):
    for answer in (
        look(address(appointment)),
        act(address(appointment), act="confirm"),
        look(links.PATH + "x"),
    ):
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
        assert not answer.cookies
    page = look(address(appointment)).text
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_a_business_writes_is_text_and_no_markup(salon, appointment):
    with tenant_scope(salon):
        Service.objects.filter(name="Haircut").update(name="<script>alert(1)</script>")
    page = look(address(appointment)).text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_every_choice_has_a_label(salon, appointment):
    page = look(address(appointment)).text
    radios = re.findall(r"<input type=\"radio\"[^>]*>", page)
    assert radios
    assert len(re.findall(r"<label><input type=\"radio\"[^>]*> [^<]+</label>", page)) == len(radios)


def test_an_address_is_not_opened_or_used_without_end(salon, appointment):
    statuses = [act(address(appointment), act="confirm").status_code for _ in range(pages.ACTS + 1)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]
    assert look(address(appointment)).status_code == 200
    other = booked(salon, 14)
    assert act(address(other), act="confirm").status_code == 303


def test_without_redis_the_page_still_works(salon, appointment, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert look(address(appointment)).status_code == 200
    assert act(address(appointment), act="confirm").status_code == 303


def test_a_change_by_staff_wins(salon, appointment):
    with tenant_scope(salon):
        lifecycle.cancel(salon, appointment.pk)
    assert act(address(appointment), act="confirm").status_code == 409
    assert "is cancelled" in look(address(appointment)).text
