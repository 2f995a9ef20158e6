"""The comparison grid: rows of the dataset against versions, filtered by what happened to each row."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy.orm import Session

from app.core.errors import Invalid, NotFound
from app.datasets.models import Datapoint
from app.evaluations import repository, sharing_repository
from app.evaluations.figures.memory import kept, states_of
from app.evaluations.figures.numbers import Change, compare
from app.evaluations.figures.report import compared_runs
from app.evaluations.figures.scores import ScoreTable, load_scores
from app.evaluations.grid import comparison_repository, people_repository
from app.evaluations.grid.comparison_repository import ItemCell
from app.evaluations.grid.row_signs import RowSigns, load_signs
from app.evaluations.grid.rows import rows_of
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version
from app.logs.models import Judgment

Only = Literal["all", "changed", "better", "worse", "failed", "disputed"]
FILTERS: tuple[Only, ...] = get_args(Only)
Sort = Literal["row", "worst", "best", "disagreement", "flips"]
Turn = Literal["better", "worse", "same"]
MOST_COLUMNS = 8
_PASS = 0.5
"""A share from here on counts as passed: booleans are 0 or 1, and partial credit is rounded."""


@dataclass(frozen=True, slots=True)
class GridRequest:
    """What to show: which runs, judged by whom, which rows, in which order."""

    run_ids: Sequence[str] = ()
    """The first is the baseline; the report's own choice where empty."""
    evaluator_id: str | None = None
    only: Only = "all"
    query: str | None = None
    sort: Sort = "row"
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class GridCell:
    """What one version did with one row."""

    item: ItemCell | None
    """The first repeat; None where the run has no such row."""
    repeats: int
    score: float | None
    """Averaged over repeats."""
    turn: Turn | None
    """Against the baseline; None for the baseline itself and where one of the two has no score."""
    judgments: Mapping[str, Sequence[Judgment]]
    """Of the first repeat, by evaluator version: of people there may be several."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of the dataset with every version's cell."""

    number: int
    """From 1, in the dataset's order."""
    datapoint: Datapoint
    cells: Sequence[GridCell]
    gap: float | None = None
    """How far the evaluator and people are apart; None where one of the two has said nothing."""
    disputed: bool = False
    flips: float | None = None
    """The share of pairs of repeats that differ; None where nothing was repeated."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid as asked for: one page of rows, and counts for every filter."""

    evaluation: Evaluation
    every: Sequence[Run]
    """All that can be compared, baseline first."""
    runs: Sequence[Run]
    evaluators: Sequence[Version]
    evaluator: Version
    info: EvaluatorInfo
    total: int
    """Rows there are, whatever is looked for."""
    counts: Mapping[Only, int]
    matching: int
    rows: Sequence[GridRow]
    table: ScoreTable
    signs: RowSigns
    changes: Mapping[str, Change]
    """By candidate run."""


def build_grid(session: Session, evaluation: Evaluation, request: GridRequest) -> Grid:
    """The grid of an evaluation.

    Raises:
        NotFound: a run or the evaluator is not part of the evaluation.
        Invalid: the evaluation has no run or no evaluator, or too many columns were asked for.
    """
    every, runs = _runs(session, evaluation, request.run_ids)
    evaluators = repository.list_evaluators(session, evaluation.id)
    evaluator = _evaluator(evaluation, evaluators, request.evaluator_id)
    info = describe(evaluator.spec)
    table = load_scores(session, runs, [evaluator.id])
    signs = load_signs(session, runs, evaluators, evaluator)
    sorter = _RowSorter(table, runs, evaluator.id, info, signs)
    states = states_of(runs)
    numbers = _numbers(session, runs)
    judged_by = (evaluator.id, signs.people and signs.people.id)
    kinds = kept.once(states and ("kinds", states, judged_by), lambda: sorter.kinds(numbers), len)
    order = kept.once(
        states and ("order", states, judged_by, request.sort),
        lambda: sorted(numbers, key=sorter.key(request.sort, numbers)),
        len,
    )
    found: Collection[str] = numbers
    if request.query:
        query = request.query
        found = kept.once(
            states and ("search", states, query),
            lambda: comparison_repository.search(session, [run.id for run in runs], query),
            len,
        )
    matching = [row for row in order if row in found and request.only in kinds[row]]
    page = matching[request.offset : request.offset + request.limit]
    baseline = runs[0]
    primary = evaluator.id == evaluation.primary_evaluator_id
    smallest = evaluation.smallest_difference if primary else None
    return Grid(
        evaluation=evaluation,
        every=every,
        runs=runs,
        evaluators=evaluators,
        evaluator=evaluator,
        info=info,
        total=len(numbers),
        counts=_counts(kinds[row] for row in numbers if row in found),
        matching=len(matching),
        rows=_rows(session, evaluation, runs, sorter, page, numbers),
        table=table,
        signs=signs,
        changes={run.id: compare(table, baseline, run, evaluator, smallest) for run in runs[1:]},
    )


