"""The v5 routes of evaluations and their runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.event_stream import event_stream
from app.core.openapi import EVENT
from app.core.pagination import Page, PageNumber, PageSize
from app.core.parts import Reading, Writing, answer
from app.core.permissions import Deleter, Editor, Reader, Runner, still_permitted
from app.evaluations import (
    arrivals,
    live,
    presentation,
    repository,
    run_limits,
    run_service,
    service,
    sharing,
)
from app.evaluations.figures import stats
from app.evaluations.grid import comparison
from app.evaluations.grid.comparison import GridRequest, Only, Sort
from app.evaluations.models import EVALUATED, Evaluation, Run
from app.evaluations.new_evaluation.estimate import Work, estimate
from app.evaluations.references import find_evaluators, find_named_version, find_subject, find_version
from app.evaluations.run_service import RunRequest
from app.evaluations.schemas import (
    DEFAULT_CONCURRENCY,
    EvaluationCreate,
    EvaluationUpdate,
    EvaluatorsAdd,
    LogsAdd,
    RunCreate,
    RunUpdate,
)
from app.files import service as files
from app.files.models import FileKind

router = APIRouter(prefix="/v5/evaluations", tags=["Evaluations"])
Json = dict[str, Any]


@router.post("", status_code=201)
def create_evaluation(
    body: Annotated[EvaluationCreate, Body(default_factory=EvaluationCreate)],
    session: SessionDep,
    principal: Editor,
) -> Any:
    """Create an evaluation of a file. A name that is taken answers 409; evaluators that are named with it, and of which that
    evaluation has no version, are then part of it, for clients go on with the one that they find by the name. Without `file` it is of the file whose version, or
    whose log, its first run has; until then its `file_id` is null, and its name unique among those of its first evaluator.

    By an evaluator with `orchestrated` false the server does not judge: send its judgments to `POST /v5/evaluators/log`.
    """
    evaluators, elsewhere = find_evaluators(session, principal, body.evaluators)
    file = find_subject(session, principal, body.file)
    if file and (taken := repository.find_evaluation_by_name(session, file.id, body.name or "")):
        joined = service.name_evaluators(session, taken, evaluators, elsewhere)
        said = service.taken(file, taken.name)
        if joined:
            said += f" It has {', '.join(f'`{one.file.path}`' for one in joined)} now, too."
        return JSONResponse({"detail": said}, Conflict.status)  # and not raised: what it came to is kept
    evaluation = service.create_evaluation(
        session,
        principal,
        file=file,
        name=body.name,
        evaluators=evaluators,
        elsewhere=elsewhere,
        smallest_difference=body.smallest_difference,
        stops_when_clear=body.stops_when_clear,
    )
    return presentation.present_evaluation(session, evaluation)


@router.get("")
def list_evaluations(
    session: SessionDep,
    principal: Reader,
    file_id: str | None = None,
    name: Annotated[str, Query(description="Part of the name, or of the file's path.")] = "",
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Page[Json]:
    """Evaluations, newest first; those of one file with `file_id`."""
    if file_id:
        files.get_file(session, principal, file_id)
    found, total = repository.list_evaluations(
        session,
        principal.workspace_id,
        file_id=file_id,
        search=name.strip(),
        offset=(page - 1) * size,
        limit=size,
    )
    return Page(records=presentation.present_evaluations(session, found), page=page, size=size, total=total)


def _evaluation(session: SessionDep, principal: Principal, evaluation_id: str) -> Evaluation:
    return service.get_evaluation(session, principal, evaluation_id)


@router.get("/{evaluation_id}")
def get_evaluation(evaluation_id: str, session: SessionDep, principal: Reader) -> Json:
    """One evaluation with its evaluators."""
    return presentation.present_evaluation(session, _evaluation(session, principal, evaluation_id))


@router.patch("/{evaluation_id}")
def change_evaluation(
    evaluation_id: str,
    body: Annotated[EvaluationUpdate, Body(default_factory=EvaluationUpdate)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Rename an evaluation, or choose its primary evaluator or its baseline."""
    evaluation = _evaluation(session, principal, evaluation_id)
    service.change_evaluation(
        session,
        evaluation,
        name=body.name,
        primary_evaluator_id=body.primary_evaluator,
        baseline_run_id=body.baseline_run_id,
    )
    return presentation.present_evaluation(session, evaluation)


@router.delete("/{evaluation_id}", status_code=204)
def delete_evaluation(evaluation_id: str, session: SessionDep, principal: Deleter) -> Response:
    """Delete an evaluation with its runs. The logs stay."""
    service.delete_evaluation(session, principal, _evaluation(session, principal, evaluation_id))
    return Response(status_code=204)


