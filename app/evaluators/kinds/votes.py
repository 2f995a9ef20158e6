"""Several verdicts on one output, by one model or by a panel, made into one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from app.evaluators.kinds.contract import CorpusMetric, ModelRef, Verdict, Wanted, storable
from app.statistics.bootstrap import mean_statistic

_REASON_CHARS = 600
"""Of each vote's reasons: they are kept with every row."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one call of a judge said; a verdict with an error is a vote that is left out."""

    model: ModelRef
    verdict: Verdict


def combined(votes: Sequence[Vote], wanted: Wanted) -> Verdict:
    """One verdict of several.

    Yes or no, and a choice: what most say. As many votes for yes as for no are the worse of the two; where choices are tied
    there is no verdict. A number: the mean, for the mean of a judge's marks is nearer to what people say than the mark
    that it gives most often (Liu et al. 2023, “G-Eval”). Votes that failed are left out, and said; where fewer than half can be read, the
    verdict is an error.
    """
    read = [vote for vote in votes if vote.verdict.error is None]
    detail = _detail(votes)
    if 2 * len(read) < len(votes) or not read:
        problem = next(vote.verdict.error for vote in votes if vote.verdict.error)
        said = f"Only {len(read)} of {len(votes)} votes can be read: {problem}"
        return Verdict(None, error=storable(said), detail=detail)
    left_out = (
        f" {len(votes) - len(read)} left out: no reply in the form asked for."
        if len(read) < len(votes)
        else ""
    )
    values = [vote.verdict.value for vote in read]
    if all(isinstance(value, float) for value in values):
        numbers = [float(value) for value in values if isinstance(value, float)]
        span = (
            f"All {len(read)} votes say {min(numbers):g}."
            if len(set(numbers)) == 1
            else f"{len(read)} votes from {min(numbers):g} to {max(numbers):g}."
        )
        return Verdict(fmean(numbers), rationale=f"{span}{left_out}", detail=detail)
    (first, most), *others = Counter(values).most_common()
    tied = bool(others) and others[0][1] == most
    if tied and not isinstance(first, bool):
        return Verdict(None, rationale=f"The votes are tied.{left_out}", detail=detail)
    value = wanted == "lower" if tied else first
    reason = next(vote.verdict.rationale for vote in read if vote.verdict.value == value)
    said = f"{most} of {len(read)} votes{', a tie' if tied else ''}.{left_out} {reason or ''}"
    return Verdict(value, rationale=storable(said.strip(), 4_000), detail=detail)


def _detail(votes: Sequence[Vote]) -> Mapping[str, Any]:
    """The single votes, as JSON."""
    noted = []
    for vote in votes:
        verdict = vote.verdict
        said = {"error": verdict.error} if verdict.error else {"verdict": verdict.value}
        reason = storable(verdict.rationale or "", _REASON_CHARS)
        noted.append({"model": vote.model.model, **said, "rationale": reason or None})
    return {"votes": noted}


def agreement(verdicts: Sequence[Verdict]) -> Mapping[str, CorpusMetric] | None:
    """How often two votes on a row say the same, over all rows: Fleiss' observed agreement (1971).

    None where no row has two votes that can be read, and for numbers, which are seldom equal.
    """
    shares = [share for verdict in verdicts if (share := _pairs_alike(verdict.detail or {})) is not None]
    if not shares:
        return None
    return {
        "agreement": CorpusMetric("Agreement of votes", fmean(shares), "higher", None, mean_statistic(shares))
    }


def _pairs_alike(detail: Mapping[str, Any]) -> float | None:
    said = [vote["verdict"] for vote in detail.get("votes") or [] if vote.get("verdict") is not None]
    n = len(said)
    if n < 2 or any(isinstance(value, float) for value in said):
        return None
    return sum(count * (count - 1) for count in Counter(said).values()) / (n * (n - 1))
