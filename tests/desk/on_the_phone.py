"""Somebody at the desk in a real browser, while a real exchange puts calls through."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.test import Client

from tenants.models import Member, Tenant, User
from tenants.scoping import in_thread, platform_scope
from tests.browser import TABLET_BREADTH, TELEPHONE_BREADTH, Browser, Visitor
from tests.exchange import Exchange
from tonris.asgi import application as bare

T = TypeVar("T")

application = ASGIStaticFilesHandler(bare)
APPLICATION = f"{__name__}:application"
"""For `open_exchange`: ours, with static files that nobody has collected."""

DESKTOP = {"viewport": {"width": TABLET_BREADTH, "height": 900}}
PHOTOGRAPHS = os.environ.get("PHOTOGRAPHS", "")
"""A directory to keep pictures of the pages in, for people to look at."""


@pytest.fixture(autouse=True)
def plain_cookies(settings: Any) -> None:
    """Cookies of one host alone need https, which a test's server has not."""
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "sessionid", "csrftoken"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False


def session_of(tenant: Tenant, role: Member.Role = Member.Role.STAFF) -> str:
    user = User.objects.create_user(f"{role}-of-{tenant.name}")
    with platform_scope():
        Member.objects.create(tenant=tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Desk:
    """What a visitor's work gets: the browser's page, and a way to the exchange's loop."""

    def __init__(self, visitor: Visitor, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self.page = visitor.page
        self.visitor = visitor
        self.exchange = exchange
        self._loop = loop

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call_soon(self, work: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(work)

    def measure(self) -> None:
        """Here and on a telephone."""
        here = self.page.viewport_size
        for size in ({"width": TELEPHONE_BREADTH, "height": 844}, here):
            self.page.set_viewport_size(size)
            self.visitor.measure()

    def photograph(self, name: str) -> None:
        photograph(self.visitor, name)


def photograph(visitor: Visitor, name: str) -> None:
    """On a desktop and a telephone, in the light and in the dark."""
    if not PHOTOGRAPHS:
        return
    page = visitor.page
    size = page.viewport_size
    for scheme in ("light", "dark"):
        page.evaluate(f"document.documentElement.classList.toggle('dark', {str(scheme == 'dark').lower()})")
        for breadth in (TABLET_BREADTH, TELEPHONE_BREADTH):
            page.set_viewport_size({"width": breadth, "height": 844})
            page.wait_for_timeout(300)
            visitor.photograph(Path(PHOTOGRAPHS), f"{name}-{breadth}-{scheme}")
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size(size)


async def at_the_desk(
    browser: Browser,
    exchange: Exchange,
    tenant: Tenant,
    work: Callable[[Desk], T],
    role: Member.Role = Member.Role.STAFF,
    **context: Any,
) -> T:
    session = await in_thread(session_of, tenant, role)
    loop = asyncio.get_running_loop()

    def visited(visitor: Visitor) -> T:
        cookie = {"name": "sessionid", "value": session, "url": exchange.base_url}
        visitor.page.context.add_cookies([cookie])
        return work(Desk(visitor, exchange, loop))

    wanted = {**DESKTOP, **context}
    return await asyncio.to_thread(lambda: browser.visit(visited, exchange.base_url, **wanted))
