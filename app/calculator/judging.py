"""Judges as instruments, and who wins head to head."""

from typing import Annotated, Literal

from pydantic import Field

from app.calculator.arguments import (
    MOST_ITEMS,
    Count,
    KnownKeys,
    Numbers,
    Seed,
    WithClusters,
    WithConfidence,
    same_length,
)
from app.calculator.contract import Entry, Result
from app.statistics.bootstrap import SEED
from app.statistics.figures import Figure
from app.statistics.judges import (
    Confusion,
    length_bias,
    position_bias,
    prediction_powered_mean,
    rogan_gladen,
)
from app.statistics.ranking import RESAMPLES, bradley_terry

_FEW = "it needs two labelled items, and one that is not labelled"
Place = Literal["first", "second", "tie"]
Picks = Annotated[list[Place], Field(max_length=100_000)]


class Judged(WithConfidence):
    """A judge's passes on many outputs, and how it did on those that people labelled."""

    passed: Count
    """Outputs that the judge passed."""
    n: Count
    """All outputs that it judged."""
    passed_good: Count
    """Labelled outputs that are good, and that the judge passed."""
    good: Count
    """Labelled outputs that are good."""
    failed_bad: Count
    """Labelled outputs that are bad, and that the judge failed."""
    bad: Count
    """Labelled outputs that are bad."""


class Labelled(WithConfidence):
    """Human labels on some outputs, a judge's on all."""

    human: Numbers
    """The people's scores of the labelled outputs, a random part of all."""
    judge_labelled: Numbers
    """The judge's scores of the same outputs, in the same order."""
    judge_unlabelled: Numbers
    """The judge's scores of all other outputs."""
    weight: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much the judge counts, 0 to 1; the best, if it is left out. 1 is plain prediction-powered inference."""


class LabelledPairs(WithConfidence):
    """The same for two versions on the same rows."""

    human_baseline: Numbers
    """The people's scores of the baseline on the labelled rows, a random part of all."""
    human_candidate: Numbers
    """The people's scores of the candidate on the same rows."""
    judge_labelled_baseline: Numbers
    """The judge's scores of the baseline on the same rows."""
    judge_labelled_candidate: Numbers
    """The judge's scores of the candidate on the same rows."""
    judge_unlabelled_baseline: Numbers
    """The judge's scores of the baseline on all other rows."""
    judge_unlabelled_candidate: Numbers
    """The judge's scores of the candidate on all other rows, in the same order."""


class Orders(WithConfidence):
    """A pairwise judge, asked in both orders."""

    a_first: Picks
    """For each pair, which place the judge picked when A stood first."""
    b_first: Picks
    """Which place it picked when B stood first, in the order of `a_first`."""


class Lengths(WithConfidence):
    """Picks of a pairwise judge, and how long the answers were."""

    picked_first: Numbers
    """Whether the judge picked the first answer: true or false."""
    length_difference: Numbers
    """Length of the first answer less that of the second, in characters."""
    human_first: Numbers | None = None
    """Whether people preferred the first answer: what they like is then no bias."""


class Battles(WithClusters):
    """Comparisons of two systems each."""

    first: KnownKeys
    """The one system of each comparison."""
    second: KnownKeys
    """The other system."""
    outcomes: Numbers
    """1 where the first won, 0 where the second did, 0.5 for a tie."""
    resamples: Annotated[int, Field(ge=100, le=2_000)] = RESAMPLES
    """Of comparisons, or of whole clusters (a prompt)."""
    seed: Seed = SEED
    """What they are drawn by."""


def _rogan_gladen(asked: Judged) -> Result:
    if asked.n == 0:
        return Figure.undefined(0, "Rogan-Gladen", "the judge judged nothing")
    labels = Confusion(asked.passed_good, asked.good, asked.failed_bad, asked.bad)
    return Figure.of(rogan_gladen(asked.passed, asked.n, labels, asked.confidence))


def _ppi(asked: Labelled) -> Result:
    same_length(human=asked.human, judge_labelled=asked.judge_labelled)
    return _powered(asked.human, asked.judge_labelled, asked.judge_unlabelled, asked.confidence, asked.weight)


