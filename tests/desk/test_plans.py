"""Plans and limits: what an operator enters is what holds, wherever it stands, and callers are told politely."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from telephony.models import Call, Meter
from telephony.spend import meters
from tenants import invitations, plans
from tenants.audit.models import AuditEntry
from tenants.invitations import InvitationGone
from tenants.models import Invitation, Plan, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.telephony.test_limits import BUSY, limited, outcome_of
from tests.telephony.test_spend import UNAVAILABLE
from tests.telephony.test_twilio_webhooks import ring, said
from tests.tenants.test_admin import cheaper_settings, member, operator
from tests.tenants.test_team import INVITE, invited, works

__all__ = ["cheaper_settings", "member", "operator"]
pytestmark = pytest.mark.django_db

NO_ROWS = {
    f"{rows}_set-{count}_FORMS": 0 for rows in ("member", "phonenumber") for count in ("TOTAL", "INITIAL")
}


def planned(tenant: Tenant, **limits: Any) -> Plan:
    plan = Plan.objects.create(name="Studio", **limits)
    with platform_scope():
        Tenant.objects.filter(pk=tenant.pk).update(plan=plan)
    return plan


def save(operator: Client, tenant: Tenant, **changed: Any) -> Any:
    """The page of the business as it is, with what was changed in it."""
    page = operator.get(f"/ops/tenants/tenant/{tenant.pk}/change/")
    form = page.context["adminform"].form
    kept = {name: form[name].value() for name in form.fields}
    sent = {name: "" if value is None else value for name, value in kept.items()} | changed
    return operator.post(f"/ops/tenants/tenant/{tenant.pk}/change/", sent | NO_ROWS)


def fresh(tenant: Tenant) -> Tenant:
    with platform_scope():
        return Tenant.objects.select_related("plan").get(pk=tenant.pk)


# --- What holds ----------------------------------------------------------------------------------


def test_a_plans_limits_hold_and_its_own_go_before_them(salon):
    planned(salon, concurrent_calls=3, minutes_per_month=100, spend_per_day="12.50")
    limited(salon, maxConcurrentCalls=5, maxMinutesPerMonth=0)
    holds = plans.limits_of(fresh(salon))
    assert (holds["maxConcurrentCalls"], holds["maxMinutesPerMonth"], str(holds["maxSpendPerDay"])) == (
        5, 0, "12.50",
    )  # fmt: skip
    assert "maxSeats" not in holds


def test_a_plans_calls_at_once_hold_for_callers(salon):
    planned(salon, concurrent_calls=1)
    limited(salon)
    assert b"<Connect" in ring(CallSid="CA1").content
    answer = ring(CallSid="CA2")
    assert (answer.status_code, said(answer)) == (200, BUSY)
    assert outcome_of(salon, "CA2") == "lines_busy"
    limited(salon, maxConcurrentCalls=2)
    assert b"<Connect" in ring(CallSid="CA3").content


@pytest.mark.parametrize(
    "limits",
    [
        {"minutes_per_day": 1},
        {"minutes_per_month": 1},
        {"spend_per_day": "0.10"},
        {"spend_per_month": "0.10"},
    ],
)
def test_a_plan_that_is_used_up_leads_callers_to_a_person(limits, salon):
    planned(salon, **limits)
    limited(salon, transferNumber="+15550001111", pricePerMinute="0.10", maxCallsPerCaller=9)
    assert b"<Connect" in ring(CallSid="CA1").content
    answer = ring(CallSid="CA2")
    assert said(answer) == [UNAVAILABLE]
    assert b"<Redirect" in answer.content
    assert answer.content.index(b"<Redirect") < answer.content.index(b"<Hangup")
    assert outcome_of(salon, "CA2") == "budget_spent"


def test_a_plan_that_becomes_smaller_ends_the_time_of_calls_that_go_on(salon):
    plan = planned(salon, minutes_per_day=10)
    limited(salon)
    ring(CallSid="CA1")
    with tenant_scope(salon):
        call_id: UUID = Call.objects.get().pk
        assert meters.read(salon.pk, {call_id: 60})[call_id] == 180
        Plan.objects.filter(pk=plan.pk).update(minutes_per_day=2)
        assert meters.read(salon.pk, {call_id: 61})[call_id] == 120


def test_what_a_plan_does_not_say_is_no_limit(salon):
    planned(salon)
    limited(salon)
    for number in range(3):
        assert b"<Connect" in ring(CallSid=f"CA{number}").content


# --- The operators' pages ------------------------------------------------------------------------


def test_an_operator_gives_a_business_a_plan_and_limits_of_its_own(operator, salon):
    plan = Plan.objects.create(name="Studio", seats=3)
    before = salon.settings["elevenLabsAgentId"]
    answer = save(operator, salon, plan=str(plan.pk), maxMinutesPerMonth="300", maxSpendPerDay="12.50")
    assert answer.status_code == 302, answer.context["errors"]
    kept = fresh(salon)
    assert (kept.plan, kept.settings["maxMinutesPerMonth"], kept.settings["maxSpendPerDay"]) == (
        plan, 300, "12.50",
    )  # fmt: skip
    assert (kept.settings["maxConcurrentCalls"], kept.settings["elevenLabsAgentId"]) == (100, before)
    assert save(operator, salon, maxConcurrentCalls="", maxMinutesPerMonth="0").status_code == 302
    kept = fresh(salon)
    assert "maxConcurrentCalls" not in kept.settings
    assert plans.limits_of(kept)["maxMinutesPerMonth"] == 0


def test_limits_that_are_none_are_told_beside_the_field(operator, salon):
    page = save(operator, salon, maxConcurrentCalls="-1", maxSeats="two", maxSpendPerDay="1.234")
    errors = page.context["adminform"].form.errors
    assert set(errors) == {"maxConcurrentCalls", "maxSeats", "maxSpendPerDay"}
    assert fresh(salon).settings["maxConcurrentCalls"] == 100


def test_the_page_shows_what_holds_where_it_stands_and_what_is_used(operator, salon):
    planned(salon, minutes_per_month=100, seats=2)
    works(salon, User.objects.create_user("mia"))
    with tenant_scope(salon):
        Meter.objects.create(
            tenant=salon, day=timezone.now().astimezone(salon.zone).date(), micros_per_second=2500,
            used_seconds=90, closed_at=timezone.now(),
        )  # fmt: skip
    page = operator.get(f"/ops/tenants/tenant/{salon.pk}/change/").text
    row = '<th scope="row">{}</th><td>{}</td><td>of {}</td><td class="quiet">{}</td>'
    assert row.format("minutes a month", "1.5", "100", "its plan&#x27;s") in page
    assert row.format("calls at once", "0", "100", "its own") in page
    assert row.format("people of the team", "1", "2", "its plan&#x27;s") in page
    assert row.format("spend a month", "0.23 USD", "no limit", "") in page
    assert "Studio" in operator.get("/ops/tenants/tenant/").text


def test_a_member_reads_the_plan_and_sets_no_limit(member, salon):
    planned(salon, seats=2)
    owner, page = member("owner"), f"/admin/tenants/tenant/{salon.pk}/change/"
    shown = owner.get(page)
    assert "Studio" in shown.text
    assert 'name="maxSeats"' not in shown.text
    form = shown.context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields} | {"maxSeats": "99", "plan": ""}
    answer = owner.post(page, sent | NO_ROWS)
    assert answer.status_code == 302, answer.context["errors"]
    kept = fresh(salon)
    assert (str(kept.plan), kept.settings) == ("Studio", salon.settings)
    assert owner.get("/admin/tenants/plan/").status_code == 403
    assert owner.get("/ops/tenants/plan/").status_code == 302


def test_a_plan_in_use_is_not_deleted_and_changes_of_it_are_on_record(operator, salon):
    plan = planned(salon, seats=2)
    page = operator.post(f"/ops/tenants/plan/{plan.pk}/delete/", {"post": "yes"})
    assert Plan.objects.filter(pk=plan.pk).exists(), page.text
    assert (
        operator.post(f"/ops/tenants/plan/{plan.pk}/change/", {"name": "Studio", "seats": "0"}).status_code
        == 200
    )
    assert (
        operator.post(f"/ops/tenants/plan/{plan.pk}/change/", {"name": "Studio", "seats": "5"}).status_code
        == 302
    )
    with platform_scope():
        entry = AuditEntry.objects.select_related("detail").get(action="plan.changed")
    assert (entry.tenant_id, entry.actor_kind, entry.subject_id) == (None, "operator", str(plan.pk))
    assert '"after": {"seats": 5}' in entry.detail.content


# --- Seats ---------------------------------------------------------------------------------------


def test_a_full_team_invites_nobody_more(member, salon):
    planned(salon, seats=2)
    owner = member("owner")
    invited(owner)
    page = owner.post(INVITE, {"email": "two@example.com", "role": "staff"}).text
    assert "as many people as its plan allows (2)" in page
    with tenant_scope(salon):
        assert Invitation.objects.count() == 1


def test_nobody_joins_a_team_that_became_full_meanwhile(member, salon):
    text = invited(member("owner")).split("/")[-2]
    planned(salon, seats=1)
    with pytest.raises(InvitationGone):
        invitations.accept(invitations.find(text), User.objects.create_user("late"))
