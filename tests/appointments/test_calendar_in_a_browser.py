"""The Calendar page in a real browser: what is dragged is moved in the database, or snaps back and says why."""

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connections

from appointments import booking, lifecycle
from appointments.customers import Contact
from appointments.models import Appointment, Closure, Customer, Employee, Hold, Service, TimeOff
from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tests.appointments.test_admin import MONDAY, NEW_YORK
from tests.browser import TABLET_BREADTH, TELEPHONE_BREADTH, Browser, Visitor, browser
from tests.tenants.test_admin import cheaper_settings

__all__ = ["browser", "cheaper_settings"]

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.django_db(transaction=True)]

DESKTOP = {"viewport": {"width": TABLET_BREADTH, "height": 1000}}
TELEPHONE: dict[str, Any] = {
    "viewport": {"width": TELEPHONE_BREADTH, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
PAGE = f"/admin/calendar/?date={MONDAY}"
PIXELS_PER_HOUR = 72
T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """In a thread of its own: the browser's keeps a loop running, where Django would refuse to query."""

    def done() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(done).result()


class Salon:
    """The salon on a Monday, with Kim at ten with Ana, and Lee at one with Ben."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        with tenant_scope(tenant):
            Service.objects.update(booking_window_days=1800)
            for name, role in (("stella", "staff"), ("rita", "read_only")):
                user = User.objects.create_user(name, password="pw")
                Member.objects.create(tenant=tenant, user=user, role=role)
            self.haircut = Service.objects.get(name="Haircut")
            self.employees = {row.name: row for row in Employee.objects.all()}
        self.kim, self.lee = self.book("Kim", "10:00", "Ana"), self.book("Lee", "13:00", "Ben")

    def book(self, name: str, clock: str, employee: str) -> Appointment:
        def made() -> Appointment:
            customer, _ = Customer.objects.get_or_create(
                tenant=self.tenant, name=name, phone_e164=f"+1555000{len(name)}{ord(name[0])}"
            )
            wanted = {"employee": self.employees[employee], "source": Appointment.Source.AGENT}
            return booking.book(
                self.tenant, self.haircut, at(clock), Contact.of(customer), **wanted
            ).appointment

        return self.at_the_same_time(made)

    def hold(self, clock: str, until: str, employee: str) -> Hold:
        times = {"starts_at": at(clock), "ends_at": at(until)}
        return self.at_the_same_time(
            lambda: Hold.objects.create(
                tenant=self.tenant,
                employee=self.employees[employee],
                service=self.haircut,
                holder="a call",
                **times,
                blocked_from=at(clock),
                blocked_until=at(until),
                expires_at=at("23:00"),
            )
        )

    def is_away(self, employee: str, clock: str, until: str) -> None:
        times = {"starts_at": at(clock), "ends_at": at(until)}
        self.at_the_same_time(
            lambda: TimeOff.objects.create(tenant=self.tenant, employee=self.employees[employee], **times)
        )

    def closes(self, clock: str, until: str) -> None:
        times = {"starts_at": at(clock), "ends_at": at(until)}
        self.at_the_same_time(lambda: Closure.objects.create(tenant=self.tenant, **times))

    def at_the_same_time(self, work: Callable[[], T]) -> T:
        """As somebody else does, while the page is open."""

        def scoped() -> T:
            with tenant_scope(self.tenant):
                return work()

        return aside(scoped)

    def rows(self) -> dict[str, tuple[str, str, str, str]]:
        """Customer -> start, end, employee, status."""

        def read() -> list[Appointment]:
            return list(Appointment.objects.select_related("customer", "employee").order_by("created_at"))

        return {
            row.customer.name: (
                f"{row.starts_at.astimezone(NEW_YORK):%H:%M}",
                f"{row.ends_at.astimezone(NEW_YORK):%H:%M}",
                row.employee.name,
                str(row.status),
            )
            for row in self.at_the_same_time(read)
        }


@pytest.fixture
def scene(salon: Tenant) -> Salon:
    return Salon(salon)


def at(clock: str) -> datetime.datetime:
    return datetime.datetime.combine(MONDAY, datetime.time.fromisoformat(clock), NEW_YORK)


def visit(
    browser: Browser,
    base: str,
    work: Callable[[Any], None],
    *,
    who: str = "stella",
    path: str = PAGE,
    **context: Any,
) -> list[str]:
    """What there is to complain of, after the work on the page. Everything there is done by what can be seen."""

    def visited(visitor: Visitor) -> list[str]:
        visitor.log_in(who, "pw")
        visitor.open(path)
        visitor.page.wait_for_selector("#calendar[data-version]")
        work(visitor.page)
        visitor.measure()
        return visitor.complaints

    return browser.visit(visited, base, **{**DESKTOP, **context})


def block(page: Any, name: str) -> Any:
    return page.locator(".cal-block", has_text=name)


def drag(page: Any, name: str, *, hours: float = 0, to: str = "", days: int = 0, grip: str = "") -> None:
    """With the mouse: down by so many hours, and into the column of an employee, or so many columns on."""
    row = block(page, name)
    box = (row.locator(grip) if grip else row).bounding_box()
    x, y = box["x"] + 20, box["y"] + min(20, box["height"] / 2)
    page.mouse.move(x, y)
    page.mouse.down()
    if to:
        x = page.locator(f".cal-column[aria-label={to}]").bounding_box()["x"] + 40
    x += days * page.locator(".cal-column >> nth=0").bounding_box()["width"]
    page.mouse.move(x, y + hours * PIXELS_PER_HOUR, steps=5)
    page.mouse.up()


def test_a_drag_moves_it_in_the_database_and_can_be_undone(scene, browser, live_server):
    def work(page: Any) -> None:
        drag(page, "Kim", hours=4.5, to="Ben")
        page.wait_for_selector("text=Moved. Kim: 14:30–15:30 with Ben")
        assert scene.rows()["Kim"] == ("14:30", "15:30", "Ben", "scheduled")
        page.click("text=Undo")
        page.wait_for_selector("text=Back again. Kim: 10:00–11:00 with Ana")
        assert scene.rows()["Kim"] == ("10:00", "11:00", "Ana", "scheduled")
        drag(page, "Kim", hours=0.5, grip=".cal-resize")
        page.wait_for_selector("text=Moved. Kim: 10:00–11:30 with Ana")
        assert scene.rows()["Kim"][1] == "11:30"

    assert visit(browser, live_server.url, work) == []


def test_a_refused_drag_snaps_back_says_why_and_offers_the_nearest_times(scene, browser, live_server):
    def work(page: Any) -> None:
        before = block(page, "Kim").bounding_box()
        drag(page, "Kim", hours=2.5, to="Ben")
        page.wait_for_selector("dialog >> text=Ben has an appointment from 13:00 to 14:00.")
        assert block(page, "Kim").bounding_box() == before
        assert scene.rows()["Kim"][0] == "10:00"
        page.click("dialog .cal-nearest button:has-text('12:00 Ben')")
        page.wait_for_selector("text=Moved. Kim: 12:00–13:00 with Ben")
        assert scene.rows()["Kim"][:3] == ("12:00", "13:00", "Ben")

    (refused,) = visit(browser, live_server.url, work)[:1] or [""]
    assert "409" in refused  # the browser's own word for the answer


class Finger:
    """Touches, as the browser's own debugger makes them."""

    def __init__(self, page: Any) -> None:
        self.line = page.context.new_cdp_session(page)

    def _tell(self, what: str, *points: tuple[float, float]) -> None:
        touched = [{"x": x, "y": y} for x, y in points]
        self.line.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": touched})

    def down(self, x: float, y: float) -> None:
        self._tell("touchStart", (x, y))

    def move(self, x: float, y: float) -> None:
        self._tell("touchMove", (x, y))

    def up(self) -> None:
        self._tell("touchEnd")


TABLET: dict[str, Any] = {"has_touch": True, "viewport": {"width": TABLET_BREADTH, "height": 1000}}


def test_a_finger_that_has_rested_moves_it_and_the_page_holds_still(scene, browser, live_server):
    def work(page: Any) -> None:
        finger, box = Finger(page), block(page, "Kim").bounding_box()
        x, y = box["x"] + 20, box["y"] + 20
        before = page.evaluate("scrollY")
        finger.down(x, y)
        page.wait_for_selector(".cal-block.is-dragged")
        for part in range(1, 6):
            finger.move(x, y + 1.5 * PIXELS_PER_HOUR * part / 5)
        finger.up()
        page.wait_for_selector("text=Moved. Kim: 11:30–12:30 with Ana")
        assert page.evaluate("scrollY") == before

    assert visit(browser, live_server.url, work, **TABLET) == []
    assert scene.rows()["Kim"] == ("11:30", "12:30", "Ana", "scheduled")


def test_a_finger_that_does_not_rest_scrolls_and_moves_nothing(scene, browser, live_server):
    def work(page: Any) -> None:
        page.evaluate(
            "new MutationObserver(() => document.querySelector('.is-dragged') && (window.dragged = true))"
            ".observe(document.body, {subtree: true, attributes: true, childList: true})"
        )
        finger, box = Finger(page), block(page, "Kim").bounding_box()
        x, y = box["x"] + 20, box["y"] + 20
        finger.down(x, y)
        for part in range(1, 6):
            finger.move(x, y - 30 * part)
        finger.up()
        page.wait_for_timeout(600)  # longer than a finger has to rest
        assert not page.evaluate("window.dragged")

    assert visit(browser, live_server.url, work, **TABLET) == []
    assert scene.rows()["Kim"] == ("10:00", "11:00", "Ana", "scheduled")


def test_a_free_stretch_is_booked_for_somebody_new(scene, browser, live_server):
    def work(page: Any) -> None:
        column = page.locator(".cal-column[aria-label=Ana]").bounding_box()
        page.mouse.click(column["x"] + 60, column["y"] + 5 * PIXELS_PER_HOUR + 20)  # from 08:00
        page.select_option("dialog select >> nth=0", label="Haircut (60 min)")
        page.wait_for_selector("dialog .cal-verdict.is-free")
        page.fill("dialog input[type=search]", "Nora Neu")
        page.click("dialog >> text=Somebody new: Nora Neu")
        page.fill("dialog input[type=tel]", "212 555 0123")
        page.dblclick("dialog footer >> text=Book")
        page.wait_for_selector("text=Booked: Nora Neu, Haircut, 13:15–14:15.")
        block(page, "Nora Neu").wait_for()

    assert visit(browser, live_server.url, work) == []
    assert scene.rows()["Nora Neu"] == ("13:15", "14:15", "Ana", "scheduled")
    assert len(scene.rows()) == 3


def test_a_time_that_is_taken_is_explained_and_not_booked(scene, browser, live_server):
    def work(page: Any) -> None:
        page.click("text=New appointment")
        page.select_option("dialog select >> nth=0", label="Haircut (60 min)")
        page.select_option("dialog select >> nth=1", label="Ben (60 min)")
        page.fill("dialog input[type=time] >> nth=0", "13:30")
        page.wait_for_selector(
            "dialog .cal-verdict.is-refused >> text=Ben has an appointment from 13:00 to 14:00."
        )
        assert page.is_disabled("dialog footer >> text=Book")
        page.click("dialog .cal-nearest button:has-text('12:00 Ben')")
        page.wait_for_selector("dialog .cal-verdict.is-free")

    assert visit(browser, live_server.url, work) == []


REFUSED_CELLS = {
    "08:30": (".is-closed", "The business is not open for all of 08:30 to"),
    "14:30": (".is-off", "Ana is away for some or all of 14:30 to"),
    "16:00": (".is-closure", "The business is closed from 15:30 to 17:00."),
}


@pytest.fixture
def scene_with_gaps(scene: Salon) -> Salon:
    scene.is_away("Ana", "14:00", "15:30")
    scene.closes("15:30", "17:00")
    return scene


def test_a_click_on_a_refused_cell_says_what_the_engine_has_against_it(scene_with_gaps, browser, live_server):
    def work(page: Any) -> None:
        for clock, (shade, words) in REFUSED_CELLS.items():
            column = page.locator(".cal-column[aria-label=Ana]")
            box = column.bounding_box()
            hours = (at(clock) - at("08:00")).total_seconds() / 3600  # the grid begins an hour before nine
            x, y = box["x"] + 60, box["y"] + hours * PIXELS_PER_HOUR + 5
            shades = [one.bounding_box() for one in column.locator(f".cal-shade{shade}").all()]
            assert any(one["y"] <= y < one["y"] + one["height"] for one in shades)
            page.mouse.click(x, y)
            page.wait_for_selector(f"dialog .cal-verdict .cal-reasons li >> text={words}")
            assert page.input_value("dialog input[type=time] >> nth=0") == clock
            page.click("dialog footer >> text=Close")
            page.locator("dialog").wait_for(state="detached")

    assert visit(browser, live_server.url, work) == []
    assert len(scene_with_gaps.rows()) == 2


def test_a_drag_in_the_week_moves_it_to_another_day_with_the_same_employee(scene, browser, live_server):
    def starts_at() -> datetime.datetime:
        row: Appointment = scene.at_the_same_time(lambda: Appointment.objects.get(customer__name="Kim"))
        return row.starts_at

    def work(page: Any) -> None:
        page.click("text=Week")
        page.wait_for_selector(".cal-grid.is-week")
        drag(page, "Kim", hours=1.5, days=1)
        page.wait_for_selector("text=Moved. Kim: ")
        assert starts_at() == at("11:30") + datetime.timedelta(days=1)
        assert scene.rows()["Kim"] == ("11:30", "12:30", "Ana", "scheduled")
        page.click("text=Undo")
        page.wait_for_selector("text=Back again. Kim: ")
        assert starts_at() == at("10:00")

    assert visit(browser, live_server.url, work) == []


def test_it_is_confirmed_noted_and_cancelled_from_its_dialog_by_keyboard(scene, browser, live_server):
    def work(page: Any) -> None:
        block(page, "Kim").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog >> text=Haircut")
        page.fill("dialog textarea", "Prefers tea")
        page.click("dialog >> text=Save notes")
        page.wait_for_selector("text=Kim: notes saved.")
        block(page, "Kim").press("Enter")
        page.click("dialog >> text=Mark as confirmed")
        page.wait_for_selector(".cal-block.is-confirmed")
        assert scene.rows()["Kim"][3] == "confirmed"
        block(page, "Kim").press("Enter")
        page.click("dialog >> text=Cancel appointment")
        page.fill("dialog footer input", "ill")
        page.click("dialog >> text=Yes, cancel it")
        block(page, "Kim").wait_for(state="detached")

    assert visit(browser, live_server.url, work, color_scheme="dark") == []
    assert scene.rows()["Kim"][3] == "cancelled"


def test_what_is_booked_on_the_phone_appears_and_nothing_is_lost_in_a_drag(scene, browser, live_server):
    def work(page: Any) -> None:
        scene.hold("09:00", "10:00", "Ben")
        page.wait_for_selector(".cal-hold >> text=Being booked on the phone")
        box = block(page, "Kim").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 20, box["y"] + 20 + PIXELS_PER_HOUR, steps=3)
        scene.book("Phoebe", "15:00", "Ana")
        page.wait_for_timeout(2000)  # the page would have asked by now: it must not
        assert page.locator(".cal-ghost").count() == 1
        page.mouse.up()
        page.wait_for_selector("text=Moved. Kim: 11:00–12:00 with Ana")
        block(page, "Phoebe").wait_for()

    assert visit(browser, live_server.url, work) == []
    assert scene.rows()["Kim"][0] == "11:00"


def test_the_second_of_two_who_drag_the_same_one_sees_how_it_stands(scene, browser, live_server):
    def work(page: Any) -> None:
        box = block(page, "Kim").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 20, box["y"] + 20 + PIXELS_PER_HOUR, steps=3)
        scene.at_the_same_time(
            lambda: lifecycle.reschedule(scene.tenant, scene.kim.pk, at("15:00"), actor="a colleague")
        )
        page.mouse.up()
        page.wait_for_selector("text=It was changed in the meantime by a colleague")
        page.wait_for_selector(".cal-block:has-text('15:00') >> text=Kim")

    told = visit(browser, live_server.url, work)
    assert all("409" in line for line in told)
    assert scene.rows()["Kim"][0] == "15:00"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_a_day_is_a_list_of_one_employee_or_of_all(scheme, scene, browser, live_server):
    def work(page: Any) -> None:
        assert page.locator(".cal-block").count() == 2
        page.select_option("select[aria-label=Employee]", label="Ben")
        block(page, "Kim").wait_for(state="detached")
        block(page, "Lee").tap()
        page.click("dialog >> text=Move to another time or employee")
        page.fill("dialog input[type=time] >> nth=0", "14:10")
        page.click("dialog >> text=Move it")
        page.wait_for_selector("text=Moved. Lee: 14:10–15:10 with Ben")
        page.click("text=New appointment")
        page.wait_for_selector("dialog >> text=Fill in the time")

    assert visit(browser, live_server.url, work, color_scheme=scheme, **TELEPHONE) == []
    assert scene.rows()["Lee"][0] == "14:10"


def test_a_week_has_a_column_for_each_day_and_who_may_only_look_drags_nothing(scene, browser, live_server):
    def work(page: Any) -> None:
        page.click("text=Week")
        page.wait_for_selector(".cal-grid.is-week")
        assert page.locator(".cal-column").count() == 7
        assert page.locator(".may-drag").count() == 0
        assert page.locator("text=New appointment").count() == 0
        block(page, "Kim").click()
        page.wait_for_selector("dialog >> text=Scheduled")
        assert page.locator("dialog footer button").count() == 0

    assert visit(browser, live_server.url, work, who="rita") == []
    assert scene.rows()["Kim"][0] == "10:00"
