"""What the report shows of slices: which field they are of, and each group's scores and change in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluations.figures import slices
from app.evaluations.figures.numbers import Cell, Change
from app.evaluations.figures.report import Report
from app.evaluations.figures.slices import Slice
from app.evaluations.models import Run
from app.evaluations.reports.scoreboard import (
    ChangeText,
    ScoreText,
    change_axis,
    change_text,
    score_text,
    tick_text,
    winner_of,
)
from app.evaluators.describing import EvaluatorInfo
from app.files.models import Version
from app.statistics.verdict import NO_CLEAR_CHANGE

SHOWN = 12
"""Groups that stand open; the others are folded away."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A field to group by."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """One group."""

    value: str
    scores: Sequence[ScoreText]
    change: ChangeText | None
    by_chance: bool = False
    """Whether its interval leaves 0 out, and the p that is adjusted for all groups does not bear that out."""


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The groups of the chosen field."""

    chosen: str
    choices: Sequence[Choice]
    evaluator: Version
    runs: Sequence[Run]
    """Those with a column: the baseline, where there is one, and the candidate."""
    ticks: Sequence[tuple[float, str]]
    zero: float
    lines: Sequence[Line]
    rest: Sequence[Line]
    """The groups with fewest rows, beyond `SHOWN`."""
    left_out: int
    tested: int
    """Groups whose change was tested: p is adjusted for so many."""

    @property
    def title(self) -> str:
        """The chosen field, as people call it."""
        return next(choice.title for choice in self.choices if choice.name == self.chosen)

    @property
    def by_chance(self) -> bool:
        """Whether a group of them is so."""
        return any(line.by_chance for line in (*self.lines, *self.rest))


def build_slices(session: Session, report: Report, candidate: Run | None, field: str) -> SliceTable | None:
    """The table of the primary score by a field: the one asked for, or the likeliest.

    None where rows form no groups, or where the two versions ran on different rows.
    """
    row, runs = report.primary, [run for run in (report.baseline, candidate) if run]
    runs = runs or list(report.runs[:1])
    datasets = {run.dataset_version_id: run.dataset_version for run in runs}
    dataset = next(iter(datasets.values()), None)
    if row is None or report.running or dataset is None or len(datasets) > 1:
        return None
    fields = slices.list_fields(session, dataset)
    if not fields:
        return None
    chosen = next((one.name for one in fields if one.name == field), fields[0].name)
    found = slices.slice_scores(session, report.table, row.version, dataset, chosen, runs)
    changes = [one.change for one in found.groups if one.change]
    axis = change_axis(changes, share=row.info.is_share)
    lines = [
        Line(
            value=one.value,
            scores=_scores(one, row.info, report.baseline, candidate, runs),
            change=change_text(one.change, row.info, axis) if one.change else None,
            by_chance=_by_chance(one.change),
        )
        for one in found.groups
    ]
    return SliceTable(
        chosen=chosen,
        choices=[Choice(one.name, _title(one.name)) for one in fields],
        evaluator=row.version,
        runs=runs,
        ticks=[(axis.at(tick), tick_text(tick, row.info)) for tick in axis.ticks],
        zero=axis.at(0),
        lines=lines[:SHOWN],
        rest=lines[SHOWN:],
        left_out=found.left_out,
        tested=len(changes),
    )


def _by_chance(change: Change | None) -> bool:
    return bool(
        change and change.delta and change.delta.excludes() and change.verdict.name == NO_CLEAR_CHANGE.name
    )


def _scores(
    one: Slice, info: EvaluatorInfo, baseline: Run | None, candidate: Run | None, runs: Sequence[Run]
) -> list[ScoreText]:
    winner = winner_of(one.change, baseline, candidate)
    return [score_text(run, Cell(one.scores[run.id], 0, 0), info, winner) for run in runs]


def _title(name: str) -> str:
    kind, _, member = name.partition(".")
    if not member:
        return kind
    return member if kind == "metadata" else f"{kind}: {member}"
