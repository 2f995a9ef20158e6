from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluators.kinds import kind
from tests.evaluators.cases import value, verdict

short = st.text(alphabet="abé ", max_size=8)


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's distance by its recursive definition."""

    @cache
    def edits(n: int, m: int) -> int:
        if not n or not m:
            return n + m
        replaced = edits(n - 1, m - 1) + (one[n - 1] != other[m - 1])
        return min(edits(n - 1, m) + 1, edits(n, m - 1) + 1, replaced)

    return edits(len(one), len(other))


@given(short, short)
def test_the_number_of_edits_is_that_of_the_definition(output, target):
    options = {"answer": "edits", "trim": False}
    assert value("edit_distance", output, {"output": target}, **options) == edit_distance(output, target)
    words = value("edit_distance", output, {"output": target}, unit="words", **options)
    assert words == edit_distance(output.split(), target.split())


@given(short, short)
def test_similarity_is_one_less_the_edits_by_the_longer_length(output, target):
    found = value("edit_distance", output, {"output": target}, trim=False)
    longest = max(len(output), len(target))
    assert found == pytest.approx(1 - edit_distance(output, target) / longest if longest else 1.0)


def test_edit_distance():
    assert value("edit_distance", "kitten", "sitting", answer="edits") == 3.0
    assert value("edit_distance", " Paris\n", "paris", ignore_case=True) == 1.0
    assert value("edit_distance", "Paris", ["London", "Pariss"], answer="edits") == 1.0
    assert value("edit_distance", "42", 43, answer="edits") == 1.0
    assert value("edit_distance", "the cat sat", "the dog sat", unit="words", answer="edits") == 1.0


def test_fewer_edits_are_better():
    traits = kind("edit_distance").prepare({"answer": "edits"}).traits
    assert (traits.wanted, traits.unit) == ("lower", "points")
    assert kind("edit_distance").prepare({}).traits.unit is None


def test_what_is_too_long_is_an_error_and_says_the_limit():
    found = verdict("edit_distance", "x" * 100_001, "x")
    assert found.error == "too long to compare: 100,001 characters, at most 100,000 are"
    assert verdict("edit_distance", "x", "x" * 100_001).error
