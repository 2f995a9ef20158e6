"""The scores of runs as columns of numbers, one a row of the dataset: what every statistic is taken over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from sys import intern

from sqlalchemy.orm import Session

from app.evaluations.figures import score_repository
from app.evaluations.figures.memory import State, kept, state_of
from app.evaluations.models import Run
from app.evaluators.describing import describe
from app.files.models import Version
from app.statistics.intervals import Interval, mean_interval


@dataclass(frozen=True)
class Column:
    """What one evaluator said of one run. Repeats of a row are averaged first: n counts rows, never repeats."""

    by_row: Mapping[str, float]
    """The score of each datapoint that has one; booleans are 0 and 1, and so are choices that are good or bad."""
    errors: int = 0
    """Rows on which the evaluator failed, or had no output to judge."""
    without_score: int = 0
    """Rows that were judged without a number: no target, or a verdict that is not one."""
    answered: int = 0
    """Of these, the rows that have an answer all the same: a choice, or a text."""
    state: State | None = None
    """What it was read from: columns of the same state are the same. None while its run goes on."""

    @property
    def n(self) -> int:
        """Rows with a score."""
        return len(self.by_row)

    @cached_property
    def is_binary(self) -> bool:
        """Whether every score is 0 or 1."""
        return all(value in (0.0, 1.0) for value in self.by_row.values())


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The columns of some runs by some evaluators, and the clusters of their rows."""

    columns: Mapping[tuple[str, str], Column]
    clusters: Mapping[str, str]
    """The cluster of each datapoint that has one."""

    def column(self, run_id: str, evaluator_id: str) -> Column:
        """The column of a run by an evaluator; an empty one where nothing was judged yet."""
        return self.columns.get((run_id, evaluator_id), Column({}))

    def clusters_of(self, datapoint_ids: Sequence[str]) -> list[str] | None:
        """The cluster of each row; a row without one is its own. None when no row has one."""
        if not self.clusters:
            return None
        return [self.clusters.get(datapoint_id, datapoint_id) for datapoint_id in datapoint_ids]

    def scores(self, run_id: str, evaluator_id: str) -> tuple[list[float], list[str] | None]:
        """A column's scores with their clusters, in the same order."""
        by_row = self.column(run_id, evaluator_id).by_row
        return list(by_row.values()), self.clusters_of(list(by_row))

    def pairs(
        self, baseline_id: str, candidate_id: str, evaluator_id: str, among: Sequence[str] | None = None
    ) -> "Pairs":
        """The rows that both runs have a score for, of those `among` which to look, in the order of the baseline's."""
        before = self.column(baseline_id, evaluator_id).by_row
        after = self.column(candidate_id, evaluator_id).by_row
        shared = [row for row in (before if among is None else among) if row in before and row in after]
        return Pairs(
            shared, [before[row] for row in shared], [after[row] for row in shared], self.clusters_of(shared)
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Aligned scores of two runs: the same row at the same place."""

    rows: list[str]
    baseline: list[float]
    candidate: list[float]
    clusters: list[str] | None


def load_scores(
    session: Session,
    runs: Sequence[Run],
    evaluator_ids: Sequence[str],
    *,
    keep: bool = True,
    apart: bool = False,
) -> ScoreTable:
    """The scores of `runs` by `evaluator_ids`: those of ended runs are read once and kept, unless not to `keep` them.

    With repeats `apart`, each output of a row is a row of its own: for counting, never for intervals.

    One query for the scores that are not known, and one for the clusters of each dataset version.
    """
    columns: dict[tuple[str, str], Column] = {}
    unknown: dict[tuple[str, str], State | None] = {}
    for run in runs:
        of = state_of(run)
        for evaluator_id in evaluator_ids:
            state = of and ("outputs" if apart else "scores", of, evaluator_id)
            if found := state and kept.find(state):
                columns[run.id, evaluator_id] = found
            else:
                unknown[run.id, evaluator_id] = state
    columns |= _read(session, unknown, apart=apart)
    if keep:
        for key, state in unknown.items():
            if state:
                kept.keep(state, columns[key], 1 + columns[key].n)
    clusters: dict[str, str] = {}
    data = [run.dataset_version for run in runs if run.dataset_version]
    for file_id, number in {(version.file_id, version.number) for version in data}:
        clusters |= _clusters(session, file_id, number)
    for run in runs:
        if run.takes_any_log:
            clusters |= _clusters_of_logs(session, run)
    return ScoreTable(columns, clusters)


def _clusters_of_logs(session: Session, run: Run) -> dict[str, str]:
    """Logs that were added to a run may name datapoints of any dataset."""
    state = state_of(run)
    return kept.once(
        state and ("clusters", state),
        lambda: score_repository.load_run_clusters(session, run.id),
        lambda found: 1 + len(found),
    )


def _clusters(session: Session, file_id: str, number: int) -> dict[str, str]:
    """Kept by the dataset's version alone: its rows never change."""
    return kept.once(
        ("clusters", file_id, number),
        lambda: score_repository.load_clusters(session, file_id, number),
        lambda found: 1 + len(found),
    )


def _read(
    session: Session, wanted: Mapping[tuple[str, str], State | None], *, apart: bool
) -> dict[tuple[str, str], Column]:
    """Columns by run and evaluator, empty ones where nothing was judged."""
    if not wanted:
        return {}
    run_ids, evaluator_ids = ({key[place] for key in wanted} for place in (0, 1))
    read = {
        (column.run_id, column.evaluator_id): column
        for column in score_repository.load_columns(session, list(run_ids), list(evaluator_ids), apart=apart)
    }
    columns = {}
    for key, state in wanted.items():
        found = read.get(key)
        columns[key] = Column({}, state=state)
        if found:  # ids are shared by all columns over the same rows
            by_row = dict(zip(map(intern, found.rows), found.values, strict=True))
            columns[key] = Column(by_row, found.errors, found.without_score, found.answered, state)
    return columns


def run_interval(table: ScoreTable, run_id: str, version: Version) -> Interval | None:
    """The score of a run by an evaluator; None while it has judged nothing."""
    column = table.column(run_id, version.id)
    if not column.n:
        return None

    def work_out() -> Interval | None:
        values, clusters = table.scores(run_id, version.id)
        return mean_interval(values, clusters, share=describe(version.spec).is_share)

    return kept.once(column.state and ("interval", column.state), work_out)
