"""The page of a call in a real browser: two columns, or one on a telephone, and nothing that callers say runs."""

import pytest

from telephony.models import CallEvent
from tenants.scoping import tenant_scope
from tests.browser import TELEPHONE_BREADTH, Visitor, browser
from tests.desk.on_the_phone import DESKTOP, photograph, plain_cookies, session_of
from tests.telephony.test_admin import call, page_of
from tests.telephony.test_admin_feel import FELT
from tests.tenants.test_admin import cheaper_settings

__all__ = ["browser", "call", "cheaper_settings", "plain_cookies"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]


def test_the_page_fits_tells_all_and_keeps_a_note(salon, call, browser, live_server):
    with tenant_scope(salon):
        call.feel = FELT
        call.save(update_fields=["feel"])
        for kind, detail in {
            "stream_started": {},
            "interrupted": {},
            "status:completed": {"sequence": 3},
            "agent_closed": {"code": 1000, "reason": "done"},
            "carrier_refused": {"reason": "<script>window.ran = 1</script>"},
        }.items():
            CallEvent.objects.create(tenant=salon, call=call, kind=kind, detail=detail)
    session = session_of(salon)

    def columns(visitor: Visitor) -> int:
        xs = visitor.page.eval_on_selector_all(".call-columns > div", "all => all.map(one => one.offsetLeft)")
        return len(set(xs))

    def work(visitor: Visitor) -> list[str]:
        page = visitor.page
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        visitor.open(page_of(call))
        assert columns(visitor) == 2
        page.fill(".note-form textarea", "Wants <b>Ana</b> next time.")
        page.click(".note-form button")
        page.wait_for_selector(".note >> text=Wants <b>Ana</b> next time.")
        page.click(".said .line-tool a")
        page.click("li:target summary")
        assert page.is_visible("li:target >> text=Alex Taylor")
        assert page.evaluate("window.ran") is None
        photograph(visitor, "call")
        page.set_viewport_size({"width": TELEPHONE_BREADTH, "height": 844})
        assert columns(visitor) == 1
        visitor.measure()
        visitor.open("/admin/telephony/call/")
        page.wait_for_selector("text=The agent said goodbye")
        photograph(visitor, "calls")
        return visitor.complaints

    assert browser.visit(work, live_server.url, **DESKTOP) == []
