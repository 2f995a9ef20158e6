import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluators.kinds import squad
from tests.evaluators.cases import value

words = st.lists(st.sampled_from(["the", "Red", "castle", "of", "Rome,", "a", "1066."]), max_size=6).map(
    " ".join
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Normans!", "normans"),
        ("an apple, a day", "apple day"),
        ("Rollo's contingents", "rollos contingents"),
        ("theory of the man", "theory of man"),
        ("the", ""),
        ("U.S.-based", "usbased"),
    ],
)
def test_normalisation_is_that_of_the_benchmark(text, normal):
    assert squad.normalised(text) == normal


@pytest.mark.parametrize(
    ("output", "target", "f1", "match"),
    [
        ("Rollo", "Rollo", 1, True),
        ("the rollo.", "Rollo", 1, True),
        ("Rollo's contingents", "Rollo", 0, False),
        ("William Iron Arm", "Iron Arm", 0.8, False),
        ("Iron Iron Arm", "Iron Arm Iron", 1, False),
        ("Seine", ["Rhine", "the river Seine"], 2 / 3, False),
        ("Seine", ["Rhine", "Seine"], 1, True),
        ("", "Seine", 0, False),
        ("the", "a", 1, True),
        ("1943", 1943, 1, True),
    ],
)
def test_both_scores(output, target, f1, match):
    assert value("token_f1", output, target) == pytest.approx(f1)
    assert value("exact_match_squad", output, target) is match


@given(words, words)
def test_f1_is_symmetric_within_bounds_and_1_on_a_match(one, other):
    score = squad.token_f1(one, other)

    assert 0 <= score <= 1
    assert score == squad.token_f1(other, one)
    if squad.exact_match(one, other):
        assert score == 1
