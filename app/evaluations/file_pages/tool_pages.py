"""The pages that only tools have: writing one, and calling it to try it."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.core import json_values, templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Invalid, Unavailable
from app.core.formats import readable_json
from app.core.permissions import Editor, Reader, Runner
from app.evaluations.file_pages.plain_pages import show_page
from app.files import repository
from app.files import service as files
from app.files.models import File, FileKind
from app.files.paths import plain_path
from app.files.sidebar import file_url
from app.generations.schemas import ToolCall
from app.generations.tool_calling import ReadyToolCall, call_and_log, prepare_tool_call
from app.tools.http_calls import Outcome, check_setup
from app.tools.spec import ToolSpec

router = APIRouter(prefix="/w/{w}/tools", include_in_schema=False)
_EXAMPLE = {
    "function": {
        "name": "find_order",
        "description": "Finds an order by its number.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "string", "description": "As on the invoice."}},
            "required": ["number"],
        },
    }
}
_OURS = "editor"
"""As the source of a log: a trial of ours, and no call of an application."""


class ToolForm(BaseModel):
    """A version of a tool to write."""

    path: str = ""
    spec: str = ""
    """All but its source, as JSON; or with it, from a script that has no field of its own for it."""
    source: str = ""
    note: str = ""
    newest: int | None = None
    """The number of the newest version as the form was shown; None from a script, which is not asked."""


class CallForm(BaseModel):
    """A test call."""

    version: int = 0
    inputs: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a test call."""

    log_id: str
    outcome: Outcome
    version: int


@router.get("/new", name="tools:new")
def new_tool(request: Request, _: Reader, path: str = "") -> Response:
    """The form of a tool that is not there yet, with an example to begin with."""
    return _form(request, None, ToolForm(path=path, spec=readable_json(_EXAMPLE)))


@router.post("/new", name="tools:create")
def create_tool(
    request: Request, session: SessionDep, principal: Editor, form: Annotated[ToolForm, Form()]
) -> Response:
    """Write the first version of a tool."""
    if repository.find_file_by_path(session, principal.workspace_id, plain_path(form.path)):
        return _form(
            request, None, form, {"path": "There is something at this path already. Choose another."}
        )
    return _save(request, session, principal, None, form)


@router.get("/{file_id}/edit", name="tools:edit")
def edit_tool(
    file_id: str, request: Request, session: SessionDep, principal: Reader, base: int | None = None
) -> Response:
    """The form of a tool's next version, filled in with one that is there."""
    file = files.get_file(session, principal, file_id, FileKind.TOOL)
    newest = repository.newest_version(session, file.id)
    version = files.get_version_number(session, file, base) if base else newest
    content = dict(version.spec) if version else _EXAMPLE
    source = str(content.pop("source_code", ""))
    form = ToolForm(
        path=file.path, spec=readable_json(content), source=source, newest=newest.number if newest else 0
    )
    return _form(request, file, form)


@router.post("/{file_id}/edit", name="tools:save")
def save_tool(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    form: Annotated[ToolForm, Form()],
) -> Response:
    """Write the next version of a tool; the same content is the version that is there."""
    file = files.get_file(session, principal, file_id, FileKind.TOOL)
    newest = repository.newest_version(session, file.id)
    if newest and form.newest is not None and newest.number != form.newest:
        who = newest.author_name or "Somebody"
        said = f"{who} committed v{newest.number} while you wrote. Nothing was committed. Commit once more to put this on top of it."
        return _form(
            request, file, form.model_copy(update={"newest": newest.number}), {"spec": said}, Conflict.status
        )
    return _save(request, session, principal, file, form)


