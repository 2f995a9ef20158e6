"""Evaluations, runs and comparisons in the shapes of the API."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid, NotFound
from app.core.parts import Part, Reading, Shown, Writing, in_parts
from app.core.settings import get_settings
from app.datasets import repository as datasets
from app.datasets.presentation import present_datapoint
from app.evaluations import repository, sharing_repository
from app.evaluations.figures.report import compared_of
from app.evaluations.figures.scores import run_interval
from app.evaluations.grid import comparison_repository
from app.evaluations.grid.comparison import Grid, GridCell, GridRow
from app.evaluations.grid.comparison_repository import LoggedItem
from app.evaluations.models import Evaluation, Run
from app.evaluations.new_evaluation.estimate import Estimate
from app.evaluations.reports.early_end import EarlyEnd
from app.evaluators.binding import is_judged_here
from app.files.presentation import present
from app.logs import repository as logs
from app.logs.presentation import present_judgment
from app.logs.showing import show_logs
from app.logs.size_repository import sizes_of_logs
from app.statistics.intervals import Interval
from app.statistics.power import smallest_detectable_difference

Json = dict[str, Any]


def present_evaluation(session: Session, evaluation: Evaluation) -> Json:
    """One evaluation."""
    return present_evaluations(session, [evaluation])[0]


def present_evaluations(session: Session, evaluations: Sequence[Evaluation]) -> list[Json]:
    """Evaluations in the order given, in a fixed number of queries."""
    evaluation_ids = [evaluation.id for evaluation in evaluations]
    links = repository.list_evaluator_links(session, evaluation_ids)
    versions = {file["version_id"]: file for file in present(session, [link.version for link in links])}
    counts = repository.count_runs(session, evaluation_ids)
    unnamed = repository.unnamed_subjects(session, evaluations)
    slug = repository.workspace_slug(session, evaluations[0].workspace_id) if evaluations else ""
    return [
        {
            "id": evaluation.id,
            "name": evaluation.name,
            "file_id": evaluation.file_id if evaluation.id not in unnamed else None,
            "runs_count": counts.get(evaluation.id, 0),
            "evaluators": [
                {
                    "version": versions[link.evaluator_version_id],
                    "orchestrated": link.orchestrated and is_judged_here(link.version.spec),
                    "added_at": link.added_at,
                }
                for link in links
                if link.evaluation_id == evaluation.id
            ],
            "primary_evaluator": evaluation.primary_evaluator_id,
            "smallest_difference": evaluation.smallest_difference,
            "stops_when_clear": evaluation.stops_when_clear,
            "created_at": evaluation.created_at,
            "created_by": {
                "id": evaluation.created_by,
                "full_name": evaluation.created_by_name,
                "email_address": "",
            }
            if evaluation.created_by
            else None,
            "updated_at": evaluation.updated_at,
            "url": f"{get_settings().public_url}/w/{slug}/evaluations/{evaluation.id}",
        }
        for evaluation in evaluations
    ]


def present_runs(session: Session, evaluation_id: str, runs: Sequence[Run]) -> list[Json]:
    """Runs of an evaluation in the order given."""
    control_id = sharing_repository.find_control(session, evaluation_id)
    versions = {
        file["version_id"]: file for file in present(session, [run.version for run in runs if run.version])
    }
    sets = [run.dataset_version for run in runs if run.dataset_version]
    data = {file["version_id"]: file for file in present(session, sets)}
    return [
        {
            "id": run.id,
            "orchestrated": run.orchestrated,
            "control": run.id == control_id,
            "status": run.status,
            "added_at": run.created_at,
            "created_at": run.created_at,
            "created_by": {"id": run.created_by, "full_name": run.created_by_name, "email_address": ""}
            if run.created_by
            else None,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "dataset": data.get(run.dataset_version_id),
            "version": versions.get(run.version_id),
            "repeats": run.repeats,
            "concurrency": run.concurrency,
            "fresh": run.fresh,
            "split": run.split,
            "items_count": run.items_count,
            "done_count": run.done_count,
            "failed_count": run.failed_count,
            "reused_count": run.reused_count,
            "retried_count": run.retried_count,
            "max_cost_usd": None if run.max_cost_usd is None else float(run.max_cost_usd),
            "max_calls": run.max_calls,
            "spent_usd": float(run.spent_usd),
            "calls_count": run.calls_count,
            "stops_when_clear": run.stops_by is not None,
            "clear_after": run.clear_after,
            "not_run": run.not_run,
        }
        for run in runs
    ]


def list_logged(
    session: Session, evaluation: Evaluation, run_ids: Sequence[str], *, offset: int, limit: int
) -> tuple[list[LoggedItem], int]:
    """A page of the results of an evaluation's runs, and how many there are.

    Raises:
        NotFound: a run is not part of the evaluation.
    """
    runs = {run.id: run for run in repository.list_runs(session, [evaluation.id])}
    missing = [run_id for run_id in run_ids if run_id not in runs]
    if missing:
        raise NotFound(f"The evaluation has no run with the id {missing[0]}.")
    return comparison_repository.list_items(session, list(run_ids) or list(runs), offset, limit)


def logged_in_parts(
    reading: Reading, workspace_id: str, items: Sequence[LoggedItem], writing: Writing
) -> Iterator[Part]:
    """Results of runs in their order, each with its row, log and judgments."""

    def measure(session: Session, part: Sequence[LoggedItem], packed: bool) -> list[int]:
        of_logs = sizes_of_logs(session, {item.log_id for item in part}, packed=packed)
        of_rows = datasets.sizes_of(session, {item.datapoint_id for item in part}, packed=packed)
        return [of_logs.get(item.log_id, 0) + of_rows.get(item.datapoint_id, 0) for item in part]

    def show(session: Session, part: Sequence[LoggedItem]) -> Iterable[Shown]:
        return map(Shown, present_logs(session, workspace_id, part))

    return in_parts(reading, items, measure, show, writing)


def present_logs(session: Session, workspace_id: str, items: Sequence[LoggedItem]) -> list[Json]:
    """Results of runs, each with its row, log and judgments; without those whose logs are there no more."""
    found = logs.find_logs(session, workspace_id, [item.log_id for item in items])
    shown = dict(zip(found, show_logs(session, workspace_id, list(found.values())), strict=True))
    rows = datasets.find_datapoints(session, workspace_id, [item.datapoint_id for item in items])
    return [
        {
            "run_id": item.run_id,
            "repeat": item.repeat,
            "datapoint": present_datapoint(rows[item.datapoint_id], None)
            if item.datapoint_id in rows
            else None,
            "log": shown[item.log_id],
            "evaluator_logs": shown[item.log_id]["evaluator_logs"],
        }
        for item in items
        if item.log_id in shown
    ]


def choose_pair(
    session: Session, evaluation: Evaluation, baseline_id: str | None, candidate_id: str | None
) -> list[Run]:
    """The two runs to compare: those asked for, else the baseline and the newest other one.

    Raises:
        NotFound: the evaluation has no such run.
        Invalid: there is nothing to compare with, or both are the same run.
    """
    runs = repository.list_runs(session, [evaluation.id])
    by_id = {run.id: run for run in runs}
    for run_id in (baseline_id, candidate_id):
        if run_id and run_id not in by_id:
            raise NotFound(f"The evaluation has no run with the id {run_id}.")
    compared, control = compared_of(session, evaluation)
    baseline = by_id[baseline_id] if baseline_id else control
    others = [run for run in compared if baseline and run.id != baseline.id]
    candidate = by_id[candidate_id] if candidate_id else others[-1] if others else None
    if baseline is None or candidate is None:
        raise Invalid("A comparison needs two runs: start one with another version.")
    if baseline.id == candidate.id:
        raise Invalid("A run cannot be compared with itself: choose two different runs.")
    return [baseline, candidate]


def present_comparison(grid: Grid, page: int, size: int) -> Json:
    """A comparison of two runs: the summary, and a page of rows."""
    baseline, candidate = grid.runs
    change = grid.changes[candidate.id]
    summary = {
        "n": change.n,
        "baseline": present_interval(_mean(grid, baseline)),
        "candidate": present_interval(_mean(grid, candidate)),
        "delta": present_interval(change.delta),
        "test": {"name": change.test.name, "p": change.test.p} if change.test else None,
        "verdict": change.verdict.name,
        "improved": grid.counts["better"],
        "worsened": grid.counts["worse"],
        "baseline_run_id": baseline.id,
        "candidate_run_id": candidate.id,
        "evaluator": {"version_id": grid.evaluator.id, "path": grid.evaluator.file.path},
    }
    return {
        "summary": summary,
        "records": [_record(row) for row in grid.rows],
        "page": page,
        "size": size,
        "total": grid.matching,
    }


def _mean(grid: Grid, run: Run) -> Interval | None:
    return run_interval(grid.table, run.id, grid.evaluator)


def _record(row: GridRow) -> Json:
    before, after = row.cells
    delta = None if before.score is None or after.score is None else after.score - before.score
    return {
        "datapoint": present_datapoint(row.datapoint, None) | {"number": row.number},
        "baseline": _present_cell(before),
        "candidate": _present_cell(after),
        "delta": delta,
        "disagreement": row.gap,
        "flip_rate": row.flips,
    }


def _present_cell(cell: GridCell) -> Json | None:
    item = cell.item
    if item is None:
        return None
    return {
        "log_id": item.log_id,
        "output": item.output,
        "error": item.error,
        "score": cell.score,
        "judgments": [present_judgment(one) for said in cell.judgments.values() for one in said],
        "latency": item.latency_ms / 1000 if item.latency_ms is not None else None,
        "cost": item.cost_usd,
    }


def present_interval(interval: Interval | None) -> Json | None:
    """An estimate with its interval, as section 12 of the API has it."""
    if interval is None:
        return None
    shown = {
        "estimate": interval.estimate,
        "lo": interval.lo,
        "hi": interval.hi,
        "n": interval.n,
        "method": interval.method,
    }
    return shown | ({"clusters": interval.clusters} if interval.clusters is not None else {})


def present_early_end(early: EarlyEnd) -> Json:
    """How an evaluation that stops as soon as it is clear came to its end, and what that saved."""
    return {
        "clear_after": early.clear_after,
        "rows": early.rows,
        "rows_saved": early.rows_saved,
        "calls_saved": early.calls_saved,
        "cost_saved_usd": None if early.usd_saved is None else float(early.usd_saved),
        "seconds_saved": round(early.seconds_saved, 1),
        "said": " ".join(filter(None, (early.sentence, early.saved, early.caveat))),
    }


def present_estimate(found: Estimate, rows: int) -> Json:
    """An estimate as the API gives it."""
    return {
        "calls": found.calls,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "cost_usd": None if found.usd is None else float(found.usd),
        "priced": found.usd is not None,
        "unpriced_models": found.unpriced,
        "seconds": round(found.seconds, 1),
        "detectable_difference": smallest_detectable_difference(rows),
    }
