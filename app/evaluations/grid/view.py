"""What the comparison grid shows: the grid in words, with word diffs and places on a shared scale."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.core import charts
from app.core.charts import Whisker
from app.evaluations.figures import headline as words
from app.evaluations.figures.models_used import ModelUsed, models_of_runs
from app.evaluations.figures.numbers import Change, usage_of
from app.evaluations.figures.scores import run_interval
from app.evaluations.grid.comparison import Grid, GridCell, GridRow, Only, Sort
from app.evaluations.grid.row_signs import is_human
from app.evaluations.grid.wording import target_text
from app.evaluations.models import Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.diff import Segment, diff_words
from app.files.models import Version
from app.logs.models import Judgment
from app.logs.presentation import judgment_value

PAGE_SIZE = 50
_SCALE = 120
_LONGEST = 1_200
"""Characters of an output that the grid shows; all of it stands in the row's own page."""
_LONGEST_MARK = 200
"""Characters of a verdict that is a text."""
_MEASURED = ("s", "usd")
"""Units of what a cell shows anyway."""
Output = Literal["diff", "target", "plain"]


@dataclass(frozen=True, slots=True)
class Address:
    """The state of the grid, which is its address."""

    only: Only = "all"
    cols: tuple[str, ...] = ()
    query: str = ""
    evaluator: str = ""
    output: Output = "diff"
    page: int = 1
    sort: Sort = "row"

    def link(self, **changes: str | int) -> str:
        """The query string of this state with some of it changed; defaults are left out."""
        state: dict[str, str | int] = {
            "cols": ",".join(self.cols),
            "only": "" if self.only == "all" else self.only,
            "evaluator": self.evaluator,
            "q": self.query,
            "output": "" if self.output == "diff" else self.output,
            "sort": "" if self.sort == "row" else self.sort,
            "page": "",
        }
        state.update(changes)
        return "?" + urlencode({name: value for name, value in state.items() if value not in ("", "all")})


