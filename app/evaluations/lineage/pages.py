"""The page of a lineage, and the buttons on it that run what is missing."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.permissions import Reader, Runner
from app.evaluations import service
from app.evaluations.lineage import runs as lineage_runs
from app.evaluations.lineage.amounts import PLOT_WIDTH
from app.evaluations.lineage.steps import LineageRequest, build_lineage
from app.evaluations.lineage.view import build_lineage_view
from app.evaluations.models import Evaluation

router = APIRouter(prefix="/w/{w}/evaluations/{evaluation_id}/lineage", include_in_schema=False)
Number = Annotated[int | None, Query(ge=1, lt=2**31)]


def _asked(
    evaluator: str = "", to: Number = None, older: Number = None, newer: Number = None
) -> LineageRequest:
    return LineageRequest(evaluator or None, to, older, newer)


Asked = Annotated[LineageRequest, Depends(_asked)]


@router.get("", name="evaluations:lineage")
def show_lineage(
    evaluation_id: str, request: Request, session: SessionDep, principal: Reader, asked: Asked
) -> Response:
    """What each step along the versions did, what changed in it, and what each change is worth."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    view = build_lineage_view(session, build_lineage(session, evaluation, asked))
    return templating.render(request, "evaluations/lineage.html", view=view, asked=asked, width=PLOT_WIDTH)


@router.post("/runs/{number}", name="evaluations:lineage_run")
def run_version(evaluation_id: str, number: int, session: SessionDep, principal: Runner) -> Response:
    """Run a version of the line that has not run on its rows."""
    return _start(
        session,
        principal,
        evaluation_id,
        lambda evaluation: lineage_runs.run_version(session, principal, evaluation, number),
    )


@router.post("/single-changes/{older}/{newer}", name="evaluations:lineage_split")
def run_single_changes(
    evaluation_id: str, older: int, newer: int, session: SessionDep, principal: Runner
) -> Response:
    """Make and run the older version with each change of the newer alone."""
    return _start(
        session,
        principal,
        evaluation_id,
        lambda evaluation: lineage_runs.run_single_changes(session, principal, evaluation, older, newer),
        f"?to={newer}",
    )


@router.post("/combinations/{older}/{newer}", name="evaluations:lineage_factorial")
def run_combinations(
    evaluation_id: str, older: int, newer: int, session: SessionDep, principal: Runner
) -> Response:
    """Make and run all combinations of what differs between two versions."""
    return _start(
        session,
        principal,
        evaluation_id,
        lambda evaluation: lineage_runs.run_combinations(session, principal, evaluation, older, newer),
        f"?older={older}&newer={newer}",
    )


def _start(
    session: Session,
    principal: Principal,
    evaluation_id: str,
    do: Callable[[Evaluation], None],
    query: str = "",
) -> Response:
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    do(evaluation)
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluations/{evaluation.id}/lineage{query}", 303)
