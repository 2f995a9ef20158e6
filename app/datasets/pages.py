"""The pages of a dataset: its rows, its versions, and importing a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.permissions import Editor, Reader
from app.datasets import grid
from app.datasets.importing import ImportFailed, ImportRequest, import_rows
from app.datasets.row_detail import build_row
from app.datasets.service import DatasetChange, DatasetWritten, write
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind

router = APIRouter(prefix="/w/{w}/datasets", include_in_schema=False)


@router.get("/new")
def new_dataset(request: Request, _: Editor) -> Response:
    """The form for a new dataset: a path, and a file to start with."""
    return _new_form(request, path="", problem=None, errors=[])


def _new_form(
    request: Request, *, path: str, problem: str | None, errors: list[object], status: int = 200
) -> Response:
    return templating.render(
        request, "datasets/new.html", status=status, path=path, problem=problem, errors=errors
    )


@router.post("/new")
def create_dataset(
    request: Request,
    session: SessionDep,
    principal: Editor,
    file: UploadFile | None = None,
    path: Annotated[str, Form()] = "",
) -> Response:
    """Make a dataset of an uploaded file; without rows where none was chosen, and none at all when it cannot be read."""
    try:
        with session.begin_nested():
            if file and file.filename:
                made = import_rows(
                    session, principal, ImportRequest(file.file, file.filename, "add"), path=path
                )
            else:
                made = write(session, principal, DatasetChange([], "add", path=path, note="New dataset"))
    except ImportFailed as failure:
        return _new_form(request, path=path, problem=failure.message, errors=list(failure.errors), status=422)
    except Invalid as error:
        return _new_form(request, path=path, problem=error.message, errors=[], status=422)
    return _imported(request, principal, made)


def _imported(
    request: Request, principal: Principal, made: DatasetWritten, report: str | None = None
) -> Response:
    """The rows; or first what was left out or guessed, if anything was. Where a report waits for them, how it goes on with them."""
    onward = _onward(principal, made, report) if report and made.added else None
    if made.warnings:
        return templating.render(request, "datasets/imported.html", file=made.file, made=made, onward=onward)
    return RedirectResponse(onward, 303) if onward else _to_rows(principal, made.file)


def _onward(principal: Principal, made: DatasetWritten, report: str) -> str:
    """The form that runs the same versions on the new rows, and takes the outputs that are there for the others."""
    asked = {
        "evaluation": report, "again": 1, "keep": 1,
        "dataset": made.file.id, "dataset_version": made.version.number,
    }  # fmt: skip
    return f"/w/{principal.workspace_slug}/evaluations/new?{urlencode(asked)}"


def _to_rows(principal: Principal, file: File) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/datasets/{file.id}", 303)


def _file(session: SessionDep, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.DATASET)


@router.get("/{file_id}", name="datasets:rows")
def rows_page(
    request: Request,
    session: SessionDep,
    principal: Reader,
    file_id: str,
    version: int | None = None,
    q: str = "",
    split: str = "",
    changed: bool = False,
    only: str = "",
    page: int = 1,
) -> Response:
    """The rows of the principal's draft, or of the newest version; or of the version that is asked for."""
    file = _file(session, principal, file_id)
    asked = grid.Shown(version or None, q.strip(), split, changed, page, grid.only_of(only))
    shown = grid.build_rows(session, principal, file, asked)
    template = (
        "datasets/rows_table.html" if request.headers.get("hx-target") == "rows" else "datasets/rows.html"
    )
    return templating.render(request, template, dataset=shown, problem="", oob=False)


@router.get("/{file_id}/rows/{datapoint_id}", name="datasets:row")
def row_page(
    request: Request,
    session: SessionDep,
    principal: Reader,
    file_id: str,
    datapoint_id: str,
    version: int | None = None,
) -> Response:
    """Everything about one row: in the drawer, or as a page of its own."""
    file = _file(session, principal, file_id)
    row = build_row(session, principal, file, version, datapoint_id)
    template = "datasets/row_drawer.html" if "hx-request" in request.headers else "datasets/row.html"
    return templating.render(request, template, dataset_row=row)


@router.get("/{file_id}/versions", name="datasets:versions")
def versions_page(request: Request, session: SessionDep, principal: Reader, file_id: str) -> Response:
    """Every version: how many rows, when, by whom and why."""
    file = _file(session, principal, file_id)
    versions = files_repository.list_versions(session, file.id)
    return templating.render(request, "datasets/versions.html", file=file, versions=versions)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The report that somebody comes from, which goes on with the new rows; and about how many it takes."""

    report: str | None = None
    needs: int | None = None


def _waiting(
    report: Annotated[str | None, Query(max_length=100)] = None,
    needs: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Waiting:
    return Waiting(report, needs)


WaitingReport = Annotated[Waiting, Depends(_waiting)]


@router.get("/{file_id}/import", name="datasets:import")
def import_page(
    request: Request, session: SessionDep, principal: Editor, file_id: str, waiting: WaitingReport
) -> Response:
    """The form to import CSV or JSONL."""
    return _import_form(request, _file(session, principal, file_id), waiting)


def _import_form(
    request: Request,
    file: File,
    waiting: Waiting,
    *,
    problem: str | None = None,
    errors: Sequence[object] = (),
    count: int = 0,
    status: int = 200,
) -> Response:
    return templating.render(
        request,
        "datasets/import.html",
        status=status,
        file=file,
        waiting=waiting,
        problem=problem,
        errors=errors,
        count=count,
    )


@router.post("/{file_id}/import")
def import_upload(
    request: Request,
    session: SessionDep,
    principal: Editor,
    file_id: str,
    file: UploadFile,
    waiting: WaitingReport,
    action: Annotated[Literal["add", "set"], Form()] = "add",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Import an uploaded file: everything, or nothing and a line for each row that could not be read."""
    dataset = _file(session, principal, file_id)
    if not file.filename:
        return _import_form(request, dataset, waiting, problem="Choose a file first.", status=422)
    try:
        with session.begin_nested():
            wanted = ImportRequest(file.file, file.filename, action, note=note.strip() or None)
            made = import_rows(session, principal, wanted, file_id=dataset.id)
    except ImportFailed as failure:
        return _import_form(
            request,
            dataset,
            waiting,
            problem=failure.message,
            errors=list(failure.errors),
            count=failure.count,
            status=422,
        )
    return _imported(request, principal, made, waiting.report)
