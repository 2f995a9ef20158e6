"""A long output is read once, however many texts would do: a row that lists thousands holds no worker up."""

import time

import pytest

from tests.evaluators.cases import verdict

WORDS = "The cat sat on a mat. " * 15_000


@pytest.mark.parametrize(
    ("name", "options", "wanted"),
    [
        ("exact_match_squad", {}, False),
        ("token_f1", {}, 0.0),
        ("contains", {"ignore_case": True}, False),
        ("affix", {"ignore_case": True}, False),
    ],
)
def test_a_long_output_is_read_once(name: str, options: dict[str, object], wanted: object) -> None:
    targets = [f"dog {n}" for n in range(3_000)]
    began = time.process_time()
    assert verdict(name, WORDS, {"output": targets}, **options).value == wanted
    assert time.process_time() - began < 5
    assert verdict(name, "The Dog 7.", {"output": [*targets, "the dog 7."]}, **options).value in (True, 1.0)
