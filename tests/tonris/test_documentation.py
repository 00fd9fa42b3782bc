"""The documents say what the code says: settings, sentences, codes, statuses, constraints; the picture too."""

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps

from agents.tools.contract import Trust
from agents.tools.registry import TOOLS
from appointments import errors as booking_errors
from appointments.intervals import Interval
from appointments.lifecycle import MOVES
from appointments.models import Appointment, Service
from appointments.slots import (
    BookingWindow,
    BusinessHours,
    Diary,
    Offer,
    Pool,
    Reason,
    Terms,
    Use,
    WeeklyHours,
    free_slots,
    why_not,
    worked_instants,
)
from appointments.wallclock import WallInterval, resolve, wall_time
from telephony import errors
from tonris.home import BASE_DIR

READERS = {
    "env.str", "os.environ.get",
    "_base_url", "_server_url", "_number", "_seconds", "_switch", "_choice", "_price", "_development_default",
}  # fmt: skip
COMPOSE_ONLY = {
    "POSTGRES_SUPERUSER_PASSWORD",
    "POSTGRES_OWNER_PASSWORD",
    "POSTGRES_APP_PASSWORD",
    "REDIS_PASSWORD",
    "TONRIS_VERSION",
}
NOT_FOR_CONTAINERS = {"ALLOW_UNSIGNED_WEBHOOKS", "TONRIS_HOME", "TONRIS_ENV_FILE"}


def text_of(name: str) -> str:
    return (BASE_DIR / name).read_text("utf-8")


def variables_read_by(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text_of(module))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in READERS:
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value)


@pytest.fixture(scope="module")
def variables() -> set[str]:
    found = {*variables_read_by("tonris/settings.py"), *variables_read_by("tonris/home.py")}
    assert {"DATABASE_URL", "DJANGO_SECRET_KEY", "MAX_CALL_SECONDS", "TONRIS_HOME"} <= found
    return found


def test_readme_has_a_row_for_every_setting(variables: set[str]) -> None:
    section = text_of("README.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|", section, re.MULTILINE)
    assert sorted(rows) == sorted(variables)


