"""The statistics of an evaluation in the shapes of the v5 API, with the two texts that its clients print."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.evaluations import repository
from app.evaluations.figures import score_repository
from app.evaluations.figures.scores import Column, ScoreTable, load_scores
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import describe
from app.files.models import Version
from app.statistics.arrays import np

_PERCENTILES = (0, 25, 50, 75, 100)


def evaluation_stats(session: Session, evaluation: Evaluation) -> dict[str, Any]:
    """EvaluationStats: runs newest first, `progress` and `report` always texts.

    Of runs without any output only the newest is there: clients compare it with the one after it, which must have scores.
    """
    every_run = repository.list_runs(session, [evaluation.id])
    runs = [*every_run[:1], *(run for run in every_run[1:] if run.done_count)]
    every = repository.list_evaluators(session, evaluation.id)
    table = _load(session, runs, every)
    options = score_repository.count_options(session, [run.id for run in runs])
    judges = _by_evaluator(every)
    evaluators = [versions[0] for versions in judges]
    scores = {
        run.id: [_evaluator_stats(run, versions, table, options) for versions in judges] for run in runs
    }
    stats = [
        {
            "run_id": run.id,
            "version_id": run.version_id,
            "batch_id": None,
            "num_logs": run.done_count,
            "status": run.status,
            "evaluator_stats": scores[run.id],
        }
        for run in runs
    ]
    newest = runs[:1]
    return {
        "run_stats": stats,
        "status": runs[0].status if runs else "pending",
        "progress": _progress(newest, scores),
        "report": _report(runs, evaluators, scores),
    }


def _load(session: Session, runs: Sequence[Run], evaluators: Sequence[Version]) -> ScoreTable:
    """The scores of every output: clients divide what is counted here by the number of logs."""
    found: dict[tuple[str, str], Column] = {}
    for apart in (False, True):
        some = [run for run in runs if (run.repeats > 1 or run.takes_any_log) is apart]
        found |= load_scores(session, some, [version.id for version in evaluators], apart=apart).columns
    return ScoreTable(found, {})


def _by_evaluator(evaluators: Sequence[Version]) -> list[list[Version]]:
    """The versions that are told of as one, the first of which names them.

    Programs elsewhere write their evaluator anew with each change of their code, and know the version by whose name they
    asked for it.
    """
    found: dict[str, list[Version]] = {}
    for version in evaluators:
        elsewhere = version.spec.get("evaluator_type") == "external"
        found.setdefault(version.file_id if elsewhere else version.id, []).append(version)
    return list(found.values())


def _evaluator_stats(
    run: Run,
    versions: Sequence[Version],
    table: ScoreTable,
    options: Mapping[tuple[str, str], Mapping[str, int]],
) -> dict[str, Any]:
    columns = [table.column(run.id, version.id) for version in versions]
    by_row = {row: value for column in columns for row, value in column.by_row().items()}
    values = list(by_row.values())
    chosen = sum((Counter(options.get((run.id, version.id), {})) for version in versions), Counter[str]())
    answered = sum(column.answered for column in columns)
    common = {
        "evaluator_version_id": versions[0].id,
        "total_logs": run.done_count,
        "num_judgments": len(values) + answered,
        "num_nulls": sum(column.without_score for column in columns) - answered,
        "num_errors": sum(column.errors for column in columns),
    }
    match describe(versions[0].spec).return_type:
        case "boolean":
            true = sum(value >= 0.5 for value in values)
            return common | {"num_true": true, "num_false": len(values) - true}
        case "number":
            return common | _number_stats(values)
        case "select" | "multi_select":
            return common | {"num_judgments_per_option": dict(chosen)}
        case _:
            return common


def _number_stats(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"mean": 0.0, "sum": 0.0, "std": None, "percentiles": {}}
    found = np.percentile(values, _PERCENTILES)
    return {
        "mean": float(np.mean(values)),
        "sum": float(np.sum(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "percentiles": {str(at): float(value) for at, value in zip(_PERCENTILES, found, strict=True)},
    }


def _progress(newest: Sequence[Run], scores: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    if not newest:
        return "No run yet"
    run = newest[0]
    counted = ("num_judgments", "num_nulls", "num_errors")
    judged = sum(stats[name] for stats in scores[run.id] for name in counted)
    wanted = run.items_count * len(scores[run.id])
    told = f"Total Logs: {run.done_count}/{run.items_count}, Total Judgments: {judged}/{wanted}"
    missing = wanted - judged if run.status == "completed" else 0
    return f"{told}, Not judged: {missing}" if missing else told


def _report(
    runs: Sequence[Run], evaluators: Sequence[Version], stats: Mapping[str, Sequence[Mapping[str, Any]]]
) -> str:
    """A table in plain text: a column a run, a line an evaluator."""
    shown = runs[:4]
    lines = [["Evaluator", *(_heading(run) for run in shown)]]
    for index, version in enumerate(evaluators):
        lines.append([version.file.path, *(_figure(run, stats[run.id][index]) for run in shown)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )


def _heading(run: Run) -> str:
    name = f"v{run.version.number}" if run.version else "no version"
    return f"{name} {run.created_at:%Y-%m-%d %H:%M}"


def _figure(run: Run, stats: Mapping[str, Any]) -> str:
    if not stats["num_judgments"]:
        asked = stats["num_nulls"] or stats["num_errors"] or run.status != "completed"
        return "-" if asked else "not judged"
    if "num_true" in stats:
        return f"{stats['num_true'] / stats['num_judgments']:.3f}"
    return f"{stats['mean']:.3f}" if "mean" in stats else str(stats["num_judgments"])
