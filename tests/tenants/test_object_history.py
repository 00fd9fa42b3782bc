"""The history of one row: whoever changed it, by whatever way in, and nobody else's."""

import datetime
import re
from typing import Any

import pytest
from django.test import Client

from appointments import booking, lifecycle
from appointments.models import Appointment, Customer
from tenants.audit.actors import Actor, Kind, acting
from tenants.models import AuditDetail, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import Desk, static_files_need_no_collecting

__all__ = ["static_files_need_no_collecting"]
TEN = datetime.datetime(2030, 3, 4, 15, tzinfo=datetime.UTC)


@pytest.fixture
def desk(salon: Tenant) -> Desk:
    return Desk(salon, "owner")


def words_of(client: Client, row: Any) -> str:
    opts = row._meta
    answer = client.get(f"/admin/{opts.app_label}/{opts.model_name}/{row.pk}/history/")
    assert answer.status_code == 200
    text = re.sub(
        r"<style.*?</style>|<[^>]+>", " ", answer.text.split('id="content-main"')[1], flags=re.DOTALL
    )
    return " ".join(text.split())


def called(tenant: Tenant, desk: Desk) -> Appointment:
    """As the agent books in a call."""
    with tenant_scope(tenant), acting(Actor(Kind.CALL, "CA1", "call CA1")):
        row = Appointment(
            tenant=tenant,
            service=desk.services["Haircut"],
            employee=desk.employees["Ana"],
            customer=desk.customer,
            starts_at=TEN,
            price=50,
            currency="USD",
        )
        booking.place(row, actor="call CA1")
    return row


def test_what_the_agent_did_stands_beside_what_people_did(desk):
    row = called(desk.tenant, desk)
    desk.change(row, starts_at_1="11:00")
    told = words_of(desk.client, row)
    assert "Booked call CA1" in told
    assert "employee Ana" in told
    assert f"Moved {desk.user.get_username()}" in told
    assert "starts Mon 4 Mar 2030, 10:00 EST Mon 4 Mar 2030, 11:00 EST" in told
    assert told.index("Moved") < told.index("Booked")


def test_what_the_log_and_the_trail_both_have_is_told_once(desk):
    row = called(desk.tenant, desk)
    desk.change(row, starts_at_1="11:00")
    assert words_of(desk.client, row).count(desk.user.get_username()) == 1


def test_a_program_that_cancels_is_named(desk):
    row = called(desk.tenant, desk)
    with tenant_scope(desk.tenant), acting(Actor(Kind.API_KEY, "tk_1", "website")):
        lifecycle.cancel(desk.tenant, row.pk, actor="website")
    told = words_of(desk.client, row)
    assert "Cancelled website" in told
    assert "status scheduled cancelled" in told


def test_a_customer_has_what_was_booked_for_them_in_their_history(desk):
    called(desk.tenant, desk)
    assert "Appointment booked call CA1" in words_of(desk.client, desk.customer)


def test_what_people_change_by_hand_is_there_without_a_trail(desk):
    form = {"name": "Kim Lowe", "phone_e164": "+15552223333", "email": "", "notes": ""}
    desk.client.post(f"/admin/appointments/customer/{desk.customer.pk}/change/", form)
    told = words_of(desk.client, desk.customer)
    assert "Changed Name" in told
    assert desk.user.get_username() in told


def test_what_was_erased_stays_erased(desk):
    row = called(desk.tenant, desk)
    with platform_scope():
        AuditDetail.objects.filter(entry__subject_id=str(row.pk)).delete()
    assert "Booked (the rest was erased)" in words_of(desk.client, row)


def test_the_page_of_a_row_leads_to_its_history(desk):
    row = called(desk.tenant, desk)
    page = f"/admin/appointments/appointment/{row.pk}/"
    assert f'href="{page}history/"' in desk.client.get(f"{page}change/").text


def test_history_of_another_business_is_none(desk, garage):
    theirs = Desk(garage, "owner")
    with tenant_scope(garage):
        row = Customer.objects.get(pk=theirs.customer.pk)
    answer = desk.client.get(f"/admin/appointments/customer/{row.pk}/history/")
    assert answer.status_code == 302


def test_what_the_trail_knows_of_people_and_settings_is_its_readers(desk):
    with tenant_scope(desk.tenant):
        row = Tenant.objects.get(pk=desk.tenant.pk)
        row.settings = {**row.settings, "aiTone": "warm", "webhookSecret": "hunter2"}
        row.save()
    told = words_of(desk.client, desk.tenant)
    assert "aiTone warm" in told
    assert "hunter2" not in told
    assert "aiTone" not in words_of(Desk(desk.tenant, "manager").client, desk.tenant)
