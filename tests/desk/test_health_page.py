"""The operators' page of how the installation is; and that an operator's looks into a business are on record."""

import datetime
import time
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from appointments.models import Appointment, OutboxMessage
from telephony import breaker
from telephony.breaker import FAILURES, Circuit
from telephony.models import Call
from tenants.audit.models import AuditEntry
from tenants.models import Tenant
from tenants.scoping import platform_scope
from tests.tenants.test_admin import cheaper_settings, furnish, member, operator
from tests.walls.test_matrix import row_pages
from tonris import signs
from tonris.desk import health_page
from tonris.tasks import sign_of_life

__all__ = ["cheaper_settings", "member", "operator"]
pytestmark = pytest.mark.django_db
PAGE = "/ops/health/"


@pytest.fixture(autouse=True)
def nobody_has_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "KEY", f"test:{uuid4()}")
    monkeypatch.setattr(signs, "QUEUE", f"test:{uuid4()}")


def found() -> dict[str, tuple[str, str]]:
    with platform_scope():
        return {one.name: (one.level, one.told) for one in health_page.parts(timezone.now())}


def test_a_page_of_what_is_well(operator, salon):
    sign_of_life()
    levels = {name: level for name, (level, _) in found().items() if name != "Database"}
    assert levels == dict.fromkeys(
        ["Redis", "Workers", "Outbox", "Texts and mails", "Provider events"], "good"
    )
    page = operator.get(PAGE).text
    assert "PostgreSQL" in page
    assert "Nobody is on the line." in page
    assert "None: every agent takes its calls." in page


def test_workers_that_give_no_sign_are_missed(operator, monkeypatch):
    assert found()["Workers"][0] == "bad"
    sign_of_life()
    clock = time.time
    for later, level in ((30, "good"), (100, "warn"), (400, "bad")):
        monkeypatch.setattr(time, "time", lambda later=later: clock() + later)
        assert found()["Workers"][0] == level
    assert "Something is wrong" in operator.get(PAGE).text


def test_a_redis_that_is_away_is_said_and_the_page_opens(operator, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    answer = operator.get(PAGE)
    assert (answer.status_code, "Unreachable. Calls go on" in answer.text) == (200, True)


def test_what_waits_too_long_is_told_with_its_age(salon):
    rows = furnish(salon, "saloncanary", "1555333")
    assert found()["Outbox"][0] == "good"
    with platform_scope():
        OutboxMessage.objects.filter(pk=rows[OutboxMessage].pk).update(
            created_at=timezone.now() - datetime.timedelta(minutes=20)
        )
    assert found()["Outbox"] == ("bad", "1 waiting, the oldest for 20 min.")


def test_calls_that_go_on_and_agents_that_fail_are_listed(operator, salon):
    furnish(salon, "saloncanary", "1555333")
    circuit = Circuit(salon.pk, "elevenlabs", "agent:with:colons")
    for _ in range(FAILURES):
        breaker.note(circuit, "agent_lost", agent_was_heard=False)
    page = operator.get(PAGE).text
    assert "elevenlabs agent:with:colons" in page
    assert "callers are spared it" in page
    with platform_scope():
        assert [(row["tenant__name"], row["count"]) for row in health_page.calls_now(timezone.now())] == [
            ("Test Salon", 1)
        ]
        Call.objects.update(ended_at=timezone.now())
    assert "Nobody is on the line." in operator.get(PAGE).text


def test_it_is_the_operators_page(member):
    assert member("owner").get(PAGE).status_code == 302
    assert member("staff").get("/admin/health/").status_code == 404


# --- Looks into a business -----------------------------------------------------------------------


def looks(tenant: Tenant) -> int:
    with platform_scope():
        return AuditEntry.objects.filter(tenant=tenant, action="operator.entered").count()


@pytest.mark.parametrize(
    "page",
    [
        "calendar/?tenant={tenant}",
        "calendar/days/?tenant={tenant}&from=2026-11-02&to=2026-11-08",
        "calendar/customers/?tenant={tenant}&q=ana",
        "calendar/version/?tenant={tenant}",
        "appointments/appointment/free-times/?tenant={tenant}",
        "appointments/appointment/visit/?tenant={tenant}",
        "appointments/customer/?tenant__id__exact={tenant}",
    ],
)
@pytest.mark.parametrize("site", ["ops", "admin"])
def test_an_operator_who_looks_without_entering_is_on_record(site, page, operator, salon, garage):
    operator.get(f"/{site}/{page.format(tenant=salon.pk)}")
    assert (looks(salon), looks(garage)) == (1, 0)
    operator.get(f"/{site}/{page.format(tenant=salon.pk)}")
    assert looks(salon) == 1  # once a day


def test_every_page_of_a_row_is_such_a_look(operator, salon):
    """By name, so that a page that comes later is asked too."""
    rows: dict[Any, Any] = furnish(salon, "saloncanary", "1555333")
    unnoted = []
    for name, row in row_pages("ops", rows):
        if not hasattr(row, "tenant_id") and not isinstance(row, Tenant):
            continue
        session = operator.session
        session.pop(f"entered {salon.pk}", None)
        session.save()
        before = looks(salon)
        if operator.get(reverse(name, args=[row.pk])).status_code == 200 and looks(salon) == before:
            unnoted.append(name)
    assert unnoted == []
    assert Appointment in rows
