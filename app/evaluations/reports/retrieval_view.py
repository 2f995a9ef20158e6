"""What the report shows where answers and retrieval were both judged: which of the two the wrong answers come from."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import DomainError
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.models import Run
from app.evaluators.binding import BoundEvaluator, bind
from app.files.models import Version

_RETRIEVAL = "retrieval"
_ADVICE = {
    (True, True): "It works. Keep these rows, to notice when it stops.",
    (
        True,
        False,
    ): "It had the passage and did not use it: change the instructions, the examples or the model.",
    (
        False,
        True,
    ): "It knew, or guessed, without the passage: see whether another passage holds the answer, too.",
    (False, False): "It could not know: improve the search before the prompt.",
}


@dataclass(frozen=True, slots=True)
class CrossCell:
    """The rows of one case, before and after."""

    found: bool
    right: bool
    before: int | None
    """With the baseline; None where no candidate is compared with it."""
    after: int
    advice: str


@dataclass(frozen=True, slots=True)
class Cross:
    """Right or wrong, by found or not found."""

    answers: Version
    """The evaluator that says whether the answer is right."""
    retrieval: Version
    """The one that says whether a relevant passage was found."""
    cells: Sequence[CrossCell]
    """Found and right, found and wrong, not found and right, not found and wrong."""
    rows: int
    """Rows that both have judged."""
    left_out: int
    """Rows that only one of them has judged."""

    @property
    def worst(self) -> CrossCell | None:
        """The case that most wrong answers are of; None where none is wrong, or both are as many."""
        found, missed = self.cells[1], self.cells[3]
        if found.after == missed.after:
            return None
        return found if found.after > missed.after else missed


def cross(report: Report, candidate: Run | None) -> Cross | None:
    """The four counts of the candidate, or of the baseline without one; None where not both were judged.

    A relevant passage was found where the retrieval evaluator's score is above 0, whatever it measures: that is a hit. Of
    repeats, the half decides. The answers are judged by the primary evaluator where that says right or wrong, else by one
    that compares with the target, else by a judge that is shown it.
    """
    run = candidate or report.baseline
    answers, retrieval = _answers(report), _retrieval(report)
    if run is None or answers is None or retrieval is None:
        return None
    after, rows, left_out = _counts(report, run, answers, retrieval)
    if not rows:
        return None
    before = (
        _counts(report, report.baseline, answers, retrieval)[0] if candidate and report.baseline else None
    )
    cells = [
        CrossCell(*case, None if before is None else before[case], after[case], advice)
        for case, advice in _ADVICE.items()
    ]
    return Cross(answers.version, retrieval.version, cells, rows, left_out)


Case = tuple[bool, bool]


def _counts(
    report: Report, run: Run, answers: EvaluatorRow, retrieval: EvaluatorRow
) -> tuple[dict[Case, int], int, int]:
    """Rows of each case, all of them, and those that only one evaluator has judged."""
    right = report.table.column(run.id, answers.version.id).by_row()
    found = report.table.column(run.id, retrieval.version.id).by_row()
    counts = dict.fromkeys(_ADVICE, 0)
    both = right.keys() & found.keys()
    for row in both:
        counts[found[row] > 0, right[row] >= 0.5] += 1
    return counts, len(both), len(right.keys() ^ found.keys())


def _retrieval(report: Report) -> EvaluatorRow | None:
    """The evaluator of retrieval; of several, one that measures hits."""
    found = [(row, bound) for row in report.rows if (bound := _bound(row)) and bound.kind.name == _RETRIEVAL]
    found.sort(key=lambda one: one[1].traits.return_type != "boolean")
    return found[0][0] if found else None


def _answers(report: Report) -> EvaluatorRow | None:
    found = [(_rank(row, bound), place) for place, row in enumerate(report.rows) if (bound := _bound(row))]
    ranked = sorted((rank, place) for rank, place in found if rank is not None)
    return report.rows[ranked[0][1]] if ranked else None


def _rank(row: EvaluatorRow, bound: BoundEvaluator) -> int | None:
    """How well an evaluator says whether an answer is right, the lowest best; None where it does not say that."""
    traits = bound.traits
    if traits.return_type != "boolean" or traits.wanted != "higher" or bound.kind.name == _RETRIEVAL:
        return None
    if row.primary:
        return 0
    if bound.kind.purpose == "Comparison with a target":
        return 1
    return 2 if traits.asks and traits.needs_target else None


def _bound(row: EvaluatorRow) -> BoundEvaluator | None:
    """None for a kind that this server does not know."""
    try:
        return bind(row.version.spec)
    except DomainError:
        return None
