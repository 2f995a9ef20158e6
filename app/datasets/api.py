"""The v5 routes of datasets: rows as JSON, and imports of CSV and JSONL."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, BinaryIO, ClassVar, Literal, cast

import orjson
from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.datastructures import FormData, UploadFile

from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Editor, Reader
from app.core.request_bodies import parts_of
from app.datasets import health, repository, service
from app.datasets.importing import ImportFailed, ImportRequest, import_rows
from app.datasets.presentation import present_datapoint
from app.datasets.schemas import DatapointContent
from app.datasets.service import DatasetChange
from app.files import service as files
from app.files.models import FileKind, Version
from app.files.presentation import present, present_one
from app.files.repository import list_versions as list_file_versions
from app.files.schemas import FileProperties
from app.files.versioned_api import shown_version, versioned_routes

router = APIRouter(prefix="/v5/datasets", tags=["Datasets"])
common = versioned_routes(FileKind.DATASET, reading=False)
_MOST_INLINE = 100_000
"""Rows that an answer holds beside the dataset; more are read page by page."""
Json = dict[str, Any]


class DatasetUpsert(FileProperties):
    """A dataset to write. `action` says what happens to the rows of the base version."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/questions",
        "action": "add",
        "datapoints": [
            {
                "inputs": {"question": "Where is my card?"},
                "target": {"intent": "card_arrival"},
                "split": "test",
            }
        ],
    }

    datapoints: list[DatapointContent] = Field(default_factory=list)
    action: Literal["set", "add", "remove"] | None = None
    attributes: dict[str, Any] | None = None


@router.post("")
def upsert_dataset(
    body: Annotated[DatasetUpsert, Body(default_factory=DatasetUpsert)],
    session: SessionDep,
    principal: Editor,
    version_id: str | None = None,
    environment: str | None = None,
    include_datapoints: bool = False,
) -> Json:
    """Write rows: the same set of rows answers with the version that is there, another set makes one."""
    written = service.write(
        session,
        principal,
        DatasetChange(
            rows=body.datapoints,
            action=body.action or "set",
            file_id=body.id,
            path=body.path,
            base_version_id=version_id,
            environment=environment,
            attributes=body.attributes,
            name=body.version_name,
            note=body.note,
            newest_id=body.newest_version_id,
        ),
    )
    files.describe_file(written.file, description=body.description, tags=body.tags, readme=body.readme)
    written.version.file = written.file
    return _present(session, written.version, include_datapoints)


def _present(session: SessionDep, version: Version, include_datapoints: bool) -> Json:
    shown = present_one(session, version)
    if include_datapoints:
        shown["datapoints"] = _rows(session, version)
    return shown


def _rows(session: SessionDep, version: Version) -> list[Json]:
    if (version.rows_count or 0) > _MOST_INLINE:
        raise Invalid(
            f"This version has {version.rows_count:,} rows, and at most {_MOST_INLINE:,} are given at once:"
            f" read them by GET /v5/datasets/{version.file_id}/datapoints."
        )
    rows = repository.list_rows(session, version, limit=_MOST_INLINE)
    return [present_datapoint(datapoint, row.split) for row, datapoint in rows]


