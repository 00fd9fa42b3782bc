"""What comes in by a package or goes out by an error; and that the table of threats names what is there."""

import re
from pathlib import Path

import pytest
from django.conf import settings as live
from django.test import Client

HOME = Path(live.BASE_DIR)
LOCKS = sorted(HOME.glob("requirements*.txt"))
SECURITY = (HOME / "docs" / "security.md").read_text()
CANARY = "canary of a local variable"


@pytest.mark.parametrize("debug", [False, True])
def test_a_page_that_fails_shows_nothing_of_what_failed(monkeypatch, settings, debug):
    def fails(*_: object) -> None:
        raise RuntimeError(CANARY)

    settings.DEBUG = debug
    monkeypatch.setattr("agents.views.authenticate", fails)
    answer = Client(raise_request_exception=False).get("/api/webhooks/elevenlabs/services")
    told = {"success": False, "error": "Something went wrong", "code": "INTERNAL_ERROR"}
    assert (answer.status_code, answer.json()) == (500, told)


def packages(lock: str) -> list[str]:
    """With all that belongs to each, its hashes included."""
    lines = [line for line in lock.replace("\\\n", " ").splitlines() if line.strip()]
    return [line for line in lines if not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_one_version_with_its_hashes_and_from_no_other_place(lock):
    found = packages(lock.read_text())
    assert found
    for one in found:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^ ]+ ", one), one
        assert "--hash=sha256:" in one, one
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|^-e", "\n".join(found), re.MULTILINE)


def test_nothing_is_installed_without_looking_at_the_hashes():
    for name in ("Makefile", "Dockerfile"):
        text = (HOME / name).read_text()
        locks = [line for line in text.splitlines() if re.search(r"install.* -r |PIP_INSTALL\) -r", line)]
        assert locks, name
        assert all("--require-hashes" in line or "$(PIP_INSTALL)" in line for line in locks), name
        assert "PIP_INSTALL :=" not in text or re.search(r"PIP_INSTALL :=.*--require-hashes", text)


def test_every_test_that_the_table_of_threats_names_is_there():
    sources = "\n".join(path.read_text() for path in (HOME / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", SECURITY))
    assert len(named) > 40
    assert {name for name in named if not re.search(rf"def {name}\(", sources)} == set()


def test_every_file_that_the_table_of_threats_names_is_there():
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+(?:\.py|/))`", SECURITY))
    assert len(named) > 25
    assert {name for name in named if not (HOME / name).exists()} == set()
