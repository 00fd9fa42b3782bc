"""Tests run side by side; those that time the product to the millisecond have the machine to themselves.

A pytest plugin. `@pytest.mark.alone` waits until every other test of the run is over, and keeps the others out;
`@pytest.mark.long` comes first, so that no worker sits on it at the end with the rest idle.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ("alone" in item.keywords) - ("long" in item.keywords))


@pytest.fixture(autouse=True)
def turnstile(request: pytest.FixtureRequest) -> Iterator[None]:
    kind = fcntl.LOCK_EX if request.node.get_closest_marker("alone") else fcntl.LOCK_SH
    # Whoever waits to be alone holds the gate: nobody new gets in behind, and those inside come out.
    with _locked("gate", kind) as gate, _locked("hall", kind):
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@contextmanager
def _locked(name: str, kind: int) -> Iterator[int]:
    descriptor = os.open(Path(os.environ["TONRIS_TESTS"]) / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)
