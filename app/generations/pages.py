"""The prompt editor: writing messages, running them on a row as the answer streams in, and committing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session

from app.core import request_bodies, templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import DomainError, Invalid
from app.core.permissions import Editor, Reader, Runner
from app.core.typed import whole
from app.generations import editing
from app.generations.draft import (
    FOLDED,
    SHOWN_EXAMPLES,
    Draft,
    apply,
    draft_of,
    extra_of,
    folded,
    read_draft,
    spec_of,
)
from app.generations.editing import NEW, Chosen, Workbench
from app.generations.streaming import RunRequest, run_once, stream_run
from app.logs.records import LogRecord
from app.prompts.changes import compare_specs, shortened
from app.prompts.spec import PromptSpec, parse_spec

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)
_DIALOG_LINES = 14


@dataclass(frozen=True, slots=True)
class Sent:
    """The editor's form as it came."""

    draft: Draft
    chosen: Chosen
    action: str
    of_base: bool = False
    """Whether it is the base version that is to run, on the draft's inputs."""


async def read_form(request: Request) -> Sent:
    """The editor's form, whichever button sent it."""
    form = await request_bodies.read_form(request)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    one = dict(pairs)
    action = one.get("action", "")
    verb, _, detail = action.partition(":")
    row = detail if verb == "row" else one.get("row", "")
    base = one.get("base", "")
    chosen = Chosen(
        base=whole(base),
        dataset=one.get("dataset"),
        row=whole(row) or 1,
    )
    return Sent(read_draft(pairs), chosen, action, of_base=one.get("side") == "base")


SentForm = Annotated[Sent, Depends(read_form)]


@router.get("/new", name="generations:new")
def new_prompt(request: Request, session: SessionDep, principal: Reader, path: str = "") -> Response:
    """The editor on a prompt that is not saved yet."""
    draft = editing.new_draft(session, principal, path)
    bench = editing.open_workbench(session, principal, NEW, Chosen(), draft.variables)
    return _editor(request, bench, _filled(draft, bench))


@router.get("/{file_id}/edit", name="generations:edit")
def edit_prompt(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    base: int | None = None,
    dataset: str | None = None,
    row: int = 1,
    log: str | None = None,
) -> Response:
    """The editor on a version, the newest when none is asked for; with the inputs of a `log`, where one is named."""
    chosen = Chosen(base, dataset if log is None else "", row)
    bench = editing.open_workbench(session, principal, file_id, chosen)
    draft = draft_of(bench.base.spec) if bench.base else editing.new_draft(session, principal)
    if log is not None:
        draft.inputs = editing.inputs_of_log(session, principal, log, draft.variables)
    return _editor(request, bench, _filled(draft, bench))


@router.post("/{file_id}/edit", name="generations:change")
def change_draft(
    file_id: str, request: Request, session: SessionDep, principal: Reader, sent: SentForm
) -> Response:
    """The form after one of its buttons: a message more, another row. Nothing is saved."""
    draft = sent.draft
    apply(draft, sent.action)
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, draft.variables)
    if sent.action.startswith("row:") or sent.action == "fill":
        draft.inputs = {}
    answer = _editor(request, bench, _filled(draft, bench))
    if "hx-request" in request.headers and bench.file:
        answer.headers["hx-replace-url"] = _address(principal, bench)
    return answer


@router.post("/{file_id}/run", name="generations:run")
async def run_draft(
    file_id: str, request: Request, session: SessionDep, principal: Runner, sent: SentForm
) -> Response:
    """Run the draft on the inputs: as a stream of events for the page's script, as a whole page without it.

    The page's script asks for the base version's answer by a request of its own; without it, both are made here.
    """
    streams = "text/event-stream" in request.headers.get("accept", "")

    def prepare() -> tuple[Workbench, Sequence[RunRequest] | Response]:
        bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft.variables)
        try:
            return bench, _requests(session, principal, bench, sent, streams=streams)
        except DomainError as error:
            return bench, _editor(request, bench, sent.draft, error=error)

    bench, ready = await run_in_threadpool(prepare)
    if isinstance(ready, Response):
        return ready
    if streams:
        headers = {"x-accel-buffering": "no"}
        events = _events(ready[0], _name(bench, of_base=sent.of_base), f"/w/{principal.workspace_slug}")
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)
    await run_in_threadpool(session.commit)  # gives the connection back while the model answers
    logs = await asyncio.gather(*map(run_once, ready))
    return await run_in_threadpool(_editor, request, bench, sent.draft, logs=logs)