def _numbers(session: Session, runs: Sequence[Run]) -> dict[str, int]:
    states = states_of(runs)
    return kept.once(
        states and ("rows", states),
        lambda: comparison_repository.row_numbers(
            session, [run.id for run in runs], shuffled=any(run.stops_by for run in runs)
        ),
        len,
    )


def matching_rows(session: Session, evaluation: Evaluation, request: GridRequest) -> list[str]:
    """The ids of all rows that pass the filter of a grid, in the dataset's order.

    Raises:
        as `build_grid`; without an evaluator, only where the filter needs one.
    """
    _, runs = _runs(session, evaluation, request.run_ids)
    numbers = _numbers(session, runs)
    if request.only == "all":
        return list(numbers)
    evaluators = repository.list_evaluators(session, evaluation.id)
    evaluator = _evaluator(evaluation, evaluators, request.evaluator_id)
    table = load_scores(session, runs, [evaluator.id])
    signs = load_signs(session, runs, evaluators, evaluator)
    sorter = _RowSorter(table, runs, evaluator.id, describe(evaluator.spec), signs)
    return [row for row, kinds in sorter.kinds(numbers).items() if request.only in kinds]


def _counts(found: Iterable[frozenset[Only]]) -> dict[Only, int]:
    """How many rows pass each filter. There are few different sets of filters: those are counted."""
    rows = Counter(found)
    return {only: sum(count for kinds, count in rows.items() if only in kinds) for only in FILTERS}


def build_row(
    session: Session, evaluation: Evaluation, request: GridRequest, number: int
) -> tuple[Grid, GridRow | None]:
    """The grid with only the row of this number, whatever the filter, for its drawer."""
    grid = build_grid(
        session,
        evaluation,
        GridRequest(request.run_ids, request.evaluator_id, limit=1, offset=max(0, number - 1)),
    )
    return grid, next((row for row in grid.rows if row.number == number), None)


def _runs(session: Session, evaluation: Evaluation, run_ids: Sequence[str]) -> tuple[list[Run], list[Run]]:
    """All that can be compared, and those that are: what was asked for may be a run that a newer one replaced."""
    every = repository.list_runs(session, [evaluation.id])
    compared, _ = compared_runs(every, sharing_repository.find_control(session, evaluation.id))
    if len(run_ids) > MOST_COLUMNS:
        raise Invalid(f"Compare up to {MOST_COLUMNS} versions at once.")
    if not run_ids:
        if not compared:
            raise Invalid("The evaluation has no run yet.")
        return compared, compared[:1] + compared[1:][-(MOST_COLUMNS - 1) :]
    by_id = {run.id: run for run in every}
    missing = [run_id for run_id in run_ids if run_id not in by_id]
    if missing:
        raise NotFound(f"The evaluation has no run with the id {missing[0]}.")
    return compared, [by_id[run_id] for run_id in dict.fromkeys(run_ids)]


def _evaluator(evaluation: Evaluation, evaluators: Sequence[Version], evaluator_id: str | None) -> Version:
    if not evaluators:
        raise Invalid("The evaluation has no evaluator yet.")
    if evaluator_id:
        found = next(
            (version for version in evaluators if evaluator_id in (version.id, version.file_id)), None
        )
        if found is None:
            raise NotFound("The evaluation does not have this evaluator.")
        return found
    return next(
        (version for version in evaluators if version.id == evaluation.primary_evaluator_id), evaluators[0]
    )