def _save(
    request: Request, session: Session, principal: Principal, file: File | None, form: ToolForm
) -> Response:
    try:
        content = _content(form.spec, form.source.replace("\r\n", "\n"))
        change = files.Commit(
            FileKind.TOOL,
            content,
            file_id=file.id if file else None,
            path=None if file else form.path,
            note=form.note.strip() or None,
            order_counts=True,
        )
        with session.begin_nested():
            made = files.commit(session, principal, change)
    except (Invalid, Conflict) as error:
        fields = error.fields if isinstance(error, Invalid) and error.fields else {"spec": error.message}
        where = (
            "path"
            if isinstance(error, Conflict)
            else next((n for n in ("path", "source") if n in fields), "spec")
        )
        return _form(request, file, form, {where: " ".join(dict.fromkeys(fields.values()))}, error.status)
    url = file_url(principal.workspace_slug, FileKind.TOOL, made.file.id)
    return RedirectResponse(f"{url}?version={made.version.number}", 303)


def _content(text: str, source: str) -> dict[str, Any]:
    """The content that a form's JSON says, with the source that stands beside it.

    Raises:
        Invalid: it is no JSON, no tool, has a source in the JSON and another beside it, or asks a service that may
            not be asked.
    """
    given = _object(text, "spec")
    if source and given.get("source_code") not in (None, "", source):
        problem = "The JSON has another `source_code`. Keep one of the two."
        raise Invalid(problem, fields={"source": problem})
    if source:
        given["source_code"] = source
    try:
        content = ToolSpec.model_validate(given).content()
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the tool'}: {item['msg']}" for item in error.errors()[:5]
        )
        raise Invalid(said, fields={"spec": said}) from None
    if not content:
        said = "Say what the tool is: a `function`, `source_code` or `setup_values` with a `tool_type`."
        raise Invalid(said, fields={"spec": said})
    if content.get("tool_type") == "get_api_call":
        check_setup(content)
    return content


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = json_values.loads(text or "{}")
    except json_values.NotStorable as error:
        way = f" (at {'.'.join(error.way)})" if error.way else ""
        said = f"This is no JSON that can be kept: {error}{way}"
        raise Invalid(said, fields={name: said}) from None
    if not isinstance(found, dict):
        said = "This is no JSON object: begin with { and end with }."
        raise Invalid(said, fields={name: said})
    return found


def _form(
    request: Request,
    file: File | None,
    form: ToolForm,
    problems: dict[str, str] | None = None,
    status: int = 422,
) -> Response:
    return templating.render(
        request,
        "files/tool_form.html",
        status=status if problems else 200,
        file=file,
        form=form,
        problems=problems or {},
    )


def _call(file_id: str, inputs: str) -> ToolCall:
    """A call with these inputs.

    Raises:
        Invalid: they are no JSON object, or hold what cannot be kept.
    """
    said = {"id": file_id, "inputs": _object(inputs, "inputs"), "source": _OURS}
    try:
        return ToolCall.model_validate(said)
    except ValidationError as error:
        raise Invalid("; ".join(item["msg"] for item in error.errors()[:3])) from None


@router.post("/{file_id}/call", name="tools:call")
async def call_tool(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Runner,
    form: Annotated[CallForm, Form()],
) -> Response:
    """Call a tool as `POST /v5/tools/call` does, and show what came of it. It is logged."""

    def prepare() -> ReadyToolCall | DomainError:
        file = files.get_file(session, principal, file_id, FileKind.TOOL)
        version = files.get_version_number(session, file, form.version)
        try:
            call = _call(file.id, form.inputs)
            ready = prepare_tool_call(session, principal, call, version_id=version.id)
        except (Invalid, Conflict, Unavailable) as error:
            session.rollback()
            return error
        session.commit()  # gives the connection back while a service answers
        return ready

    ready = await run_in_threadpool(prepare)
    called, problem, status = None, "", 200
    if isinstance(ready, DomainError):
        problem, status = ready.message, ready.status
    else:
        log_id, outcome = await call_and_log(ready)
        called = Called(log_id, outcome, form.version)

    def show() -> Response:
        return show_page(
            request, session, principal, files.get_file(session, principal, file_id, FileKind.TOOL),
            form.version or None, status=status, inputs=form.inputs, problem=problem, called=called,
        )  # fmt: skip

    return await run_in_threadpool(show)
