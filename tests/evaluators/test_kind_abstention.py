import pytest
from sklearn.metrics import precision_recall_fscore_support

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, row, value, verdict
from tests.evaluators.data import rows_of

NOBODY = "The passage does not say who did."


@pytest.mark.parametrize(
    ("output", "target", "options", "agrees"),
    [
        ("Paris", "Paris", {}, True),
        ("Paris", None, {}, False),
        (NOBODY, None, {}, True),
        (NOBODY, {}, {}, True),
        (NOBODY, {"answer": []}, {}, True),
        (NOBODY, {"answer": ""}, {}, True),
        (NOBODY, {"answer": None}, {}, True),
        (NOBODY, "Paris", {}, False),
        ("I don’t know.", None, {}, True),
        ("I DON'T KNOW", None, {}, True),
        ("", None, {}, True),
        ("", "Paris", {}, False),
        ("Paris", ["Paris", "the capital"], {}, True),
        ("n/a", "unanswerable", {"markers": ["unanswerable"], "phrases": ["n/a"]}, True),
        ("n/a", "Paris", {"markers": ["Unanswerable"], "phrases": ["n/a"]}, False),
        ("Paris", "UNANSWERABLE", {"markers": ["unanswerable"]}, False),
        ("No idea", None, {"pattern": "^no (idea|clue)$"}, True),
        ('{"answer": null}', None, {"path": "answer"}, True),
        ('{"other": 1}', None, {"path": "answer"}, True),
        ('{"answer": "I do not know"}', None, {"path": "answer"}, True),
        ('{"answer": "Paris"}', None, {"path": "answer"}, False),
        ('{"answer": false}', "false", {"path": "answer"}, True),
        ("I do not know", None, {"path": "answer"}, True),
    ],
)
def test_abstention(output, target, options, agrees):
    assert value("abstention", output, target, **options) is agrees


def test_why():
    assert verdict("abstention", NOBODY, None).rationale == "abstains (“does not say”), no answer is wanted"
    assert verdict("abstention", "Paris", None).rationale == "answers, no answer is wanted"
    assert verdict("abstention", "", "Paris").rationale == "abstains (empty), an answer is wanted"


def test_with_markers_a_row_without_target_has_no_value():
    assert verdict("abstention", "x", None, markers=["none"]).rationale == "no target"
    assert verdict("abstention", "x", {"a": "1", "b": "2"}).error.startswith("The target has several fields")


def test_a_pattern_that_cannot_be_read_is_refused():
    with pytest.raises(Invalid, match="missing"):
        kind("abstention").prepare({"pattern": "(a"})


def test_over_all_rows_it_is_scikit_learns_precision_recall_and_f1():
    rows = rows_of("squad2/questions.jsonl")
    bound = kind("abstention").prepare({})
    did = [number % 3 == 0 or (one["is_impossible"] and number % 2 == 0) for number, one in enumerate(rows)]
    verdicts = [
        bound.judge(execution(NOBODY if one else "42"), row({"answer": of["answers"]}))
        for one, of in zip(did, rows, strict=True)
    ]
    should = [one["is_impossible"] for one in rows]
    scores = precision_recall_fscore_support(should, did, average="binary")
    metrics = bound.summarise(verdicts)

    assert [one.value for one in verdicts] == [a == b for a, b in zip(did, should, strict=True)]
    assert [metrics[name].value for name in ("precision", "recall", "f1")] == pytest.approx(scores[:3])
    assert metrics["recall"].title == "Recall of abstaining"


def test_what_is_undefined_is_left_out():
    bound = kind("abstention").prepare({})
    assert bound.summarise([bound.judge(execution("Paris"), row("Paris"))]) is None
    assert set(bound.summarise([bound.judge(execution("Paris"), row(None))])) == {"f1", "recall"}
