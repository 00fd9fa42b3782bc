"""The page of live calls in a real browser, with real calls."""

import asyncio
import datetime
import threading
from typing import Any
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError

from appointments.models import Customer
from telephony.models import Call, CallEvent
from telephony.simulators.twilio import FarEnd, Script
from telephony.watching import picture, socket
from tenants.models import Member
from tenants.scoping import in_tenant, in_thread
from tests.browser import browser
from tests.desk.on_the_phone import APPLICATION, Desk, at_the_desk, plain_cookies
from tests.exchange import CALLER, open_exchange
from tests.telephony.test_people_calls import ANA, people_are
from tests.tenants.test_admin import cheaper_settings

__all__ = ["browser", "cheaper_settings", "plain_cookies"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

CARD = ".live-card"


async def test_a_call_is_read_along_and_ended_from_the_page(salon, settings, browser):
    name = "Zoë <b>Bold</b>"
    customer = await in_tenant(
        salon.pk, lambda: Customer.objects.create(tenant=salon, name=name, phone_e164=CALLER)
    )

    def work(desk: Desk) -> list[str]:
        page = desk.page
        desk.visitor.open("/admin/live/")
        page.wait_for_selector("[data-empty] >> text=Nobody is on the line")
        desk.photograph("live-empty")
        call = desk.start(desk.exchange.call(Script(give_up_after_s=60.0)))
        page.wait_for_selector(f"{CARD} .line-agent")
        assert page.text_content(f"{CARD} [data-who]") == name  # and no markup
        assert page.get_attribute(f"{CARD} [data-who] a", "href").endswith(f"{customer.pk}/change/")
        assert "/admin/telephony/call/" in page.get_attribute(f"{CARD} [data-page]", "href")
        assert page.text_content(f"{CARD} [data-badge]") == "Talking"
        assert page.title().startswith("(1) ")
        desk.measure()
        page.fill(f"{CARD} [data-whisper] input", "Offer <i>coffee</i>.")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{CARD} .line-desk >> text=Offer <i>coffee</i>.")
        desk.photograph("live")
        page.click(f"{CARD} [data-do=hang_up]")
        page.click("dialog [value=no]")
        assert not call.done()
        page.click(f"{CARD} [data-do=hang_up]")
        page.click("[data-ask-yes]")
        page.wait_for_selector(f"{CARD}.over")
        call.result(30)
        assert not page.is_visible(f"{CARD} [data-do=hang_up]")
        return desk.visitor.complaints

    async with open_exchange(application=APPLICATION) as exchange:
        assert await at_the_desk(browser, exchange, salon, work) == []
    kinds = await in_tenant(salon.pk, lambda: set(CallEvent.objects.values_list("kind", flat=True)))
    assert "staff_hang_up" in kinds


async def test_a_caller_is_put_through_to_a_person_from_the_page(salon, settings, browser):
    await people_are(salon, ANA)

    def work(desk: Desk) -> Any:
        page = desk.page
        desk.visitor.open("/admin/live/")
        page.wait_for_selector("[data-state=live]")
        dialling = desk.exchange.carrier.place_call(
            desk.exchange.number, CALLER, Script(give_up_after_s=60.0)
        )
        call = desk.start(dialling).result(20)
        page.wait_for_selector(f"{CARD} .line-agent")
        page.click(f"{CARD} [data-do=transfer]")
        page.click("[data-ask-yes]")
        page.wait_for_selector(f"{CARD}.over")
        desk.start(asyncio.wait_for(call.over.wait(), 30)).result()
        assert desk.visitor.complaints == []
        return call

    async with open_exchange(application=APPLICATION, far_end=FarEnd(talks_s=0.4)) as exchange:
        call = await at_the_desk(browser, exchange, salon, work)
    assert call.joined == [ANA]
    [record] = await in_tenant(salon.pk, lambda: list(Call.objects.all()))
    assert record.outcome == "transferred"
    kinds = await in_tenant(salon.pk, lambda: set(CallEvent.objects.values_list("kind", flat=True)))
    assert {"staff_transfer", "person_accepted"} <= kinds


async def test_in_the_dark_and_on_a_telephone_both_pages_of_calls_are_whole(salon, settings, browser):
    def work(desk: Desk) -> list[str]:
        for page in ("live", "test-call"):
            desk.visitor.open(f"/admin/{page}/")
            desk.visitor.measure_everywhere()
        return desk.visitor.complaints

    async with open_exchange(application=APPLICATION) as exchange:
        assert await at_the_desk(browser, exchange, salon, work, color_scheme="dark") == []


async def test_the_page_comes_back_with_the_whole_truth(salon, settings, browser, monkeypatch):
    """While the database is away a call ends, of which nobody tells the page; then the socket itself breaks."""
    away = threading.Event()
    monkeypatch.setattr(picture, "STILL_SHOWN", datetime.timedelta(0))

    def look(tenant_id: UUID) -> dict[str, Any]:
        if away.is_set():
            raise OperationalError("gone")
        return picture.picture(tenant_id)

    monkeypatch.setattr(socket, "picture", look)

    def work(desk: Desk) -> None:
        page = desk.page
        routed: list[Any] = []

        def through(route: Any) -> None:
            route.connect_to_server()
            routed.append(route)

        page.route_web_socket("**/admin/live/socket", through)
        desk.visitor.open("/admin/live/")
        page.wait_for_selector("[data-state=live]")
        dialling = desk.exchange.carrier.place_call(
            desk.exchange.number, CALLER, Script(give_up_after_s=60.0)
        )
        call = desk.start(dialling).result(20)
        page.wait_for_selector(f"{CARD} .line-agent")
        away.set()
        page.wait_for_selector("[data-state=reconnecting]")
        assert page.is_disabled(f"{CARD} [data-do=hang_up]")
        desk.photograph("live-reconnecting")
        desk.call_soon(call.hang_up)
        desk.start(asyncio.wait_for(call.over.wait(), 30)).result()
        desk.start(desk.exchange.settled(call)).result(20)
        assert page.is_visible(CARD)
        away.clear()
        page.wait_for_selector("[data-state=live]")
        page.wait_for_selector("[data-empty]")
        assert not page.is_visible(CARD)
        routed[-1].close(code=1012)
        page.wait_for_selector("[data-state=reconnecting]")
        page.wait_for_selector("[data-state=live]")
        assert len(routed) == 2

    async with open_exchange(application=APPLICATION) as exchange:
        await at_the_desk(browser, exchange, salon, work)


async def test_a_page_whose_session_has_ended_leads_to_the_login(salon, settings, browser, monkeypatch):
    monkeypatch.setattr(socket, "LOOKS_A_CHECK", 1)

    def work(desk: Desk) -> None:
        desk.visitor.open("/admin/live/")
        desk.page.wait_for_selector("[data-state=live]")
        desk.start(in_thread(lambda: Session.objects.all().delete())).result(10)
        desk.page.wait_for_url("**/admin/login/?next=*live*")

    async with open_exchange(application=APPLICATION) as exchange:
        await at_the_desk(browser, exchange, salon, work)


async def test_who_may_only_look_sees_no_buttons(salon, settings, browser):
    def work(desk: Desk) -> list[str]:
        page = desk.page
        desk.visitor.open("/admin/live/")
        page.wait_for_selector("[data-state=live]")
        call = desk.start(desk.exchange.call(Script(hang_up_after_s=4.0, give_up_after_s=60.0)))
        page.wait_for_selector(f"{CARD} .line-agent")
        assert page.is_visible("text=Your role may look at calls, but not step in.")
        assert not page.is_visible(f"{CARD} [data-do]")
        assert not page.is_visible(f"{CARD} [data-whisper]")
        call.result(30)
        return desk.visitor.complaints

    async with open_exchange(application=APPLICATION) as exchange:
        assert await at_the_desk(browser, exchange, salon, work, Member.Role.READ_ONLY) == []