class _RowSorter:
    """Says of each row what happened to it between the baseline and the others, and puts rows in order."""

    def __init__(
        self,
        table: ScoreTable,
        runs: Sequence[Run],
        evaluator_id: str,
        info: EvaluatorInfo,
        signs: RowSigns,
    ) -> None:
        self.signs = signs
        self._columns = [table.column(run.id, evaluator_id).by_row() for run in runs]
        self._sign = 1 if info.wanted == "higher" else -1
        self._info = info

    def delta(self, row: str, column: int) -> float | None:
        """How much better than the baseline the version in `column` did on `row`; None where one has no score."""
        before, after = self._columns[0].get(row), self._columns[column].get(row)
        return None if before is None or after is None else (after - before) * self._sign

    def score(self, row: str, column: int) -> float | None:
        """The score of the version in `column` on `row`."""
        return self._columns[column].get(row)

    def kinds(self, rows: Iterable[str]) -> dict[str, frozenset[Only]]:
        """Every filter that each row passes. In one loop without calls: this is done for every row of the grid."""
        baseline, *others = [column.get for column in self._columns]
        rises, is_share, disputed = self._sign > 0, self._info.is_share, self.signs.is_disputed
        sets: dict[tuple[bool, bool, bool, bool], frozenset[Only]] = {}
        found = {}
        for row in rows:
            before = baseline(row)
            higher = lower = False
            failed = is_share and before is not None and before < _PASS
            for score in others:
                after = score(row)
                if after is None or (failed and after >= _PASS):
                    failed = False
                if after is None or before is None:
                    continue
                higher, lower = higher or after > before, lower or after < before
            better, worse = (higher, lower) if rises else (lower, higher)
            passes = better, worse, failed, disputed(row)
            if passes not in sets:  # few are different: thousands of rows share them
                sets[passes] = _filters(*passes)
            found[row] = sets[passes]
        return found

    def key(self, sort: Sort, numbers: Mapping[str, int]) -> Callable[[str], tuple[float, int]]:
        """What to sort rows by: their number, how much the versions lost or gained on them, or their signs, the strongest first."""
        if sort == "row":
            return lambda row: (0.0, numbers[row])
        if sort in ("disagreement", "flips"):
            signs = self.signs.gaps if sort == "disagreement" else self.signs.flips
            return lambda row: (-signs.get(row, -1.0), numbers[row])
        # As `delta` has it, without a call for each score: this is done for every row of the grid.
        baseline, *others = [column.get for column in self._columns]
        sign, furthest, order = self._sign, *((min, 1) if sort == "worst" else (max, -1))

        def moved(row: str) -> tuple[float, int]:
            before = baseline(row)
            if before is None:
                return 0.0, numbers[row]
            deltas = [0.0 if (after := of(row)) is None else (after - before) * sign for of in others]
            return order * furthest(deltas, default=0.0), numbers[row]

        return moved


def _filters(better: bool, worse: bool, failed: bool, disputed: bool) -> frozenset[Only]:
    passes: dict[Only, bool] = {
        "all": True, "changed": better or worse, "better": better, "worse": worse, "failed": failed, "disputed": disputed
    }  # fmt: skip
    return frozenset(name for name, does in passes.items() if does)


def load_cells(
    session: Session, runs: Sequence[Run], rows: Sequence[str]
) -> dict[tuple[str, str], list[ItemCell]]:
    """The items of some rows of runs, repeats in order; those that were left because it was clear say so."""
    reasons = {run.id: run.not_run for run in runs}
    return {
        key: [
            item._replace(error=reasons[item.run_id])
            if item.state != "done" and reasons[item.run_id]
            else item
            for item in items
        ]
        for key, items in comparison_repository.load_cells(session, list(reasons), rows).items()
    }


def _rows(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    sorter: _RowSorter,
    page: Sequence[str],
    numbers: Mapping[str, int],
) -> list[GridRow]:
    items = load_cells(session, runs, page)
    datapoints = rows_of(
        session, evaluation.workspace_id, [item for cells in items.values() for item in cells]
    )
    outputs = {(item.run_id, item.log_id) for cells in items.values() for item in cells if item.log_id}
    judgments = people_repository.list_counted(session, outputs)
    return [
        GridRow(
            numbers[row],
            datapoints[row],
            [
                _cell(items.get((run.id, row), []), judgments, sorter, row, column)
                for column, run in enumerate(runs)
            ],
            gap=sorter.signs.gaps.get(row),
            disputed=sorter.signs.is_disputed(row),
            flips=sorter.signs.flips.get(row),
        )
        for row in page
        if row in datapoints
    ]


def _cell(
    items: Sequence[ItemCell],
    judgments: Mapping[tuple[str, str], Sequence[Judgment]],
    sorter: _RowSorter,
    row: str,
    column: int,
) -> GridCell:
    first = items[0] if items else None
    delta = sorter.delta(row, column) if column else None
    by_judge: dict[str, list[Judgment]] = {}
    for judgment in judgments.get((first.run_id, first.log_id), ()) if first and first.log_id else ():
        by_judge.setdefault(judgment.evaluator_version_id, []).append(judgment)
    return GridCell(
        item=first,
        repeats=len(items),
        score=sorter.score(row, column),
        turn=None if delta is None else "better" if delta > 0 else "worse" if delta < 0 else "same",
        judgments=by_judge,
    )
