"""The pages of evaluators: choose a kind, set it, try it on a row, keep it as a version."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Invalid, TooLarge, Unavailable
from app.core.pagination import PageNumber
from app.core.permissions import Editor, Reader, Runner
from app.core.request_bodies import read_form
from app.core.settings import get_settings
from app.evaluations.evaluator_editor.bench import (
    Bench,
    build_bench,
    list_evaluator_paths,
    list_provider_names,
    prepare_test,
    save,
    take_database,
)
from app.evaluations.evaluator_editor.form import Sent, read_sent
from app.evaluations.evaluator_editor.listing import list_by_purpose
from app.evaluations.evaluator_editor.trying import Trial, try_evaluator
from app.evaluators.kinds import kinds_by_purpose

router = APIRouter(prefix="/w/{w}/evaluators", include_in_schema=False)


async def _sent(request: Request) -> AsyncIterator[Sent]:
    if request.method != "POST":
        yield read_sent(request.query_params, form=False)
        return
    form = await read_form(request)
    sent, upload = read_sent(form, form=True), form.get("file")
    if isinstance(upload, UploadFile) and upload.filename:
        sent = replace(sent, upload=(upload.filename, upload.file))
    try:
        yield sent
    finally:
        await form.close()


Form = Annotated[Sent, Depends(_sent)]


def _page(
    request: Request, session: Session, principal: Principal, bench: Bench, status: int = 200, q: str = ""
) -> Response:
    return templating.render(
        request,
        "evaluators/editor.html",
        status=status,
        bench=bench,
        purposes=kinds_by_purpose(q),
        q=q,
        providers=list_provider_names(session, principal),
        public_url=get_settings().public_url,
        evaluator_paths=list_evaluator_paths(session, principal) if bench.has_parts else (),
    )


@router.get("", name="evaluators:list")
def list_evaluators(
    request: Request, session: SessionDep, principal: Reader, q: str = "", page: PageNumber = 1
) -> Response:
    """What judges here, by what it is for."""
    found = list_by_purpose(session, principal, q.strip(), page)
    return templating.render(request, "evaluators/list.html", evaluators=found, q=q.strip(), page=page)


@router.get("/new", name="evaluators:new")
def new_evaluator(
    request: Request, session: SessionDep, principal: Reader, sent: Form, q: str = ""
) -> Response:
    """Which kind of evaluator, found by `q`, and its settings."""
    return _page(request, session, principal, build_bench(session, principal, None, sent), q=q.strip())


@router.post("/new", name="evaluators:create")
def create_evaluator(request: Request, session: SessionDep, principal: Editor, sent: Form) -> Response:
    """Keep a new evaluator."""
    return _save(request, session, principal, None, sent)


@router.get("/{file_id}", name="evaluators:editor")
def show_evaluator(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    sent: Form,
    version: int | None = None,
) -> Response:
    """An evaluator's settings and versions, and a row to try it on."""
    return _page(request, session, principal, build_bench(session, principal, file_id, sent, number=version))


@router.post("/{file_id}", name="evaluators:save")
def save_evaluator(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: Form
) -> Response:
    """Keep the settings as a new version."""
    return _save(request, session, principal, file_id, sent)


def _save(
    request: Request, session: Session, principal: Principal, file_id: str | None, sent: Sent
) -> Response:
    bench = build_bench(session, principal, file_id, sent)
    try:
        committed = save(session, principal, bench, sent)
    except (Invalid, Conflict) as error:
        session.rollback()
        shown = build_bench(session, principal, file_id, sent, problems=_problems(error))
        return _page(request, session, principal, shown, error.status)
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluators/{committed.file.id}", 303)


def _problems(error: DomainError) -> dict[str, str]:
    fields = error.fields if isinstance(error, Invalid) else None
    return dict(fields) if fields else {"": error.message}


@router.post("/{file_id}/database", name="evaluators:database")
def upload_database(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: Form
) -> Response:
    """Keep the SQLite file that was chosen, and show the form with it; nothing of the form is saved."""
    known, problems, status = None if file_id == "new" else file_id, None, 200
    try:
        sent = take_database(session, principal, sent)
    except (Invalid, TooLarge, Unavailable) as error:
        problems, status = {"database": error.message}, Invalid.status
    return _page(
        request, session, principal, build_bench(session, principal, known, sent, problems=problems), status
    )


@router.post("/{file_id}/test", name="evaluators:test")
async def try_out(
    file_id: str, request: Request, session: SessionDep, principal: Runner, sent: Form
) -> Response:
    """Try what stands in the form; `new` in place of the id is one that is not saved yet."""
    known = None if file_id == "new" else file_id

    def prepare() -> tuple[Bench, Trial | DomainError]:
        bench = build_bench(session, principal, known, sent)
        try:
            return bench, prepare_test(session, principal, bench, sent)
        except DomainError as error:
            session.rollback()
            return build_bench(session, principal, known, sent, problems=_problems(error)), error

    bench, ready = await run_in_threadpool(prepare)
    status = 200
    if isinstance(ready, DomainError):
        status = ready.status
    else:
        bench.tried = await try_evaluator(ready)
    return await run_in_threadpool(_page, request, session, principal, bench, status)
