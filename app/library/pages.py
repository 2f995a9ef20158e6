"""The page of starting prompts."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Editor, Reader
from app.library import catalogue, service

router = APIRouter(prefix="/w/{w}/library", include_in_schema=False)


def _shown(
    request: Request, *, name: str = "", folder: str = "", problem: str | None = None, status: int = 200
) -> Response:
    return templating.render(
        request,
        "library/library.html",
        status=status,
        starts=list(catalogue.list_starts().values()),
        chosen=name,
        folder=folder,
        problem=problem,
    )


@router.get("", name="library:list")
def library(request: Request, _: Reader, path: str = "") -> Response:
    """What there is to start from."""
    return _shown(request, folder=path.rstrip("/"))


@router.post("/{name}", name="library:begin")
def begin(
    name: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    folder: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """Make the files, and open the editor on the first row."""
    start = catalogue.get_start(name)
    try:
        begun = service.begin(session, principal, start, folder=folder)
    except (Invalid, Conflict) as error:
        session.rollback()
        return _shown(request, name=name, folder=folder, problem=error.message, status=error.status)
    address = f"/w/{principal.workspace_slug}/prompts/{begun.prompt.file_id}/edit"
    return RedirectResponse(f"{address}?dataset={begun.dataset.file_id}", 303)
