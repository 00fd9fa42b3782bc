"""Staff call a customer with a button, and see what became of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from appointments.models import Appointment, Customer
from telephony import admin_outbound
from telephony.models import OptOut, OutboundCall
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.conftest import CALLER
from tests.telephony.letters import booked
from tests.telephony.test_admin_notifications import operator, staff, uncollected

pytestmark = pytest.mark.django_db

__all__ = ["operator", "uncollected"]


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, ...]]:
    """What the workers are asked for, once the page is committed."""
    wanted: list[tuple[str, ...]] = []
    monkeypatch.setattr(admin_outbound, "_soon", lambda *ids: wanted.append(ids))
    return wanted


def press(
    client: Client, row: Any, site: str = "admin", action: str = "call_customers", chosen: Any = ()
) -> Any:
    page = reverse(f"{site}:{row._meta.app_label}_{row._meta.model_name}_changelist")
    return client.post(
        page, {"action": action, "_selected_action": list(chosen) or [str(row.pk)]}, follow=True
    )


def ordered(salon: Tenant) -> list[OutboundCall]:
    with tenant_scope(salon):
        return list(OutboundCall.objects.select_related("number"))


def the_customer(appointment: Appointment) -> Customer:
    with tenant_scope(appointment.tenant_id):
        return Customer.objects.get(pk=appointment.customer_id)


@pytest.mark.parametrize("role", ["owner", "manager", "staff"])
def test_who_keeps_the_calendar_calls_customers(salon, asked, django_capture_on_commit_callbacks, role):
    appointment = booked(salon)
    with django_capture_on_commit_callbacks(execute=True):
        page = press(staff(salon, role), appointment)
    (order,) = ordered(salon)
    assert (order.to_e164, order.appointment_id, order.origin) == (CALLER, appointment.pk, "staff")
    assert (order.consent, order.actor, order.state) == ("customer", f"the-{role}", "waiting")
    assert "is being called" in page.text
    assert asked == [(str(salon.pk), str(order.pk))]


def test_who_only_reads_calls_nobody(salon, asked):
    press(staff(salon, "read_only"), booked(salon))
    assert ordered(salon) == []


@pytest.mark.parametrize("site", ["admin", "ops"])
def test_a_customer_is_called_from_their_own_page_by_operators_too(salon, operator, asked, site):
    customer = the_customer(booked(salon))
    press(operator, customer, site)
    assert [order.customer_id for order in ordered(salon)] == [customer.pk]


def test_the_rules_are_those_of_the_api(salon, asked):
    appointment = booked(salon)
    with tenant_scope(salon):
        OptOut.objects.create(tenant=salon, e164=CALLER)
    page = press(staff(salon), appointment)
    assert "has asked this business to leave them alone" in page.text
    assert ordered(salon) == []


def test_a_call_that_waits_is_called_off(salon, asked):
    appointment = booked(salon)
    client = staff(salon)
    press(client, appointment)
    (order,) = ordered(salon)
    assert "queued" in client.get(reverse("admin:telephony_outboundcall_change", args=[order.pk])).text
    press(client, order, action="hang_up")
    assert [one.state for one in ordered(salon)] == ["canceled"]
    listed = client.get(reverse("admin:telephony_outboundcall_changelist")).text
    assert CALLER in listed
    page = client.get(reverse("admin:appointments_appointment_change", args=[appointment.pk])).text
    assert "by staff, canceled" in page.lower()


def test_how_many_too_many_are_not_called_is_said(salon, asked):
    with tenant_scope(salon):
        for number in range(12):
            phone = f"+1555987{7000 + number}"
            Customer.objects.create(tenant=salon, name=f"Kim {number}", phone_e164=phone)
        row, chosen = (
            Customer.objects.first(),
            [str(one) for one in Customer.objects.values_list("pk", flat=True)],
        )
    page = press(staff(salon), row, chosen=chosen)
    assert "Only the first 10 are called, and 2 more are not." in page.text
    page = press(staff(salon, "owner"), row)
    assert "Only the first" not in page.text
