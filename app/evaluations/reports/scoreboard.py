"""The score table of a report: what each cell says, and where each change stands in the forest plot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core import charts, formats
from app.core.charts import Axis, Whisker
from app.evaluations.figures import headline as words
from app.evaluations.figures.numbers import Cell, Change
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.models import Run
from app.evaluators.describing import EvaluatorInfo
from app.statistics.verdict import Verdict

PLOT_WIDTH = 260
_FIGURES: Sequence[tuple[str, str, Callable[[float], str], str]] = (
    ("p95 latency", "p95_latency_ms", formats.seconds, "lower"),
    ("Cost per 1,000 rows", "cost_per_1000_usd", formats.money, "lower"),
    ("Tokens in, mean", "mean_prompt_tokens", formats.number, ""),
    ("Tokens out, mean", "mean_output_tokens", lambda value: formats.number(value, 1), ""),
)
"""What each operation is called, where it stands in `Usage`, how it is written, and which way is better."""
_EDGE = 12  # room for the labels at the ends of the axis
_LEAST = {True: 0.08, False: 0.0}
"""The smallest range of an axis of shares: less would blow noise up."""


@dataclass(frozen=True, slots=True)
class ScoreText:
    """One version's score in words; `value` is empty where nothing was scored."""

    run: Run
    value: str
    span: str
    errors: int
    without_score: int
    wins: bool = False
    """Whether the change says clearly that it is the better of the two: only then it stands out."""


@dataclass(frozen=True, slots=True)
class ChangeText:
    """The candidate's change against the baseline, in words and in the plot."""

    value: str
    span: str
    tone: str
    """`better`, `worse` or `same`; empty while results come in."""
    verdict: Verdict
    whisker: Whisker | None
    n: int
    clusters: int | None
    improved: int
    worsened: int
    unpaired: int
    label: str
    test: str
    """The name of the test."""
    p: str


@dataclass(frozen=True, slots=True)
class Line:
    """One evaluator of the table."""

    row: EvaluatorRow
    name: str
    kind: str
    scores: Sequence[ScoreText]
    change: ChangeText | None


@dataclass(frozen=True, slots=True)
class Group:
    """Evaluators whose changes share an axis: they have the same unit."""

    unit: str
    ticks: Sequence[tuple[float, str]]
    zero: float
    lines: Sequence[Line]

    @property
    def drawn(self) -> bool:
        """Whether anything stands on the axis."""
        return any(line.change and line.change.whisker for line in self.lines)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the answers took, before and after."""

    name: str
    before: str
    after: str
    change: str
    tone: str
    word: str
    judged: bool
    """Whether less of it is better: of tokens, neither is."""


def group_lines(report: Report, candidate: Run | None) -> list[Group]:
    """The lines of the table by unit, the primary evaluator's unit first."""
    rows = sorted(report.rows, key=lambda row: (not row.primary, not row.info.is_share))
    by_unit: dict[str, list[EvaluatorRow]] = {}
    for row in rows:
        by_unit.setdefault(_unit(row.info), []).append(row)
    return [_group(unit, members, report, candidate) for unit, members in by_unit.items()]


def _unit(info: EvaluatorInfo) -> str:
    if info.is_share:
        return "points"
    return {"s": "seconds", "usd": "US dollars"}.get(info.unit or "", "on the scale of the score")


def _group(unit: str, rows: Sequence[EvaluatorRow], report: Report, candidate: Run | None) -> Group:
    info = rows[0].info
    changes = [row.changes[candidate.id] for row in rows if candidate and candidate.id in row.changes]
    axis = change_axis(changes, share=info.is_share)
    ticks = [(axis.at(tick), tick_text(tick, info)) for tick in axis.ticks]
    lines = [_line(row, report, candidate, axis) for row in rows]
    return Group(unit, ticks, axis.at(0), lines)


def change_axis(changes: Sequence[Change], *, share: bool) -> Axis:
    """The axis of a forest plot that holds every change with its interval, and 0."""
    values = [0.0]
    for change in changes:
        if change.delta:
            ends = (change.delta.estimate, change.delta.lo, change.delta.hi)
            values += [value for value in ends if value is not None]
    return charts.axis_around(values, _EDGE, PLOT_WIDTH - _EDGE, steps=3, least=_LEAST[share])


