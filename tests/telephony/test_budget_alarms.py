"""Budget alarms: at 80 and at 100 percent, once for each day and month, whoever looks how often at once."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from telephony.models import BudgetAlarm, Meter
from telephony.spend import alarms
from telephony.spend.caps import Amount, Cap
from telephony.spend.so_far import percent_of
from telephony.tasks import watch_budget_of, watch_budgets
from tenants.models import Member, Plan, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.telephony.test_limits import limited
from tests.tenants.test_admin import cheaper_settings, logged_in

__all__ = ["cheaper_settings"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mails(settings: Any) -> None:
    settings.EMAIL_CONFIGURED = True


@pytest.fixture
def owner(salon: Tenant) -> User:
    user = User.objects.create_user("olivia", "olivia@example.com")
    idle = User.objects.create_user("gone", "gone@example.com", is_active=False)
    staff = User.objects.create_user("sam", "sam@example.com")
    with tenant_scope(salon):
        for person, role in ((user, "owner"), (idle, "owner"), (staff, "staff")):
            Member.objects.create(tenant=salon, user=person, role=role)
    return user


def used(tenant: Tenant, seconds: int, days_ago: int = 0) -> None:
    with tenant_scope(tenant):
        Meter.objects.create(
            tenant=tenant,
            day=timezone.now().astimezone(tenant.zone).date() - datetime.timedelta(days=days_ago),
            micros_per_second=2500,
            used_seconds=seconds,
            closed_at=timezone.now(),
        )


def look(tenant: Tenant) -> int:
    return alarms.watch(tenant.pk, timezone.now())


def kept(tenant: Tenant) -> list[tuple[str, int]]:
    with tenant_scope(tenant):
        return sorted(BudgetAlarm.objects.exclude(told_at=None).values_list("window", "percent"))


def test_percents_are_of_the_nearest_cap_and_rounded_down():
    cap = Cap(600, 10_000_000)
    assert percent_of(Amount(479, 0), cap) == 79
    assert percent_of(Amount(599, 0), cap) == 99
    assert percent_of(Amount(60, 9_000_000), cap) == 90
    assert percent_of(Amount(10**6, 0), Cap()) == 0


def test_the_owner_is_mailed_at_80_and_at_100_percent_and_no_more(salon, owner):
    limited(salon, maxMinutesPerDay=10)
    used(salon, 479)
    assert look(salon) == 0
    used(salon, 1)
    assert [look(salon), look(salon)] == [1, 0]
    (one,) = mail.outbox
    assert (one.to, one.subject) == (
        ["olivia@example.com"],
        "Test Salon: 80 % of what the agent may use today",
    )
    assert "8 min, 1.20 USD" in one.body
    used(salon, 120)
    assert [look(salon), look(salon)] == [1, 0]
    assert mail.outbox[1].subject.startswith("Test Salon: 100 %")
    assert kept(salon) == [("day", 80), ("day", 100)]


def test_who_is_over_all_at_once_is_told_once(salon, owner):
    limited(salon, maxMinutesPerDay=10)
    used(salon, 700)
    assert look(salon) == 1
    assert len(mail.outbox) == 1
    assert "100 %" in mail.outbox[0].subject
    assert kept(salon) == [("day", 80), ("day", 100)]


def test_a_month_counts_its_days_and_a_plans_money_counts_as_ones_own(salon, owner):
    with platform_scope():
        plan = Plan.objects.create(name="Studio", spend_per_month=Decimal("1.50"))
        Tenant.objects.filter(pk=salon.pk).update(plan=plan)
    limited(salon)
    used(salon, 400)
    used(salon, 100)
    assert look(salon) == 1
    assert "this month" in mail.outbox[0].subject
    assert kept(salon) == [("month", 80)]


def test_another_day_is_told_anew(salon, owner):
    limited(salon, maxMinutesPerDay=10)
    used(salon, 500)
    assert look(salon) == 1
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    used(salon, 500, days_ago=-1)
    assert alarms.watch(salon.pk, tomorrow) == 1
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(("language", "words"), [("de", "heute"), ("es", "hoy"), ("fr", "aujourd’hui")])
def test_it_is_written_in_the_language_of_the_business(language, words, salon, owner):
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(language=language)
    limited(salon, maxMinutesPerDay=10)
    used(salon, 600)
    look(salon)
    assert words in mail.outbox[0].subject


def test_a_mail_server_that_is_away_is_asked_again(salon, owner, settings):
    limited(salon, maxMinutesPerDay=10)
    used(salon, 500)
    with_mail = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 9,
    )  # fmt: skip
    assert look(salon) == 0
    assert kept(salon) == []
    settings.EMAIL_BACKEND = with_mail
    assert look(salon) == 1
    assert len(mail.outbox) == 1


def test_a_business_that_is_not_capped_is_not_looked_at(salon, garage, owner):
    limited(salon, maxMinutesPerDay=10)
    limited(garage)
    assert alarms.tenants_with_caps() == [salon.pk]
    used(garage, 10**5)
    assert look(garage) == 0
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="suspended")
    assert alarms.tenants_with_caps() == []


def test_the_tasks_look_at_each_business(salon, owner, settings, monkeypatch):
    limited(salon, maxMinutesPerDay=10)
    used(salon, 500)
    sent: list[Any] = []
    monkeypatch.setattr(watch_budget_of, "apply_async", lambda args, **more: sent.append(args))
    assert watch_budgets() == 1
    assert sent == [(str(salon.pk),)]
    assert watch_budget_of(str(salon.pk)) == 1


def test_the_first_page_says_so_for_as_long_as_it_is_so(salon, owner):
    limited(salon, maxMinutesPerDay=10, maxMinutesPerMonth=10)
    client = logged_in(owner)
    assert "of what the agent may use" not in client.get("/admin/").text
    used(salon, 540)
    page = client.get("/admin/").text
    assert "90 % of what the agent may use today is used." in page
    used(salon, 60)
    assert "All of what the agent may use this month is used." in client.get("/admin/").text


@pytest.mark.django_db(transaction=True)
def test_many_who_look_at_once_mail_once(salon, owner):
    limited(salon, maxMinutesPerDay=10)
    used(salon, 500)
    start = threading.Barrier(4)

    def one(_: int) -> int:
        start.wait(30)
        try:
            return look(salon)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(one, range(4)))
    assert sum(told) == 1
    assert len(mail.outbox) == 1
    assert kept(salon) == [("day", 80)]
