"""Files and fine-tuning jobs over HTTP, in OpenAI's shapes."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope

from app.practice.errors import Refused
from app.practice.jobs import Jobs, find_job, keep_file, shown
from app.practice.store import MOST_BYTES, MOST_FILE_BYTES, MOST_FILES, Record, Store

PURPOSES = ("fine-tune",)
_OF_THE_FORM = 100_000
"""Bytes of an upload beside the file itself."""
_MOST_LISTED = 100


async def upload(scope: Scope, receive: Receive, store: Store) -> bytes:
    """`POST /files`: keep a file; its record."""
    left = MOST_FILE_BYTES + _OF_THE_FORM

    async def bounded() -> Any:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise Refused(f"A file may hold {MOST_FILE_BYTES:,} bytes.", status=413, param="file")
        return message

    try:
        async with Request(scope, bounded).form(max_files=1, max_fields=10) as form:
            file, purpose = form.get("file"), form.get("purpose")
            if not isinstance(file, UploadFile):
                raise Refused("'file' is missing.", param="file")
            if purpose not in PURPOSES:
                raise Refused(f"'purpose' must be {PURPOSES[0]}.", param="purpose", code="invalid_value")
            if len(store.list("files")) >= MOST_FILES or store.bytes_kept() + (file.size or 0) > MOST_BYTES:
                message = f"A workspace keeps {MOST_FILES} files and {MOST_BYTES:,} bytes here: delete some."
                raise Refused(message, status=429, code="too_many_files")
            return orjson.dumps(
                keep_file(store, str(file.filename or "file"), str(purpose), await file.read())
            )
    except HTTPException as error:  # the form cannot be read
        raise Refused(str(error.detail), status=error.status_code) from None


def answer(method: str, path: str, query: bytes, raw: bytes, store: Store, jobs: Jobs) -> bytes | None:
    """The answer about a file or a job at `path`, such as `/files/file-1`; None where there is no such thing to ask."""
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    match path.strip("/").split("/"):
        case ["files", *rest]:
            return _about_files(method, rest, asked, store)
        case ["fine_tuning", "jobs", *rest]:
            return _about_jobs(method, rest, asked, raw, store, jobs)
        case ["models", name] if method == "DELETE" and store.find("models", name):
            store.delete("models", name)
            return orjson.dumps({"id": name, "object": "model", "deleted": True})
    return None


def _about_files(method: str, rest: list[str], asked: dict[str, str], store: Store) -> bytes | None:
    match method, rest:
        case "GET", []:
            wanted = asked.get("purpose")
            return _page([file for file in store.list("files") if wanted in (None, file["purpose"])], asked)
        case "GET", [name]:
            return orjson.dumps(_file(store, name))
        case "GET", [name, "content"]:
            return store.content(_file(store, name)["id"])
        case "DELETE", [name]:
            store.delete("files", _file(store, name)["id"])
            return orjson.dumps({"id": name, "object": "file", "deleted": True})
    return None


def _about_jobs(
    method: str, rest: list[str], asked: dict[str, str], raw: bytes, store: Store, jobs: Jobs
) -> bytes | None:
    match method, rest:
        case "GET", []:
            return _page([shown(job) for job in store.list("jobs")], asked)
        case "POST", []:
            return orjson.dumps(shown(jobs.create(store, raw)))
        case "GET", [name]:
            return orjson.dumps(shown(find_job(store, name)))
        case "POST", [name, "cancel"]:
            return orjson.dumps(shown(jobs.cancel(store, name)))
        case "GET", [name, "events"]:
            return _page(find_job(store, name)["events"][::-1], asked)
    return None


def _file(store: Store, name: str) -> Record:
    found = store.find("files", name)
    if found is None:
        raise Refused(f"There is no file '{name}'.", status=404, param="id", code="file_not_found")
    return found


def _page(records: Sequence[Record], asked: dict[str, str]) -> bytes:
    """The records after the one named, up to the limit."""
    limit = asked.get("limit", "20")
    if not limit.isdecimal() or not 1 <= len(limit) <= 6 or int(limit) < 1:
        raise Refused("'limit' must be a number from 1.", param="limit", code="invalid_value")
    ids = [record["id"] for record in records]
    start = ids.index(asked["after"]) + 1 if asked.get("after") in ids else 0
    shown_ones = records[start : start + min(int(limit), _MOST_LISTED)]
    return orjson.dumps({
        "object": "list", "data": shown_ones, "has_more": start + len(shown_ones) < len(records),
        "first_id": shown_ones[0]["id"] if shown_ones else None, "last_id": shown_ones[-1]["id"] if shown_ones else None,
    })  # fmt: skip
