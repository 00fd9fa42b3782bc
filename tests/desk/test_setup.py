"""Getting started: what is done, what comes next, and the addresses to copy."""

import datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.models import EmployeeService, OpeningHours, Service
from telephony.models import Call, PhoneNumber
from tenants.scoping import platform_scope, tenant_scope
from tests.tenants.test_admin import cheaper_settings, member, operator
from tonris.desk.setup import progress_of

__all__ = ["cheaper_settings", "member", "operator"]


def missing(tenant) -> list[str]:
    with tenant_scope(tenant):
        tenant.refresh_from_db()
        return [step.title for step in progress_of(tenant).steps if not step.done]


def test_the_demo_salon_lacks_a_test_call_alone(salon):
    assert missing(salon) == ["A test call"]
    with tenant_scope(salon):
        call = Call.objects.create(tenant=salon, carrier_call_id="CA1", to_e164="+15551234567")
        assert missing(salon) == ["A test call"]  # it never reached the agent
        Call.objects.filter(pk=call.pk).update(stream_started_at=datetime.datetime.now(datetime.UTC))
    assert missing(salon) == []


@pytest.mark.parametrize(
    ("undo", "lacks"),
    [
        (lambda: PhoneNumber.objects.update(is_active=False), "A phone number"),
        (lambda: OpeningHours.objects.all().delete(), "Opening hours"),
        (lambda: EmployeeService.objects.all().delete(), "Employees who perform them"),
        (lambda: Service.objects.update(is_active=False), "Services"),
    ],
)
def test_what_is_taken_away_is_to_do_again(salon, garage, undo, lacks):
    with tenant_scope(salon):
        undo()
    assert lacks in missing(salon)
    assert missing(garage) == ["A test call"]


def test_a_business_without_an_agent_is_not_ready(salon, settings):
    settings.ELEVENLABS_AGENT_ID = ""
    with tenant_scope(salon):
        salon.settings = {"agentProvider": "nobody"}
        salon.save()
    assert "A voice agent" in missing(salon)
    with tenant_scope(salon):
        salon.settings = {}
        salon.save()
    assert "A voice agent" in missing(salon)


def test_progress_takes_one_question(salon):
    with tenant_scope(salon), CaptureQueriesContext(connection) as asked:
        progress_of(salon)
    assert len(asked) == 1


def test_the_page_links_to_every_step_and_names_the_addresses(salon, member):
    client = member("owner")
    page = client.get("/admin/setup/")
    assert page.status_code == 200
    for step in page.context["progress"].steps:
        assert client.get(step.url).status_code == 200, step.title
    assert f"{settings.APP_BASE_URL}/api/webhooks/twilio/elevenlabs" in page.text
    assert "infobip" not in page.text
    with platform_scope():
        PhoneNumber.objects.update(carrier="infobip")
    assert "/api/webhooks/infobip/calls" in client.get("/admin/setup/").text


def test_no_secret_is_on_the_page(salon, member, settings):
    names = ("INFOBIP_WEBHOOK_SECRET", "ELEVENLABS_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN")
    for name in names:
        setattr(settings, name, f"the-{name}")
    with platform_scope():
        PhoneNumber.objects.update(carrier="infobip")
    page = member("owner").get("/admin/setup/").text
    assert not [name for name in names if f"the-{name}" in page]


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("manager", 200), ("staff", 403), ("read_only", 200)]
)
def test_the_page_is_for_those_who_may_see_settings(role, status, member):
    assert member(role).get("/admin/setup/").status_code == status


def test_an_operator_is_sent_to_the_businesses(operator):
    assert operator.get("/admin/setup/").headers["Location"] == "/ops/tenants/tenant/"
