"""The pages on which a prompt is asked to write rows, and on which people see how it goes."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import request_bodies, templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid, OverBudget
from app.core.permissions import Editor, Runner
from app.files import service as files
from app.files.models import File, FileKind
from app.generations import row_generations
from app.generations.row_offer import SPLITS, Choices, make_offer, read_choices, wanted_by

router = APIRouter(prefix="/w/{w}/datasets", include_in_schema=False)
_MOST_LISTED = 10


async def _choices(request: Request) -> Choices:
    sent = await request_bodies.read_form(request) if request.method == "POST" else request.query_params
    return read_choices([(name, value) for name, value in sent.multi_items() if isinstance(value, str)])


Chosen = Annotated[Choices, Depends(_choices)]


def _file(session: Session, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.DATASET)


@router.get("/{file_id}/generate", name="generations:rows")
def choose(
    file_id: str, request: Request, session: SessionDep, principal: Editor, choices: Chosen
) -> Response:
    """Which prompt is to write how many rows, and what that takes. Every change of the form asks for this page again."""
    return _form(request, session, principal, _file(session, principal, file_id), choices)


def _form(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    choices: Choices,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
) -> Response:
    recent, _ = row_generations.list_shown(session, principal, file, size=_MOST_LISTED)
    return templating.render(
        request,
        "generations/rows.html",
        status=status,
        file=file,
        offer=make_offer(session, principal, file, choices),
        recent=recent,
        splits=SPLITS,
        problems=problems or {},
    )


@router.post("/{file_id}/generate", name="generations:write-rows")
def start(
    file_id: str, request: Request, session: SessionDep, principal: Runner, choices: Chosen
) -> Response:
    """Begin what was chosen. What cannot be begun stays in the form."""
    file = _file(session, principal, file_id)
    try:
        wanted = wanted_by(session, principal, choices)
        made = row_generations.start(session, principal, file, wanted)
    except (Invalid, Conflict, OverBudget) as error:
        session.rollback()
        problems = error.fields if isinstance(error, Invalid) and error.fields else {"": error.message}
        return _form(request, session, principal, file, choices, error.status, problems)
    return RedirectResponse(f"/w/{principal.workspace_slug}/datasets/{file.id}/generate/{made.id}", 303)


@router.get("/{file_id}/generate/{generation_id}", name="generations:rows-written")
def progress(
    file_id: str, generation_id: str, request: Request, session: SessionDep, principal: Editor
) -> Response:
    """How it goes, call by call; the page asks again while it goes on."""
    file = _file(session, principal, file_id)
    found = row_generations.get(session, file, generation_id)
    return templating.render(
        request,
        "generations/rows_written.html",
        file=file,
        shown=row_generations.show(session, found),
        is_own=found.user_id == principal.user_id,
    )


@router.post("/{file_id}/generate/{generation_id}/stop", name="generations:stop-rows")
def stop(file_id: str, generation_id: str, session: SessionDep, principal: Runner) -> Response:
    """Make no call more."""
    file = _file(session, principal, file_id)
    found = row_generations.get(session, file, generation_id, locked=True)
    row_generations.stop(session, principal, found)
    return RedirectResponse(f"/w/{principal.workspace_slug}/datasets/{file.id}/generate/{found.id}", 303)