def _ppi_difference(asked: LabelledPairs) -> Result:
    same_length(
        human_baseline=asked.human_baseline,
        human_candidate=asked.human_candidate,
        judge_labelled_baseline=asked.judge_labelled_baseline,
        judge_labelled_candidate=asked.judge_labelled_candidate,
    )
    same_length(
        judge_unlabelled_baseline=asked.judge_unlabelled_baseline,
        judge_unlabelled_candidate=asked.judge_unlabelled_candidate,
    )
    return _powered(
        _less(asked.human_candidate, asked.human_baseline),
        _less(asked.judge_labelled_candidate, asked.judge_labelled_baseline),
        _less(asked.judge_unlabelled_candidate, asked.judge_unlabelled_baseline),
        asked.confidence,
        None,
    )


def _less(candidate: list[float], baseline: list[float]) -> list[float]:
    return [after - before for after, before in zip(candidate, baseline, strict=True)]


def _powered(
    human: list[float], labelled: list[float], rest: list[float], confidence: float, weight: float | None
) -> Result:
    found = prediction_powered_mean(human, labelled, rest, confidence, weight=weight)
    if found is None:
        return Figure.undefined(len(human), "prediction-powered", _FEW)
    worth = Figure(found.effective_labels, len(human), "labels × variance of labels alone / variance")
    return {
        "corrected": Figure.of(found.corrected),
        "human_only": Figure.of(found.human),
        "effective_labels": worth,
    }


def _position(asked: Orders) -> Result:
    same_length(a_first=asked.a_first, b_first=asked.b_first)
    found = position_bias(asked.a_first, asked.b_first, asked.confidence)
    if found is None:
        return Figure.undefined(0, "Wilson", "there are no pairs")
    ties = f"{found.half_ties} pairs are a tie in one order only"
    flips = (
        Figure.of(found.first_place, found.test.p)
        if found.first_place and found.test
        else Figure.undefined(0, "Wilson", "no pair flipped")
    )
    return {
        "consistency": Figure.of(found.consistent, warnings=(ties,) if found.half_ties else ()),
        "first_place_of_flips": flips,
    }


def _length(asked: Lengths) -> Result:
    same_length(
        picked_first=asked.picked_first,
        length_difference=asked.length_difference,
        human_first=asked.human_first,
    )
    for name, column in (("picked_first", asked.picked_first), ("human_first", asked.human_first or [])):
        if set(column) - {0.0, 1.0}:
            raise ValueError(f"`{name}` holds more than true and false: leave ties out.")
    found = length_bias(asked.picked_first, asked.length_difference, asked.human_first, asked.confidence)
    if found is None:
        reason = "undefined: one pick only, equal lengths, or picks that the lengths tell perfectly"
        return Figure.undefined(len(asked.picked_first), "logistic regression", reason)
    return {
        "length_slope": Figure.of(found.slope, found.p),
        "length_controlled_share": Figure.of(found.controlled),
    }


def _bradley_terry(asked: Battles) -> Result:
    same_length(first=asked.first, second=asked.second, outcomes=asked.outcomes, clusters=asked.clusters)
    if set(asked.outcomes) - {0.0, 0.5, 1.0}:
        raise ValueError("`outcomes` are 1, 0, or 0.5 for a tie.")
    n = len(asked.first)
    if n > MOST_ITEMS * 4:
        raise ValueError(
            f"There are {n:,} comparisons: send at most {MOST_ITEMS * 4:,}, such as a random part."
        )
    names = {str(one) for one in (*asked.first, *asked.second)}
    if len(names) < len({*asked.first, *asked.second}):
        raise ValueError("A system is named by a text and by the same number: use one of them.")
    found = bradley_terry(
        asked.first,
        asked.second,
        asked.outcomes,
        asked.clusters,
        asked.confidence,
        resamples=asked.resamples,
        seed=asked.seed,
    )
    if found is None:
        reason = "undefined: a system, or a group of them, never lost or never won against the rest"
        return Figure.undefined(n, "Bradley-Terry", reason)
    figures: dict[str, Figure] = {}
    for one in found:
        rank = Figure(None, one.elo.n, "1 + systems that are better for sure", one.best_rank, one.worst_rank)
        figures |= {f"elo of {one.system}": Figure.of(one.elo), f"rank of {one.system}": rank}
    return figures


