"""The pages of evaluations: what ran, the report of one, and what can be done about its runs."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Action, Principal
from app.core.csrf import csrf_token
from app.core.database import SessionDep
from app.core.event_stream import event_stream
from app.core.pagination import PageNumber
from app.core.permissions import Reader, Runner, still_permitted
from app.evaluations import run_service, service
from app.evaluations.figures import findings
from app.evaluations.figures.report import build_report
from app.evaluations.grid import wording
from app.evaluations.live import Snapshot, follow
from app.evaluations.models import Evaluation, Run
from app.evaluations.reports import export as report_export
from app.evaluations.reports.view import build_view, pair_text

router = APIRouter(prefix="/w/{w}/evaluations", include_in_schema=False)
wording.install()


@router.get("", name="evaluations:list")
def list_evaluations(
    request: Request, session: SessionDep, principal: Reader, q: str = "", page: PageNumber = 1
) -> Response:
    """What ran, and what it found."""
    found, total = findings.list_page(session, principal, q.strip(), page)
    return templating.render(
        request,
        "evaluations/list.html",
        findings=found,
        total=total,
        q=q.strip(),
        page=page,
        pages=-(-total // findings.PAGE_SIZE),
    )


@router.get("/{evaluation_id}", name="evaluations:report")
def report(
    evaluation_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    candidate: str | None = None,
    by: str = "",
) -> Response:
    """What an evaluation found: is the candidate better, by how much, how sure, at what cost, and on which rows?"""
    view = build_view(session, service.get_evaluation(session, principal, evaluation_id), candidate, by)
    return templating.render(
        request, "evaluations/report.html", view=view, title=pair_text(view.report, view.candidate)
    )


@router.get("/{evaluation_id}/export", name="evaluations:export")
def export(
    evaluation_id: str,
    session: SessionDep,
    principal: Reader,
    format: report_export.Format = "csv",  # noqa: A002 - the name in the address
) -> Response:
    """The numbers of the report as a file."""
    found = build_report(session, service.get_evaluation(session, principal, evaluation_id))
    name = f'attachment; filename="{report_export.file_name(found, format)}"'
    text = report_export.write_lines(found, format)
    return Response(text, media_type=report_export.MEDIA_TYPES[format], headers={"content-disposition": name})


def _body(
    session: Session, principal: Principal, evaluation_id: str, candidate: str | None, csrf: str
) -> tuple[str, bool]:
    """The report without its frame as it stands now, and whether it may still change."""
    view = build_view(session, service.get_evaluation(session, principal, evaluation_id), candidate)
    text = templating.fragment("evaluations/report_live.html", view=view, principal=principal, csrf=csrf)
    return text, view.live


@router.get("/{evaluation_id}/live", name="evaluations:live")
def live(
    evaluation_id: str, request: Request, session: SessionDep, principal: Reader, candidate: str | None = None
) -> Response:
    """The report's body as it stands: for browsers whose event stream does not get through."""
    text, more = _body(session, principal, evaluation_id, candidate, csrf_token(request))
    return HTMLResponse(text, headers={"x-live": "yes" if more else "no"})


@router.get("/{evaluation_id}/events", name="evaluations:events")
def events(
    evaluation_id: str, request: Request, session: SessionDep, principal: Reader, candidate: str | None = None
) -> StreamingResponse:
    """The report's body again and again while the evaluation runs."""
    service.get_evaluation(session, principal, evaluation_id)
    csrf = csrf_token(request)

    def read(session: Session) -> Snapshot:
        if not still_permitted(request, session, Action.READ):
            return Snapshot([], live=False)
        text, more = _body(session, principal, evaluation_id, candidate, csrf)
        return Snapshot([("report", text)], more)

    return event_stream(follow(evaluation_id, read))


@router.post("/{evaluation_id}/stop", name="evaluations:stop")
def stop(evaluation_id: str, session: SessionDep, principal: Runner) -> Response:
    """Stop every run that goes on. What is done stays."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    run_service.cancel_all(session, evaluation)
    return _back(principal, evaluation)


def _steer(
    session: Session,
    principal: Principal,
    evaluation_id: str,
    run_id: str,
    do: Callable[[Evaluation, Run], object],
) -> Response:
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    do(evaluation, run_service.get_run(session, evaluation, run_id))
    return _back(principal, evaluation)


def _back(principal: Principal, evaluation: Evaluation) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluations/{evaluation.id}", 303)


@router.post("/{evaluation_id}/runs/{run_id}/cancel")
def cancel_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Response:
    """Stop a run. What is done stays."""
    return _steer(
        session, principal, evaluation_id, run_id, lambda _, run: run_service.cancel_run(session, run)
    )


@router.post("/{evaluation_id}/runs/{run_id}/resume")
def resume_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Response:
    """Go on with a stopped run."""
    return _steer(
        session, principal, evaluation_id, run_id, lambda _, run: run_service.resume_run(session, run)
    )


@router.post("/{evaluation_id}/runs/{run_id}/retry")
def retry_run(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Response:
    """Run the failed rows again, and the judgments that failed; nothing else."""
    return _steer(
        session, principal, evaluation_id, run_id, lambda _, run: run_service.retry_failed(session, run)
    )


@router.post("/{evaluation_id}/runs/{run_id}/baseline")
def choose_baseline(evaluation_id: str, run_id: str, session: SessionDep, principal: Runner) -> Response:
    """Compare the other versions with this one."""
    return _steer(
        session,
        principal,
        evaluation_id,
        run_id,
        lambda evaluation, run: run_service.set_control(session, evaluation, run),
    )
