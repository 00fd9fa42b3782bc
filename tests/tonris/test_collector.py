"""The collector looks at all there is while nobody is on the line."""

import gc
from collections.abc import Iterator
from uuid import uuid4

import pytest

from telephony import doorstep, live
from tonris import collector


@pytest.fixture
def looks() -> Iterator[list[int]]:
    """The generations that were looked at."""
    seen: list[int] = []

    def note(phase: str, told: dict[str, int]) -> None:
        if phase == "start":
            seen.append(told["generation"])

    gc.collect()
    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


def leave_something(times: int) -> None:
    for _ in range(times):
        gc.collect(1)


def test_a_quiet_moment_is_used(looks):
    leave_something(collector.LEFT_OVER)
    collector.tidy()
    collector.tidy()
    assert looks.count(2) == 1


def test_for_a_little_nobody_looks(looks):
    collector.tidy()
    assert looks.count(2) == 0


@pytest.mark.parametrize("somebody", [lambda: live.call(uuid4(), print), doorstep.standing])
def test_while_somebody_is_on_the_line_or_about_to_be_nobody_looks(looks, somebody):
    with somebody():
        leave_something(collector.LEFT_OVER)
        collector.tidy()
        assert looks.count(2) == 0
    collector.tidy()
    assert looks.count(2) == 1
