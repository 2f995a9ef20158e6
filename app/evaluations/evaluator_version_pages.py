"""The pages of an evaluator's versions: all of them, what changed between two, and which runs where."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Deployer, Reader
from app.evaluations.dashboard import list_places
from app.evaluations.deploying import build_dialog, version_before
from app.evaluations.evaluator_changes import compare_evaluators
from app.evaluations.prompt_pages import DIALOG_LINES, PAGE_LINES, DeployForm
from app.files import deployments, repository
from app.files import service as files
from app.files.models import File, FileKind
from app.prompts.changes import shortened, whole

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


@router.get("/diff", name="evaluators:diff")
def diff_page(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    older: Annotated[int | None, Query(alias="from")] = None,
    newer: Annotated[int | None, Query(alias="to")] = None,
    unfold: bool = False,
) -> Response:
    """What changed between two versions of an evaluator. Without numbers: the last change."""
    file = _evaluator(session, principal, file_id)
    versions = repository.list_versions(session, file.id)
    by_number = {version.number: version for version in versions}
    after = by_number.get(newer) if newer else next(iter(versions), None)
    before = by_number.get(older) if older else version_before(after, versions)
    if after is None or before is None:
        raise NotFound(f"{file.path} has no such versions to compare.")
    return templating.render(
        request,
        "evaluators/diff.html",
        file=file,
        versions=versions,
        before=before,
        after=after,
        changes=compare_evaluators(before.spec, after.spec),
        shown=(lambda rows: (whole(rows), 0)) if unfold else (lambda rows: shortened(rows, PAGE_LINES)),
        unfold=unfold,
    )


@router.get("/deploy", name="evaluators:deploy")
def deploy_dialog(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    version: int | None = None,
    environment: str | None = None,
) -> Response:
    """The dialog before a version of an evaluator becomes the one that its path leads to."""
    file = _evaluator(session, principal, file_id)
    return _deploy_dialog(request, session, principal, file, version, environment)


def _deploy_dialog(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    version: int | None,
    environment: str | None,
    error: Forbidden | None = None,
) -> Response:
    dialog = build_dialog(
        session, principal, file, compare_evaluators, version=version, environment=environment
    )
    return templating.render(
        request,
        "files/deploy.html",
        status=error.status if error else 200,
        folder="evaluators",
        dialog=dialog,
        effects=None,
        shortened=lambda rows: shortened([line for line in whole(rows) if line.kind != "same"], DIALOG_LINES),
        error=error,
    )


@router.post("/deploy", name="evaluators:deploy_now")
def deploy(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Deployer,
    form: Annotated[DeployForm, Form()],
) -> Response:
    """Make a version the one that runs in an environment."""
    file = _evaluator(session, principal, file_id)
    version = files.get_version_number(session, file, form.version)
    environment = deployments.get_environment(session, principal, form.environment)
    try:
        deployments.deploy(session, principal, file, version, environment)
    except Forbidden as error:
        return _deploy_dialog(request, session, principal, file, form.version, environment.id, error)
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluators/{file.id}/versions", 303)
