"""One web process for all tests of a worker that need a server which can be killed."""

from collections.abc import Iterator

import pytest

from tests.appointments.crowd import Server


@pytest.fixture(scope="session")
def web_process(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """After the database was made, and gone before it is dropped."""
    process = Server(tmp_path_factory.mktemp("web") / "web.log")
    yield process
    if process.runs:
        process.stop()


@pytest.fixture
def server(db: None, web_process: Server) -> Server:
    """It runs when a test begins, whatever the one before did to it."""
    if not web_process.runs:
        web_process.start()
    return web_process
