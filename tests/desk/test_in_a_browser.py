"""Every page of the admins in a real browser: no error on its console, no refused request, nothing wider than it."""

import pytest
from django.db import models
from django.urls import reverse

from appointments.models import Customer
from tenants.admin_sites import staff
from tenants.models import Member, Tenant, User
from tenants.roles import may
from tenants.scoping import tenant_scope
from tests.browser import TABLET_BREADTH, TELEPHONE_BREADTH, Browser, Visitor, browser
from tests.tenants.test_admin import OF_TENANTS, Rows, cheaper_settings, furnish, url

__all__ = ["browser", "cheaper_settings"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

DESKTOP = {"viewport": {"width": TABLET_BREADTH, "height": 900}}
TELEPHONE = {"viewport": {"width": TELEPHONE_BREADTH, "height": 844}, "has_touch": True, "is_mobile": True}
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


def walk(browser: Browser, base: str, paths: list[str], **context: object) -> list[str]:
    """What there is to complain of."""

    def work(visitor: Visitor) -> list[str]:
        visitor.log_in("olivia", "pw")
        for path in paths:
            visitor.open(path)
        return visitor.complaints

    return browser.visit(work, base, **context)


def pages_of(model: type[models.Model], rows: Rows) -> list[str]:
    """Those that an owner may open."""
    pages = [url("admin", model, "changelist"), url("admin", model, "change", rows[model].pk)]
    its = staff.get_model_admin(model)
    adds = may("owner", "a", its.area) and not (its.read_only or its.members_only_look or model is Member)
    return [*pages, url("admin", model, "add")] if adds else pages


@pytest.mark.parametrize("app", ["appointments", "agents", "telephony", "tenants"])
def test_every_page_opens_on_a_desktop(app, rows, browser, live_server):
    shown = [
        model
        for model in OF_TENANTS
        if model._meta.app_label == app and may("owner", "v", staff.get_model_admin(model).area)
    ]
    paths = [path for model in shown for path in pages_of(model, rows)]
    assert len(paths) > 5
    assert walk(browser, live_server.url, paths, **DESKTOP) == []


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
        visitor.page.goto("/ops/")
        visitor.page.click(f'form[action*="{salon}"] button')
        visitor.page.wait_for_url("**/admin/")
        visitor.page.wait_for_selector(".acting")
        visitor.open("/admin/appointments/appointment/")
        visitor.page.click(".acting button")
        visitor.page.wait_for_url("**/ops/")
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
