"""The prompt editor: writing messages, running them on a row as the answer streams in, and committing."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session

from app.core import request_bodies, templating
from app.core.access import Action, Principal
from app.core.database import SessionDep
from app.core.errors import DomainError, Invalid
from app.core.permissions import Editor, Reader, Runner
from app.core.typed import whole
from app.files.models import File
from app.generations import conversing, drafts, editing, keeping, panes, pins, row_targets
from app.generations.draft import Draft, apply, draft_of, spec_of
from app.generations.drafts import Desk, Kept, desk_of
from app.generations.editing import NEW, Chosen, ChosenRow, Workbench
from app.generations.editor_form import Sent, SentForm
from app.generations.editor_view import Answered, address_of, card_of, show_editor
from app.generations.keeping import Keeping, Opened
from app.generations.streaming import RunRequest, run_once, stream_run
from app.logs.records import LogRecord
from app.prompts.changes import compare_specs, shortened
from app.prompts.spec import PromptSpec, parse_spec

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)
_DIALOG_LINES = 14


@router.get("/new", name="generations:new")
def new_prompt(request: Request, session: SessionDep, principal: Reader, path: str = "") -> Response:
    """The editor on a prompt that is not saved yet: on the one that the principal has begun, where there is one."""
    opened = keeping.bring_back(session, principal, NEW, Chosen())
    draft = opened.draft or editing.new_draft(session, principal.workspace_id, path)
    draft.path = draft.path or path
    bench = editing.open_workbench(session, principal, NEW, opened.chosen, draft)
    return _open(request, session, principal, bench, draft, opened)


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
    """The editor on what the principal typed last; else on a version, the newest when none is asked for. With the inputs of
    a `log`, where one is named."""
    opened = keeping.bring_back(
        session, principal, file_id, Chosen(base, dataset if log is None else "", row)
    )
    bench = editing.open_workbench(session, principal, file_id, opened.chosen, opened.draft)
    draft = opened.draft or (
        draft_of(bench.base.spec) if bench.base else editing.new_draft(session, principal.workspace_id)
    )
    if opened.draft is None:
        keeping.put_beside(session, principal, bench.file, draft)
    if log is not None:
        draft.look = bench.look
        draft.inputs = editing.inputs_of_log(session, principal, log, draft.variables)
    return _open(request, session, principal, bench, draft, opened)


def _open(
    request: Request, session: Session, principal: Principal, bench: Workbench, draft: Draft, opened: Opened
) -> Response:
    said = keeping.say(
        session,
        principal,
        _desk(principal, bench),
        keeping.new_mark(),
        Kept(opened.kept),
        brought_back=opened.kept is not None,
    )
    return show_editor(request, bench, draft, keeping=said)


def _desk(principal: Principal, bench: Workbench) -> Desk:
    return desk_of(principal, bench.file, bench.base, bench.newest)


@router.post("/{file_id}/edit", name="generations:change")
def change_draft(
    file_id: str, request: Request, session: SessionDep, principal: Reader, sent: SentForm
) -> Response:
    """The form after one of its buttons: a message more, another row; kept as it is then. Or what a button asks of the
    draft that is kept."""
    if sent.action.partition(":")[0] in keeping.VERBS and principal.may(Action.EDIT):
        return _change_kept(file_id, request, session, principal, sent)
    draft = sent.draft
    apply(draft, sent.action)
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, draft)
    if sent.action == "pin" and bench.file and bench.row and principal.may(Action.EDIT):
        return _pin(file_id, request, session, principal, sent, bench.file, bench.row)
    if sent.action == "unpin:outdated" and bench.file and principal.may(Action.EDIT):
        return _pin(file_id, request, session, principal, sent, bench.file, None)
    if sent.action.startswith("target:") and principal.may(Action.EDIT):
        return _save_target(request, session, principal, bench, sent)
    if sent.action.startswith("row:") or sent.action == "fill":
        draft.inputs = {}
    editing.filled(draft, bench)
    answer = show_editor(
        request, bench, draft, keeping=_kept(session, principal, bench, sent, saves=bool(sent.action))
    )
    return _at_its_address(request, principal, bench, answer)


def _pin(
    file_id: str,
    request: Request,
    session: Session,
    principal: Principal,
    sent: Sent,
    file: File,
    row: ChosenRow | None,
) -> Response:
    """The form after the row was pinned or unpinned; without one, after those were unpinned that are there no more."""
    refused: DomainError | None = None
    try:
        if row:
            pins.toggle(session, file, row.file.id, row.datapoint.id)
        else:
            pins.remove_outdated(session, file)
    except DomainError as error:
        refused = error
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
    said = _kept(session, principal, bench, sent)
    return show_editor(request, bench, sent.draft, keeping=said, error=refused)


def _save_target(
    request: Request, session: Session, principal: Principal, bench: Workbench, sent: Sent
) -> Response:
    """The form after an output was written as its row's target."""
    saved, refused = None, None
    try:
        with session.begin_nested():
            saved = row_targets.save_output(
                session, principal, bench.row, sent.action.removeprefix("target:")
            )
    except DomainError as error:
        refused = error
    said = _kept(session, principal, bench, sent)
    return show_editor(request, bench, sent.draft, keeping=said, error=refused, saved=saved)


