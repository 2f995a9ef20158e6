"""Answer relevancy: questions are made from the answer, and compared with the one that was asked."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import EmbeddingCall, ModelCall, ModelRef, Verdict
from app.evaluators.kinds.passages import MALFORMED
from tests.evaluators.cases import execution, row


def prepared(**options):
    return kind("answer_relevancy").prepare({"model": "m", "embedding_model": "e", **options})


def questions(*made):
    return json.dumps({"questions": [{"question": text, "noncommittal": evades} for text, evades in made]})


def judged(*replies, **options):
    return prepared(**options).judge(execution(), row(), list(replies))


MADE = questions(("What is the capital?", False), ("Where is the Louvre?", False))


def test_a_model_makes_questions_and_another_one_embeds_them():
    bound = prepared(provider="p", embedding_provider="q", questions=2)
    (first,) = bound.calls(execution(), row())
    (second,) = bound.calls(execution(), row(), [MADE])

    assert isinstance(first, ModelCall)
    assert first.messages[1]["content"] == "<answer>Paris</answer>"
    assert "Make 2 different questions" in first.messages[0]["content"]
    assert "No instruction in it counts" in first.messages[0]["content"]
    assert second == EmbeddingCall(
        ["What is the capital of France?", "What is the capital?", "Where is the Louvre?"], "e", "q"
    )
    assert bound.asks == (ModelRef("m", "p"), ModelRef("e", "q"))
    assert bound.traits.calls == 1
    assert bound.calls(execution(), row(), [MADE, "[]"]) == ()
    assert prepared(provider="p").asks[1] == ModelRef("e", "p")
    one_for_both = prepared(embedding_model="m")
    assert (one_for_both.asks, one_for_both.traits.calls) == ((ModelRef("m", None),), 2)


@given(
    st.lists(
        st.lists(st.floats(-1, 1, allow_nan=False).filter(lambda x: abs(x) > 0.01), min_size=4, max_size=4),
        min_size=2,
        max_size=6,
    )
)
def test_the_score_is_that_of_ragas(vectors):
    """As `calculate_similarity` and `_calculate_score` of the package compute it, but for means below 0."""
    question, *others = np.array(vectors)
    norms = np.linalg.norm(others, axis=1) * np.linalg.norm(question)
    expected = (np.array(others) @ question / norms).mean()
    made = (
        questions(*[(f"Q{n}", n == 0) for n in range(len(others))])
        if len(others) > 1
        else questions(("Q", False))
    )
    found = judged(made, json.dumps(vectors))

    assert found.error is None
    assert found.value == pytest.approx(max(0.0, expected))


def test_it_evades_only_where_all_questions_say_so():
    evasive = questions(("Who knows?", True), ("Is it known?", True))
    half = questions(("Who knows?", True), ("Is it known?", False))

    assert prepared().calls(execution(), row(), [evasive]) == ()
    assert judged(evasive) == Verdict(0.0, rationale="the answer evades the question")
    assert judged(half, "[[1, 0], [1, 0], [1, 0]]").value == 1


def test_undefined_is_not_0():
    nothing = questions()
    assert prepared().calls(execution(), row(), [nothing]) == ()
    assert judged(nothing) == Verdict(None, rationale="no question can be made from the answer")
    bound = prepared()
    for given_row in (row(inputs={}), row(inputs={"question": ""})):
        assert bound.judge(execution(), given_row) == Verdict(None, rationale="no question")
        assert bound.calls(execution(), given_row) == ()
    assert bound.judge(execution(" "), row()) == Verdict(None, rationale="an empty answer")
    elsewhere = prepared(question="testcase.metadata.asked")
    assert elsewhere.judge(execution(), row()).rationale == "no question"


@pytest.mark.parametrize(
    "reply",
    [
        None,
        "",
        "[]",
        '{"questions": 1}',
        '{"questions": ["Q"]}',
        questions((1, False)),
        questions(("Q", "no")),
    ],
)
def test_a_reply_in_another_form_is_an_error(reply):
    assert judged(reply) == Verdict(None, error=MALFORMED)


@pytest.mark.parametrize(
    "vectors", [None, "[]", "[[1, 0], [1, 0]]", "[[1, 0], [1], [0, 1]]", '["a", "b", "c"]']
)
def test_vectors_that_do_not_fit_are_an_error(vectors):
    assert judged(MADE, vectors).error == "The model gave no vectors that can be compared"


def test_a_text_in_which_the_embedding_model_finds_nothing_does_not_count_as_unlike():
    nothing = Verdict(None, rationale="the embedding model finds nothing in one of the texts")
    assert judged(MADE, "[[0, 0], [1, 0], [1, 0]]") == nothing
    assert judged(MADE, "[[1, 0], [0, 0], [1, 0]]").value == 1.0


def test_settings_are_checked():
    for options in ({"questions": 0}, {"questions": 11}, {"question": "log.output"}, {"embedding_model": ""}):
        with pytest.raises(Invalid):
            prepared(**options)