def tick_text(value: float, info: EvaluatorInfo) -> str:
    """The label of a change on the axis, as short as it can be."""
    if value == 0:
        return "0"
    text = words.change_text(value, info)
    return text.removesuffix(".0") if info.is_share else text


def _line(row: EvaluatorRow, report: Report, candidate: Run | None, axis: Axis) -> Line:
    change = row.changes.get(candidate.id) if candidate else None
    winner = winner_of(change, report.baseline, candidate)
    return Line(
        row=row,
        name=row.version.file.name,
        kind=", ".join(
            part
            for part in (
                row.info.title if row.info.title != row.version.file.name else "",
                "" if row.primary else "exploratory",
            )
            if part
        ),
        scores=[score_text(run, row.cells[run.id], row.info, winner) for run in report.runs],
        change=change_text(change, row.info, axis) if change else None,
    )


def winner_of(change: Change | None, baseline: Run | None, candidate: Run | None) -> Run | None:
    """The better one of the two; None where that is not clear, or neither a higher nor a lower score is better."""
    return {"better": candidate, "worse": baseline}.get(change.verdict.tone) if change else None


def score_text(run: Run, cell: Cell, info: EvaluatorInfo, winner: Run | None = None) -> ScoreText:
    """One version's score in words."""
    interval = cell.interval
    return ScoreText(
        run,
        words.level(interval.estimate, info) if interval else "",
        words.span(interval, info) if interval and interval.lo is not None else "",
        cell.errors,
        cell.without_score,
        wins=run is winner,
    )


def change_text(change: Change, info: EvaluatorInfo, axis: Axis) -> ChangeText:
    """A change in words, and where it stands on `axis`. Partial results have no tone: they may still move."""
    delta = change.delta
    value = words.change_text(delta.estimate, info) if delta else ""
    span = words.signed_span(delta, info) if delta and delta.lo is not None else ""
    name = change.verdict.name
    tone = change.verdict.tone or ("" if name == "scoring" else "same")
    return ChangeText(
        value=value,
        span=span,
        tone=tone,
        verdict=change.verdict,
        whisker=charts.whisker(axis, delta.estimate, delta.lo, delta.hi)
        if delta and name != "failed"
        else None,
        n=change.n,
        clusters=delta.clusters if delta else None,
        improved=_moved(change, better=True, wanted=info.wanted),
        worsened=_moved(change, better=False, wanted=info.wanted),
        unpaired=change.unpaired,
        label=f"{value}{' points' if info.is_share else ''}, {words.interval_name(change.looked_at)} {span}"
        if span
        else value or "no change known",
        test=change.test.name if change.test else "",
        p=words.p_text(change.test.p) if change.test else "",
    )


def _moved(change: Change, *, better: bool, wanted: str) -> int:
    """How many rows got better, or worse, as the evaluator wants it."""
    if change.changes is None:
        return 0
    return change.changes.higher if better == (wanted == "higher") else change.changes.lower


def list_operations(report: Report, candidate: Run | None) -> list[Operation]:
    """Latency, cost and tokens of the candidate (or the only version), beside the baseline's."""
    shown = candidate or report.baseline
    after = report.usage.get(shown.id) if shown else None
    if after is None:
        return []
    before = report.usage.get(report.baseline.id) if report.baseline and candidate else None
    found = [
        _operation(name, write, wanted, getattr(before, key) if before else None, getattr(after, key))
        for name, key, write, wanted in _FIGURES
    ]
    return [operation for operation in found if operation]


def _operation(
    name: str, write: Callable[[float], str], wanted: str, old: float | None, new: float | None
) -> Operation | None:
    if new is None:
        return None
    if old is None:
        return Operation(name, "", write(new), "", "", "", bool(wanted))
    change = new - old
    if write(old) == write(new):
        return Operation(name, write(old), write(new), "", "", "the same", bool(wanted))
    sign = "+" if change > 0 else "−"
    tone = "" if not wanted else "better" if change < 0 else "worse"
    return Operation(name, write(old), write(new), sign + write(abs(change)), tone, tone, bool(wanted))