@router.post("/{evaluation_id}/evaluators")
def add_evaluators(evaluation_id: str, body: EvaluatorsAdd, session: SessionDep, principal: Editor) -> Json:
    """Add evaluators. Outputs that are there already are judged, not made again."""
    evaluation = _evaluation(session, principal, evaluation_id)
    service.add_evaluators(session, evaluation, *find_evaluators(session, principal, body.evaluators))
    return presentation.present_evaluation(session, evaluation)


@router.delete("/{evaluation_id}/evaluators/{evaluator_version_id}")
def remove_evaluator(
    evaluation_id: str, evaluator_version_id: str, session: SessionDep, principal: Editor
) -> Json:
    """Take an evaluator out of the evaluation. Its judgments stay with the logs."""
    evaluation = _evaluation(session, principal, evaluation_id)
    service.remove_evaluator(session, evaluation, evaluator_version_id)
    return presentation.present_evaluation(session, evaluation)


@router.get("/{evaluation_id}/estimate")
def estimate_run(
    evaluation_id: str,
    session: SessionDep,
    principal: Reader,
    dataset: str,
    version: str,
    repeats: Annotated[int, Query(ge=1, le=run_service.MOST_REPEATS)] = 1,
    concurrency: Annotated[int, Query(ge=1, le=run_limits.MOST_CONCURRENCY)] = DEFAULT_CONCURRENCY,
) -> Json:
    """About what a run would take, before it starts. `dataset` and `version` are version ids, or ids of files.

    `cost_usd` is null where a model has no known price: set one, or cap the calls.
    """
    evaluation = _evaluation(session, principal, evaluation_id)
    rows = find_named_version(session, principal, dataset, FileKind.DATASET)
    work = Work(
        versions=[find_named_version(session, principal, version, FileKind.PROMPT)],
        dataset_version=rows,
        evaluators=repository.list_judges(session, [evaluation.id]),
        rows=rows.rows_count or 0,
        repeats=repeats,
        concurrency=concurrency,
    )
    return presentation.present_estimate(estimate(session, work), rows.rows_count or 0)


@router.post("/{evaluation_id}/runs")
def create_run(
    evaluation_id: str,
    session: SessionDep,
    principal: Runner,
    body: Annotated[RunCreate, Body(default_factory=RunCreate)],  # who names nothing sends nothing
) -> Json:
    """Start a run: workers answer every row with the version, or wait for your outputs, and judge them.

    Without `dataset` or `version` it is a run of logs that you send or add. `warnings` names members that look like a cap and are none.
    """
    evaluation = _evaluation(session, principal, evaluation_id)
    version = find_version(session, principal, body.version) if body.version else None
    if version and version.file.kind not in EVALUATED:
        raise Invalid(f"{version.file.path} is a {version.file.kind}, not a prompt, flow or agent.")
    data = find_version(session, principal, body.dataset, FileKind.DATASET) if body.dataset else None
    whole = version is not None and data is not None
    orchestrated = whole if body.orchestrated is None else body.orchestrated
    reused = orchestrated if body.use_existing_logs is None else body.use_existing_logs
    request = RunRequest(
        version=version,
        orchestrated=orchestrated,
        dataset_version=data,
        repeats=body.repeats,
        concurrency=body.concurrency,
        fresh=body.fresh or not reused,
        sent=body.use_existing_logs is True,
        split=body.split,
        max_cost_usd=body.max_cost_usd,
        max_calls=body.max_calls,
    )
    run = run_service.start_run(session, principal, evaluation, request)
    return presentation.present_runs(session, evaluation_id, [run])[0] | {"warnings": body.warnings}


@router.get("/{evaluation_id}/runs")
def list_runs(evaluation_id: str, session: SessionDep, principal: Reader) -> Json:
    """The runs of an evaluation, newest first."""
    runs = repository.list_runs(session, [_evaluation(session, principal, evaluation_id).id])
    return {"runs": presentation.present_runs(session, evaluation_id, runs)}


def _run(
    session: SessionDep, principal: Principal, evaluation_id: str, run_id: str
) -> tuple[Evaluation, Run]:
    evaluation = _evaluation(session, principal, evaluation_id)
    return evaluation, run_service.get_run(session, evaluation, run_id)


@router.post("/{evaluation_id}/runs/{run_id}")
def add_existing_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Json:
    """Make a run of another evaluation part of this one, too: it is compared here, and judged by the evaluators of both."""
    run = sharing.add_run(session, _evaluation(session, principal, evaluation_id), run_id)
    return presentation.present_runs(session, evaluation_id, [run])[0]


