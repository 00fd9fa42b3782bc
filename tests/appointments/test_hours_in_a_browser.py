"""The Hours page in a real browser: a week is made by keyboard alone, and nothing typed is left behind."""

from typing import Any

import pytest

from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.test_hours_page import PAGE, week_of
from tests.browser import TABLET_BREADTH, TELEPHONE_BREADTH, Visitor, browser
from tests.tenants.test_admin import cheaper_settings

__all__ = ["browser", "cheaper_settings"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

DESKTOP: dict[str, Any] = {"viewport": {"width": TABLET_BREADTH, "height": 1000}, "color_scheme": "dark"}
TELEPHONE: dict[str, Any] = {
    "viewport": {"width": TELEPHONE_BREADTH, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@pytest.fixture
def owner(salon: Tenant) -> None:
    with tenant_scope(salon):
        user = User.objects.create_user("olivia", password="pw")
        Member.objects.create(tenant=salon, user=user, role=Member.Role.OWNER)


def focused(visitor: Visitor) -> str:
    told: str = visitor.page.evaluate("document.activeElement.name || document.activeElement.tagName")
    return told


def test_a_break_is_added_copied_and_saved_by_keyboard_alone(salon, owner, browser, live_server):
    def work(visitor: Visitor) -> list[str]:
        page = visitor.page
        visitor.log_in("olivia", "pw")
        visitor.open(PAGE)
        page.locator('[name="closes-0"]').focus()
        page.keyboard.type("12:00PM")
        page.locator('[data-add="0"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_selector('[name="opens-0"] >> nth=1')
        page.wait_for_function("document.activeElement.name === 'opens-0'")  # where one goes on typing
        page.keyboard.type("01:00PM")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")  # past the clock's own button, to the closing time
        page.locator('[name="closes-0"] >> nth=1').focus()
        page.keyboard.type("02:00AM")
        page.locator("#day-0 summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # Tuesday
        page.locator('[value="copy:0"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_selector('#day-1 [name="opens-1"] >> nth=1')
        visitor.measure()
        page.locator('[name="opens-6"], #day-6 [data-add]').first.focus()
        page.locator("#save").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("text=The hours are saved.")
        return visitor.complaints

    assert browser.visit(work, live_server.url, **DESKTOP) == []
    assert week_of(salon)[0] == ["09:00-12:00", "13:00-02:00"]
    assert week_of(salon)[1] == ["09:00-12:00", "13:00-02:00"]


def test_a_mistake_on_a_telephone_stays_on_the_page_until_it_is_mended(salon, owner, browser, live_server):
    def work(visitor: Visitor) -> list[str]:
        page = visitor.page
        visitor.log_in("olivia", "pw")
        visitor.open(PAGE)
        page.tap('[data-add="2"]')
        page.wait_for_selector('[name="opens-2"] >> nth=1')
        page.fill('[name="opens-2"] >> nth=1', "16:00")
        page.fill('[name="closes-2"] >> nth=1', "20:00")
        page.fill('[name="day-note"]', "my note")
        page.tap("#save")
        page.wait_for_selector(".interval.wrong")
        assert page.input_value('[name="closes-2"] >> nth=1') == "20:00"
        assert page.input_value('[name="day-note"]') == "my note"
        visitor.measure()
        page.fill('[name="opens-2"] >> nth=1', "17:00")
        page.fill('[name="day-note"]', "")
        page.tap("#save")
        page.wait_for_selector("text=The hours are saved.")
        return visitor.complaints

    assert browser.visit(work, live_server.url, **TELEPHONE) == []
    assert week_of(salon)[2] == ["09:00-17:00", "17:00-20:00"]


def agree(dialog: Any, asked: list[str]) -> None:
    asked.append(dialog.type)
    dialog.accept()


def test_nobody_leaves_typed_hours_behind_unasked(salon, owner, browser, live_server):
    def work(visitor: Visitor) -> list[str]:
        page = visitor.page
        asked: list[str] = []
        page.on("dialog", lambda dialog: agree(dialog, asked))
        visitor.log_in("olivia", "pw")
        visitor.open(PAGE)
        page.fill('[name="opens-0"]', "08:00")
        page.click("text=Getting started")
        page.wait_for_url("**/admin/setup/")
        return asked

    assert browser.visit(work, live_server.url, **DESKTOP) == ["beforeunload"]