@dataclass(frozen=True, slots=True)
class Column:
    """One version over the grid."""

    run: Run
    baseline: bool
    value: str
    span: str
    whisker: Whisker | None
    change: str
    change_span: str
    tone: str
    word: str
    model: ModelUsed
    p95_ms: float | None
    cost_per_1000: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict in a word: `pass`, `fail` or `none` where it is neither."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class CellView:
    """What one version said on one row, against the baseline."""

    cell: GridCell
    mark: Mark | None
    others: Sequence[tuple[str, Mark]]
    """The other evaluators by name, but for people."""
    people: Sequence[tuple[str, Mark]]
    """What people said, by the evaluator that asked them."""
    why: str | None
    """What the grid's evaluator says of its verdict, where that is not the verdict itself."""
    segments: Sequence[Segment]
    rewritten: bool
    cut: bool
    """Whether there is more of the output than is shown."""


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of the grid."""

    row: GridRow
    cells: Sequence[CellView]


@dataclass(frozen=True, slots=True)
class GridView:
    """The comparison grid's page."""

    grid: Grid
    address: Address
    columns: Sequence[Column]
    scale: str
    """The ends of the shared scale."""
    rows: Sequence[RowView]

    @property
    def rewritten(self) -> bool:
        """Whether an output is called so: too different for a word diff."""
        return any(cell.rewritten for one in self.rows for cell in one.cells)

    @property
    def pages(self) -> int:
        """How many pages the matching rows fill."""
        return max(1, -(-self.grid.matching // PAGE_SIZE))


def build_grid_view(session: Session, grid: Grid, address: Address) -> GridView:
    """The page of a grid."""
    columns, scale = _columns(session, grid)
    others = others_of(grid)
    rows = [
        RowView(row, [cell_view(cell, row, grid, others, address.output) for cell in row.cells])
        for row in grid.rows
    ]
    return GridView(grid, address, columns, scale, rows)


def _columns(session: Session, grid: Grid) -> tuple[list[Column], str]:
    intervals = {run.id: run_interval(grid.table, run.id, grid.evaluator) for run in grid.runs}
    ends = [
        value
        for interval in intervals.values()
        if interval
        for value in (interval.estimate, interval.lo, interval.hi)
        if value is not None
    ]
    limits = (0.0, 1.0) if grid.info.is_share else None
    axis = charts.axis_around(ends, 4, _SCALE - 4, least=0.1 if grid.info.is_share else 0.0, limits=limits)
    usage = usage_of(session, grid.runs)
    models = models_of_runs(session, grid.runs)
    columns = []
    for place, run in enumerate(grid.runs):
        interval, taken = intervals[run.id], usage.get(run.id)
        change = grid.changes.get(run.id)
        columns.append(
            Column(
                run=run,
                baseline=place == 0,
                value=words.level(interval.estimate, grid.info) if interval else "",
                span=words.span(interval, grid.info) if interval and interval.lo is not None else "",
                whisker=charts.whisker(axis, interval.estimate, interval.lo, interval.hi)
                if interval
                else None,
                **_change(change, grid.info),
                model=models[run.id],
                p95_ms=taken.p95_latency_ms if taken else None,
                cost_per_1000=taken.cost_per_1000_usd if taken else None,
            )
        )
    return columns, f"{words.level(axis.low, grid.info)} to {words.level(axis.high, grid.info)}"


def _change(change: Change | None, info: EvaluatorInfo) -> dict[str, str]:
    delta = change.delta if change else None
    if change is None or delta is None:
        return {"change": "", "change_span": "", "tone": "", "word": ""}
    name = change.verdict.name
    return {
        "change": words.change_text(delta.estimate, info),
        "change_span": words.signed_span(delta, info) if delta.lo is not None else "",
        "tone": change.verdict.tone or ("" if name == "scoring" else "same"),
        "word": change.verdict.word,
    }


Described = tuple[Version, EvaluatorInfo]


def others_of(grid: Grid) -> list[Described]:
    """The evaluators besides the grid's own that a cell tells of, described once for all cells."""
    described = [(version, describe(version.spec)) for version in grid.evaluators]
    return [
        (version, info)
        for version, info in described
        if version.id != grid.evaluator.id and info.unit not in _MEASURED
    ]


def cell_view(
    cell: GridCell,
    row: GridRow,
    grid: Grid,
    others: Sequence[Described],
    output: Output,
    *,
    whole: bool = False,
) -> CellView:
    """A cell of a row in words. Its output is a word diff against the baseline's or the target, or plain where too little
    survived."""
    said_by = [
        (version, word)
        for version, info in others
        if (word := mark_of_all(cell.judgments.get(version.id, ()), info))
    ]
    said = (cell.item.output if cell.item else None) or ""
    before = _compared_with(cell, row, output)
    shown = said if whole else said[:_LONGEST]
    segments: Sequence[Segment] = (Segment("same", shown),) if shown else ()
    rewritten = False
    if said and before:
        diff = diff_words(before if whole else before[:_LONGEST], shown)
        rewritten = diff.rewritten
        segments = segments if rewritten else diff.segments
    mark = _row_mark(cell, grid)
    why = next((one.rationale for one in cell.judgments.get(grid.evaluator.id, ())), None)
    return CellView(
        cell=cell,
        mark=mark,
        others=[(version.file.name, what) for version, what in said_by if not is_human(version)],
        people=[(version.file.name, what) for version, what in said_by if is_human(version)],
        why=None if mark is None or why == mark.text else why,
        segments=segments,
        rewritten=rewritten,
        cut=len(shown) < len(said),
    )


def _compared_with(cell: GridCell, row: GridRow, output: Output) -> str:
    """What the output of a cell is shown as changed from; empty where it is shown as it is."""
    if output == "target":
        return target_text(row.datapoint.target)
    baseline = row.cells[0]
    if output == "plain" or cell is baseline:
        return ""
    return (baseline.item.output if baseline.item else None) or ""


def _row_mark(cell: GridCell, grid: Grid) -> Mark | None:
    """The verdict of the grid's evaluator, averaged over repeats."""
    if cell.score is None or cell.repeats < 2:
        return mark_of_all(cell.judgments.get(grid.evaluator.id, ()), grid.info)
    text = words.level(cell.score, grid.info)
    return Mark("none", f"{text} of {cell.repeats} repeats" if grid.info.is_share else text)


def mark_of_all(judgments: Sequence[Judgment], info: EvaluatorInfo) -> Mark | None:
    """What was said by one evaluator, of people by several: in a word, or how many said what."""
    marks = [mark for judgment in judgments if (mark := mark_of(judgment, info))]
    if len(marks) < 2:
        return next(iter(marks), None)
    said = Counter(mark.text for mark in marks)
    if len(said) == 1:
        return Mark(marks[0].tone, f"{marks[0].text} by {len(marks)}")
    return Mark("none", ", ".join(f"{count} {text}" for text, count in said.most_common()))


def mark_of(judgment: Judgment | None, info: EvaluatorInfo) -> Mark | None:
    """A judgment in a word; None where there is none."""
    if judgment is None:
        return None
    value = judgment_value(judgment)
    if value is None:
        return Mark("none", "no verdict" if judgment.error else judgment.rationale or "does not apply")
    return mark_of_value(value, info)


def mark_of_value(value: bool | float | str | Sequence[str], info: EvaluatorInfo) -> Mark:
    """A verdict in a word."""
    if isinstance(value, bool):
        passed = value == (info.wanted == "higher")
        return Mark("pass" if passed else "fail", "Pass" if passed else "Fail")
    if isinstance(value, float):
        return Mark("none", words.level(value, info))
    if isinstance(value, str):
        score = info.traits.score_of(value) if info.traits else None
        shown = value if len(value) <= _LONGEST_MARK else f"{value[:_LONGEST_MARK]}…"
        return Mark("none" if score is None else "pass" if score else "fail", shown)
    return Mark("none", ", ".join(value))
