"""docs/reliability.md names tests that there are."""

import re

from tonris.home import BASE_DIR


def test_every_promise_names_a_test_that_there_is() -> None:
    named = set(re.findall(r"`(test_\w+)`", (BASE_DIR / "docs/reliability.md").read_text("utf-8")))
    there = {
        name
        for path in (BASE_DIR / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 30
    assert named <= there, named - there
