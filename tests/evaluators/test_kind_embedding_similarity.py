import json

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import EmbeddingCall, ModelRef, Verdict
from tests.evaluators.cases import execution, row

SETTINGS = {"model": "embed", "provider": "p"}


def judged(vectors, target="Paris", output="the capital", **options):
    answer = vectors if vectors is None or isinstance(vectors, str) else json.dumps(vectors)
    return (
        kind("embedding_similarity")
        .prepare(SETTINGS | options)
        .judge(execution(output), row(target), [answer])
    )


def test_it_asks_for_the_vectors_of_output_and_targets():
    bound = kind("embedding_similarity").prepare(SETTINGS)

    assert bound.asks == (ModelRef("embed", "p"),)
    assert bound.calls(execution("a"), row(["b", 3, " ", None])) == [
        EmbeddingCall(["a", "b", "3"], "embed", "p")
    ]
    assert bound.calls(execution("a"), row(None)) == ()
    assert bound.calls(execution(""), row("b")) == ()


def test_it_is_the_cosine():
    generator = np.random.default_rng(5)
    for _ in range(20):
        one, other = generator.normal(1, 1, (2, 64)).tolist()
        expected = max(0, cosine_similarity([one], [other])[0, 0])
        assert judged([one, other]).value == pytest.approx(expected)


def test_ends():
    assert judged([[1, 0], [2, 0]]).value == 1.0
    assert judged([[1, 0], [0, 1]]).value == 0.0
    assert judged([[1, 0], [-1, 0]]).value == 0.0
    assert judged([[1, 0], [0, 1], [1, 1]], ["a", "b"]).value == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    "answer", [None, "", "no JSON", "{}", "[]", "[[1, 0]]", "[[1], [1, 2]]", "[[], []]", '[["a"], ["b"]]',
               "[[true], [true]]", "[[1], null]", "[[1], [1], [1]]", "[" * 2_000,
               "[[1e308, 1e308], [1, 1]]", "[[1e-320, 0], [1, 1]]"]
)  # fmt: skip
def test_an_answer_that_is_no_vectors_is_an_error(answer):
    assert judged(answer) == Verdict(None, error="The model gave no vectors that can be compared")


def test_a_text_in_which_the_model_finds_nothing_has_no_score():
    """Such as “no”, for the practice model: it is not unlike, there is nothing to tell it by."""
    nothing = Verdict(None, rationale="the embedding model finds nothing in one of the texts")
    assert judged([[0, 0], [1, 0]]) == nothing
    assert judged([[1, 0], [0, 0]]) == nothing
    assert judged([[0, 0], [0, 0]]) == nothing
    assert judged([[1, 0], [0, 0], [0, 1]], ["a", "b"]).value == 0.0


def test_what_is_empty_is_not_asked_about():
    empty = "the output or the target is empty"
    assert judged(None, "Paris", "") == Verdict(0.0, rationale=empty)
    assert judged(None, "", "Paris") == Verdict(0.0, rationale=empty)
    assert judged(None, " ", "") == Verdict(1.0, rationale=empty)


def test_too_many_targets_are_an_error():
    assert judged(None, ["x"] * 51).error == "too many targets to compare: 51, at most 50 are"
    assert judged(None, {"a": "1", "b": "2"}).error.startswith("The target has several fields")
