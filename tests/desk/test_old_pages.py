"""A page that was opened a while ago takes nothing back that others have written since."""

import datetime
import json
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.utils import timezone

from appointments.models import Employee, EmployeeService, OpeningHours, TimeOff
from telephony.models import RingGroup, RingHours, RingPerson
from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import FormReader
from tests.tenants.test_admin import cheaper_settings, member, operator

__all__ = ["cheaper_settings", "member", "operator"]
pytestmark = pytest.mark.django_db


class Page:
    """As a browser holds it: what it shows, and what it remembers."""

    def __init__(self, browser: Client, row: models.Model, site: str = "ops") -> None:
        kind = row._meta
        self._browser = browser
        self._url = f"/{site}/{kind.app_label}/{kind.model_name}/{row.pk}/change/"
        reader = FormReader()
        reader.feed(browser.get(self._url).content.decode())
        self._fields = {name: value for name, value in reader.fields.items() if "__prefix__" not in name}

    def settings(self, **changed: Any) -> dict[str, str]:
        return {"settings": json.dumps({**json.loads(self._fields["settings"]), **changed})}

    def save(self, **changed: str) -> Any:
        return self._browser.post(self._url, {**self._fields, **changed})


def meanwhile(tenant: Tenant, phone: str = "", **settings: Any) -> None:
    """Provisioning, an owner, or a live call has written something."""
    with tenant_scope(tenant):
        row = Tenant.objects.get(pk=tenant.pk)
        row.settings |= settings
        row.phone = phone or row.phone
        row.save()


def fresh(tenant: Tenant) -> Tenant:
    with platform_scope():
        return Tenant.objects.get(pk=tenant.pk)


def test_what_was_not_touched_stays_as_others_have_written_it(operator, salon):
    page = Page(operator, salon)
    meanwhile(salon, phone="+15550007777", elevenLabsAgentId="agent_new", maxConcurrentCalls=7)
    assert page.save(name="Other Salon").status_code == 302
    now = fresh(salon)
    assert (now.name, now.phone) == ("Other Salon", "+15550007777")
    assert (now.settings["elevenLabsAgentId"], now.settings["maxConcurrentCalls"]) == ("agent_new", 7)


def test_settings_are_merged_one_by_one(operator, salon):
    page = Page(operator, salon)
    meanwhile(salon, elevenLabsAgentId="agent_new")
    assert page.save(**page.settings(voicemail=False, aiTone="brisk")).status_code == 302
    now = fresh(salon).settings
    assert (now["elevenLabsAgentId"], now["voicemail"], now["aiTone"]) == ("agent_new", False, "brisk")


def test_a_setting_that_was_taken_out_is_gone(operator, salon):
    meanwhile(salon, aiTone="brisk")
    page = Page(operator, salon)
    kept = json.loads(page.settings()["settings"])
    del kept["aiTone"]
    meanwhile(salon, elevenLabsAgentId="agent_new")
    assert page.save(settings=json.dumps(kept)).status_code == 302
    now = fresh(salon).settings
    assert "aiTone" not in now
    assert now["elevenLabsAgentId"] == "agent_new"


def test_a_limit_is_written_beside_what_others_write(operator, salon):
    page = Page(operator, salon)
    meanwhile(salon, elevenLabsAgentId="agent_new")
    assert page.save(maxConcurrentCalls="9").status_code == 302
    now = fresh(salon).settings
    assert (now["elevenLabsAgentId"], now["maxConcurrentCalls"]) == ("agent_new", 9)


def test_a_setting_that_both_have_changed_is_named_and_nothing_is_saved(operator, salon):
    page = Page(operator, salon)
    meanwhile(salon, aiTone="kind")
    answer = page.save(name="Other Salon", **page.settings(aiTone="brisk"))
    assert answer.status_code == 200
    assert "Somebody else has changed aiTone since" in answer.content.decode()
    now = fresh(salon)
    assert (now.name, now.settings["aiTone"]) == ("Test Salon", "kind")


def test_both_may_have_wanted_the_same(operator, salon):
    page = Page(operator, salon)
    meanwhile(salon, aiTone="brisk")
    assert page.save(**page.settings(aiTone="brisk")).status_code == 302


def test_an_owner_takes_nothing_of_a_colleague_back(member, salon):
    page = Page(member("owner"), salon, "admin")
    meanwhile(salon, phone="+15550007777")
    assert page.save(address="1 New Street").status_code == 302
    now = fresh(salon)
    assert (now.address, now.phone) == ("1 New Street", "+15550007777")


# --- Pages with rows of their own ----------------------------------------------------------------