def _change_kept(
    file_id: str, request: Request, session: Session, principal: Principal, sent: Sent
) -> Response:
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
    desk = _desk(principal, bench)
    try:
        with session.begin_nested():  # half of it is nothing
            asked = keeping.ask(session, desk, sent.action, sent.draft, sent.chosen, bench.row, sent.mark)
    except DomainError as error:
        said = keeping.say(session, principal, desk, sent.mark, Kept(keeping.find_kept(session, desk)))
        return show_editor(request, bench, sent.draft, keeping=said, error=error)
    draft = asked.draft
    if file_id == NEW and asked.kept.draft is None:
        draft = editing.new_draft(session, principal.workspace_id)
    bench = editing.open_workbench(session, principal, file_id, asked.chosen, draft)
    said = keeping.say(
        session,
        principal,
        _desk(principal, bench),
        sent.mark,
        asked.kept,
        told=asked.told,
        undo=asked.undo,
    )
    answer = show_editor(request, bench, draft, keeping=said)
    return _at_its_address(request, principal, bench, answer)


def _at_its_address(request: Request, principal: Principal, bench: Workbench, answer: Response) -> Response:
    if "hx-request" in request.headers and bench.file:
        answer.headers["hx-replace-url"] = address_of(principal, bench)
    return answer


def _kept(
    session: Session, principal: Principal, bench: Workbench, sent: Sent, *, saves: bool = True
) -> Keeping | None:
    """What is said of the draft, once what the form holds is kept, where it `saves`."""
    if not principal.may(Action.EDIT):
        return None
    desk, refused = _desk(principal, bench), ""
    if saves and sent.mark.tab:
        kept, refused = keeping.keep_form(session, desk, sent.draft, sent.chosen, bench.row, sent.mark)
    else:
        kept = Kept(keeping.find_kept(session, desk))
        if kept.draft and kept.draft.tab != sent.mark.tab:
            kept = Kept(None)
    return keeping.say(session, principal, desk, sent.mark, kept, refused=refused)


@router.post("/{file_id}/run", name="generations:run")
async def run_draft(
    file_id: str, request: Request, session: SessionDep, principal: Runner, sent: SentForm
) -> Response:
    """Run the draft on the inputs, or go on with an answer whose calls of tools are answered: as a stream of events for the
    page's script, as a whole page without it.

    The page's script asks for the base version's answer by a request of its own; without it, both are made here.
    """
    streams = "text/event-stream" in request.headers.get("accept", "")

    def prepare() -> tuple[Workbench, Keeping | None, Sequence[tuple[str, str, RunRequest]] | Response]:
        bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
        editing.filled(sent.draft, bench)
        said = None if streams else _kept(session, principal, bench, sent)
        try:
            return bench, said, _requests(session, principal, bench, sent, streams=streams)
        except DomainError as error:
            said = said or _kept(session, principal, bench, sent)
            return bench, said, show_editor(request, bench, sent.draft, keeping=said, error=error)

    bench, said, ready = await run_in_threadpool(prepare)
    if isinstance(ready, Response):
        return ready
    if streams:
        headers = {"x-accel-buffering": "no"}
        side, name, asked = ready[0]
        about = {"name": name, "side": side, "may_edit": principal.may(Action.EDIT)}
        events = _events(request, asked, about, file_id)
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)
    await run_in_threadpool(session.commit)  # gives the connection back while the model answers
    logs = await asyncio.gather(*(run_once(asked) for _, _, asked in ready))
    answers = [
        Answered(side, name, log, asked.prompt.target.endpoint.is_practice)
        for (side, name, asked), log in zip(ready, logs, strict=True)
    ]
    return await run_in_threadpool(show_editor, request, bench, sent.draft, keeping=said, answers=answers)


