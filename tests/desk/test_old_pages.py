"""A business's page that was opened a while ago takes nothing back that others have written since."""

import json
from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import FormReader
from tests.tenants.test_admin import cheaper_settings, member, operator

__all__ = ["cheaper_settings", "member", "operator"]
pytestmark = pytest.mark.django_db


class Page:
    """As a browser holds it: what it shows, and what it remembers."""

    def __init__(self, browser: Client, tenant: Tenant, site: str = "ops") -> None:
        self._browser, self._url = browser, f"/{site}/tenants/tenant/{tenant.pk}/change/"
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
