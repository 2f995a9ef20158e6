"""The pages of an evaluator's versions: all of them, what changed between two, and which runs where."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.permissions import Reader
from app.evaluations.evaluator_editor.changes import compare_evaluators
from app.evaluations.file_pages.dashboard import list_places
from app.evaluations.file_pages.version_pages import add_deploying, add_diff
from app.files import repository
from app.files import service as files
from app.files.models import File, FileKind

router = APIRouter(prefix="/w/{w}/evaluators/{file_id}", include_in_schema=False)


def _evaluator(session: Session, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.EVALUATOR)


@router.get("/versions", name="evaluators:versions")
def versions_page(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """Every version of an evaluator, who made it and why, and where it runs."""
    file = _evaluator(session, principal, file_id)
    return templating.render(
        request,
        "evaluators/versions.html",
        file=file,
        versions=repository.list_versions(session, file.id),
        places=list_places(session, file),
        history=repository.list_deployments(session, file.id),
    )


add_diff(router, FileKind.EVALUATOR, compare_evaluators)
add_deploying(router, FileKind.EVALUATOR, compare_evaluators, then="/versions")