@router.delete("/{evaluation_id}/runs/{run_id}", status_code=204)
def remove_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Deleter) -> Response:
    """Take a run out of the evaluation. One that no other has is deleted; its logs stay."""
    sharing.remove_run(session, principal, *_run(session, principal, evaluation_id, run_id))
    return Response(status_code=204)


@router.patch("/{evaluation_id}/runs/{run_id}")
def change_run(
    evaluation_id: str,
    run_id: str,
    body: Annotated[RunUpdate, Body(default_factory=RunUpdate)],
    session: SessionDep,
    principal: Runner,
) -> Json:
    """Make a run the baseline, or none (`control: false`), stop it, or end it: rows that were not run stay without a result."""
    evaluation, run = _run(session, principal, evaluation_id, run_id)
    if body.control is not None:
        (run_service.set_control if body.control else run_service.clear_control)(session, evaluation, run)
    if body.status == "cancelled":
        run_service.cancel_run(session, run)
    elif body.status == "completed":
        run_service.complete_run(session, run)
    return presentation.present_runs(session, evaluation_id, [run])[0]


@router.post("/{evaluation_id}/runs/{run_id}/logs")
def add_logs_to_run(
    evaluation_id: str, run_id: str, body: LogsAdd, session: SessionDep, principal: Runner
) -> Json:
    """Make logs that are there the outputs of a run's rows, each of the row in its `source_datapoint_id`.

    In a run without dataset or version, a log of no row that waits is a row of its own.
    """
    _, run = _run(session, principal, evaluation_id, run_id)
    arrivals.add_logs(session, run, body.log_ids)
    session.refresh(run)
    return presentation.present_runs(session, evaluation_id, [run])[0]


@router.post("/{evaluation_id}/runs/{run_id}/retry")
def retry_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Json:
    """Run the failed rows again, and the judgments that failed; nothing else."""
    _, run = _run(session, principal, evaluation_id, run_id)
    run_service.retry_failed(session, run)
    return presentation.present_runs(session, evaluation_id, [run])[0]


@router.post("/{evaluation_id}/runs/{run_id}/resume")
def resume_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Json:
    """Go on with a cancelled run: the rows without a result."""
    _, run = _run(session, principal, evaluation_id, run_id)
    run_service.resume_run(session, run)
    return presentation.present_runs(session, evaluation_id, [run])[0]


@router.get("/{evaluation_id}/stats")
def get_evaluation_stats(evaluation_id: str, session: SessionDep, principal: Reader) -> Json:
    """What the runs came to, with progress and a report as text."""
    return stats.evaluation_stats(session, _evaluation(session, principal, evaluation_id))


@router.get("/{evaluation_id}/logs", response_model=Page[Json])
def list_evaluation_logs(
    evaluation_id: str,
    session: SessionDep,
    principal: Reader,
    run_id: Annotated[list[str] | None, Query()] = None,
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Response:
    """The logs of the evaluation's runs, each with its row and judgments. A large page is sent while it is read: one that
    breaks off before its end is not whole."""
    evaluation = _evaluation(session, principal, evaluation_id)
    items, total = presentation.list_logged(
        session, evaluation, run_id or [], offset=(page - 1) * size, limit=size
    )
    reading, writing = Reading(session), Writing.page(page, size, total)
    return answer(reading, presentation.logged_in_parts(reading, principal.workspace_id, items, writing))


@router.get("/{evaluation_id}/comparison")
def compare_runs(
    evaluation_id: str,
    session: SessionDep,
    principal: Reader,
    baseline: str | None = None,
    candidate: str | None = None,
    evaluator: str | None = None,
    only: Only = "all",
    sort: Sort = "row",
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Json:
    """One version against another, row by row, with the paired change and its interval."""
    evaluation = _evaluation(session, principal, evaluation_id)
    runs = presentation.choose_pair(session, evaluation, baseline, candidate)
    request = GridRequest(
        [run.id for run in runs], evaluator, only=only, sort=sort, offset=(page - 1) * size, limit=size
    )
    grid = comparison.build_grid(session, evaluation, request)
    return presentation.present_comparison(grid, page, size)


@router.get(
    "/{evaluation_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "The events.", "content": {"text/event-stream": {"schema": EVENT}}}},
)
def follow_evaluation(
    evaluation_id: str, request: Request, session: SessionDep, principal: Reader
) -> StreamingResponse:
    """Server-sent events while the evaluation runs: `progress` for each run that moved, `item` for each row that
    ended meanwhile, `done` at the end."""
    evaluation = _evaluation(session, principal, evaluation_id)

    def read(session: Session) -> live.Snapshot:
        if not still_permitted(request, session, Action.READ):
            return live.Snapshot([], live=False)
        return live.read_progress(session, evaluation.id)

    return event_stream(live.follow(evaluation.id, read, with_items=True))
