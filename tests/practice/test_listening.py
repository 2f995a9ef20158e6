"""Where the practice model listens: for this machine alone, unless it is production or wanted so."""

import os
import subprocess
import sys

import pytest

from app.embedded.layout import CLONE


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "app.practice", *words]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_other_machines_are_not_let_in_by_chance(host: str) -> None:
    environment = {**os.environ, "WHETSTONE_ENV": "development", "WHETSTONE_SECRET_KEY": "s"}
    ended = subprocess.run(
        _command("--host", host, "--port", "0"),
        cwd=CLONE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "Other machines reach" in ended.stderr
    assert "--open-to-network" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [({"WHETSTONE_ENV": "production"}, []), ({"WHETSTONE_ENV": "development"}, ["--open-to-network"])],
)
def test_they_are_let_in_in_production_and_on_purpose(words: dict[str, str], said: list[str]) -> None:
    """A setting that is wrong is said only by whoever was to listen."""
    ended = subprocess.run(
        _command("--host", "0.0.0.0", "--faults", "no such fault", *said),
        cwd=CLONE,
        env={**os.environ, **words, "WHETSTONE_SECRET_KEY": "s"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "Other machines" not in ended.stderr
    assert "fault" in ended.stderr
