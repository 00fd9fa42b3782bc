"""Staff see what was told and what came of it, and write the business's own words."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from telephony.models import MessageTemplate, Notification
from telephony.notifications import planner
from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tests.telephony.letters import DAY, booked, row_of, rows, tells

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uncollected(settings) -> None:
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


def staff(salon: Tenant, role: str = "manager") -> Client:
    user = User.objects.create_user(f"the-{role}")
    with tenant_scope(salon):
        Member.objects.create(tenant=salon, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


def told(salon: Tenant, **fields) -> Notification:
    tells(salon)
    booked(salon)
    planner.plan(salon.pk)
    with tenant_scope(salon):
        Notification.objects.update(text="See you on Monday – 10:00", **fields)
    [row] = rows(salon)
    return row


def test_the_page_of_an_appointment_says_what_was_told(salon):
    row = told(salon, state="undelivered", error="Nobody there", sent_at=timezone.now())
    page = staff(salon).get(reverse("admin:appointments_appointment_change", args=[row.appointment_id]))
    assert "confirmation by text message, not delivered (Nobody there)" in page.text


def test_the_page_of_a_notification_has_its_words_and_what_they_cost(salon):
    row = told(salon, state="sent")
    page = staff(salon).get(reverse("admin:telephony_notification_change", args=[row.pk]))
    assert "See you on Monday" in page.text
    assert "25 characters in UCS-2, billed as 1 segment; – are not in the short alphabet" in page.text


@pytest.mark.parametrize(
    ("state", "after"), [("failed", "waiting"), ("sent", "sent"), ("delivered", "delivered")]
)
def test_only_what_did_not_arrive_is_tried_again(salon, state, after):
    row = told(salon, state=state, attempts=5)
    form = {"action": "try_again", "_selected_action": [str(row.pk)]}
    staff(salon, "staff").post(reverse("admin:telephony_notification_changelist"), form)
    assert row_of(row).state == after


def test_what_is_of_no_use_any_more_is_not_tried_again(salon):
    row = told(salon, state="failed", not_after=timezone.now() - DAY)
    form = {"action": "try_again", "_selected_action": [str(row.pk)]}
    staff(salon).post(reverse("admin:telephony_notification_changelist"), form)
    assert row_of(row).state == "failed"


def test_a_business_writes_its_own_words_and_sees_how_they_look(salon):
    client = staff(salon)
    add = reverse("admin:telephony_messagetemplate_add")
    refused = client.post(add, {"kind": "booked", "text": "Hi {nmae}, {when}"})
    assert "There is no {nmae}" in refused.text
    assert client.post(add, {"kind": "booked", "text": "Hi {name}, {when}"}).status_code == 302
    with tenant_scope(salon):
        template = MessageTemplate.objects.get()
    page = client.get(reverse("admin:telephony_messagetemplate_change", args=[template.pk]))
    assert "Hi Maria Lopez, Tuesday, November 24 at 2:30 PM" in page.text
    assert "billed as 1 segment" in page.text
    assert "There are words for this already" in client.post(add, {"kind": "booked", "text": "{when}"}).text


def test_settings_that_make_no_sense_are_refused_and_what_holds_is_shown(salon, operator):
    page = reverse("ops:tenants_tenant_change", args=[salon.pk])
    shown = operator.get(page).text
    assert "nothing is sent until it is switched on" in shown
    fields = {
        name: getattr(salon, name)
        for name in ("name", "slug", "status", "phone", "address", "language", "currency", "timezone")
    }
    inlines = {
        f"{prefix}-{key}": "0"
        for prefix in ("phonenumber_set", "member_set")
        for key in ("TOTAL_FORMS", "INITIAL_FORMS")
    }

    def save(**settings):
        form = {**fields, **inlines, "holiday_region": "", "settings": json.dumps(settings)}
        return operator.post(page, form)

    assert "reminders: hoursBefore is a whole number" in save(reminders=[{"hoursBefore": 0}]).text
    assert save(notifications=True).status_code == 302
    shown = operator.get(page).text
    assert "reminder 24 hours before: sms" in shown
    assert "no reminders between 21:00 and 08:00" in shown
