"""What the report shows where rows were answered several times: how often the answers disagree with themselves."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import formats
from app.evaluations.figures import headline as words
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.grid.row_signs import scores_of_repeats
from app.evaluations.models import Run
from app.statistics.components import variance_components
from app.statistics.intervals import Interval, mean_interval
from app.statistics.passing import passing_intervals


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval, in words; both empty where it is undefined."""

    value: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class Repeated:
    """One version whose rows were answered `repeats` times."""

    run: Run
    repeats: int
    rows: int
    """With a score from at least two repeats."""
    flips: Figure
    """The share of these rows whose repeats do not score alike."""
    any_passes: Figure
    """pass@k: that at least one of k answers is right; for shares of right and wrong only."""
    all_pass: Figure
    """pass^k: that all of them are."""
    reliability: Figure
    """ICC(1): the share of the variance of one score that lies between rows."""


def list_repeats(session: Session, report: Report) -> list[Repeated]:
    """What repeats say of each compared version, by the primary evaluator; empty where nothing was repeated."""
    if report.primary is None or report.running:
        return []
    return [
        one
        for run in report.runs
        if run.repeats > 1 and not run.takes_any_log
        for one in [_repeated(session, report, report.primary, run)]
        if one
    ]


def _repeated(session: Session, report: Report, row: EvaluatorRow, run: Run) -> Repeated | None:
    by_row = scores_of_repeats(session, run, row.version.id)
    scores = list(by_row.values())
    found = variance_components(scores)
    if found is None or not found.flips[1]:
        return None
    clusters = report.table.clusters_of(list(by_row))
    several = [(one, place) for place, one in enumerate(scores) if len(one) > 1]
    flips = mean_interval(
        [float(min(one) < max(one)) for one, _ in several],
        clusters and [clusters[place] for _, place in several],
    )
    passing: dict[str, Interval] = {}
    if row.info.return_type == "boolean" and all(score in (0.0, 1.0) for one in scores for score in one):
        passing = passing_intervals(
            [len(one) for one in scores], [int(sum(one)) for one in scores], run.repeats, clusters
        )
    return Repeated(
        run=run,
        repeats=run.repeats,
        rows=found.flips[1],
        flips=_share(flips),
        any_passes=_share(passing.get("pass_at_k")),
        all_pass=_share(passing.get("pass_hat_k")),
        reliability=_plain(found.reliability),
    )


def _share(interval: Interval | None) -> Figure:
    if interval is None:
        return Figure()
    return Figure(formats.percent(interval.estimate), words.share_span(interval))


def _plain(interval: Interval | None) -> Figure:
    if interval is None:
        return Figure()
    span = ""
    if interval.lo is not None and interval.hi is not None:
        span = f"{formats.number(interval.lo, 2)}–{formats.number(interval.hi, 2)}"
    return Figure(formats.number(interval.estimate, 2), span)
