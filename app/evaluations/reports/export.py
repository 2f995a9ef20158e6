"""The numbers of a report as a table: a line for each version and evaluator, and one for each score over all rows."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import orjson

from app.core.spreadsheet import csv_lines
from app.evaluations.figures.numbers import Cell, Change
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.models import ENDED, Run, RunScore

Json = dict[str, Any]
Format = Literal["csv", "jsonl"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
COLUMNS = (
    "evaluation_id", "evaluation", "file", "version", "version_id", "run_id", "status", "baseline", "dataset",
    "dataset_version", "rows", "rows_failed", "rows_not_run", "clear_after", "evaluator", "evaluator_version_id", "primary", "wanted", "unit", "metric",
    "estimate", "lo", "hi", "confidence", "n", "clusters", "method", "warning", "errors", "without_score",
    "change", "change_lo", "change_hi", "change_n", "change_clusters", "change_method", "improved", "worsened", "unpaired",
    "test", "p", "verdict", "borderline",
)  # fmt: skip
_CONFIDENCE = 0.95


def report_lines(report: Report) -> list[Json]:
    """Every line with all of `COLUMNS`, None where there is nothing to say; versions as the report shows them, then evaluators."""
    return [line for run in report.runs for row in report.rows for line in _lines(report, run, row)]


def write_lines(report: Report, kind: Format) -> str:
    """The lines as a file. In CSV, texts that a spreadsheet would take for a formula stand behind an apostrophe."""
    lines = report_lines(report)
    if kind == "jsonl":
        return "".join(orjson.dumps(line).decode() + "\n" for line in lines)
    return csv_lines([COLUMNS, *([_cell(line[name]) for name in COLUMNS] for line in lines)])


def file_name(report: Report, kind: Format) -> str:
    """What the file is called: by the evaluation's id, of which only what every system takes is kept."""
    return f"report-{re.sub(r'[^A-Za-z0-9_-]', '-', report.evaluation.id)}.{kind}"


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _lines(report: Report, run: Run, row: EvaluatorRow) -> Iterator[Json]:
    about = dict.fromkeys(COLUMNS) | _about(report, run, row)
    yield about | _of_cell(row.cells[run.id]) | _of_change(row.changes.get(run.id), row)
    for score in report.corpus:
        if (score.run_id, score.evaluator_version_id) == (run.id, row.version.id):
            yield about | _of_corpus(score)


def _about(report: Report, run: Run, row: EvaluatorRow) -> Json:
    data = run.dataset_version
    return {
        "evaluation_id": report.evaluation.id,
        "evaluation": report.evaluation.name,
        "file": run.version.file.path if run.version else None,
        "version": run.name,
        "version_id": run.version_id,
        "run_id": run.id,
        "status": run.status,
        "baseline": run is report.baseline,
        "dataset": data.file.path if data else None,
        "dataset_version": f"v{data.number}" if data else None,
        "rows": run.items_count,
        "rows_failed": run.failed_count,
        "rows_not_run": run.items_count - run.done_count if run.status in ENDED else None,
        "clear_after": run.clear_after,
        "evaluator": row.version.file.path,
        "evaluator_version_id": row.version.id,
        "primary": row.primary,
        "wanted": row.info.wanted,
        "unit": "share" if row.info.is_share else row.info.unit,
        "metric": "mean",
        "confidence": _CONFIDENCE,
    }


def _of_cell(cell: Cell) -> Json:
    found: Json = {"errors": cell.errors, "without_score": cell.without_score}
    if cell.interval is None:
        return found | {"n": 0}
    interval = cell.interval
    return found | {
        "estimate": interval.estimate,
        "lo": interval.lo,
        "hi": interval.hi,
        "n": interval.n,
        "clusters": interval.clusters,
        "method": interval.method,
        "warning": interval.warning,
    }


def _of_change(change: Change | None, row: EvaluatorRow) -> Json:
    if change is None:
        return {}
    found: Json = {
        "change_n": change.n,
        "unpaired": change.unpaired,
        "verdict": change.verdict.name,
        "borderline": change.verdict.borderline,
    }
    if change.delta:
        delta = change.delta
        found |= {
            "change": delta.estimate,
            "change_lo": delta.lo,
            "change_hi": delta.hi,
            "change_clusters": delta.clusters,
            "change_method": delta.method,
        }
    if change.changes:
        moved = (change.changes.higher, change.changes.lower)
        found["improved"], found["worsened"] = moved if row.info.wanted == "higher" else moved[::-1]
    if change.test:
        found |= {"test": change.test.name, "p": change.test.p}
    return found


def _of_corpus(score: RunScore) -> Json:
    detail = score.detail or {}
    return {
        "metric": score.slice,
        "wanted": detail.get("wanted", "higher"),
        "unit": detail.get("unit") or "share",
        "estimate": score.value,
        "lo": score.lo,
        "hi": score.hi,
        "n": score.n,
        "clusters": score.clusters,
        "method": score.method,
    }
