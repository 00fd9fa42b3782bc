"""What goes wrong is told in words, on both sites: where one is, why, and the way on."""

import pytest
from django.test import Client
from django.urls import reverse

from appointments.models import Customer, Employee, Service
from telephony.models import PhoneNumber
from tenants.admin_sites import operators, staff
from tenants.models import Tenant
from tests.appointments.test_admin import Desk
from tests.tenants.test_admin import cheaper_settings, member, operator

__all__ = ["cheaper_settings", "member", "operator"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_a_page_that_is_not_there_says_so_within_the_site(site, operator):
    answer = operator.get(f"/{site}/nothing/here/")
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert f'href="/{site}/"' in answer.text


def test_a_page_that_one_may_not_open_says_why(member):
    answer = member("staff").get(reverse("admin:tenants_apikey_changelist"))
    assert answer.status_code == 403
    assert "Not for you to open" in answer.text


@pytest.mark.parametrize("site", [staff, operators], ids=["admin", "ops"])
def test_a_page_that_breaks_says_so_in_words_and_shows_nothing_of_how(site, operator, monkeypatch):
    def breaks(*_: object) -> None:
        raise RuntimeError("secret-detail")

    monkeypatch.setattr(type(site.get_model_admin(PhoneNumber)), "get_queryset", breaks)
    client = Client(raise_request_exception=False)
    client.cookies = operator.cookies
    answer = client.get(
        reverse(f"{site.name}:telephony_phonenumber_changelist"), headers={"Accept": "text/html"}
    )
    assert answer.status_code == 500
    assert "text/html" in answer.headers["Content-Type"]
    assert "secret-detail" not in answer.text
    assert f'href="/{site.name}/"' in answer.text


@pytest.mark.parametrize(
    ("model", "way_on"),
    [(Employee, "Is active"), (Service, "Is active"), (Customer, "Erase for good…"), (Tenant, "Suspended")],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_cannot_be_deleted_says_why_and_what_to_do_instead(salon, operator, model, way_on):
    desk = Desk(salon, "owner")
    desk.add("10:00")
    (made,) = desk.appointments()
    pk = {Employee: made.employee_id, Service: made.service_id, Customer: made.customer_id, Tenant: salon.pk}
    site, client = ("ops", operator) if model is Tenant else ("admin", desk.client)
    name = f"{site}:{model._meta.app_label}_{model._meta.model_name}"
    text = client.get(reverse(f"{name}_delete", args=[pk[model]])).text
    assert "cannot be deleted" in text
    assert way_on in text
    assert "permission" not in text
    chosen = {"action": "delete_selected", "_selected_action": [str(pk[model])]}
    assert "cannot be deleted" in client.post(reverse(f"{name}_changelist"), chosen).text


def test_an_empty_list_says_so_and_offers_what_can_be_done(member):
    owner = member("owner")
    added = owner.get(reverse("admin:tenants_invitation_changelist")).text
    assert "Nothing here yet" in added
    assert "Add invitation" in added
    assert "Show all" not in added
    written = owner.get(reverse("admin:telephony_notification_changelist")).text
    assert "Nothing here yet" in written
    assert "Add notification" not in written
    searched = owner.get(reverse("admin:appointments_service_changelist"), {"q": "zzz"}).text
    assert "Nothing fits" in searched
    assert "Show all" in searched
