"""A day to book on, and a program that holds the salon's key."""

import datetime

import pytest

from tenants.models import Tenant
from tests.tonris.integrator import Integrator


@pytest.fixture
def day() -> str:
    """A Wednesday that is not this week's."""
    today = datetime.datetime.now(datetime.UTC).date()
    return (today + datetime.timedelta(days=7 + (2 - today.weekday()) % 7)).isoformat()


@pytest.fixture
def api(salon: Tenant) -> Integrator:
    return Integrator(salon)
