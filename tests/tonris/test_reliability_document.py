"""The documents of promises name tests that there are."""

import re

import pytest

from tonris.home import BASE_DIR


@pytest.mark.parametrize("document", ["docs/reliability.md", "docs/security.md"])
def test_every_promise_names_a_test_that_there_is(document: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (BASE_DIR / document).read_text("utf-8")))
    there = {
        name
        for path in (BASE_DIR / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 30
    assert named <= there, named - there
