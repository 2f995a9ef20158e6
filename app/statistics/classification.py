"""How well labels were chosen: confusion counts, precision, recall and F1 of pairs of target and prediction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.statistics.arrays import Codes, Counts, Floats, np
from app.statistics.bootstrap import Statistic, ratio_statistic


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One label: `precision` is None where it was never predicted; `support` counts the rows that have it."""

    label: str
    precision: float | None
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Averages:
    """Scores of all labels together; None where none of the parts is defined."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Classification:
    """Scores of all labels, and `confusion`: how many rows with the first label were given the second.

    The labels are those that occur as a target: an answer outside them is wrong for its row, but makes no class
    of its own to average over. `macro` counts each label once and `weighted` by its rows, both without what is
    undefined: the precision of a label that was never predicted. `micro` counts a row without a prediction as
    missed, not as given wrongly.
    """

    n: int
    accuracy: float
    macro: Averages
    micro: Averages
    weighted: Averages
    classes: tuple[ClassScore, ...]
    confusion: dict[tuple[str, str | None], int]

    def most_confused(self, limit: int = 5) -> list[tuple[str, str | None, int]]:
        """The pairs (target, prediction, rows) that were mixed up most, the worst first."""
        wrong = [(*pair, count) for pair, count in self.confusion.items() if pair[0] != pair[1]]
        return sorted(wrong, key=lambda item: (-item[2], item[0], item[1] or ""))[:limit]


def classify(targets: Sequence[str], predictions: Sequence[str | None]) -> Classification | None:
    """Score `predictions` (None = no answer) against `targets`; None for no rows.

    As scikit-learn with `labels` = those that occur in `targets` and zero_division=nan.
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
        macro=_averages(classes, [1] * len(classes)),
        micro=Averages(
            right / among if among else None, right / len(targets), 2 * right / (len(targets) + among)
        ),
        weighted=_averages(classes, [one.support for one in classes]),
        classes=classes,
        confusion=dict(confusion),
    )


def _averages(classes: Sequence[ClassScore], weights: Sequence[int]) -> Averages:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
        total = sum(weight for _, weight in known)
        return sum(value * weight for value, weight in known) / total if total else None

    return Averages(
        mean([one.precision for one in classes]),
        mean([one.recall for one in classes]),
        mean([one.f1 for one in classes]),
    )


def averages_statistics(targets: Sequence[str], predictions: Sequence[str | None]) -> dict[str, Statistic]:
    """The averages of `classify` as functions of weights, for the bootstrap: `macro_f1`, `weighted_precision` …

    Each is taken over the labels that a resample holds as a target; NaN where it is undefined.
    """
    numbers = {label: number for number, label in enumerate(dict.fromkeys(targets))}
    truth = np.array([numbers[label] for label in targets], dtype=np.intp)
    given = np.array(
        [numbers.get(label, len(numbers)) if label is not None else len(numbers) for label in predictions],
        dtype=np.intp,
    )
    if len(truth) != len(given):
        raise ValueError(f"{len(truth)} targets, but {len(given)} predictions")
    by_truth, by_given = _summed_by(truth, len(numbers)), _summed_by(given, len(numbers) + 1)
    right = (truth == given).astype(np.int32)
    last: list[tuple[Counts, dict[str, Floats]]] = []

    def averages(weights: Counts) -> dict[str, Floats]:
        """All of them, worked out once for each set of resamples: what they share is most of the work."""
        if not last or last[0][0] is not weights:
            hits, support = by_truth(weights * right), by_truth(weights)
            # A label that a resample does not hold as a target is no class of it.
            chosen = np.where(support > 0, by_given(weights)[:, :-1], 0)
            last[:] = [(weights, _averaged(hits, support, chosen))]
        return last[0][1]

    def statistic_of(name: str) -> Statistic:
        return lambda weights: averages(weights)[name]

    return {
        f"{average}_{score}": statistic_of(f"{average}_{score}")
        for average in ("macro", "micro", "weighted")
        for score in ("f1", "precision", "recall")
    }


def _averaged(hits: Floats, support: Floats, chosen: Floats) -> dict[str, Floats]:
    """Every average by its name, from what is right, of the target and of the prediction: each (resamples, labels)."""
    found = {}
    for score, above, below in (
        ("f1", 2 * hits, support + chosen),  # both are 0 where the label is no class
        ("precision", hits, chosen),
        ("recall", hits, support),
    ):
        defined = below > 0
        each = np.divide(above, below, out=np.zeros_like(above), where=defined)
        found[f"macro_{score}"] = _ratio(each.sum(axis=1), defined.sum(axis=1, dtype=np.float64))
        found[f"micro_{score}"] = _ratio(above.sum(axis=1), below.sum(axis=1))
        weight = np.einsum("bl,bl->b", support, defined, dtype=np.float64)
        found[f"weighted_{score}"] = _ratio(np.einsum("bl,bl->b", each, support), weight)
    return found


@dataclass(frozen=True, slots=True)
class Share:
    """Precision, recall or F1 of counts that are added up over all rows."""

    name: str
    title: str
    value: float
    statistic: Statistic


def micro_shares(right: Sequence[int], found: Sequence[int], wanted: Sequence[int]) -> list[Share]:
    """F1, precision and recall where each row found some things of those wanted; without what is undefined."""
    hits, given, due = (np.asarray(column, dtype=np.float64) for column in (right, found, wanted))
    shares = []
    for name, title, above, below in (
        ("f1", "F1", 2 * hits, given + due),
        ("precision", "Precision", hits, given),
        ("recall", "Recall", hits, due),
    ):
        if below.sum() > 0:
            value = float(above.sum() / below.sum())
            shares.append(Share(name, title, value, ratio_statistic(above, below)))
    return shares


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where nothing is to be divided by."""
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0))


def _class_score(label: str, hits: int, given: int, support: int) -> ClassScore:
    return ClassScore(
        label, hits / given if given else None, hits / support, 2 * hits / (given + support), support
    )


def _summed_by(codes: Codes, groups: int) -> Statistic:
    """The sum of each resample's weights in every group: (b, n) to (b, groups), linear in the weights."""

    def summed(weights: Counts) -> Floats:
        cells = codes + np.arange(len(weights))[:, None] * groups
        sums = np.bincount(cells.ravel(), weights=weights.ravel(), minlength=len(weights) * groups)
        return sums.astype(np.float64, copy=False).reshape(len(weights), groups)

    return summed
