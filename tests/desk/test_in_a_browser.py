"""Every page of the admins in a real browser: no error on its console, no refused request, nothing wider than it."""

from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse

from appointments.models import Appointment, Customer, Employee, Service
from telephony.models import PhoneNumber
from tenants.admin_sites import staff
from tenants.models import ApiKey, Member, Tenant, User
from tenants.roles import may
from tenants.scoping import tenant_scope
from tests.browser import TABLET_BREADTH, TELEPHONE_BREADTH, Browser, Visitor, browser
from tests.tenants.test_admin import OF_TENANTS, Rows, cheaper_settings, furnish, url
from tests.tenants.test_team import invited

__all__ = ["browser", "cheaper_settings"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

DESKTOP: dict[str, Any] = {"viewport": {"width": TABLET_BREADTH, "height": 900}}
TELEPHONE: dict[str, Any] = {
    "viewport": {"width": TELEPHONE_BREADTH, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
OWN_PAGES = [
    "/admin/",
    "/admin/setup/",
    "/admin/hours/",
    "/admin/password_change/",
    "/admin/calendar/",
    "/admin/agent/",
    "/admin/agent/versions/",
    "/admin/agent/versions/100/",
    "/admin/appointments/appointment/import/",
    "/admin/appointments/appointment/free-times/",
    "/admin/appointments/appointment/visit/",
]


@pytest.fixture
def rows(salon: Tenant) -> Rows:
    """A row of everything, and an owner who looks at it."""
    with tenant_scope(salon):
        owner = User.objects.create_user("olivia", password="pw")
        Member.objects.create(tenant=salon, user=owner, role=Member.Role.OWNER)
    return furnish(salon, "saloncanary", "1555333")


def walk(
    browser: Browser, base: str, paths: list[str], *, everywhere: bool = False, **context: Any
) -> list[str]:
    """What there is to complain of. `everywhere`: each page is measured at every breadth, in light and dark."""

    def work(visitor: Visitor) -> list[str]:
        visitor.log_in("olivia", "pw")
        for path in paths:
            visitor.open(path)
            if everywhere:
                visitor.measure_everywhere()
        return visitor.complaints

    return browser.visit(work, base, **context)


def pages_of(model: type[models.Model], rows: Rows) -> list[str]:
    """Those that an owner may open."""
    pages = [url("admin", model, "changelist"), url("admin", model, "change", rows[model].pk)]
    its = staff.get_model_admin(model)
    adds = may("owner", "a", its.area) and not (its.read_only or its.members_only_look or model is Member)
    return [*pages, url("admin", model, "add")] if adds else pages


@pytest.mark.parametrize("app", ["appointments", "agents", "telephony", "tenants"])
def test_every_page_opens_on_a_desktop_and_fits_a_telephone(app, rows, browser, live_server):
    shown = [
        model
        for model in OF_TENANTS
        if model._meta.app_label == app and may("owner", "v", staff.get_model_admin(model).area)
    ]
    paths = [path for model in shown for path in pages_of(model, rows)]
    assert len(paths) > 5
    assert walk(browser, live_server.url, paths, everywhere=True, **DESKTOP) == []


def test_what_stands_beside_a_row_fits_everywhere(rows, browser, live_server):
    """Its history, the question before it is deleted, and one's own second factor."""
    paths = [url("admin", model, "history", rows[model].pk) for model in (Customer, Appointment, Tenant)]
    paths += [url("admin", model, "delete", rows[model].pk) for model in (Customer, Service, Employee)]
    paths += ["/admin/second-factor/mine/", "/admin/second-factor/set-up/", "/admin/businesses/"]
    assert walk(browser, live_server.url, paths, everywhere=True, **DESKTOP) == []


def test_what_goes_wrong_fits_everywhere(rows, browser, live_server, monkeypatch):
    def breaks(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(type(staff.get_model_admin(PhoneNumber)), "get_queryset", breaks)
    with tenant_scope(rows[Customer].tenant_id):
        Member.objects.filter(user__username="olivia").update(role=Member.Role.STAFF)
    wrong = {
        "/admin/nothing/here/": ("404", "Page not found"),
        url("admin", ApiKey, "changelist"): ("403", "Not for you to open"),
        url("admin", PhoneNumber, "changelist"): ("500", "Something went wrong"),
    }

    def work(visitor: Visitor) -> list[str]:
        visitor.log_in("olivia", "pw")
        for path, (_, heading) in wrong.items():
            visitor.open(path)
            assert heading in visitor.page.inner_text("body")
            visitor.measure_everywhere()
        return visitor.complaints

    told = browser.visit(work, live_server.url, **DESKTOP)
    expected = [
        line
        for path, (status, _) in wrong.items()
        for line in told
        if line.startswith(path) and status in line
    ]
    assert len(expected) == 2 * len(wrong)  # the answer, and the console's word of it
    assert [line for line in told if line not in expected] == []


def test_whoever_is_invited_joins_on_any_screen(rows, browser, live_server):
    client = Client()
    client.force_login(User.objects.get(username="olivia"))
    link, forged = invited(client), "/admin/join/forged/"

    def work(visitor: Visitor) -> list[str]:
        for path in (link, forged):
            visitor.open(path)
            visitor.measure_everywhere()
        return visitor.complaints

    told = browser.visit(work, live_server.url, **DESKTOP)
    assert [line for line in told if not (line.startswith(forged) and "410" in line)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_day_fit_a_telephone(scheme, rows, browser, live_server):
    daily = [
        path for label in ("appointment", "customer", "service") for path in pages_of(_model(label), rows)
    ] + [path for label in ("call", "message") for path in pages_of(_model(label), rows)]
    paths = [*OWN_PAGES, *daily]
    assert walk(browser, live_server.url, paths, **TELEPHONE, color_scheme=scheme) == []


def _model(name: str) -> type[models.Model]:
    return next(model for model in OF_TENANTS if model._meta.model_name == name)


def test_the_operators_pages_open(rows, browser, live_server):
    User.objects.create_superuser("olga", password="pw")
    salon = rows[Customer].tenant_id

    def work(visitor: Visitor) -> list[str]:
        visitor.log_in("olga", "pw", "ops")
        for page in (
            "",
            "usage/",
            "health/",
            "tenants/plan/",
            "tenants/plan/add/",
            "tenants/tenant/",
            "tenants/tenant/add/",
            "telephony/call/",
        ):
            visitor.open(f"/ops/{page}")
            visitor.measure_everywhere()
        visitor.page.goto("/ops/")
        visitor.page.click(f'form[action*="{salon}"] button')
        visitor.page.wait_for_url("**/admin/")
        visitor.page.wait_for_selector(".acting")
        visitor.open("/admin/appointments/appointment/")
        visitor.page.click(".acting button")
        visitor.page.wait_for_url("**/ops/")
        return visitor.complaints

    assert browser.visit(work, live_server.url, **DESKTOP) == []


def test_a_customer_who_is_chosen_for_a_visit_can_be_read(rows, browser, live_server):
    def work(visitor: Visitor) -> list[str]:
        visitor.log_in("olivia", "pw")
        visitor.open("/admin/appointments/appointment/visit/")
        assert visitor.page.locator(".select2-container").first.bounding_box()["width"] > 200
        visitor.measure_everywhere()
        return visitor.complaints

    assert browser.visit(work, live_server.url, **DESKTOP) == []


def test_a_dark_desktop_opens_the_same_pages(rows, browser, live_server):
    assert walk(browser, live_server.url, OWN_PAGES, **DESKTOP, color_scheme="dark") == []


def test_a_stranger_sees_the_page_to_log_in_on_a_telephone(rows, browser, live_server):
    def work(visitor: Visitor) -> list[str]:
        for site in ("admin", "ops"):
            visitor.open(reverse(f"{site}:login"))
        return visitor.complaints

    assert browser.visit(work, live_server.url, **TELEPHONE) == []


def test_a_page_that_complains_is_noticed(rows, browser, live_server):
    def work(visitor: Visitor) -> list[str]:
        visitor.log_in("olivia", "pw")
        visitor.open("/admin/nothing/here/")
        visitor.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"width:5000px\">wide</p>')"
        )
        visitor.page.evaluate("console.error('broken')")
        visitor.measure()
        return visitor.complaints

    told = browser.visit(work, live_server.url, **DESKTOP)
    assert any("404" in line for line in told)
    assert any("broken" in line for line in told)
    assert any("px wide" in line for line in told)