def _requests(
    session: Session, principal: Principal, bench: Workbench, sent: Sent, *, streams: bool
) -> list[tuple[str, str, RunRequest]]:
    """All that stands beside each other, by key and name; of a stream, and of a conversation, one of them alone."""
    if sent.going:
        side = panes.side_of(session, bench, sent.draft, sent.going.side)
        if sent.going.name not in {panes.called(side.name, number, sent.draft) for number in _samples(sent)}:
            raise Invalid(f"{sent.going.name:.100} does not stand here any more: run the prompt again.")
        results = sent.results_of(sent.going.log_id)
        asked = conversing.prepare_next(session, principal, bench, side.draft, sent.going.log_id, results)
        return [(sent.going.side, sent.going.name, asked)]
    if streams:
        side = panes.side_of(session, bench, sent.draft, sent.side)
        name = panes.called(side.name, sent.sample, sent.draft)
        return [(sent.side, name, _request(session, principal, bench, side, sent.draft))]
    return [
        (
            key,
            panes.called(side.name, number, sent.draft),
            _request(session, principal, bench, side, sent.draft),
        )
        for key, side in panes.sides_of(session, bench, sent.draft).items()
        for number in _samples(sent)
    ]


def _samples(sent: Sent) -> range:
    return range(1, sent.draft.samples + 1)


def _request(
    session: Session, principal: Principal, bench: Workbench, side: panes.Side, draft: Draft
) -> RunRequest:
    try:
        return editing.prepare_run(session, principal, bench, side.draft)
    except Invalid as error:
        if side.draft is draft:
            raise
        raise Invalid(f"{side.name}: {error.message}") from error  # the draft's fields are not at fault


async def _events(
    request: Request, asked: RunRequest, about: Mapping[str, Any], file_id: str
) -> AsyncIterator[bytes]:
    """`token` with the text that came, then `done` or `problem` with the finished card."""
    home = f"/w/{request.state.principal.workspace_slug}"
    async for part in stream_run(asked):
        if isinstance(part, LogRecord):
            card = templating.fragment(
                "generations/output.html",
                card=card_of(part, is_practice=asked.prompt.target.endpoint.is_practice, **about),
                request=request,
                home=home,
                base=f"{home}/prompts/{file_id}",
            )
            yield _event("problem" if part.error else "done", {"html": card})
        else:
            yield _event("token", {"text": part})


def _event(name: str, data: dict[str, str]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


@router.post("/{file_id}/review", name="generations:review")
def review_draft(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """What the draft changes, and the question why: the dialog before a commit."""
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
    said = _kept(session, principal, bench, sent)
    try:
        spec = spec_of(sent.draft)
    except Invalid as error:
        return show_editor(request, bench, sent.draft, keeping=said, error=error)
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
        bench = editing.open_workbench(session, principal, file_id, chosen, Draft())
        try:
            spec = parse_spec(orjson.loads(form.get("spec", "null")))
        except ValueError as error:
            msg = "The form does not fit together: go back to the editor and commit again."
            raise Invalid(msg) from error
        path, note = form.get("path", ""), form.get("note", "")
        seen = whole(form.get("newest", ""))
        if seen is not None and bench.newest and bench.newest.number != seen:
            return _review(request, bench, spec, path=path, note=note, overtaken=True)
        try:
            done = editing.commit_draft(
                session, principal, bench.file, spec, path=path, note=note, base=bench.base
            )
        except Invalid as error:
            return _review(request, bench, spec, path=path, note=note, error=error)
        drafts.settle(session, _desk(principal, bench), spec)
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
    overtaken: bool = False,
) -> Response:
    before = bench.base.spec if bench.base else {}
    changes = compare_specs(before, spec.content())
    return templating.render(
        request,
        "generations/commit.html",
        status=409 if overtaken else 422 if error else 200,
        overtaken=overtaken,
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
