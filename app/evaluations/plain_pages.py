"""The pages that tools, flows and agents have in common: one each, what changed between versions, and which runs where."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Deployer, Reader
from app.evaluations.deploying import build_dialog, version_before
from app.evaluations.plain_changes import compare_plain
from app.evaluations.plain_files import VERSIONS_ON_A_PAGE, build_page
from app.evaluations.prompt_pages import DIALOG_LINES, PAGE_LINES, DeployForm
from app.files import deployments, repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.files.sidebar import ICONS, PAGES, file_url
from app.prompts.changes import shortened, whole

Number = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


def plain_routes(kind: FileKind) -> APIRouter:
    """The pages of the files of one kind."""
    folder = PAGES[kind]
    router = APIRouter(prefix=f"/w/{{w}}/{folder}/{{file_id}}", include_in_schema=False)

    @router.get("", name=f"{folder}:page")
    def page(
        file_id: str,
        request: Request,
        session: SessionDep,
        principal: Reader,
        version: Number = None,
        before: Number = None,
    ) -> Response:
        """What a file says. Versions `before` a number are listed in place of the newest."""
        file = files.get_file(session, principal, file_id, kind)
        return show_page(request, session, principal, file, version, before=before)

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
        versions = repository.list_versions(session, file.id, limit=VERSIONS_ON_A_PAGE)
        after = _numbered(session, file, newer) if newer else next(iter(versions), None)
        before = _numbered(session, file, older) if older else _version_before(session, after)
        if after is None or before is None:
            raise NotFound(f"{file.path} has no such versions to compare.")
        return templating.render(
            request,
            "files/plain_diff.html",
            file=file,
            folder=folder,
            versions=sorted({*versions, before, after}, key=lambda each: -each.number),
            before=before,
            after=after,
            changes=compare_plain(before.spec, after.spec),
            shown=(lambda rows: (whole(rows), 0)) if unfold else (lambda rows: shortened(rows, PAGE_LINES)),
            unfold=unfold,
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
        """The dialog before a version becomes the one that callers get."""
        file = files.get_file(session, principal, file_id, kind)
        return _deploy_dialog(request, session, principal, file, version, environment)

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
            deployments.deploy(session, principal, file, version, environment)
        except Forbidden as error:
            return _deploy_dialog(request, session, principal, file, form.version, environment.id, error)
        return RedirectResponse(file_url(principal.workspace_slug, kind, file.id), 303)

    return router


def _numbered(session: Session, file: File, number: int) -> Version | None:
    return repository.find_version_by_number(session, file.id, number)


def _version_before(session: Session, version: Version | None) -> Version | None:
    if version is None:
        return None
    parents = [version.parent_id] if version.parent_id else []
    earlier = repository.find_versions(session, version.workspace_id, parents)
    earlier += repository.list_versions(session, version.file_id, before=version.number, limit=1)
    return version_before(version, earlier)


def show_page(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    version: int | None,
    *,
    before: int | None = None,
    status: int = 200,
    inputs: str | None = None,
    problem: str = "",
    called: object = None,
) -> Response:
    """The page of a file; of a tool with what came of a test call."""
    view = build_page(session, principal, file, version, before)
    return templating.render(
        request,
        "files/plain.html",
        status=status,
        view=view,
        file=file,
        folder=PAGES[FileKind(file.kind)],
        icons=ICONS,
        file_url=file_url,
        inputs=inputs if inputs is not None else view.tool.inputs if view.tool else "",
        problem=problem,
        called=called,
    )


def _deploy_dialog(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    version: int | None,
    environment: str | None,
    error: Forbidden | None = None,
) -> Response:
    dialog = build_dialog(session, principal, file, compare_plain, version=version, environment=environment)
    return templating.render(
        request,
        "files/deploy.html",
        status=error.status if error else 200,
        folder=PAGES[FileKind(file.kind)],
        dialog=dialog,
        effects=None,
        shortened=lambda rows: shortened([line for line in whole(rows) if line.kind != "same"], DIALOG_LINES),
        error=error,
    )
