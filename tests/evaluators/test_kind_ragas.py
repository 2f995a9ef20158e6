"""Metrics of ragas. The package is no dependency: what needs it is run where it is installed, and skipped elsewhere."""

import importlib.util
import json

import pytest

from app.core.errors import Invalid
from app.evaluators.binding import make_spec
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Verdict
from app.evaluators.kinds.ragas_metric import _CLASSES
from tests.docs import evaluator_examples
from tests.docs.evaluator_examples import examples
from tests.evaluators.cases import execution, row

HERE = importlib.util.find_spec("ragas") is not None
without = pytest.mark.skipif(HERE, reason="ragas is installed")
with_ragas = pytest.mark.skipif(not HERE, reason="ragas is not installed")
PASSAGES = ["Paris is the capital of France.", "The Seine is a river."]
MISSING = (
    "The package ragas is not installed here. Install `ragas>=0.4,<0.5` and `langchain-community<0.4` for the web and"
    " worker processes, put back what that replaces (`pip install --no-deps -r requirements.lock`), and start them anew."
)


def judged(
    metric: str, answers: list[str], output: str = "Paris, on the Seine."
) -> tuple[list[str], Verdict]:
    """What the metric asks until it asks no more, given these answers in turn; and its verdict."""
    bound = kind("ragas").prepare({"model": "m", "metric": metric, "temperature": 0})
    given: list[str | None] = []
    asked = []
    subject, case = execution(output), row("Paris", context=PASSAGES)
    while calls := bound.calls(subject, case, given):
        (call,) = calls
        assert call.response_format
        assert call.parameters == {"temperature": 0}
        asked.append(call.messages[0]["content"])
        given.append(answers[len(given)])
    return asked, bound.judge(subject, case, given)


@without
def test_where_it_is_not_installed_that_is_said() -> None:
    with pytest.raises(Invalid) as caught:
        make_spec("ragas", {"model": "m"})
    assert caught.value.fields == {"metric": MISSING}
    assert judged("faithfulness", []) == ([], Verdict(None, error=MISSING))
    assert judged("context_recall", []) == ([], Verdict(None, error=MISSING))


def test_what_is_missing_is_said_first() -> None:
    bound = kind("ragas").prepare({"model": "m", "metric": "context_recall"})
    assert bound.traits.needs_target
    assert bound.judge(execution("Paris"), row(None)).rationale == "no target"
    assert bound.judge(execution("Paris"), row("Paris")).rationale == "no passages"
    assert not kind("ragas").prepare({"model": "m"}).traits.needs_target


@with_ragas
def test_faithfulness_is_the_share_of_statements_that_the_passages_say() -> None:
    statements = {"statements": ["It is Paris.", "It is on the Seine."]}
    verdicts = {
        "statements": [
            {"statement": "It is Paris.", "reason": "It says so.", "verdict": 1},
            {"statement": "It is on the Seine.", "reason": "It does not.", "verdict": 0},
        ]
    }
    asked, verdict = judged("faithfulness", [json.dumps(statements), json.dumps(verdicts)])

    assert verdict == Verdict(0.5)
    assert len(asked) == 2
    assert "Paris, on the Seine." in asked[0]
    assert PASSAGES[0] in asked[1]


@with_ragas
def test_the_example_in_the_documents_is_what_it_says() -> None:
    example = examples()["ragas"]
    bound = kind("ragas").prepare(example.settings)
    for case in example.cases:
        assert evaluator_examples.judged(bound, case, example.reply) == example.recorded


@with_ragas
def test_no_statement_is_no_score() -> None:
    assert judged("faithfulness", ['{"statements": []}'])[1].rationale == "there is nothing to divide by"


@with_ragas
def test_context_precision_asks_about_each_passage() -> None:
    yes, no = (json.dumps({"reason": "r", "verdict": one}) for one in (1, 0))
    asked, verdict = judged("context_precision", [no, yes])

    assert [PASSAGES[n] in text for n, text in enumerate(asked)] == [True, True]
    assert verdict.value == pytest.approx(0.5)


@with_ragas
def test_a_reply_in_another_form_is_an_error() -> None:
    asked, verdict = judged("faithfulness", ["I cannot."])
    assert len(asked) == 1
    assert verdict == Verdict(None, error="The judge's reply is not in the form that was asked for")


@with_ragas
@pytest.mark.parametrize("metric", _CLASSES)
def test_every_metric_is_there_and_asks_first(metric: str) -> None:
    bound = kind("ragas").prepare({"model": "m", "metric": metric})
    bound.load()
    (call,) = bound.calls(execution("Paris, on the Seine."), row("Paris", context=PASSAGES))
    assert "Paris" in call.messages[0]["content"]
    make_spec("ragas", {"model": "m", "metric": metric})
