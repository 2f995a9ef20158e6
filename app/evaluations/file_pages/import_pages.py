"""The page that takes over `.prompt` and `.agent` files."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.database import SessionDep
from app.core.permissions import Editor, Reader
from app.files.paths import parent_of
from app.files.sidebar import file_url, folder_url
from app.prompts.importing import NotImported, Upload, import_files

router = APIRouter(prefix="/w/{w}/import-prompts", include_in_schema=False)


@router.get("", name="evaluations:import_dialog")
def import_page(request: Request, _reader: Reader, folder: str = "") -> Response:
    """Ask for the files, and where they are to lie."""
    return _render(request, folder)


@router.post("", name="evaluations:import_prompts")
def import_prompts(
    request: Request,
    session: SessionDep,
    principal: Editor,
    file: list[UploadFile],
    folder: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Take the files over, all of them or none, and show what came of it."""
    uploads = [Upload(each.filename, each.file.read()) for each in file if each.filename]
    try:
        made = import_files(session, principal, folder.strip().strip("/"), note.strip(), uploads)
    except NotImported as error:
        return _render(request, folder, note, error.problems, status=422)
    first = made[0].file
    slug = principal.workspace_slug
    where = (
        file_url(slug, first.kind, first.id) if len(made) == 1 else folder_url(slug, parent_of(first.path))
    )
    return RedirectResponse(where, 303)


def _render(
    request: Request, folder: str, note: str = "", problems: object = (), status: int = 200
) -> Response:
    return templating.render(
        request, "files/import_prompts.html", status=status, folder=folder, note=note, problems=problems
    )
