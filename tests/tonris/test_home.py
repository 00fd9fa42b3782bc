"""The working directory: what is written there, for whose eyes, and what happens when it is spoilt."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tonris import home


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    monkeypatch.setenv("TONRIS_HOME", str(path))
    return path


def test_home_is_beside_manage_py_unless_named(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    assert home.home() == directory
    monkeypatch.delenv("TONRIS_HOME")
    assert home.home() == home.BASE_DIR / ".tonris"
    assert (home.BASE_DIR / "manage.py").is_file()


def test_asking_for_the_state_makes_nothing(directory: Path) -> None:
    assert home.read_state() == {}
    assert not directory.exists()


def test_state_is_what_was_written_and_ours_alone(directory: Path) -> None:
    home.write_state({"http_port": 8000, "pids": {"web": 1}})
    home.write_state({"http_port": 8001})
    assert home.read_state() == {"http_port": 8001}
    assert (directory / "state.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in directory.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\x00"])
def test_an_unreadable_state_is_no_state(directory: Path, text: str) -> None:
    home.make_home()
    (directory / "state.json").write_text(text)
    assert home.read_state() == {}


def test_other_users_can_pass_through_whatever_the_umask_says(directory: Path) -> None:
    before = os.umask(0o077)
    try:
        home.make_home()
    finally:
        os.umask(before)
    assert directory.stat().st_mode & 0o777 == 0o755


def test_a_directory_that_was_there_keeps_its_mode(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    home.write_state({})
    assert directory.stat().st_mode & 0o777 == 0o700


def test_secrets_have_the_shapes_of_real_ones(directory: Path) -> None:
    made = home.development_secrets()
    assert re.fullmatch(r"AC[0-9a-f]{32}", made["TWILIO_ACCOUNT_SID"])
    assert re.fullmatch(r"[0-9a-f]{32}", made["TWILIO_AUTH_TOKEN"])
    assert Fernet(made["FIELD_ENCRYPTION_KEYS"]).encrypt(b"x")
    assert len(made["DJANGO_SECRET_KEY"]) >= 50
    assert all(made.values())
    assert len(set(made.values())) == len(made)
    assert (directory / "development.json").stat().st_mode & 0o777 == 0o600
    assert home.development_secrets() == made


def test_processes_that_ask_at_once_get_the_same_secrets() -> None:
    ask = "import time, sys; from tonris import home; print(home.development_secrets())"
    processes = [
        subprocess.Popen([sys.executable, "-c", ask], cwd=home.BASE_DIR, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in processes}) == 1


def test_a_secret_that_a_later_version_adds_joins_the_others(directory: Path) -> None:
    home.make_home()
    (directory / "development.json").write_text('{"TWILIO_AUTH_TOKEN": "kept"}')
    made = home.development_secrets()
    assert made["TWILIO_AUTH_TOKEN"] == "kept"
    assert made["OPENAI_API_KEY"]


def test_damaged_secrets_are_not_replaced_in_silence(directory: Path) -> None:
    home.make_home()
    (directory / "development.json").write_text('{"TWILIO')
    with pytest.raises(home.HomeError, match="is damaged"):
        home.development_secrets()


def test_a_place_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TONRIS_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(home.HomeError, match="Set TONRIS_HOME"):
        home.write_state({})
