"""What changed between two versions of a file, and which of them runs where: the same pages for every kind of file."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Forbidden, NotFound
from app.core.permissions import Deployer, Reader
from app.evaluations.file_pages.deploying import Compare, build_dialog, version_before
from app.evaluations.file_pages.effects import Effects
from app.files import deploying, deployments, repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.files.sidebar import PAGES, file_url
from app.prompts.changes import shortened, whole

PAGE_LINES, _DIALOG_LINES = 40, 4
"""Of the lines of a text that changed, how many a page and a dialog show at first."""
_MOST_OFFERED = 50
"""Versions to choose from: the newest ones, beside those that are compared."""
Number = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
FindEffects = Callable[[Session, Version, Version], Effects | None]


class DeployForm(BaseModel):
    """Which version goes where."""

    version: int
    environment: str


def add_diff(router: APIRouter, kind: FileKind, compare: Compare) -> None:
    """Add the page of what changed between two versions to the pages of a file of one kind."""
    folder = PAGES[kind]

    @router.get("/diff", name=f"{folder}:diff")
    def diff_page(
        file_id: str,
        request: Request,
        session: SessionDep,
        principal: Reader,
        older: Annotated[Number, Query(alias="from")] = None,
        newer: Annotated[Number, Query(alias="to")] = None,
        unfold: bool = False,
    ) -> Response:
        """What changed between two versions. Without numbers: the last change."""
        file = files.get_file(session, principal, file_id, kind)
        versions = repository.list_versions(session, file.id, limit=_MOST_OFFERED)
        after = _numbered(session, file, newer) if newer else next(iter(versions), None)
        before = _numbered(session, file, older) if older else _version_before(session, after)
        if after is None or before is None:
            raise NotFound(f"{file.path} has no such versions to compare.")
        return templating.render(
            request,
            "files/diff.html",
            file=file,
            folder=folder,
            versions=sorted({*versions, before, after}, key=lambda each: -each.number),
            before=before,
            after=after,
            changes=compare(before.spec, after.spec),
            shown=(lambda rows: (whole(rows), 0)) if unfold else (lambda rows: shortened(rows, PAGE_LINES)),
            unfold=unfold,
        )


def _numbered(session: Session, file: File, number: int) -> Version | None:
    return repository.find_version_by_number(session, file.id, number)


def _version_before(session: Session, version: Version | None) -> Version | None:
    if version is None:
        return None
    parents = [version.parent_id] if version.parent_id else []
    earlier = repository.find_versions(session, version.workspace_id, parents)
    earlier += repository.list_versions(session, version.file_id, before=version.number, limit=1)
    return version_before(version, earlier)


def add_deploying(
    router: APIRouter,
    kind: FileKind,
    compare: Compare,
    *,
    then: str = "",
    find_effects: FindEffects | None = None,
) -> None:
    """Add the dialog before a deployment and the deployment itself to the pages of a file of one kind. It leads to the file's page, or
    to the one below it that `then` says. With `find_effects`, the dialog tells what the change did to the scores.
    """
    folder = PAGES[kind]

    def dialog_of(
        request: Request,
        session: Session,
        principal: Principal,
        file: File,
        version: int | None,
        environment: str | None,
        error: DomainError | None = None,
    ) -> Response:
        dialog = build_dialog(session, principal, file, compare, version=version, environment=environment)
        effects = None
        if find_effects and dialog.current and dialog.changes:
            effects = find_effects(session, dialog.current, dialog.version)
        return templating.render(
            request,
            "files/deploy.html",
            status=error.status if error else 200,
            folder=folder,
            dialog=dialog,
            effects=effects,
            shortened=lambda rows: shortened(
                [line for line in whole(rows) if line.kind != "same"], _DIALOG_LINES
            ),
            error=error,
        )

    @router.get("/deploy", name=f"{folder}:deploy")
    def deploy_dialog(
        file_id: str,
        request: Request,
        session: SessionDep,
        principal: Reader,
        version: int | None = None,
        environment: str | None = None,
    ) -> Response:
        """The dialog before a deployment: where to, what changes there, and what is known of it."""
        file = files.get_file(session, principal, file_id, kind)
        return dialog_of(request, session, principal, file, version, environment)

    @router.post("/deploy", name=f"{folder}:deploy_now")
    def deploy(
        file_id: str,
        request: Request,
        session: SessionDep,
        principal: Deployer,
        form: Annotated[DeployForm, Form()],
    ) -> Response:
        """Make a version the one that runs in an environment."""
        file = files.get_file(session, principal, file_id, kind)
        version = files.get_version_number(session, file, form.version)
        environment = deployments.get_environment(session, principal, form.environment)
        try:
            deploying.deploy(session, principal, file, version, environment)
        except (Forbidden, Conflict) as error:
            return dialog_of(request, session, principal, file, form.version, environment.id, error)
        return RedirectResponse(f"{file_url(principal.workspace_slug, kind, file.id)}{then}", 303)
