"""What could still change a report's sentence: rows that are missing, and rows that were never asked."""

from dataclasses import dataclass
from math import nan

from app.core import formats
from app.evaluations.figures import headline as words
from app.evaluations.figures.numbers import Change
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.figures.scores import ScoreTable
from app.evaluations.models import Run
from app.evaluators.describing import EvaluatorInfo
from app.statistics.arrays import np
from app.statistics.paired import WorstCase, worst_case_bounds
from app.statistics.power import design_effect, rows_needed, smallest_detectable_difference

_LEAST_DISCORDANCE = 0.05
"""Two versions that hardly differ say little of how often more rows would."""
_MOST_ROWS = 1_000_000
"""More than this is an answer, too: the change is too small to be worth showing."""


@dataclass(frozen=True, slots=True)
class MissingRows:
    """What the rows that one version or both have no score for could make of the change."""

    rows: int
    sentence: str
    decides: bool
    """Whether the sentence above the report would be another one in the worst or the best case."""


@dataclass(frozen=True, slots=True)
class MoreRows:
    """How many rows like these it takes to tell."""

    sentence: str
    rows: int | None
    """How many more; None where the rows at hand would do, or where no reasonable number does."""


def missing_rows(report: Report, candidate: Run | None) -> MissingRows | None:
    """The bounds of the primary change where every missing row goes against the candidate, and for it; for a neutral evaluator,
    where it scores lowest and highest.

    None where no row is missing, and for scores without a worst and a best value: nobody can bound those.
    """
    found = _primary(report, candidate)
    if found is None or report.running:
        return None
    row, change, baseline, after = found
    if not row.info.is_share or change.delta is None:
        return None
    if (
        baseline.ended_when_clear or after.ended_when_clear
    ):  # rows that were left out at random are not missing
        return None
    bounds = _bounds(report.table, row, baseline, after)
    if bounds is None:
        return None
    missing, worst = bounds
    if row.info.wanted == "lower":
        worst = WorstCase(worst.best, worst.worst, worst.missing_baseline, worst.missing_candidate)
    now = _direction(change)
    decides = any(_sign(interval.lo, interval.hi, row.info) != now for interval in (worst.worst, worst.best))
    rows = f"{missing:,} row{' has' if missing == 1 else 's have'} no score from one version or both."
    low, high = (words.change_text(one.estimate, row.info) for one in (worst.worst, worst.best))
    spans = [words.signed_span(one, row.info) for one in (worst.worst, worst.best)]
    # By a neutral evaluator no end is worse than the other.
    first, second = (
        ("be lowest for", "were they highest") if row.info.is_neutral else ("go against", "for it")
    )
    ends = (
        f"Were all of them to {first} {after.name}, the change would be {low} points (95% CI {spans[0]});"
        f" {second}, {high} ({spans[1]})."
    )
    return MissingRows(missing, f"{rows} {ends}", decides)


def _bounds(
    table: ScoreTable, row: EvaluatorRow, baseline: Run, candidate: Run
) -> tuple[int, WorstCase] | None:
    """Rows without a target are not missing: no version could score there."""
    old, new = (table.column(run.id, row.version.id) for run in (baseline, candidate))
    before, after = old.by_row(), new.by_row()
    known = list({**before, **after})
    only_old, only_new = len(known) - new.n, len(known) - old.n
    # A row that failed in one version only is among those already; the others failed in both.
    neither = max(0, min(old.errors - only_new, new.errors - only_old))
    missing = only_old + only_new + neither
    if not missing:
        return None
    nothing = [nan] * neither
    clusters = table.clusters_of(known)
    worst = worst_case_bounds(
        [*(before.get(one, nan) for one in known), *nothing],
        [*(after.get(one, nan) for one in known), *nothing],
        clusters and [*clusters, *(f"missing {number}" for number in range(neither))],
    )
    return (missing, worst) if worst else None


def more_rows(report: Report, candidate: Run | None) -> MoreRows | None:
    """How many rows more it takes, where the rows at hand do not tell; None where they do.

    Rests on how often, or how far, these two versions differ on the rows that both have answered. None, too, where results
    were looked at as they came: that takes more rows than looking once.
    """
    found = _primary(report, candidate)
    if found is None or report.running:
        return None
    row, change, baseline, after = found
    if change.looked_at or change.verdict.name not in ("no_clear_change", "too_few") or change.delta is None:
        return None
    pairs = report.table.pairs(baseline.id, after.id, row.version.id)
    moved = np.asarray(pairs.candidate) - np.asarray(pairs.baseline)
    if len(moved) < 2:
        return None
    effect = max(1.0, design_effect(moved, pairs.clusters)) if pairs.clusters else 1.0
    share = row.info.is_share and row.info.return_type == "boolean"
    sd = None if share else float(np.std(moved, ddof=1))
    if sd == 0:
        return None
    discordance = min(1.0, max(_LEAST_DISCORDANCE, float(np.var(moved))))
    finds = smallest_detectable_difference(len(moved), discordance, sd=sd, design_effect=effect)
    wanted = report.evaluation.smallest_difference or abs(change.delta.estimate) or (finds or 0) / 2
    if not wanted:
        return None
    needed = rows_needed(min(wanted, 1.0) if share else wanted, discordance, sd=sd, design_effect=effect)
    more = needed - len(moved) if len(moved) < needed <= _MOST_ROWS else None
    return MoreRows(_sentence(needed, len(moved), wanted, finds, row.info, report), more)


def _sentence(
    needed: int, rows: int, wanted: float, finds: float | None, info: EvaluatorInfo, report: Report
) -> str:
    able = (
        f"These {rows:,} rows would show a change of {words.size(finds, info)} or more, four times out of five. "
        if finds
        else ""
    )
    size = words.size(wanted, info)
    reason = "the smallest that matters" if report.evaluation.smallest_difference else "as large as this one"
    if needed <= rows:
        return f"{able}That is enough for {size}, {reason}."
    if needed > _MOST_ROWS:
        return f"{able}For one of {size}, {reason}, more than {formats.number(_MOST_ROWS)} would be needed."
    return f"{able}To tell one of {size}, {reason}, about {formats.about(needed - rows)} more like these are needed."


def _primary(report: Report, candidate: Run | None) -> tuple[EvaluatorRow, Change, Run, Run] | None:
    row = report.primary
    if row is None or report.baseline is None or candidate is None or candidate.id not in row.changes:
        return None
    return row, row.changes[candidate.id], report.baseline, candidate


def _direction(change: Change) -> int:
    return {"better": 1, "worse": -1}.get(change.verdict.name, 0)


def _sign(lo: float | None, hi: float | None, info: EvaluatorInfo) -> int:
    if lo is None or hi is None or lo <= 0 <= hi:
        return 0
    return 1 if (lo > 0) == (info.wanted == "higher") else -1
