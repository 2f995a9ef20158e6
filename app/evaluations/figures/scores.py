"""The scores of runs as columns of numbers, one a row of the dataset: what every statistic is taken over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from sys import intern

from sqlalchemy.orm import Session

from app.evaluations.figures import score_repository
from app.evaluations.figures.memory import State, kept, state_of
from app.evaluations.figures.score_repository import Judged
from app.evaluations.models import Run
from app.evaluators.describing import describe
from app.files.models import Version
from app.statistics.arrays import Codes, Floats, np
from app.statistics.intervals import Interval, mean_interval
from app.statistics.samples import is_binary

_MEAN_DIGITS = 12
_NAMED, _SIDE_BY_SIDE = 2, 10
"""How many scores weigh as much as one entry by name: with the names of their rows, and beside others of the same rows."""


@dataclass(frozen=True)
class Column:
    """What one evaluator said of one run. Repeats of a row are averaged first: n counts rows, never repeats."""

    rows: tuple[str, ...] = ()
    """The datapoints that have a score, in the order of the run; one object for all columns over the same ones."""
    values: Floats = field(default_factory=lambda: np.empty(0))
    """The score of each; booleans are 0 and 1, and so are choices that are good or bad."""
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
        return len(self.rows)

    def by_row(self) -> dict[str, float]:
        """The score of each datapoint that has one. Made anew by each call, which takes a millisecond for 10,000: side by side,
        as they are kept, they take a tenth of the memory."""
        return dict(zip(self.rows, self.values.tolist(), strict=True))

    @cached_property
    def is_binary(self) -> bool:
        """Whether every score is 0 or 1."""
        return is_binary(self.values)


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The columns of some runs by some evaluators, and the clusters of their rows."""

    columns: Mapping[tuple[str, str], Column]
    clusters: Mapping[str, str]
    """The cluster of each datapoint that has one."""

    def column(self, run_id: str, evaluator_id: str) -> Column:
        """The column of a run by an evaluator; an empty one where nothing was judged yet."""
        return self.columns.get((run_id, evaluator_id), Column())

    def clusters_of(self, datapoint_ids: Sequence[str]) -> list[str] | None:
        """The cluster of each row; a row without one is its own. None when no row has one."""
        if not self.clusters:
            return None
        return [self.clusters.get(datapoint_id, datapoint_id) for datapoint_id in datapoint_ids]

    def scores(self, run_id: str, evaluator_id: str) -> tuple[Floats, list[str] | None]:
        """A column's scores with their clusters, in the same order."""
        column = self.column(run_id, evaluator_id)
        return column.values, self.clusters_of(column.rows)

    def pairs(
        self, baseline_id: str, candidate_id: str, evaluator_id: str, among: Sequence[str] | None = None
    ) -> "Pairs":
        """The rows that both runs have a score for, of those `among` which to look, in the order of the baseline's."""
        before, after = (self.column(run_id, evaluator_id) for run_id in (baseline_id, candidate_id))
        if among is None and before.rows == after.rows:
            return Pairs(before.rows, before.values, after.values, self.clusters_of(before.rows))
        return self.paired(before.by_row(), after.by_row(), before.rows if among is None else among)

    def paired(
        self, before: Mapping[str, float], after: Mapping[str, float], among: Iterable[str]
    ) -> "Pairs":
        """Those of the rows `among` that have both scores, in their order."""
        shared = [row for row in among if row in before and row in after]
        return Pairs(
            shared,
            np.array([before[row] for row in shared]),
            np.array([after[row] for row in shared]),
            self.clusters_of(shared),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Aligned scores of two runs: the same row at the same place."""

    rows: Sequence[str]
    baseline: Floats
    candidate: Floats
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

    Two queries for the scores that are not known, and one for the clusters of each dataset version.
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
        named = set[int]()
        for key, state in unknown.items():
            if state:
                column = columns[key]
                kept.keep(
                    state, column, 1 + column.n // (_SIDE_BY_SIDE if id(column.rows) in named else _NAMED)
                )
                named.add(id(column.rows))
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
    run_ids, evaluator_ids = ([*{key[place]: None for key in wanted}] for place in (0, 1))
    columns = {key: Column(state=state) for key, state in wanted.items()}
    every = score_repository.load_judged(session, run_ids, evaluator_ids)
    rows = {  # read after what was judged: of outputs that come meanwhile nothing is judged yet
        run_id: RowsOfRun(positions, [str(position) for position in positions] if apart else row_ids)
        for run_id, (positions, row_ids) in score_repository.load_row_ids(session, run_ids).items()
    }
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for judged in every:
        key = (judged.run_id, judged.evaluator_id)
        if key in columns and judged.run_id in rows:
            column = rows[judged.run_id].column(judged, wanted[key])
            columns[key] = replace(column, rows=shared.setdefault(column.rows, column.rows))
    return columns


class RowsOfRun:
    """The rows of one run, numbered in its order, and which of them the output at each position is of."""

    def __init__(self, positions: Sequence[int], row_ids: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        of = [numbers.setdefault(row, len(numbers)) for row in row_ids]
        self._positions = np.array(positions, dtype=np.intp)
        self._numbers = np.array(of, dtype=np.intp)
        self._ids = [intern(row) for row in numbers]  # shared by whatever is kept about the same rows

    def column(self, judged: Judged, state: State | None) -> Column:
        """The column of one evaluator's judgments: repeats of a row are averaged, and what several people said of it."""
        scored, scores = self._of(judged.scored), np.array(judged.scores, dtype=np.float64)
        count = np.bincount(scored, minlength=len(self._ids))
        order = np.lexsort(
            (scores, scored)
        )  # so that the same scores have the same sum, in whatever order they came
        total = np.bincount(scored[order], weights=scores[order], minlength=len(self._ids))
        found = np.flatnonzero(count)
        several = count[found] > 1
        failed, answered, silent = (
            set(self._of(positions).tolist()) for positions in (judged.failed, judged.answered, judged.silent)
        )
        failed -= set(found.tolist()) if failed else set()
        told = (answered | silent) - failed
        told -= set(found.tolist()) if told else set()
        return Column(
            rows=tuple(self._ids[number] for number in found.tolist()),
            # Means that differ in their last bits only are the same: no row moved.
            values=np.where(several, np.round(total[found] / count[found], _MEAN_DIGITS), total[found]),
            errors=len(failed),
            without_score=len(told),
            answered=len(told & answered),
            state=state,
        )

    def _of(self, positions: Sequence[int]) -> Codes:
        """The row that the output at each position is of."""
        return self._numbers[np.searchsorted(self._positions, np.array(positions, dtype=np.intp))]


def run_interval(table: ScoreTable, run_id: str, version: Version) -> Interval | None:
    """The score of a run by an evaluator; None while it has judged nothing."""
    column = table.column(run_id, version.id)
    if not column.n:
        return None

    def work_out() -> Interval | None:
        values, clusters = table.scores(run_id, version.id)
        return mean_interval(values, clusters, share=describe(version.spec).is_share)

    return kept.once(column.state and ("interval", column.state), work_out)
