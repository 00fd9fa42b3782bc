"""What the environment says is taken at its word, or refused by the name of the setting."""

import os
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
import pytest
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import Signer

from tonris.home import BASE_DIR

PRODUCTION = {
    "APP_BASE_URL": "https://phone.example.com",
    "DJANGO_SECRET_KEY": "a-long-key-only-for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "TONRIS_ENV_FILE": os.devnull,
    "TONRIS_HOME": "/nowhere",
}

Reader = Callable[..., dict[str, Any]]


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The settings of a production whose environment says this besides."""

    def read(**variables: str) -> dict[str, Any]:
        environment = PRODUCTION | variables
        monkeypatch.setattr(os, "environ", environment)
        monkeypatch.setattr(environ.Env, "ENVIRON", environment)
        return runpy.run_path(str(BASE_DIR / "tonris" / "settings.py"))

    return read


@pytest.mark.parametrize("name", ["OPERATORS_NEED_SECOND_FACTOR", "TWILIO_REQUIRE_STREAM_SIGNATURE", "DEBUG"])
@pytest.mark.parametrize("value", ['"1"', "enabled", "1 # since May", "maybe"])
def test_a_switch_that_says_neither_on_nor_off_is_refused_and_not_off(
    settings_of: Reader, name: str, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        settings_of(**{name: value})


@pytest.mark.parametrize(
    ("value", "on"), [("1", True), ("True", True), (" on ", True), ("0", False), ("No", False), ("", False)]
)
def test_a_switch_is_on_or_off(settings_of: Reader, value: str, on: bool) -> None:
    assert settings_of(TWILIO_REQUIRE_STREAM_SIGNATURE=value)["TWILIO_REQUIRE_STREAM_SIGNATURE"] is on


@pytest.mark.parametrize("keys", ["...", "abc", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,abc"])
def test_a_key_that_cannot_encrypt_is_refused_before_a_call_comes_and_not_told(
    settings_of: Reader, keys: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match="FIELD_ENCRYPTION_KEYS") as refused:
        settings_of(FIELD_ENCRYPTION_KEYS=keys)
    assert "abc" not in str(refused.value)


def test_keys_may_stand_apart(settings_of: Reader) -> None:
    key = PRODUCTION["FIELD_ENCRYPTION_KEYS"]
    assert settings_of(FIELD_ENCRYPTION_KEYS=f"{key} , {key},")["FIELD_ENCRYPTION_KEYS"] == [key, key]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DRAIN_SECONDS", "15m"),
        ("DRAIN_SECONDS", ""),
        ("MAX_CALL_SECONDS", "-1"),
        ("DATABASE_POOL_SIZE", "many"),
        ("DATABASE_POOL_SIZE", "0"),
        ("LOG_LEVEL", "verbose"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_what_is_no_number_or_no_choice_is_refused_by_name(
    settings_of: Reader, name: str, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        settings_of(**{name: value})


@pytest.mark.parametrize(("size", "least"), [("1", 1), ("2", 2), ("30", 2)])
def test_a_pool_may_be_as_small_as_one_connection(settings_of: Reader, size: str, least: int) -> None:
    pool = settings_of(DATABASE_POOL_SIZE=size)["DATABASE_POOL"]
    assert (pool["min_size"], pool["max_size"]) == (least, int(size))


def test_levels_and_forms_of_the_log_may_be_written_either_way_or_left_empty(settings_of: Reader) -> None:
    said = settings_of(LOG_LEVEL="debug", LOG_FORMAT="")["LOGGING"]
    assert said["root"]["level"] == "DEBUG"
    assert said["handlers"]["console"]["formatter"] == "json"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://:secret@localhost:6379"),
        ("DATABASE_URL", "localhost/secret"),
        ("DATABASE_URL", "mysql://tonris:secret@localhost/tonris"),
        ("DATABASE_OWNER_URL", "tonris_owner:secret@localhost/tonris"),
    ],
)
def test_an_address_of_another_kind_of_server_is_refused_and_its_password_not_told(
    settings_of: Reader, name: str, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        settings_of(**{name: value, "TONRIS_ROLE": "migrate"})
    assert "secret" not in str(refused.value)


def test_an_empty_address_is_none(settings_of: Reader) -> None:
    assert settings_of(REDIS_URL="")["CELERY_BROKER_URL"] == settings_of()["REDIS_URL"]
    assert settings_of(DATABASE_URL="")["DATABASES"] == settings_of()["DATABASES"]


def test_blanks_about_addresses_and_names_of_hosts_are_nobodys_meaning(settings_of: Reader) -> None:
    said = settings_of(APP_BASE_URL=" https://phone.example.com/ ", ALLOWED_HOSTS="a.example, b.example")
    assert said["APP_BASE_URL"] == "https://phone.example.com"
    assert said["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert settings_of(APP_BASE_URL="https://phone.example.com ")["ALLOWED_HOSTS"] == ["phone.example.com"]


def test_a_file_of_settings_that_is_named_but_not_there_is_no_development_checkout(
    settings_of: Reader, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"\.evn"):
        settings_of(DJANGO_SECRET_KEY="", TONRIS_ENV_FILE=str(tmp_path / ".evn"))


def test_a_file_of_settings_that_cannot_be_read_is_none_either(settings_of: Reader, tmp_path: Path) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=re.escape(str(tmp_path))
    ):  # root reads every file: a directory
        settings_of(DJANGO_SECRET_KEY="", TONRIS_ENV_FILE=str(tmp_path))


@pytest.mark.parametrize("line", ["METRICS_TOKEN = secret", "  METRICS_TOKEN=secret", "METRICS-TOKEN=secret"])
def test_a_line_that_sets_nothing_is_refused_by_its_number_and_not_told(
    settings_of: Reader, tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# ours\n\n{line}\n", "utf-8")
    with pytest.raises(ImproperlyConfigured, match="line 3") as refused:
        settings_of(TONRIS_ENV_FILE=str(file))
    assert "secret" not in str(refused.value) + "".join(capfd.readouterr())


def test_a_file_of_settings_is_read_and_the_environment_goes_before_it(
    settings_of: Reader, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("\ufeffexport METRICS_TOKEN='scrape me'\n  # indented\r\nDRAIN_SECONDS=7\n", "utf-8")
    said = settings_of(TONRIS_ENV_FILE=str(file), DRAIN_SECONDS="8")
    assert (said["METRICS_TOKEN"], said["DRAIN_SECONDS"]) == ("scrape me", 8)


@pytest.mark.parametrize(("level", "told"), [("", "WARNING"), ("DEBUG", "DEBUG"), ("ERROR", "ERROR")])
def test_tasks_that_go_well_every_few_seconds_are_not_told(
    settings_of: Reader, level: str, told: str
) -> None:
    loggers = settings_of(LOG_LEVEL=level)["LOGGING"]["loggers"]
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        assert loggers[name]["level"] == told


def test_what_a_former_secret_key_has_signed_is_good_while_it_is_kept(settings_of: Reader) -> None:
    signed = Signer(key="the-former-key").sign("a slot")
    fallbacks = settings_of(DJANGO_SECRET_KEY_FALLBACKS="the-former-key, another")["SECRET_KEY_FALLBACKS"]
    assert Signer(key="the-new-key", fallback_keys=fallbacks).unsign(signed) == "a slot"
    assert settings_of()["SECRET_KEY_FALLBACKS"] == []


def test_after_a_night_without_a_worker_no_task_is_done_a_thousand_times(settings_of: Reader) -> None:
    for name, entry in settings_of()["CELERY_BEAT_SCHEDULE"].items():
        assert isinstance(entry["schedule"], crontab) or entry["options"]["expires"] <= 3600, name
