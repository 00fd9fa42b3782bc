"""What operators do: enter a business, on record and in plain sight, and read what each one used."""

import csv
import datetime
import io
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Conversation, ProviderSession
from telephony.models import Call
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.tenants.test_admin import SITES, cheaper_settings, furnish, member, operator
from tonris.desk.usage import Month, usage_of

__all__ = ["cheaper_settings", "member", "operator"]

BANNER = "You are an operator, and act within"


def entered(operator: Client, tenant: Tenant) -> Client:
    answer = operator.post(f"/ops/enter/{tenant.pk}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    return operator


# --- Entering ------------------------------------------------------------------------------------


def test_an_operator_within_a_business_sees_that_one_alone(operator, salon, garage):
    furnish(salon, "saloncanary", "1555333")
    furnish(garage, "garagecanary", "4930222")
    page = entered(operator, salon).get("/admin/appointments/customer/").text
    assert "saloncanary" in page
    assert "garage" not in page.lower()
    assert "garagecanary" in operator.get("/ops/appointments/customer/").text


@pytest.mark.parametrize(
    "page", ["", "appointments/appointment/", "setup/", "password_change/", "businesses/"]
)
def test_every_page_says_so_while_it_lasts(page, operator, salon):
    assert BANNER not in operator.get(f"/admin/{page}").text
    entered(operator, salon)
    assert BANNER in operator.get(f"/admin/{page}").text
    assert BANNER not in operator.get("/ops/").text
    assert operator.post("/admin/leave/").headers["Location"] == "/ops/"
    assert BANNER not in operator.get(f"/admin/{page}").text


def test_it_is_on_record_for_the_owner_and_in_the_log(operator, member, salon, caplog):
    with caplog.at_level("INFO", logger="tonris.desk.entering"):
        entered(operator, salon).post("/admin/leave/")
    told = [record.getMessage() for record in caplog.records if record.name == "tonris.desk.entering"]
    assert len(told) == 2
    history = member("owner").get(f"/admin/tenants/tenant/{salon.pk}/history/").text
    assert "Operator entered" in history
    assert "Operator left" in history
    assert LogEntry.objects.filter(user__username="olga").count() == 2


def test_what_an_operator_does_there_is_logged_under_their_name(operator, salon):
    page = "/admin/appointments/customer/add/"
    entered(operator, salon).post(page, {"name": "Kim", "phone_e164": "", "email": "", "notes": ""})
    assert LogEntry.objects.filter(user__username="olga", object_repr="Kim").exists()


@pytest.mark.parametrize("role", ["owner", "staff"])
def test_no_member_enters_anything(role, member, salon, garage):
    client = member(role)
    assert client.post(f"/ops/enter/{garage.pk}/").status_code == 302  # to log in
    assert client.post("/admin/leave/").status_code == 403
    session = client.session
    session["tonris_entered"] = {"tenant": str(garage.pk), "until": timezone.now().timestamp() + 999}
    session.save()
    page = client.get("/admin/").text
    assert "Test Garage" not in page
    assert BANNER not in page


def test_a_link_alone_enters_nothing(operator, salon):
    assert operator.get(f"/ops/enter/{salon.pk}/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(f"/ops/enter/{salon.pk}/").status_code == 403


def test_an_operator_who_forgets_to_leave_is_out_in_a_few_hours(operator, salon):
    entered(operator, salon)
    session = operator.session
    session["tonris_entered"] = {**session["tonris_entered"], "until": timezone.now().timestamp() - 1}
    session.save()
    assert BANNER not in operator.get("/admin/").text


def test_a_suspended_business_can_be_entered_and_says_so(operator, salon):
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="suspended")
    assert "which is suspended" in entered(operator, salon).get("/admin/").text


def test_an_unknown_business_is_a_page_that_says_so(operator):
    answer = operator.post(f"/ops/enter/{uuid4()}/")
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_the_list_tells_plan_limits_and_standing(operator, salon, garage):
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(
            settings={"plan": "Studio", "maxConcurrentCalls": 3}, status="suspended"
        )
    page = operator.get("/ops/tenants/tenant/").text
    for words in ("Studio", "3 calls at once", "standing suspended", f"/ops/enter/{salon.pk}/"):
        assert words in page
    assert "/ops/enter/" not in operator.get("/admin/tenants/tenant/").text


# --- Usage ---------------------------------------------------------------------------------------

NOVEMBER = Month(datetime.date(2026, 11, 1))


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def call(tenant: Tenant, moment: datetime.datetime, seconds: int | None = 61) -> None:
    with tenant_scope(tenant):
        row = Call.objects.create(
            tenant=tenant,
            carrier_call_id=str(uuid4()),
            to_e164="+1",
            state="completed",
            outcome="agent_ended",
            duration_seconds=seconds,
            stream_started_at=moment,
        )
        Call.objects.filter(pk=row.pk).update(created_at=moment)


def test_a_month_is_that_of_each_business_clock(salon, garage):
    begins_in_berlin, begins_in_new_york = at("2026-10-31T23:00"), at("2026-11-01T04:00")
    ends_in_berlin, ends_in_new_york = at("2026-11-30T23:00"), at("2026-12-01T05:00")
    for moment in (begins_in_berlin, begins_in_new_york, ends_in_berlin, ends_in_new_york):
        call(salon, moment)
        call(garage, moment)
    with platform_scope():
        used = {row.tenant.slug: row.calls for row in usage_of(NOVEMBER)}
        before = {row.tenant.slug: row.calls for row in usage_of(NOVEMBER.previous)}
        after = {row.tenant.slug: row.calls for row in usage_of(NOVEMBER.next)}
    assert used == {"salon": 2, "garage": 2}
    assert before == {"salon": 1, "garage": 0}
    assert after == {"salon": 1, "garage": 2}


def test_minutes_are_rounded_up_call_by_call(salon):
    for seconds in (1, 60, 61, None):
        call(salon, at("2026-11-10T12:00"), seconds)
    with platform_scope():
        (row,) = usage_of(NOVEMBER)
    assert (row.calls, row.answered, row.minutes) == (4, 4, 4)


def taken_over_call(tenant: Tenant, moment: datetime.datetime) -> Conversation:
    """100 credits of its own agent's, and a quarter of a dollar of the one that went on with it."""
    row = Conversation.objects.create(tenant=tenant, provider="elevenlabs", cost=Decimal(100))
    Conversation.objects.filter(pk=row.pk).update(started_at=moment)
    for provider, cost in (("elevenlabs", 100), ("openai", "0.15"), ("openai", "0.10"), ("other", None)):
        ProviderSession.objects.create(
            tenant=tenant,
            conversation=row,
            provider=provider,
            external_id=str(uuid4()),
            cost=cost and Decimal(cost),
        )
    return row


def test_costs_stand_in_each_providers_unit(salon):
    with tenant_scope(salon):
        for provider, cost in (("elevenlabs", 100), ("elevenlabs", 50), ("openai", "0.25")):
            row = Conversation.objects.create(tenant=salon, provider=provider, cost=Decimal(cost))
            Conversation.objects.filter(pk=row.pk).update(started_at=at("2026-11-10T12:00"))
    with platform_scope():
        (used,) = usage_of(NOVEMBER)
    assert used.costs == ["150 credits", "0.25 US dollars"]


def test_what_a_second_provider_took_is_counted_too(salon):
    with tenant_scope(salon):
        taken_over_call(salon, at("2026-11-10T12:00"))
        taken_over_call(salon, at("2026-12-10T12:00"))
    with platform_scope():
        (used,) = usage_of(NOVEMBER)
    assert used.costs == ["100 credits", "0.25 US dollars"]


def test_usage_asks_as_much_for_many_businesses_as_for_one(salon):
    def asked() -> int:
        with platform_scope(), CaptureQueriesContext(connection) as queries:
            usage_of(NOVEMBER)
        return len(queries)

    few = asked()
    for number in range(5):
        tenant = Tenant(name=f"T{number}", slug=f"t{number}")
        with tenant_scope(tenant):
            tenant.save(force_insert=True)
        call(tenant, at("2026-11-10T12:00"))
    assert asked() == few == 4


def test_the_spreadsheet_has_a_line_for_every_business(operator, salon, garage):
    with platform_scope():
        Tenant.objects.filter(pk=garage.pk).update(name="=1+1")
    call(salon, at("2026-11-10T12:00"))
    answer = operator.get("/ops/usage/?month=2026-11&format=csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage-2026-11.csv"'
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0][:4] == ["Business", "Status", "Month", "Calls"]
    assert sorted(line[0] for line in lines[1:]) == ["'=1+1", "Test Salon"]
    assert next(line for line in lines if line[0] == "Test Salon")[3:7] == ["1", "1", "0", "2"]


@pytest.mark.parametrize("text", ["", "2026-13", "yesterday", "2026-11-01"])
def test_a_month_that_is_none_is_this_one(text):
    assert str(Month.parse(text, datetime.date(2026, 12, 31))) == "2026-12"


def test_months_follow_each_other():
    assert str(Month(datetime.date(2026, 12, 1)).next) == "2027-01"
    assert str(Month(datetime.date(2026, 1, 1)).previous) == "2025-12"


def test_usage_is_not_for_members(member, salon):
    assert member("owner").get("/ops/usage/").status_code == 302
    assert member("staff").get("/admin/usage/").status_code == 404


# --- What goes wrong -----------------------------------------------------------------------------


def test_what_one_may_not_do_is_a_page_that_says_so(member):
    answer = member("staff").get("/admin/tenants/credential/")
    assert answer.status_code == 403
    assert "As Staff of Test Salon you may not do that" in answer.text
    assert "Today" in answer.text  # the way back is there


@pytest.mark.parametrize("site", SITES)
def test_what_breaks_is_a_page_that_says_so(site, settings, monkeypatch):
    settings.DEBUG = False
    monkeypatch.setattr("unfold.sites.UnfoldAdminSite.each_context", lambda *asked: 1 / 0)
    answer = Client(raise_request_exception=False).get(f"/{site}/login/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert f'href="/{site}/"' in answer.text
    assert "ZeroDivision" not in answer.text


def test_a_form_of_yesterday_is_a_page_that_says_so(salon):
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x", "password": "y"})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.text


def test_programs_are_still_told_in_json(salon):
    assert Client().get("/api/v1/nothing").json()["success"] is False