def _requests(
    session: Session, principal: Principal, bench: Workbench, sent: Sent, *, streams: bool
) -> list[RunRequest]:
    """The base first, where it is to run; of a stream, one of them alone."""
    draft, base = sent.draft, editing.draft_of_base(bench, sent.draft)
    if streams:
        chosen = [base if sent.of_base and base else draft]
    else:
        chosen = [base, draft] if draft.beside and base else [draft]
    return [editing.prepare_run(session, principal, bench, one) for one in chosen]


def _name(bench: Workbench, *, of_base: bool) -> str:
    return f"v{bench.base.number}" if of_base and bench.base else "Draft"


async def _events(request: RunRequest, name: str, home: str) -> AsyncIterator[bytes]:
    """`token` with the text that came, then `done` or `problem` with the finished card."""
    async for part in stream_run(request):
        if isinstance(part, LogRecord):
            card = templating.fragment(
                "generations/output.html",
                card=_card(part, name, request.prompt.target.endpoint.is_practice),
                home=home,
            )
            yield _event("problem" if part.error else "done", {"html": card})
        else:
            yield _event("token", {"text": part})


def _event(name: str, data: dict[str, str]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def _card(log: LogRecord, name: str, is_practice: bool) -> dict[str, Any]:
    cost = None
    if log.prompt_cost is not None and log.output_cost is not None:
        cost = float(log.prompt_cost) + float(log.output_cost)
    raw = (log.provider_response or {}).get("body") if log.error else None
    seen = (log.provider_response or {}).get("x_practice") or {}
    calls = (log.output_message or {}).get("tool_calls") or []
    return {
        "log": log,
        "name": name,
        "cost": cost,
        "raw": raw,
        "seen": seen,
        "calls": calls,
        "is_practice": is_practice,
    }


@router.post("/{file_id}/review", name="generations:review")
def review_draft(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """What the draft changes, and the question why: the dialog before a commit."""
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft.variables)
    try:
        spec = spec_of(sent.draft)
    except Invalid as error:
        return _editor(request, bench, sent.draft, error=error)
    return _review(request, bench, spec, path=sent.draft.path)


@router.post("/{file_id}/commit", name="generations:commit")
async def commit_draft(file_id: str, request: Request, session: SessionDep, principal: Editor) -> Response:
    """Commit the reviewed draft and show the prompt with its new version."""
    form = {
        name: value
        for name, value in (await request_bodies.read_form(request)).items()
        if isinstance(value, str)
    }

    def commit() -> Response:
        chosen = Chosen(base=whole(form.get("base", "")))
        bench = editing.open_workbench(session, principal, file_id, chosen, [])
        try:
            spec = parse_spec(orjson.loads(form.get("spec", "null")))
        except ValueError as error:
            msg = "The form does not fit together: go back to the editor and commit again."
            raise Invalid(msg) from error
        path, note = form.get("path", ""), form.get("note", "")
        try:
            done = editing.commit_draft(
                session, principal, bench.file, spec, path=path, note=note, base=bench.base
            )
        except Invalid as error:
            return _review(request, bench, spec, path=path, note=note, error=error)
        home = f"/w/{principal.workspace_slug}"
        if form.get("then") == "evaluate" and bench.base:
            chosen_versions = (
                f"versions={bench.base.number},{done.version.number}&baseline={bench.base.number}"
            )
            return RedirectResponse(f"{home}/evaluations/new?prompt={done.file.id}&{chosen_versions}", 303)
        return RedirectResponse(f"{home}/prompts/{done.file.id}", 303)

    return await run_in_threadpool(commit)


def _review(
    request: Request,
    bench: Workbench,
    spec: PromptSpec,
    *,
    path: str,
    note: str = "",
    error: Invalid | None = None,
) -> Response:
    before = bench.base.spec if bench.base else {}
    changes = compare_specs(before, spec.content())
    return templating.render(
        request,
        "generations/commit.html",
        status=422 if error else 200,
        bench=bench,
        changes=changes,
        shortened=lambda rows: shortened(rows, _DIALOG_LINES),
        same=bench.base is not None and changes.is_same,
        spec=orjson.dumps(spec.content()).decode(),
        path=path,
        note=note,
        problems=error.fields if error else {},
        file_id=bench.file.id if bench.file else NEW,
    )


def _filled(draft: Draft, bench: Workbench) -> Draft:
    """The draft with the row's texts in those inputs that nobody typed into."""
    found = editing.inputs_of(bench.row.datapoint.inputs, draft.variables) if bench.row else {}
    draft.inputs = {
        name: draft.inputs[name] if name in draft.inputs else found.get(name, "") for name in draft.variables
    }
    return draft


def _address(principal: Principal, bench: Workbench) -> str:
    file_id = bench.file.id if bench.file else NEW
    query = [f"base={bench.base.number}"] if bench.base else []
    if bench.row:
        query += [f"dataset={bench.row.file.id}", f"row={bench.row.number}"]
    return f"/w/{principal.workspace_slug}/prompts/{file_id}/edit?{'&'.join(query)}"


def _editor(
    request: Request,
    bench: Workbench,
    draft: Draft,
    *,
    logs: Sequence[LogRecord] = (),
    error: DomainError | None = None,
) -> Response:
    """The editor with the draft as it was typed, and the logs of what has just run, the draft's last; with an error, status and fields say what to put right."""
    headers = {}
    if (
        error and "hx-request" in request.headers
    ):  # the dialog was asked for: the answer belongs into the form
        headers = {"hx-retarget": "#editor", "hx-reselect": "#editor", "hx-reswap": "outerHTML"}
    base = bench.base.spec.get("template") if bench.base else None
    provider = next((p for p in bench.providers if p.name == draft.values.get("provider")), None)
    is_practice = provider is not None and provider.kind == "practice"
    return templating.render(
        request,
        "generations/editor.html",
        status=error.status if error else 200,
        headers=headers,
        bench=bench,
        draft=draft,
        base_texts=base_texts(draft, base),
        cards=[
            _card(log, _name(bench, of_base=place < len(logs) - 1), is_practice)
            for place, log in enumerate(logs)
        ],
        is_practice=is_practice,
        error=error,
        problems=error.fields if isinstance(error, Invalid) else {},
        extra_of=extra_of,
        folded=folded,
        FOLDED=FOLDED,
        shown_examples=SHOWN_EXAMPLES,
        file_id=bench.file.id if bench.file else NEW,
    )


def base_texts(draft: Draft, template: Any) -> dict[int, str]:
    """What each message of the draft read in the base version, by place: the one of its role and rank there."""
    if template is None:
        return {}
    messages = [{"role": "user", "content": template}] if isinstance(template, str) else template
    texts: dict[tuple[str, str], list[str]] = {}
    for message in messages:
        content = message.get("content")
        texts.setdefault(_rank(message), []).append(content if isinstance(content, str) else "")
    seen: dict[tuple[str, str], int] = {}
    found = {}
    for place, message in enumerate(draft.messages):
        key = _rank(message)
        rank = seen[key] = seen.get(key, -1) + 1
        found[place] = texts[key][rank] if rank < len(texts.get(key, [])) else ""
    return found


def _rank(message: dict[str, Any]) -> tuple[str, str]:
    return str(message.get("role")), str(message.get("name") or "")
