"""The part of the prompt editor that runs the pinned rows."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from app.core.database import SessionDep
from app.core.errors import DomainError
from app.core.permissions import Runner
from app.evaluations.prompt_editor import pinned_rows
from app.evaluations.prompt_editor.pinned_rows import RowResult, Smoke
from app.generations import editing
from app.generations.editing import Workbench
from app.generations.editor_form import SentForm
from app.generations.editor_view import show_editor

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)


@router.post("/{file_id}/pinned-rows/run", name="evaluations:run-pinned")
async def run_pinned(
    file_id: str, request: Request, session: SessionDep, principal: Runner, sent: SentForm
) -> Response:
    """Run draft and base on the pinned rows: as a stream of cells for the page's script, as a whole page without it."""

    def prepare() -> tuple[Workbench, Smoke | Response]:
        bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
        editing.filled(sent.draft, bench)
        try:
            smoke = pinned_rows.prepare(session, principal, bench, sent.draft)
        except DomainError as error:
            return bench, show_editor(request, bench, sent.draft, error=error)
        return bench, smoke

    bench, ready = await run_in_threadpool(prepare)
    if isinstance(ready, Response):
        return ready
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(
            _events(ready), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )
    await run_in_threadpool(session.commit)  # gives the connection back while the models answer
    results = [result async for result in pinned_rows.run(ready)]
    told = pinned_rows.summary(ready, results)
    smoke = {result.datapoint_id: result for result in results}
    return await run_in_threadpool(show_editor, request, bench, sent.draft, smoke=smoke, smoke_told=told)


async def _events(smoke: Smoke) -> AsyncIterator[bytes]:
    """`cell` for each row as it comes, `told` with what they come to so far."""
    results: list[RowResult] = []
    async with aclosing(pinned_rows.run(smoke)) as rows:
        async for result in rows:
            results.append(result)
            cell = {"tone": result.tone, "text": result.text, "log": result.log_id}
            yield _event("cell", {"row": result.datapoint_id, **cell})
            yield _event("told", {"text": pinned_rows.summary(smoke, results)})


def _event(name: str, data: dict[str, str | None]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