def test_env_example_has_every_setting_once_and_sets_none(variables: set[str]) -> None:
    text = text_of(".env.example")
    assert re.findall(r"^[^#\n].*", text, re.MULTILINE) == []
    lines = re.findall(r"^#([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)
    assert sorted(lines) == sorted(variables | COMPOSE_ONLY)


def test_compose_file_passes_every_setting_on(variables: set[str]) -> None:
    text = text_of("docker-compose.yml")
    passed = set(re.findall(r"^\s+([A-Z][A-Z0-9_]*):", text, re.MULTILINE)) | {"TONRIS_ROLE"}
    assert variables - passed == NOT_FOR_CONTAINERS
    assert set(re.findall(r"\$\{([A-Z0-9_]+)", text)) - variables == COMPOSE_ONLY


@pytest.mark.parametrize("document", ["README.md", "docs/webhooks.md"])
def test_documents_quote_what_callers_hear(document: str) -> None:
    family: list[type[errors.CallRefused]] = [errors.CallRefused, *errors.CallRefused.__subclasses__()]
    for refused in family:
        assert refused.spoken in text_of(document)


DOCUMENTS = ["README.md", *(f"docs/{path.name}" for path in sorted((BASE_DIR / "docs").glob("*.md")))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(document)):
        assert (BASE_DIR / document).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_a_heading_lead_to_one(document: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text_of(document)):
        path = (BASE_DIR / document).parent.joinpath(target) if target else BASE_DIR / document
        headings = {
            re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-")
            for line in re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
        }
        assert anchor in headings, f"{target}#{anchor}"


# --- The tools, in docs/webhooks.md ---------------------------------------------------------------


def test_the_table_of_tools_is_the_registry() -> None:
    tools = text_of("docs/webhooks.md").partition("\n## Tools\n")[2].partition("\n\n`manage.py")[0]
    rows = re.findall(r"^\| (`.*?) \|(.*?)\| (.*) \|$", tools, re.MULTILINE)
    names = re.compile(r"`(\w+)`")
    told = [
        (names.findall(name), names.findall(wanted), re.findall(r"`(\w+)` \(required\)", wanted))
        for name, wanted, _ in rows
    ]
    known = [([tool.name, *tool.aliases], sorted(tool.parameters), list(tool.required)) for tool in TOOLS]
    assert sorted((name, sorted(wanted), required) for name, wanted, required in told) == sorted(known)


def test_the_levels_of_trust_are_told_the_weakest_first() -> None:
    levels = text_of("docs/webhooks.md").partition("\n### Whose appointments\n")[2].partition("\n### ")[0]
    told = re.findall(r"^\| `(\w+)` \|", levels, re.MULTILINE)
    assert told == [level.name.lower() for level in Trust if level is not Trust.NONE]


# --- docs/scheduling.md ---------------------------------------------------------------------------


def section(title: str) -> str:
    return text_of("docs/scheduling.md").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def family(root: type[booking_errors.BookingError]) -> Iterator[type[booking_errors.BookingError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def test_every_refusal_has_a_row_with_its_reasons() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", section("Why not: the codes"), re.MULTILINE))
    raised = {one.code for one in family(booking_errors.BookingError)}
    assert rows.keys() == raised | {reason.code for reason in Reason}
    for reason in Reason:
        assert f"`{reason}`" in rows[reason.code]


def test_reasons_are_listed_the_weightiest_first() -> None:
    listed = section("Why not: the codes").partition("gives the code:")[2].partition(". Of several")[0]
    assert re.findall(r"`([A-Z_]+)`", listed) == [str(reason) for reason in Reason]


def test_the_table_of_statuses_is_the_table_of_moves() -> None:
    table = section("What becomes of an appointment")
    columns = re.findall(r"`(\w+)`", table.partition("| From")[2].partition("\n")[0])
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", table, re.MULTILINE)
    told = {
        status: {
            column for column, cell in zip(columns, cells.split("|"), strict=True) if cell.strip() == "yes"
        }
        for status, cells in rows
    }
    assert told == {str(status): {str(one) for one in moves} for status, moves in MOVES.items()}
    assert sorted(columns) == sorted(Appointment.Status.values)


def test_every_constraint_of_the_calendar_is_named() -> None:
    named = set(re.findall(r"`([a-z_]+)`", section("What the database guards")))
    models = apps.get_app_config("appointments").get_models()
    assert named == {one.name for model in models for one in model._meta.constraints}


def test_the_defaults_are_the_services() -> None:
    service = Service()
    assert (service.slot_step_minutes, service.booking_window_days) == (15, 90)
    assert "**Defaults**: step 15 minutes, window 90 days" in text_of("docs/scheduling.md")
    assert "with 90 days, booked on 1 June, up to and with\n30 August" in text_of("docs/scheduling.md")
    booked = datetime(2026, 6, 1, 12, tzinfo=NEW_YORK)
    assert BookingWindow.at(booked, NEW_YORK, days=90).last_day == date(2026, 8, 30)


NEW_YORK = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)
FORWARD, BACK = date(2027, 3, 14), date(2027, 11, 7)


def opening(text: str, day: date) -> BusinessHours:
    walls = (WallInterval(*map(time.fromisoformat, each.split("-"))) for each in text.split())
    return BusinessHours(NEW_YORK, [WeeklyHours(day.weekday(), wall) for wall in walls])


def cells(row: str) -> list[str]:
    (found,) = re.findall(
        rf"^\| {re.escape(row)} \| (.*) \| (.*) \|$", section("When the clocks change"), re.MULTILINE
    )
    return list(found)


def clock(instant: datetime) -> str:
    return f"{wall_time(instant, NEW_YORK):%H:%M}"


@pytest.mark.parametrize(
    ("row", "hours"),
    [
        ("Open 00:00 to 05:00, every hour, 60 minutes", "00:00-05:00"),
        ("Open 02:30 to 06:00, every hour, 60 minutes", "02:30-06:00"),
    ],
)
def test_the_starts_around_a_clock_change_are_what_the_rules_say(row: str, hours: str) -> None:
    for day, told in zip((FORWARD, BACK), cells(row), strict=True):
        offer = Offer(day, opening(hours, day), Terms(60 * MINUTE, step=60 * MINUTE))
        starts = [clock(slot.start) for slot in free_slots(offer, Diary.opened(offer.terms))]
        assert re.findall(r"\d\d:\d\d", told) == starts


@pytest.mark.parametrize(("minutes", "begins"), [(60, "01:30"), (90, "00:30")])
def test_the_ends_around_a_clock_change_are_what_passes(minutes: int, begins: str) -> None:
    for day, told in zip((FORWARD, BACK), cells(f"{minutes} minutes from {begins}"), strict=True):
        start = resolve(datetime.combine(day, time.fromisoformat(begins)), NEW_YORK)
        end = start + minutes * MINUTE
        assert (clock(end) if day == FORWARD else "second") in told


def test_the_night_before_a_clock_change_is_an_hour_shorter_or_longer() -> None:
    nights = [opening("22:00-03:00", day - timedelta(days=1)) for day in (FORWARD, BACK)]
    spans = [
        hours.open_instants(day - timedelta(days=1))
        for hours, day in zip(nights, (FORWARD, BACK), strict=True)
    ]
    assert [(span.end - span.start) // (60 * MINUTE) for (span,) in spans] == [4, 6]
    assert cells("The night before, 22:00 to 03:00") == ["four real hours", "six"]


def test_the_picture_of_a_slot_shows_what_the_rules_say() -> None:
    """docs/images/how-a-slot-is-found.svg, drawn by hand: the same day, asked of the rules."""
    day = date(2027, 6, 2)

    def at(wall: str) -> datetime:
        return resolve(datetime.combine(day, time.fromisoformat(wall)), NEW_YORK)

    def between(begins: str, ends: str) -> Interval:
        return Interval(at(begins), at(ends))

    terms = Terms(45 * MINUTE, after=15 * MINUTE, step=30 * MINUTE)
    weekly = opening("09:00-12:30 13:15-18:00", day).weekly
    business = BusinessHours(NEW_YORK, weekly, closures=[between("17:00", "18:00")])
    lift = Pool.opened("Lift", 1, terms, [Use(between("13:15", "13:30"), 1)])
    window = BookingWindow.at(at("10:45"), NEW_YORK, notice=60 * MINUTE)
    offer = Offer(day, business, terms, window, (lift,))
    own = [WeeklyHours(day.weekday(), WallInterval(time(9), time(16, 30)))]
    diary = Diary.opened(
        terms,
        worked=worked_instants(own, offer.dates, NEW_YORK),
        time_off=[between("09:00", "10:00")],
        busy=[between("10:30", "11:30")],
        held=[between("14:15", "15:15")],
    )
    drawn = ElementTree.parse(BASE_DIR / "docs/images/how-a-slot-is-found.svg")
    shown = [
        text.text
        for text in drawn.iter("{http://www.w3.org/2000/svg}text")
        if text.get("class") == "slot-words"
    ]
    assert shown == [clock(slot.start) for slot in free_slots(offer, diary)]
    assert why_not(offer, diary, at("11:30")) == [Reason.TOO_SOON]
