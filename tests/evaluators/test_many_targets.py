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


@pytest.mark.parametrize(
    "output", ["It is about card_arrival_77, I think.", WORDS[:100_000]], ids=["short", "long"]
)
def test_a_thousand_labels_are_looked_for_at_once(output: str) -> None:
    """Also by who looks for the first time, on the event loop."""
    labels = [f"label {n} of {output[:3]}" for n in range(1_000)]
    began = time.process_time()
    said = verdict("class_match", output, {"label": labels[0]}, labels=labels, find="inside")
    assert (said.value, said.rationale) == (False, "no label in the output")
    assert time.process_time() - began < 1
    found = verdict(
        "class_match", f"{output} {labels[7]}!", {"label": labels[7]}, labels=labels, find="inside"
    )
    assert found.value is True


def test_whole_words_of_many_targets_are_looked_for_at_once() -> None:
    began = time.process_time()
    targets = [f"dog {n}" for n in range(1_000)]
    assert verdict("contains", f"{WORDS} dog 77x", {"output": targets}, whole_words=True).value is False
    assert time.process_time() - began < 5
    assert verdict("contains", f"{WORDS} dog 77.", {"output": targets}, whole_words=True).value is True


@pytest.mark.parametrize(
    ("name", "output", "target", "said"),
    [
        ("ter", "a b c " * 30, "b a c " * 30, "9,090 words in all targets, at most 1,000 are"),
        ("edit_distance", WORDS[:90_000], WORDS[1:90_000], "9,089,900 characters in all targets, at most 1,000,000 are"),
        ("chrf", WORDS[:90_000], WORDS[1:90_000], "9,089,900 characters in all targets, at most 1,000,000 are"),
    ],
)  # fmt: skip
def test_what_takes_long_for_each_target_has_a_limit_for_all(
    name: str, output: str, target: str, said: str
) -> None:
    began = time.process_time()
    assert verdict(name, output, {"output": [target] * 100}).error == f"too long to compare: {said}"
    assert time.process_time() - began < 2
