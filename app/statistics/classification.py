"""How well labels were chosen: confusion counts, precision, recall and F1 of pairs of target and prediction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.statistics.bootstrap import Statistic
from app.statistics.samples import Codes, Floats


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One label: `precision` is None where it was never predicted; `support` counts the rows that have it."""

    label: str
    precision: float | None
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Classification:
    """Scores of all labels, and `confusion`: how many rows with the first label were given the second.

    The labels are those that occur as a target: an answer outside them is wrong for its row, but makes no class
    of its own to average over. `micro_f1` counts a row without a prediction as missed, not as given wrongly.
    """

    n: int
    accuracy: float
    macro_f1: float
    macro_precision: float
    macro_recall: float
    micro_f1: float
    classes: tuple[ClassScore, ...]
    confusion: dict[tuple[str, str | None], int]

    def most_confused(self, limit: int = 5) -> list[tuple[str, str | None, int]]:
        """The pairs (target, prediction, rows) that were mixed up most, the worst first."""
        wrong = [(*pair, count) for pair, count in self.confusion.items() if pair[0] != pair[1]]
        return sorted(wrong, key=lambda item: (-item[2], item[0], item[1] or ""))[:limit]


def classify(targets: Sequence[str], predictions: Sequence[str | None]) -> Classification | None:
    """Score `predictions` (None = no answer) against `targets`; None for no rows.

    As scikit-learn with `labels` = those that occur in `targets` and zero_division=0.
    """
    confusion = Counter(zip(targets, predictions, strict=True))
    support = Counter(targets)
    if not support:
        return None
    given = Counter(predictions)
    classes = tuple(
        _class_score(label, confusion[label, label], given[label], support[label])
        for label in sorted(support)
    )
    right = sum(confusion[label, label] for label in support)
    among = sum(given[label] for label in support)
    return Classification(
        n=len(targets),
        accuracy=right / len(targets),
        macro_f1=sum(one.f1 for one in classes) / len(classes),
        macro_precision=sum(one.precision or 0.0 for one in classes) / len(classes),
        macro_recall=sum(one.recall for one in classes) / len(classes),
        micro_f1=2 * right / (len(targets) + among),
        classes=classes,
        confusion=dict(confusion),
    )


def macro_f1_statistic(targets: Sequence[str], predictions: Sequence[str | None]) -> Statistic:
    """Macro-F1 as a function of weights, for the bootstrap: averaged over the labels a resample holds."""
    numbers = {label: number for number, label in enumerate(dict.fromkeys(targets))}
    truth = np.array([numbers[label] for label in targets], dtype=np.intp)
    given = np.array(
        [numbers.get(label, len(numbers)) if label is not None else len(numbers) for label in predictions]
    )
    if len(truth) != len(given):
        raise ValueError(f"{len(truth)} targets, but {len(given)} predictions")
    by_truth, by_given = _summed_by(truth, len(numbers)), _summed_by(given, len(numbers) + 1)
    right = (truth == given).astype(np.int32)

    def macro_f1(weights: NDArray[np.int32]) -> Floats:
        support = by_truth(weights)
        hits = by_truth(weights * right)
        together = support + by_given(weights)[:, :-1]
        present = support > 0
        f1 = np.divide(2 * hits, together, out=np.zeros(support.shape), where=present)
        return np.asarray(f1.sum(axis=1) / present.sum(axis=1))

    return macro_f1


def _class_score(label: str, hits: int, given: int, support: int) -> ClassScore:
    return ClassScore(
        label, hits / given if given else None, hits / support, 2 * hits / (given + support), support
    )


def _summed_by(codes: Codes, groups: int) -> Statistic:
    """The sum of each resample's weights in every group: (b, n) to (b, groups), linear in the weights."""

    def summed(weights: NDArray[np.int32]) -> Floats:
        cells = codes + np.arange(len(weights))[:, None] * groups
        sums = np.bincount(cells.ravel(), weights=weights.ravel(), minlength=len(weights) * groups)
        return sums.astype(np.float64, copy=False).reshape(len(weights), groups)

    return summed