@pytest.fixture
def ana(salon: Tenant) -> Employee:
    with tenant_scope(salon):
        ana = Employee.objects.get(name="Ana")
        OpeningHours.objects.create(
            tenant=salon, employee=ana, weekday=0, opens=datetime.time(9), closes=datetime.time(12)
        )
        began = datetime.datetime(2030, 3, 4, 10, tzinfo=datetime.UTC)
        TimeOff.objects.create(
            tenant=salon, employee=ana, starts_at=began, ends_at=began + datetime.timedelta(hours=1)
        )
    return ana


@pytest.fixture
def desk(salon: Tenant) -> RingGroup:
    with tenant_scope(salon):
        desk = RingGroup.objects.create(tenant=salon, name="Desk", when="own")
        RingPerson.objects.create(tenant=salon, group=desk, name="Zoe", e164="+15550001111")
        RingHours.objects.create(
            tenant=salon, group=desk, weekday=0, opens=datetime.time(9), closes=datetime.time(12)
        )
    return desk


ELSEWHERE: list[tuple[type[models.Model], dict[str, Any]]] = [
    (Employee, {"email": "ana@salon.example"}),
    (OpeningHours, {"closes": datetime.time(14)}),
    (TimeOff, {"ends_at": datetime.datetime(2030, 3, 9, tzinfo=datetime.UTC), "note": "a week"}),
    (EmployeeService, {"duration_minutes": 75}),
]
AT_THE_DESK: list[tuple[type[models.Model], dict[str, Any]]] = [
    (RingGroup, {"rings_seconds": 45}),
    (RingPerson, {"is_active": False, "e164": "+15550002222"}),
    (RingHours, {"closes": datetime.time(14)}),
]


def changed_by_a_colleague(
    tenant: Tenant, whose: models.Model, model: type[models.Model], to: dict[str, Any]
) -> Any:
    with tenant_scope(tenant):
        rows: Any = model._default_manager
        mine = (
            rows.filter(pk=whose.pk) if isinstance(whose, model) else rows.filter(**{_parent(model): whose})
        )
        mine.update(**to)
        return mine


def _parent(model: type[models.Model]) -> str:
    return "group" if model in {RingPerson, RingHours} else "employee"


@pytest.mark.parametrize(("model", "to"), ELSEWHERE, ids=lambda one: getattr(one, "__name__", ""))
def test_an_employees_page_takes_nothing_back(operator, salon, ana, model, to):
    page = Page(operator, ana)
    theirs = changed_by_a_colleague(salon, ana, model, to)
    assert page.save(name="Anna").status_code == 302
    with tenant_scope(salon):
        assert Employee.objects.filter(pk=ana.pk, name="Anna").exists()
        assert list(theirs) == list(theirs.filter(**to))


@pytest.mark.parametrize(("model", "to"), AT_THE_DESK, ids=lambda one: getattr(one, "__name__", ""))
def test_a_ring_groups_page_takes_nothing_back(operator, salon, desk, model, to):
    page = Page(operator, desk)
    theirs = changed_by_a_colleague(salon, desk, model, to)
    assert page.save(name="Front").status_code == 302
    with tenant_scope(salon):
        assert RingGroup.objects.filter(pk=desk.pk, name="Front").exists()
        assert list(theirs) == list(theirs.filter(**to))


@pytest.mark.parametrize(
    ("typed", "model", "to"),
    [
        ({"rings_seconds": "30"}, RingGroup, {"rings_seconds": 45}),
        ({"ringperson_set-0-position": "2"}, RingPerson, {"position": 3}),
        ({"ringhours_set-0-closes": "13:00"}, RingHours, {"closes": datetime.time(14)}),
    ],
    ids=["the group", "a person", "hours"],
)
def test_of_what_both_have_changed_the_second_is_told(operator, salon, desk, typed, model, to):
    page = Page(operator, desk)
    theirs = changed_by_a_colleague(salon, desk, model, to)
    answer = page.save(name="Front", **typed)
    assert "Somebody else has changed this, to" in answer.content.decode()
    with tenant_scope(salon):
        assert list(theirs) == list(theirs.filter(**to))
        assert not RingGroup.objects.filter(name="Front").exists()


def test_a_row_that_is_changed_on_a_page_is_saved(operator, salon, ana):
    page = Page(operator, ana)
    typed = {
        "openinghours_set-0-closes": "13:00",
        "timeoff_set-0-ends_at_1": "09:00",
        "timeoff_set-0-ends_at_0": "2030-03-09",
    }
    assert page.save(**typed).status_code == 302
    with tenant_scope(salon):
        assert OpeningHours.objects.get(employee=ana).closes == datetime.time(13)
        assert (
            timezone.localtime(TimeOff.objects.get().ends_at, salon.zone).isoformat()
            == "2030-03-09T09:00:00-05:00"
        )


def test_a_row_that_a_colleague_has_deleted_is_told_of(operator, salon, desk):
    page = Page(operator, desk)
    with tenant_scope(salon):
        RingPerson.objects.all().delete()
    answer = page.save(name="Front")
    assert answer.status_code == 200
    assert "correct the error" in answer.text
