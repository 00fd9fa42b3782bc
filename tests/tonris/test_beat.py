"""Beat while no worker lives."""

from uuid import uuid4

import pytest
from celery.beat import Service

from tenants.shared_redis import shared_redis
from tonris import beat, signs
from tonris.celery import app


@pytest.fixture
def scheduler(tmp_path, monkeypatch):
    """The one that the commands take, with a queue of its own and two tasks that are always due."""
    monkeypatch.setattr(signs, "QUEUE", f"test:{uuid4()}")
    monkeypatch.setattr(beat, "MOST_WAITING", 3)
    service = Service(
        app, schedule_filename=str(tmp_path / "schedule"), scheduler_cls=app.conf.beat_scheduler
    )
    monkeypatch.setattr(
        type(service.scheduler),
        "send_task",
        lambda *_, **__: shared_redis(1).lpush(signs.QUEUE, "a task"),
    )
    entry = {"task": "nobody.knows", "schedule": 0.0}
    service.scheduler.schedule.clear()
    service.scheduler.update_from_dict({"one": entry, "other": entry})
    yield service.scheduler
    service.scheduler.close()
    shared_redis(1).delete(signs.QUEUE)


def test_what_nobody_takes_does_not_pile_up(scheduler, caplog):
    for _ in range(50):
        scheduler.tick()
    assert signs.waiting() == 3
    assert caplog.text.count("beat gives out no more") == 1
    shared_redis(1).rpop(signs.QUEUE)
    for _ in range(50):
        scheduler.tick()
    assert signs.waiting() == 3
    assert caplog.text.count("beat gives out no more") == 2


def test_while_redis_is_away_beat_goes_on_trying(scheduler, settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    scheduler.tick()
    assert "beat gives out no more" not in caplog.text
    assert "Message Error" in caplog.text
