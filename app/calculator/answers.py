"""Scores of answers: SQuAD's, and those of RAGAS from verdicts that were given already."""

from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from app.calculator.arguments import MOST, WithClusters, array, listed, number, same_length
from app.calculator.contract import Entry, Result
from app.calculator.means import NO_SCORE
from app.evaluators.kinds.squad import exact_match, token_f1
from app.statistics import deadline
from app.statistics.figures import Figure
from app.statistics.intervals import mean_interval
from app.statistics.rag import answer_relevancy, context_precision, supported_share

_MOST_ROWS = 5_000
_MOST_PARTS = 100
_LONGEST = 2_000


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(f"is no text of at most {_LONGEST:,} characters")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _verdicts(value: object) -> list[list[float]]:
    rows = listed(listed(number, _MOST_PARTS))(value)
    if sum(map(len, rows)) > MOST:
        raise ValueError(f"has more than {MOST:,} values in all: send fewer rows")
    return rows


_TEXT = {"type": "string", "maxLength": _LONGEST}
Verdicts = Annotated[
    list[list[float]],
    PlainValidator(_verdicts),
    WithJsonSchema(array(array({"type": ["number", "boolean"]}, _MOST_PARTS))),
]
Predictions = Annotated[
    list[str | None],
    PlainValidator(listed(_text_or_none, _MOST_ROWS)),
    WithJsonSchema(array({"type": ["string", "null"], "maxLength": _LONGEST}, _MOST_ROWS)),
]
Accepted = Annotated[
    list[list[str]],
    PlainValidator(listed(listed(_text, 20, 1), _MOST_ROWS)),
    WithJsonSchema(array({"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 20}, _MOST_ROWS)),
]


class Answered(WithClusters):
    """Short answers, and those that are accepted."""

    predictions: Predictions
    """One answer a row; null for none, which is wrong."""
    answers: Accepted
    """For each row the answers that are accepted; the nearest counts."""


class Aggregated(WithClusters):
    """What a judge said of the parts of each row."""

    metric: Literal["faithfulness", "context_precision", "context_recall", "answer_relevancy"]
    """What is made of them."""
    verdicts: Verdicts
    """For each row: faithfulness, whether each statement of the answer is supported; context_precision, whether each passage, in its order, was of use; context_recall, whether each statement of the reference is in the context; answer_relevancy, the similarity of each question made from the answer."""
    noncommittal: Verdicts | None = None
    """For answer_relevancy: whether each of these questions was made from an answer that says nothing."""


def _squad(asked: Answered) -> Result:
    same_length(predictions=asked.predictions, answers=asked.answers, clusters=asked.clusters)
    if not asked.predictions:
        return Figure.undefined(0, "none", NO_SCORE)
    scores: dict[str, list[float]] = {"exact_match": [], "f1": []}
    for said, wanted in zip(asked.predictions, asked.answers, strict=True):
        deadline.check()
        scores["exact_match"].append(float(any(exact_match(said or "", one) for one in wanted)))
        scores["f1"].append(max(token_f1(said or "", one) for one in wanted))
    found = {name: mean_interval(column, asked.clusters, asked.confidence) for name, column in scores.items()}
    return {name: Figure.of(interval) for name, interval in found.items() if interval}


def _ragas(asked: Aggregated) -> Result:
    same_length(verdicts=asked.verdicts, noncommittal=asked.noncommittal, clusters=asked.clusters)
    if asked.metric == "answer_relevancy":
        said = asked.noncommittal or [[] for _ in asked.verdicts]
        scores = [answer_relevancy(*pair) for pair in zip(asked.verdicts, said, strict=True)]
    else:
        if any(one not in (0, 1) for row in asked.verdicts for one in row):
            raise ValueError(f"`verdicts` of {asked.metric} are true or false.")
        score = context_precision if asked.metric == "context_precision" else supported_share
        scores = [score(row) for row in asked.verdicts]
    found = mean_interval(scores, asked.clusters, asked.confidence)
    if found is None:
        return Figure.undefined(0, "none", "no row has a score: nothing was said, or nothing was of use")
    return Figure.of(found)


ENTRIES = (
    Entry(
        "squad_em_f1",
        "Exact match and word F1 of short answers, with intervals.",
        "Both are lowered, and lose punctuation and articles; F1 is that of the words, of the nearest accepted answer; then the "
        "mean with its interval. Rows (or clusters) are independent.",
        "Rajpurkar et al. 2016",
        Answered,
        _squad,
        {
            "predictions": ["the Pictish tribe", "Labor", "genetic disease", "1066", None],
            "answers": [["Pictish"], ["Liberal Party"], ["a genetic disease"], ["in 1066", "1066"], ["Nile"]],
        },
    ),
    Entry(
        "ragas_aggregation",
        "Scores of RAGAS from verdicts on statements and passages, with an interval.",
        "faithfulness and context_recall: share of statements that hold; context_precision: Σ P@k v_k/Σ v_k; answer_relevancy: "
        "mean similarity, 0 only where all is noncommittal. A row without statements, or without a passage of use, is left "
        "out and counted.",
        "Es et al. 2023 (arXiv:2309.15217)",
        Aggregated,
        _ragas,
        {"metric": "faithfulness", "verdicts": [[1, 1, 0], [1, 1], [], [1, 0, 0, 1], [1]]},
    ),
)
