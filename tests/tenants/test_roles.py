"""The table of roles."""

import re

import pytest

from tenants.models import Member
from tenants.roles import TABLE, Area, may
from tonris.home import BASE_DIR


def test_the_document_shows_the_table():
    text = (BASE_DIR / "docs" / "desk.md").read_text().split("## Who may do what")[1]
    rows = re.findall(r"^\| ([\w ]+) \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", text, re.MULTILINE)
    shown = {area: tuple(cell.strip() for cell in cells) for area, *cells in rows}
    assert {area.value: TABLE[area] for area in Area} == {
        area: cells for area, cells in shown.items() if area != "Area"
    }


@pytest.mark.parametrize("area", Area)
def test_nobody_has_more_than_the_role_above(area):
    owner, manager, staff, read_only = map(set, TABLE[area])
    assert owner >= manager >= staff
    assert read_only <= {"v"}


def test_the_owners_things_are_the_owners():
    for area in (Area.MEMBERS, Area.SECRETS):
        for role in ("manager", "staff", "read_only"):
            assert not any(may(role, right, area) for right in "acdx")


def test_a_role_that_nobody_knows_may_do_nothing():
    assert not any(may("janitor", right, area) for right in "vacdx" for area in Area)
    assert all(may(role, "v", Area.CALENDAR) for role in Member.Role.values)
