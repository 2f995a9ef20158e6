"""Stated probabilities, and rankings of passages."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from app.calculator.arguments import (
    KNOWN_KEY,
    LONGEST_KEY,
    MOST,
    Numbers,
    WithClusters,
    array,
    at,
    known_key,
    listed,
    number,
    same_length,
)
from app.calculator.contract import Entry, Result
from app.statistics.calibration import (
    FEWEST_FOR_ECE,
    brier_score,
    expected_calibration_error,
    log_loss,
)
from app.statistics.figures import Figure
from app.statistics.retrieval import MEASURES, retrieval_intervals, unjudged

_MOST_PASSAGES = 1_000


def _text_key(value: Any) -> str:
    return str(known_key(value))


def _rankings(value: Any) -> list[list[str]]:
    return _few_in_all(listed(listed(_text_key, _MOST_PASSAGES))(value))


def _gains(value: Any) -> list[Mapping[str, float]]:
    return _few_in_all(listed(_gains_of_one)(value))


def _gains_of_one(value: Any) -> Mapping[str, float]:
    if isinstance(value, list):
        return dict.fromkeys(listed(_text_key, _MOST_PASSAGES)(value), 1.0)
    if not isinstance(value, dict):
        raise ValueError("is neither: give a list of relevant passages, or an object of gains by passage")  # noqa: TRY004 - pydantic reads ValueError
    if len(value) > _MOST_PASSAGES or any(len(name) > LONGEST_KEY for name in value):
        raise ValueError(f"has over {_MOST_PASSAGES:,} passages, or an id over {LONGEST_KEY} characters")
    return {name: at(number, gain, name) for name, gain in value.items()}


def _few_in_all(found: list[Any]) -> list[Any]:
    if sum(map(len, found)) > MOST:
        raise ValueError(f"has more than {MOST:,} passages in all: send fewer queries")
    return found


Rankings = Annotated[
    list[list[str]], PlainValidator(_rankings), WithJsonSchema(array(array(KNOWN_KEY, _MOST_PASSAGES)))
]
_GAINS = {
    "anyOf": [
        array(KNOWN_KEY, _MOST_PASSAGES),
        {"type": "object", "additionalProperties": {"type": ["number", "boolean"]}},
    ]
}
Gains = Annotated[list[Mapping[str, float]], PlainValidator(_gains), WithJsonSchema(array(_GAINS))]


class Probabilities(WithClusters):
    """What was stated, and what came."""

    outcomes: Numbers
    """Whether it came true, one a row: true or false."""
    probabilities: Numbers
    """The probability that was stated, one a row."""


class Retrieved(WithClusters):
    """Rankings of passages, one for each query."""

    rankings: Rankings
    """For each query the ids of the passages that were found, the best first."""
    relevant: Gains
    """For each query the ids of its relevant passages, or an object of gains by id, where 0 is judged and not relevant."""
    k: Annotated[int, Field(ge=1, le=_MOST_PASSAGES)] = 10
    """How many passages of a ranking are looked at."""


def _calibration(asked: Probabilities) -> Result:
    same_length(outcomes=asked.outcomes, probabilities=asked.probabilities, clusters=asked.clusters)
    rows = (asked.outcomes, asked.probabilities)
    n = len(asked.outcomes)
    if n == 0:
        return Figure.undefined(0, "none", "there are no rows")
    found = {
        "brier": brier_score(*rows, asked.clusters, asked.confidence),
        "log_loss": log_loss(*rows, asked.clusters, asked.confidence),
    }
    figures = {name: Figure.of(interval) for name, interval in found.items() if interval}
    error = expected_calibration_error(*rows)
    method = "10 bins of equal mass"
    few = f"under {FEWEST_FOR_ECE} rows it says more of the rows than of the calibration"
    figures["ece"] = (
        Figure(error, n, method, warnings=("biased upwards: it has no interval",))
        if error is not None
        else Figure.undefined(n, method, few)
    )
    return figures


def _retrieval(asked: Retrieved) -> Result:
    same_length(rankings=asked.rankings, relevant=asked.relevant, clusters=asked.clusters)
    if any(gain < 0 for gains in asked.relevant for gain in gains.values()):
        raise ValueError("A gain is negative: 0 is the least.")
    found = retrieval_intervals(asked.rankings, asked.relevant, asked.k, asked.clusters, asked.confidence)
    if not found:
        return Figure.undefined(0, "none", "no query has a relevant passage")
    names = {
        "recall": f"recall@{asked.k}",
        "precision": f"precision@{asked.k}",
        "hit": f"hit@{asked.k}",
        "reciprocal_rank": "mrr",
        "ndcg": f"ndcg@{asked.k}",
        "average_precision": "map",
    }
    figures = {names[measure]: Figure.of(found[measure]) for measure in MEASURES}
    unknown, passages = unjudged(asked.rankings, asked.relevant, asked.k)
    method = f"of the first {asked.k}, those that `relevant` does not name"
    figures["unjudged"] = (
        Figure(unknown / passages, passages, method)
        if passages
        else Figure.undefined(0, method, "nothing was found")
    )
    return figures


CALIBRATION = (
    Entry(
        "ece_brier",
        "Whether stated probabilities come true: Brier score, log loss, and from 500 rows the calibration error.",
        "Brier: mean (p - y)²; log loss: mean -ln of the probability of what came, p kept 1e-15 from 0 and 1; intervals as of a "
        "mean. ECE: Σ (n_b/n)|mean y - mean p| over 10 bins of equal mass. Rows (or clusters) are independent.",
        "Brier 1950; Good 1952; Naeini et al. 2015",
        Probabilities,
        _calibration,
        {"outcomes": [1, 0, 1, 1, 0, 1, 0, 1], "probabilities": [0.9, 0.2, 0.7, 0.6, 0.4, 0.95, 0.1, 0.8]},
        aliases=("calibration",),
    ),
)
RETRIEVAL = (
    Entry(
        "ir_metrics",
        "How well passages are found: recall, precision, hit, MRR, nDCG and MAP.",
        "The mean over queries with its interval; queries without a relevant passage are left out and counted. nDCG has linear "
        "gain and log2(rank + 1); mrr and map look at whole rankings. Queries (or clusters) are independent.",
        "Järvelin and Kekäläinen 2002; Manning, Raghavan and Schütze 2008; as trec_eval",
        Retrieved,
        _retrieval,
        {
            "rankings": [["a", "b", "c"], ["d", "a", "e"], ["f", "b", "a"], ["c"]],
            "relevant": [["a", "c"], {"a": 2, "d": 1, "e": 0}, ["b"], []],
            "k": 2,
        },
    ),
)
