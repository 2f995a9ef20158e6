"""The pages that tools, flows and agents have in common: one each, what changed between versions, and which runs where."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.permissions import Reader
from app.evaluations.file_pages.plain_changes import compare_plain
from app.evaluations.file_pages.plain_files import build_page
from app.evaluations.file_pages.version_pages import Number, add_deploying, add_diff
from app.files import service as files
from app.files.models import File, FileKind
from app.files.sidebar import ICONS, PAGES, file_url


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

    add_diff(router, kind, compare_plain)
    add_deploying(router, kind, compare_plain)
    return router


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
