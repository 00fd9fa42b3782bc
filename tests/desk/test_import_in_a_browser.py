"""A spreadsheet chosen, looked at and agreed to in a real browser, on a desk and on a telephone."""

from pathlib import Path

import pytest

from appointments.models import Customer
from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tests.browser import Browser, Visitor, browser
from tests.desk.test_in_a_browser import DESKTOP, TELEPHONE
from tests.tenants.test_admin import cheaper_settings

__all__ = ["browser", "cheaper_settings"]
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

LINES = [
    "Name;Phone;Notes;Shoe size",
    "Ada Lovelace;(555) 123-0009;Likes tea;38",
    "Eve;12;;",
    "Kim Low;5552223333;Window;",
]


@pytest.mark.parametrize(
    ("window", "scheme"), [(DESKTOP, "light"), (TELEPHONE, "dark")], ids=["desk", "telephone"]
)
def test_a_file_is_looked_at_and_then_imported(window, scheme, salon, browser, live_server, tmp_path):
    with tenant_scope(salon):
        owner = User.objects.create_user("olivia", password="pw")
        Member.objects.create(tenant=salon, user=owner, role=Member.Role.OWNER)
        Customer.objects.create(tenant=salon, name="Kim Low", phone_e164="+15552223333", notes="Door")
    file = tmp_path / "customers.csv"
    file.write_bytes("\r\n".join(LINES).encode("utf-8-sig"))
    told = import_it(browser, live_server.url, file, tmp_path, color_scheme=scheme, **window)
    assert told == []
    with tenant_scope(salon):
        assert sorted(Customer.objects.values_list("name", "notes")) == [
            ("Ada Lovelace", "Likes tea"),
            ("Kim Low", "Window"),
        ]


def import_it(browser: Browser, base: str, file: Path, shots: Path, **context: object) -> list[str]:
    def work(visitor: Visitor) -> list[str]:
        page = visitor.page
        visitor.log_in("olivia", "pw")
        visitor.open("/admin/appointments/customer/")
        page.click('a[href="import/"]')
        page.set_input_files("[name=file]", file)
        visitor.measure()
        visitor.photograph(shots, "import")
        page.click("text=Show what it would do")
        page.wait_for_selector(".rows")
        visitor.measure()
        visitor.photograph(shots, "preview")
        page.check("[name=without_refused]")
        page.click("text=Import 2 rows")
        page.wait_for_url("**/customer/")
        page.wait_for_selector("text=1 added and 1 changed")
        return visitor.complaints

    return browser.visit(work, base, **context)


def test_the_agent_is_previewed_saved_and_taken_back(salon: Tenant, browser: Browser, live_server, tmp_path):
    with tenant_scope(salon):
        owner = User.objects.create_user("olivia", password="pw")
        Member.objects.create(tenant=salon, user=owner, role=Member.Role.OWNER)

    def work(visitor: Visitor) -> list[str]:
        page = visitor.page
        visitor.log_in("olivia", "pw")
        visitor.open("/admin/agent/")
        page.fill("[name=aiGreeting]", "Good day, this is the salon.")
        page.check("[name=recordingDisclosure]")
        page.click("text=Show what the agent would be told")
        page.wait_for_selector("text=Good day, this is the salon. This call may be recorded.")
        visitor.measure()
        visitor.photograph(tmp_path, "agent")
        page.click(".agent-buttons >> text=Save")
        page.wait_for_selector("text=Saved as version 2")
        visitor.open("/admin/agent/versions/2/")
        visitor.photograph(tmp_path, "version")
        visitor.open("/admin/agent/versions/1/")
        page.click("text=Go back to version 1")
        page.wait_for_selector("text=that is version 3")
        visitor.photograph(tmp_path, "versions")
        visitor.measure()
        return visitor.complaints

    assert browser.visit(work, live_server.url, **TELEPHONE) == []
    with tenant_scope(salon):
        assert "aiGreeting" not in Tenant.objects.get(pk=salon.pk).settings
