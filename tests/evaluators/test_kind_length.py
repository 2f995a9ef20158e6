import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import value, verdict


@pytest.mark.parametrize(
    ("output", "unit", "length"),
    [
        ("one two  three\n", "words", 3),
        ("one two ", "characters", 7),
        ("a\n\n b\r\nc\n", "lines", 3),
        ("", "words", 0),
        ("", "lines", 0),
        ("答案是巴黎", "characters", 5),
        ("答案是巴黎", "words", 1),
    ],
)
def test_without_limits_the_length_is_the_score(output, unit, length):
    found = value("length", output, unit=unit)
    assert (found, type(found)) == (float(length), float)


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"longest": 3}, True),
        ({"longest": 2}, False),
        ({"shortest": 3}, True),
        ({"shortest": 4}, False),
        ({"shortest": 1, "longest": 5}, True),
        ({"longest": 0}, False),
    ],
)
def test_within_limits(options, passes):
    found = verdict("length", "one two three", **options)
    assert (found.value, found.rationale) == (passes, "3 words")


def test_traits_follow_the_limits():
    assert kind("length").prepare({}).traits.return_type == "number"
    assert kind("length").prepare({"wanted": "higher"}).traits.wanted == "higher"
    assert kind("length").prepare({"longest": 0}).traits.return_type == "boolean"
    assert verdict("length", "one", longest=9).rationale == "1 word"


def test_impossible_limits_are_refused():
    with pytest.raises(Invalid, match="must not be over"):
        kind("length").prepare({"shortest": 3, "longest": 2})