_HUMAN = [1, 0, 1, 1, 0, 1, 1, 0, 1, 1]
_KNOWN = [1, 0, 1, 1, 1, 1, 1, 0, 1, 0]
_REST = [1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1]
_WINS = [
    ("x", "y", 1),
    ("y", "x", 0),
    ("y", "z", 1),
    ("z", "y", 1),
    ("x", "z", 1),
    ("z", "x", 0.5),
    ("y", "x", 1),
] * 6
JUDGES = (
    Entry(
        "rogan_gladen",
        "The true pass rate behind a judge's, from how it did on labelled outputs.",
        "p = (judged + spec - 1)/(sens + spec - 1), variance by the delta method. The judge errs on these outputs as on the "
        "labelled ones. Refused where sens + spec - 1 < .2.",
        "Rogan and Gladen 1978",
        Judged,
        _rogan_gladen,
        {"passed": 300, "n": 500, "passed_good": 90, "good": 100, "failed_bad": 80, "bad": 100},
    ),
    Entry(
        "ppi_mean",
        "A mean from few human labels and many of a judge, unbiased whatever the judge is like.",
        "theta = w mean(J unlabelled) + mean(H - w J), variance Var(H - w J)/n + w² Var(J)/N, w = Cov(H, J)/((1 + n/N) Var J) "
        "within [0, 1]. Labelled outputs are a random part of all. effective_labels: how many labels alone would be as sure.",
        "Angelopoulos et al. 2023 (arXiv:2301.09633, 2311.01453)",
        Labelled,
        _ppi,
        {"human": _HUMAN, "judge_labelled": _KNOWN, "judge_unlabelled": _REST},
    ),
    Entry(
        "ppi_difference",
        "The paired difference of two versions from few human labels and many of a judge.",
        "ppi_mean of the differences of rows.",
        "Angelopoulos et al. 2023 (arXiv:2301.09633, 2311.01453)",
        LabelledPairs,
        _ppi_difference,
        {
            "human_baseline": _HUMAN,
            "human_candidate": [1, 1, 1, 1, 0, 1, 1, 1, 1, 0],
            "judge_labelled_baseline": _KNOWN,
            "judge_labelled_candidate": [1, 1, 1, 1, 0, 1, 1, 1, 1, 1],
            "judge_unlabelled_baseline": _REST,
            "judge_unlabelled_candidate": [1] * 15 + [0] * 5,
        },
    ),
    Entry(
        "position_bias",
        "How often a pairwise judge answers the same in both orders, and which place it leans to when not.",
        "consistency: the same answer, or a tie twice, with Wilson's interval; first_place_of_flips: of the pairs in which it "
        "picked the same place twice, those for the first, with the exact binomial test of one half.",
        "Zheng et al. 2023 (arXiv:2306.05685)",
        Orders,
        _position,
        {
            "a_first": ["first", "first", "second", "first", "tie", "first", "second", "first"],
            "b_first": ["second", "first", "first", "first", "tie", "second", "first", "first"],
        },
        aliases=("judge_calibration_llmbar",),
    ),
    Entry(
        "judge_length_bias",
        "How much a pairwise judge favours longer answers, and its picks at equal lengths.",
        "logit P(first) = b0 + b1 (length difference)/1000 + b2 human; length_slope is b1 with Wald's interval, "
        "length_controlled_share the mean prediction at a difference of 0. Pairs are independent.",
        "Dubois et al. 2024 (arXiv:2404.04475)",
        Lengths,
        _length,
        {
            "picked_first": [1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1],
            "length_difference": [900, 420, -300, -200, -850, 150, 700, -400, 60, 330, 500, -150],
        },
    ),
)
RANKING = (
    Entry(
        "bradley_terry",
        "How strong each system is, from head-to-head comparisons, and between which ranks it lies.",
        "P(i beats j) = 1/(1 + exp(b_j - b_i)) by maximum likelihood, ties half a win each way; Elo = 1000 + 400/ln 10 b; "
        "percentiles over resampled comparisons, or clusters. A rank goes from 1 + the systems that are better for sure, by "
        "the interval of the difference, to the number of those that are not worse for sure.",
        "Bradley and Terry 1952; Chiang et al. 2024 (arXiv:2403.04132)",
        Battles,
        _bradley_terry,
        {
            "first": [one for one, _, _ in _WINS],
            "second": [one for _, one, _ in _WINS],
            "outcomes": [one for _, _, one in _WINS],
            "resamples": 200,
        },
    ),
)
