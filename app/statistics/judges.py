"""Judges as instruments: rates corrected by human labels, and the pull of position and length."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from app.statistics.arrays import ArrayLike, Floats, np
from app.statistics.intervals import Interval, normal_quantile, wilson
from app.statistics.paired import PairedTest, mcnemar

WEAKEST = 0.2  # sensitivity + specificity - 1 under which a rate is not corrected
FEW_LABELS = 30
FEW_LABELS_FOR_POWER = 100  # with 60, an interval of 95% was found to cover 91%
Pick = Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A judge's verdicts on items that people labelled: passed of those that are good, failed of those that are bad."""

    passed_good: int
    good: int
    failed_bad: int
    bad: int


def rogan_gladen(passed: int, n: int, labels: Confusion, confidence: float = 0.95) -> Interval:
    """The true pass rate behind a judge's, from its sensitivity and specificity (Rogan and Gladen 1978).

    p = (judged + spec - 1)/(sens + spec - 1), variance by the delta method over the three shares:
    (q(1-q)/n + p² sens(1-sens)/good + (1-p)² spec(1-spec)/bad)/(sens + spec - 1)². It takes for granted that the judge errs
    on these outputs as on those that were labelled. ValueError where sens + spec - 1 < .2, or nothing was labelled.
    """
    if not (0 <= passed <= n and n > 0):
        raise ValueError(f"{passed} of {n} is no share")
    for right, of, what in (
        (labels.passed_good, labels.good, "good"),
        (labels.failed_bad, labels.bad, "bad"),
    ):
        if not 0 <= right <= of or of == 0:
            raise ValueError(f"{right} of {of} {what} items is no share: label at least one {what} item")
    sens, spec = labels.passed_good / labels.good, labels.failed_bad / labels.bad
    power = sens + spec - 1
    if power < WEAKEST:
        raise ValueError(
            f"the judge tells good from bad too badly (sensitivity + specificity - 1 = {power:.2f}, under {WEAKEST}): "
            "its rate cannot be corrected"
        )
    q = passed / n
    p = (q + spec - 1) / power
    variance = (
        q * (1 - q) / n
        + p * p * sens * (1 - sens) / labels.good
        + (1 - p) ** 2 * spec * (1 - spec) / labels.bad
    ) / power**2
    half = normal_quantile(confidence) * sqrt(variance)
    if half == 0:
        why = "every share is 0 or 1: the delta method has no width there"
        return Interval(p, None, None, n, "Rogan-Gladen", warning=why)
    told = []
    if min(labels.good, labels.bad) < FEW_LABELS:
        told.append("fewer than 30 labels of a kind: the interval is rough")
    if not 0 <= p <= 1:
        told.append("no share: the judge errs otherwise on these outputs than on those that were labelled")
    return Interval(p, p - half, p + half, n, "Rogan-Gladen", warning="; ".join(told) or None)


@dataclass(frozen=True, slots=True)
class Powered:
    """A mean from few human labels and many of a judge, beside that of the labels alone.

    `weight` is what the judge counts (lambda); `effective_labels` how many human labels alone would be as sure.
    """

    corrected: Interval
    human: Interval
    weight: float
    effective_labels: float


def prediction_powered_mean(
    human: ArrayLike,
    judge_labelled: ArrayLike,
    judge_unlabelled: ArrayLike,
    confidence: float = 0.95,
    *,
    weight: float | None = None,
) -> Powered | None:
    """PPI++ of a mean (Angelopoulos et al. 2023): unbiased whatever the judge is like, and surer the better it is.

    theta = w mean(J unlabelled) + mean(H - w J on labelled), variance Var(H - w J)/n + w² Var(J)/N with Var(J) of all
    verdicts, w = Cov(H, J)/((1 + n/N) Var J) within [0, 1]. Labelled items are a random part of all. For the difference
    of two versions give differences of rows. None under two labels or without unlabelled items.
    """
    h, known = np.asarray(human, dtype=np.float64), np.asarray(judge_labelled, dtype=np.float64)
    rest = np.asarray(judge_unlabelled, dtype=np.float64)
    n, others = len(h), len(rest)
    if n != len(known):
        raise ValueError(f"{n} human labels, but {len(known)} verdicts on the same items")
    if n < 2 or others < 1:
        return None
    spread = float(np.var(np.concatenate([known, rest]), ddof=1))
    w = _best_weight(h, known, others, spread) if weight is None else weight
    theta = w * float(rest.mean()) + float((h - w * known).mean())
    alone = float(np.var(h, ddof=1)) / n
    variance = float(np.var(h - w * known, ddof=1)) / n + w * w * spread / others
    z = normal_quantile(confidence)
    few = f"{n} labels: the interval is rough" if n < FEW_LABELS_FOR_POWER else None
    return Powered(
        _normal(theta, variance, n, z, f"prediction-powered, weight {w:.3f}", few),
        _normal(float(h.mean()), alone, n, z, "human labels alone, normal", few),
        w,
        n * alone / variance if variance > 0 else float(n),
    )