@router.get("/{file_id}/health")
def get_dataset_health(
    file_id: str,
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Tell what a version's rows are good for: the smallest change they can show, rows per split and target, near-duplicates.

    A change is one of a share, paired, with 80 % power, where one row in five changes. Near-duplicates ask the same but for
    capitals, spaces and punctuation; the ids of at most 500 are given, those that are alike beside each other. A target is
    suspect where three versions or more agree on another answer, and none gave the one that is wanted. `synthetic` counts the
    rows that a model wrote.
    """
    version = shown_version(session, principal, FileKind.DATASET, file_id, version_id, environment)
    return health.present(version, health.build_health(session, version))


@router.get("/{file_id}")
def get_dataset(
    file_id: str,
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    environment: str | None = None,
    include_datapoints: bool = False,
) -> Json:
    """A dataset at a version, with its rows if asked for (up to 100,000: page through more)."""
    version = shown_version(session, principal, FileKind.DATASET, file_id, version_id, environment)
    return _present(session, version, include_datapoints)


@router.get("/{file_id}/versions")
def list_dataset_versions(
    file_id: str,
    session: SessionDep,
    principal: Reader,
    include_datapoints: Annotated[
        str | None, Query(description="Anything but `false`: give the newest version with its rows.")
    ] = None,
    evaluator_aggregates: bool = False,
) -> Json:
    """Every version of a dataset, newest first."""
    file = files.get_file(session, principal, file_id, FileKind.DATASET)
    versions = list_file_versions(session, file.id)
    for version in versions:
        version.file = file
    also = ["evaluator_aggregates"] if evaluator_aggregates else []
    records = present(session, versions, also=also)
    if records and include_datapoints not in (None, "", "false"):
        records[0]["datapoints"] = _rows(session, versions[0])
    return {"records": records}


@router.get("/{file_id}/datapoints")
def list_datapoints(
    file_id: str,
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    environment: str | None = None,
    synthetic: Annotated[
        bool, Query(description="Only rows that a model wrote: those with `metadata.synthetic`.")
    ] = False,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[Json]:
    """The rows of a version, in their order."""
    version = shown_version(session, principal, FileKind.DATASET, file_id, version_id, environment)
    rows = repository.list_rows(session, version, synthetic=synthetic, offset=(page - 1) * size, limit=size)
    records = [present_datapoint(datapoint, row.split) for row, datapoint in rows]
    total = repository.count_rows(session, version, synthetic=True) if synthetic else version.rows_count
    return Page(records=records, page=page, size=size, total=total or 0)


_FORM: Json = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
}
_LINES_REFUSED = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["detail"],
            "properties": {
                "detail": {
                    "description": "What is wrong, as in every answer of this status. A line's `loc` ends with its number.",
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["loc", "msg", "type"],
                        "properties": {
                            "loc": {
                                "type": "array",
                                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                            },
                            "msg": {"type": "string"},
                            "type": {"type": "string"},
                        },
                    },
                },
                "message": {"description": "How many lines could not be read.", "type": "string"},
                "errors_count": {"type": "integer"},
                "errors": {
                    "description": "The first lines that could not be read, each with a `message`.",
                    "type": "array",
                    "items": {"type": "object"},
                },
                "warnings": {"type": "array"},
            },
        },
        "example": {
            "detail": [
                {
                    "loc": ["body", "file", 7],
                    "msg": "the line has 3 cells, and the first 2",
                    "type": "value_error",
                }
            ],
            "message": "One line could not be read. Nothing was imported: correct the file and import it again.",
            "errors_count": 1,
            "errors": [{"line": 7, "message": "the line has 3 cells, and the first 2"}],
            "warnings": [],
        },
    }
}
_ROWS = "question,target\nWhere is my card?,card_arrival\n"
_LINES = '{"inputs": {"question": "Where is my card?"}, "target": {"intent": "card_arrival"}}\n'


@router.post(
    "/{file_id}/import",
    responses={422: {"description": "Nothing was imported.", "content": _LINES_REFUSED}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": _ROWS},
                "application/jsonl": {"schema": {"type": "string"}, "example": _LINES},
                "multipart/form-data": {"schema": _FORM, "example": {"file": _ROWS}},
            },
        }
    },
)
async def import_datapoints(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    action: Literal["set", "add"] = "add",
    mapping: Annotated[
        str | None, Query(description="JSON: column to inputs.x, target.x, metadata.x, split …")
    ] = None,
    filename: str | None = None,
) -> Response:
    """Import CSV or JSONL, as the body itself or as the part `file` of a form. Everything, or nothing.

    `warnings` says what was left out or guessed.
    """
    file = await run_in_threadpool(files.get_file, session, principal, file_id, FileKind.DATASET)
    await run_in_threadpool(session.commit)  # no transaction is open while the file comes
    try:
        async with _uploaded(request, filename) as (body, name):
            wanted = ImportRequest(body, name, action, _mapping(mapping))
            written = await run_in_threadpool(import_rows, session, principal, wanted, file_id=file.id)
    except ImportFailed as failure:
        await run_in_threadpool(session.rollback)
        errors = [{"line": error.line, "message": error.message} for error in failure.errors]
        counts = {"version_id": None, "rows": 0, "added": 0, "duplicates": 0}
        detail = [
            {"loc": ["body", "file", error.line], "msg": error.message, "type": "value_error"}
            for error in failure.errors
        ]
        said: Json = {"detail": detail, "message": failure.message, "errors_count": failure.count}
        said |= {**counts, "errors": errors, "warnings": failure.warnings}
        return JSONResponse(said, failure.status)
    return JSONResponse(
        {
            "version_id": written.version.id,
            "rows": written.rows,
            "added": written.added,
            "duplicates": written.duplicates,
            "errors": [],
            "warnings": written.warnings,
        }
    )


@asynccontextmanager
async def _uploaded(request: Request, filename: str | None) -> AsyncIterator[tuple[BinaryIO, str | None]]:
    """The file of a request, on disk when it is large, and gone afterwards."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with parts_of(request) as form:
            part = _file_of(form)
            yield part.file, filename or part.filename
        return
    with tempfile.SpooledTemporaryFile(max_size=2**20) as spool:
        async for chunk in request.stream():
            await run_in_threadpool(spool.write, chunk)
        spool.seek(0)
        yield cast("BinaryIO", spool), filename


def _file_of(form: FormData) -> UploadFile:
    part = form.get("file")
    if not isinstance(part, UploadFile):
        raise Invalid("The form has no part `file`.", fields={"file": "Choose a CSV or JSONL file."})
    return part


@router.post(
    "/{file_id}/datapoints/csv",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": _FORM
                    | {
                        "properties": _FORM["properties"]
                        | {"version_name": {"type": "string"}, "version_description": {"type": "string"}}
                    },
                    "example": {"file": _ROWS, "version_name": "June"},
                }
            },
        }
    },
)
async def upload_datapoints_csv(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Add the rows of a CSV file to the newest version, or to the one that is named or runs in an environment.

    A form with the parts `file`, `version_name` and `version_description`. Everything is added, or nothing.
    """
    file = await run_in_threadpool(files.get_file, session, principal, file_id, FileKind.DATASET)
    await run_in_threadpool(session.commit)  # no transaction is open while the file comes
    async with parts_of(request) as form:
        part = _file_of(form)
        wanted = ImportRequest(
            part.file,
            f"{(part.filename or 'rows').removesuffix('.csv')}.csv",
            "add",
            note=str(form.get("version_description") or "") or None,
            name=str(form.get("version_name") or "") or None,
            base_version_id=version_id,
            environment=environment,
        )
        try:
            written = await run_in_threadpool(import_rows, session, principal, wanted, file_id=file.id)
        except ImportFailed as failure:
            said = {f"file.{error.line}": error.message for error in failure.errors}
            raise Invalid(failure.message, fields=said) from None
    written.version.file = written.file
    return await run_in_threadpool(present_one, session, written.version)


def _mapping(text: str | None) -> dict[str, str] | None:
    if not text:
        return None
    try:
        mapping = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"`mapping` is not JSON: {error}", fields={"mapping": "Give a JSON object."}) from error
    if not isinstance(mapping, dict) or not all(isinstance(value, str) for value in mapping.values()):
        raise Invalid(
            "`mapping` is a JSON object of texts.",
            fields={"mapping": 'For example {"Question": "inputs.question"}.'},
        )
    return mapping
