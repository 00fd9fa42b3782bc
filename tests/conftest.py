"""The cast: Salon and Garage, two tenants who are strangers to each other, and a caller."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import environ
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tenants import trips
from tenants.models import Tenant
from tests.emptying import empty_tables
from tonris import demo

# On a fresh clone the first text that is drawn makes a table of all characters, which takes a second.
hypothesis_settings.register_profile(
    "patient", hypothesis_settings.default, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")

CALLER = "+15559876543"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """After the owner has made the test database, everybody connects as the application's role."""
    app = urlsplit(environ.Env().str("DATABASE_URL"))
    owner = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(f'GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO "{app.username}"')
            cursor.execute(
                f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{app.username}"'
            )
            cursor.execute(f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "{app.username}"')
        connection.close()
        connection.settings_dict.update(USER=app.username, PASSWORD=app.password)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(owner)


@pytest.fixture
def salon(db: None) -> Tenant:
    return demo.seed(demo.SALON)


@pytest.fixture
def garage(db: None) -> Tenant:
    return demo.seed(demo.GARAGE)


@pytest.fixture(autouse=True)
def breakers_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis outlives a test: an agent that fails callers in one is not to be given up in the next."""
    monkeypatch.setattr("telephony.breaker.PREFIX", f"test:{uuid4()}")


@pytest.fixture(autouse=True)
def nobody_has_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are passwords that were wrong in one test counted in the next."""
    monkeypatch.setattr("tenants.login_throttle.PREFIX", f"test:{uuid4()}")


@pytest.fixture(autouse=True)
def addresses_are_put_back() -> Iterator[None]:
    """What a test's servers were told of each other is no news to the next test."""
    names = (
        *("APP_BASE_URL", "MEDIA_BASE_URL", "ELEVENLABS_BASE_URL", "OPENAI_BASE_URL", "TWILIO_BASE_URL"),
        *("INFOBIP_BASE_URL", "INFOBIP_WEBHOOK_SECRET", "DEBUG"),
    )
    before = {name: getattr(settings, name) for name in names}
    yield
    for name, value in before.items():
        if getattr(settings, name) != value:
            setattr(settings, name, value)


@pytest.fixture(autouse=True)
def tidy_loop(request: pytest.FixtureRequest) -> None:
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_task_is_left_behind")


@pytest.fixture
async def no_task_is_left_behind() -> AsyncIterator[None]:
    """A call that has ended leaves nothing running."""
    before = asyncio.all_tasks()
    yield
    await trips.end_all()
    left = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert not left, f"tasks left behind: {left}"