def _best_weight(h: Floats, known: Floats, others: int, spread: float) -> float:
    if spread == 0:
        return 0.0
    together = float(np.cov(h, known, ddof=1)[0, 1])
    return min(1.0, max(0.0, together / ((1 + len(h) / others) * spread)))


def _normal(mean: float, variance: float, n: int, z: float, method: str, warning: str | None) -> Interval:
    if variance <= 0:
        return Interval(mean, None, None, n, method, warning="the labels do not vary: there is no interval")
    half = z * sqrt(variance)
    return Interval(mean, mean - half, mean + half, n, method, warning=warning)


@dataclass(frozen=True, slots=True)
class PositionBias:
    """`consistent`: pairs with the same answer in both orders. Of those that flipped from one place to the same place,
    `first_place` is the share for the first, with the exact test of one half; both None where nothing flipped."""

    consistent: Interval
    first_place: Interval | None
    test: PairedTest | None
    half_ties: int


def position_bias(
    one_way: Sequence[Pick], other_way: Sequence[Pick], confidence: float = 0.95
) -> PositionBias | None:
    """A pairwise judge asked in both orders: which place it picked with A first, and which with B first (Zheng et al. 2023).

    The same answer is "first" then "second" (A), the reverse (B), or two ties. A tie in one order only is no flip to a
    place, and counted in `half_ties`. None for no pairs.
    """
    pairs = list(zip(one_way, other_way, strict=True))
    if not pairs:
        return None
    same = sum(1 for a, b in pairs if (a == b == "tie") or (a != b and "tie" not in (a, b)))
    firsts = sum(1 for a, b in pairs if a == b == "first")
    seconds = sum(1 for a, b in pairs if a == b == "second")
    flips = firsts + seconds
    return PositionBias(
        wilson(same, len(pairs), confidence),
        wilson(firsts, flips, confidence) if flips else None,
        mcnemar(firsts, seconds, flips) if flips else None,
        len(pairs) - same - flips,
    )


@dataclass(frozen=True, slots=True)
class LengthBias:
    """`slope`: log odds of the first answer for each 1,000 more of length; `controlled`: its share at equal lengths."""

    slope: Interval
    p: float
    controlled: Interval


def length_bias(
    picked_first: ArrayLike, difference: ArrayLike, human: ArrayLike | None = None, confidence: float = 0.95
) -> LengthBias | None:
    """Logistic regression of the judge's pick on the difference in length (first - second)/1,000, and the human's pick
    where it is known, so that length which people like, too, is no bias (Dubois et al. 2024 for the controlled share).

    Wald intervals; the controlled share by the delta method over the rows' human picks. None where it is undefined: one
    pick only, lengths that do not differ, or picks that the lengths tell perfectly.
    """
    from scipy.special import expit, ndtr  # noqa: PLC0415 - scipy takes 0.1 s to import

    y = np.asarray(picked_first, dtype=np.float64)
    columns = [np.ones(len(y)), np.asarray(difference, dtype=np.float64) / 1000]
    if human is not None and np.ptp(np.asarray(human, dtype=np.float64)) > 0:
        columns.append(np.asarray(human, dtype=np.float64))
    if len(y) == 0 or np.ptp(y) == 0 or np.ptp(columns[1]) == 0:
        return None
    design = np.column_stack(columns)
    fitted = _logistic(design, y)
    if fitted is None:
        return None
    beta, covariance = fitted
    z, se = normal_quantile(confidence), sqrt(float(covariance[1, 1]))
    method = "logistic regression, Wald"
    slope = Interval(float(beta[1]), float(beta[1]) - z * se, float(beta[1]) + z * se, len(y), method)
    level = design.copy()
    level[:, 1] = 0
    share = expit(level @ beta)
    gradient = (level * (share * (1 - share))[:, None]).mean(axis=0)
    mean, half = float(share.mean()), z * sqrt(float(gradient @ covariance @ gradient))
    controlled = Interval(mean, mean - half, mean + half, len(y), "length-controlled share, delta method")
    return LengthBias(slope, float(2 * ndtr(-abs(beta[1]) / se)), controlled)


def _logistic(design: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients and covariance by Newton's method; None where they do not exist or are not found."""
    centre = design.copy()
    scale = np.where(np.ptp(design, axis=0) > 0, design.std(axis=0), 1.0)
    centre /= scale
    beta = np.zeros(design.shape[1])
    for _ in range(60):
        odds = np.clip(centre @ beta, -500, 500)
        share = 1 / (1 + np.exp(-odds))
        weight = share * (1 - share)
        information = (centre * weight[:, None]).T @ centre
        if np.linalg.cond(information) > 1e10:
            return None
        step = np.linalg.solve(information, centre.T @ (y - share))
        beta = beta + step
        if np.abs(beta).max() > 30:  # it runs away: the picks are told perfectly
            return None
        if np.abs(step).max() < 1e-10:
            return beta / scale, np.linalg.inv(information) / np.outer(scale, scale)
    return None
