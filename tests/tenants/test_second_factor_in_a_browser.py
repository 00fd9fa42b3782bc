"""The way to a second factor in a real browser, on a desk and on a telephone; nothing is asked of anybody else."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tenants.models import User
from tests.browser import TABLET_BREADTH, TELEPHONE_BREADTH, Browser, Visitor, browser
from tests.tenants.test_admin import cheaper_settings
from tests.tenants.test_second_factor import code

__all__ = ["browser", "cheaper_settings"]
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("breadth", "scheme"), [(TABLET_BREADTH, "light"), (TELEPHONE_BREADTH, "dark")])
def test_an_operators_first_and_second_login(
    breadth: int, scheme: str, browser: Browser, live_server: Any, settings: Any
) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True
    User.objects.create_superuser("olga", password="pw")
    hosts: set[str] = set()

    def password(visitor: Visitor, leads_to: str) -> None:
        visitor.page.goto("/ops/")
        visitor.page.fill("[name=username]", "olga")
        visitor.page.fill("[name=password]", "pw")
        visitor.page.click("#login-form [type=submit]")
        visitor.page.wait_for_url(f"**/{leads_to}/")
        visitor.measure()

    def send(visitor: Visitor, text: str, then: str) -> None:
        visitor.page.fill("[name=code]", text)
        visitor.page.click("#code-form button")
        visitor.page.wait_for_selector(then)
        visitor.measure()

    def work(visitor: Visitor) -> list[str]:
        visitor.page.on("request", lambda asked: hosts.add(urlsplit(asked.url).netloc))
        password(visitor, "set-up")
        visitor.page.click("summary")
        secret = visitor.page.inner_text("code.secret").replace(" ", "")
        send(visitor, code(secret), ".recovery-codes")
        recovery = visitor.page.inner_text(".recovery-codes li")
        visitor.page.click("a.desk-button")
        visitor.page.wait_for_url("**/ops/")
        visitor.open("/ops/second-factor/mine/")
        visitor.page.context.clear_cookies()
        password(visitor, "second-factor")
        send(visitor, "nothing", ".login-note")
        send(visitor, recovery, "#header-inner")
        return visitor.complaints

    size = {"width": breadth, "height": 844}
    assert browser.visit(work, live_server.url, viewport=size, color_scheme=scheme) == []
    assert hosts == {urlsplit(live_server.url).netloc}
