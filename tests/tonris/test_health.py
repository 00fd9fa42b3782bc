"""What load balancers, Prometheus and people at night see."""

import math
import time
from threading import Event
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import Client

from telephony import live
from tests.agents.test_silent_database import mute
from tonris import signs
from tonris.question import Question


def test_alive_touches_nothing():
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_ready_when_everything_is_there(db):
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


def test_without_redis_calls_go_on_and_so_they_still_come_here(db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = Client().get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["status"], told["redis"]) == (200, "ready", "unreachable")


@pytest.mark.django_db(transaction=True)
def test_not_ready_and_quick_to_say_so_while_postgresql_is_frozen():
    connection.close()
    began = time.monotonic()
    with mute():
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")
    assert time.monotonic() - began < 2.5


def test_a_question_is_asked_once_until_it_is_answered():
    asked, said = [], Event()

    def ask() -> str:
        asked.append("")
        said.wait(10)
        return "yes"

    question = Question(ask)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            question.answer(0.01)
    said.set()
    assert (question.answer(5), len(asked)) == ("yes", 1)


def test_what_goes_wrong_with_a_question_is_told_to_who_asks():
    with pytest.raises(ZeroDivisionError):
        Question(lambda: 1 / 0).answer(5)


def test_not_ready_while_draining(db, monkeypatch):
    monkeypatch.setattr(live, "_draining", True)
    assert Client().get("/readyz").status_code == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_old_probers_are_told_where_the_answer_ends(db, path):
    for answer in (Client().get(path), Client().get(path, REMOTE_ADDR="203.0.113.9")):
        assert answer.headers["Content-Length"] == str(len(answer.content))


def figures() -> dict[str, float]:
    lines = [line.split() for line in Client().get("/metrics").text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in lines if not name.startswith("python")}


def test_figures_tell_of_workers_that_do_nothing(monkeypatch):
    monkeypatch.setattr(signs, "KEY", f"test:{uuid4()}")
    monkeypatch.setattr(signs, "QUEUE", f"test:{uuid4()}")
    assert figures()["tonris_workers_silent_seconds"] == math.inf
    signs.give()
    told = figures()
    assert told["tonris_workers_silent_seconds"] < 15
    assert (told["tonris_redis_up"], told["tonris_tasks_waiting"]) == (1, 0)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 400)
    assert figures()["tonris_workers_silent_seconds"] >= 400


def test_figures_tell_that_redis_is_away_and_are_told_all_the_same(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    told = figures()
    assert (told["tonris_redis_up"], told["tonris_live_calls"]) == (0, 0)
    assert "tonris_workers_silent_seconds" not in told


def test_metrics_are_for_loopback_and_token_holders(settings):
    settings.METRICS_TOKEN = "scrape-me"
    assert b"tonris_live_calls" in Client().get("/metrics").content
    assert Client().get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    assert Client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ("Bearer scrape-me", 200),
        ("bearer scrape-me", 200),
        ("BEARER  scrape-me", 200),
        ("Bearer scrape", 403),
        ("Bearer", 403),
        ("scrape-me", 403),
        ("Basic scrape-me", 403),
        ("Bearerscrape-me", 403),
        ("", 403),
    ],
)
def test_the_token_for_metrics_is_a_bearers(settings, shown, status):
    settings.METRICS_TOKEN = "scrape-me"
    headers = {"Authorization": shown}
    assert Client().get("/metrics", REMOTE_ADDR="203.0.113.9", headers=headers).status_code == status


def test_without_a_token_metrics_are_for_loopback_alone(settings):
    settings.METRICS_TOKEN = ""
    headers = {"Authorization": "Bearer "}
    assert Client().get("/metrics", REMOTE_ADDR="203.0.113.9", headers=headers).status_code == 403


def test_an_unknown_path_answers_in_our_shape():
    answer = Client().get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_deployment_without_secrets_is_told(settings):
    settings.TWILIO_AUTH_TOKEN = ""
    settings.APP_BASE_URL = "http://tonris.example"
    with pytest.raises(SystemCheckError) as refused:
        call_command("check", deploy=True)
    assert "telephony.E001" in str(refused.value)
    assert "telephony.E003" in str(refused.value)
