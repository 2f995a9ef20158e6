"""The time is the database's, whatever this machine thinks."""

import time
from collections.abc import Iterator

import pytest

from app.core import clock

A_DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    yield
    clock.learn(time.time())


@pytest.mark.parametrize("off_s", [-A_DAY_S, A_DAY_S])
def test_a_machine_whose_clock_is_wrong_takes_the_databases_time(off_s: float) -> None:
    clock.learn(time.time() + off_s)
    assert clock.seconds() == pytest.approx(time.time() + off_s, abs=1)
    before = clock.seconds()
    clock.learn(before + 1)
    assert clock.seconds() == pytest.approx(before, abs=0.5), (
        "an answer may take a while, and is no other time"
    )
