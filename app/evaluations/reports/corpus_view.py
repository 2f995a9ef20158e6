"""What the report shows of scores over all rows together: macro-F1 and its like, corpus BLEU, recall of slots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from app.core import charts, formats
from app.core.charts import Whisker
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.models import Run, RunScore
from app.evaluations.reports.confusions import Confusions, confusions
from app.files.models import Version

_PLOT_LINE = 34


@dataclass(frozen=True, slots=True)
class PlotLine:
    """One version of a plot."""

    name: str
    value: str
    y: int
    whisker: Whisker
    baseline: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """Versions on one axis: percent of its width from left to right, pixels from top to bottom."""

    lines: Sequence[PlotLine]
    ticks: Sequence[tuple[float, str]]
    sentence: str

    @property
    def height(self) -> int:
        """Of the drawing, axis included."""
        return _PLOT_LINE * len(self.lines) + 34


@dataclass(frozen=True, slots=True)
class OtherScore:
    """A further score of the same evaluator: for each version its value and its interval, empty where it has none."""

    title: str
    values: Sequence[tuple[Run, str, str]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The scores of all rows together by one evaluator: the first as a plot, the others as a table."""

    title: str
    evaluator: Version
    plot: Plot
    method: str
    note: str
    """How the first is to be read, where its title does not say it all."""
    others: Sequence[OtherScore]
    repeated: Sequence[str]
    """The titles of scores that come to what the score table says of the same evaluator: they are not said again."""
    confusions: Confusions | None
    """What was taken for what; None where the evaluator tells no labels apart, or before it is counted."""
    scored: frozenset[str]
    """The ids of the runs that have been scored by it."""


def list_corpora(report: Report, candidate: Run | None) -> list[Corpus]:
    """What each evaluator of a report gives over all rows, of those that give more than a mean."""
    found = []
    for row in report.rows:
        named: dict[str, dict[str, RunScore]] = {}
        for score in report.corpus:
            if score.evaluator_version_id == row.version.id:
                named.setdefault(score.slice, {})[score.run_id] = score
        if named:
            found.append(_corpus(row, named, report, candidate))
    return found


def _corpus(
    row: EvaluatorRow, named: Mapping[str, Mapping[str, RunScore]], report: Report, candidate: Run | None
) -> Corpus:
    (first, scores), *rest = named.items()
    repeated = [name for name, by_run in rest if _repeats(row, by_run)]
    shown = [
        (run, scores[run.id]) for run in report.runs if run.id in scores and scores[run.id].value is not None
    ]
    baseline = report.baseline.id if report.baseline else None
    after = report.shown(candidate)
    detail = _detail(scores)
    notes = ["every label counts the same" if first == "macro_f1" else "all rows together"]
    notes += ["lower is better"] if detail.get("wanted") == "lower" else []
    notes += [f"sacrebleu {detail['signature']}"] if "signature" in detail else []
    return Corpus(
        title=_title(first, detail),
        evaluator=row.version,
        plot=_plot(shown, baseline, detail.get("unit")),
        method=next((score.method for _, score in shown), ""),
        note=", ".join(notes),
        others=[_other(name, by_run, report) for name, by_run in rest if name not in repeated],
        repeated=[_title(name, _detail(by_run)) for name, by_run in rest if name in repeated],
        confusions=confusions(
            scores.get(baseline or "") if candidate else None,
            scores.get(after.id) if after else None,
        ),
        scored=frozenset().union(*named.values()),
    )


def _repeats(row: EvaluatorRow, scores: Mapping[str, RunScore]) -> bool:
    """Whether a score is, for every version that has it, the mean of the score table: recall over all rows is accuracy."""
    means = {run_id: cell.interval.estimate for run_id, cell in row.cells.items() if cell.interval}
    known = {run_id: score.value for run_id, score in scores.items() if score.value is not None}
    return bool(known) and all(
        run_id in means and isclose(means[run_id], value, abs_tol=1e-9) for run_id, value in known.items()
    )


def _detail(scores: Mapping[str, RunScore]) -> Mapping[str, Any]:
    return next((score.detail for score in scores.values() if score.detail), {})


def _title(name: str, detail: Mapping[str, Any]) -> str:
    """What the kind called it; scores of earlier days did not keep that."""
    return str(detail.get("title") or name.replace("_", " ").capitalize().replace(" f1", "-F1"))


def _other(name: str, scores: Mapping[str, RunScore], report: Report) -> OtherScore:
    detail = _detail(scores)
    unit = detail.get("unit")
    values = []
    for run in report.runs:
        score = scores.get(run.id)
        if score is None or score.value is None:
            values.append((run, "", ""))
        elif score.lo is None or score.hi is None:
            values.append((run, _level(score.value, unit), ""))
        else:
            values.append(
                (run, _level(score.value, unit), f"{_bare(score.lo, unit)}–{_bare(score.hi, unit)}")
            )
    return OtherScore(_title(name, detail), values)


def _level(value: float, unit: str | None) -> str:
    return f"{value * 100:.1f}%" if unit is None else formats.number(value, 3)


def _bare(value: float, unit: str | None) -> str:
    return formats.number(value * 100, 1) if unit is None else formats.number(value, 3)


def _plot(shown: Sequence[tuple[Run, RunScore]], baseline: str | None, unit: str | None) -> Plot:
    values = [value for _, score in shown for value in (score.value, score.lo, score.hi) if value is not None]
    limits = (0.0, 1.0) if unit is None else None
    axis = charts.axis_around(values, 0, 100, least=0.08, limits=limits)
    lines = [
        PlotLine(
            name=run.name,
            value=_level(score.value, unit),
            y=19 + _PLOT_LINE * place,
            whisker=charts.whisker(axis, score.value, score.lo, score.hi),
            baseline=run.id == baseline,
        )
        for place, (run, score) in enumerate(shown)
        if score.value is not None
    ]
    ticks = [(axis.at(tick), f"{tick * 100:g}%" if unit is None else f"{tick:g}") for tick in axis.ticks]
    return Plot(lines, ticks, "; ".join(f"{line.name} {line.value}" for line in lines))
