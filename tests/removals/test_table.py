"""What `python -m tests.removals` would take out is still there."""

import shlex
from pathlib import Path

import pytest

from tests.removals.table import REMOVALS, Removal

CLONE = Path(__file__).parents[2]


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda each: f"{each.row} {each.protects}")
def test_each_stands_where_the_table_says(removal: Removal) -> None:
    assert (CLONE / removal.file).read_text().count(removal.text) == 1
    paths = [word.partition("::")[0] for word in shlex.split(removal.test) if word.startswith("tests/")]
    assert paths
    assert all((CLONE / path).exists() for path in paths)
