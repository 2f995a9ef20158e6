"""What a tool gives for a call that a model made, in the card of the answer that made it."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.permissions import Runner
from app.generations import conversing, editing, panes
from app.generations.conversing import Found
from app.generations.editor_form import SentForm
from app.generations.tool_calling import call_and_log

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)


@router.post("/{file_id}/tool-result", name="generations:tool-result")
async def answer_call(
    file_id: str, request: Request, session: SessionDep, principal: Runner, sent: SentForm
) -> Response:
    """The field for the result of a call, filled in by its tool where that can be run here. The tool's call is logged. A tool
    that asks a service is called once a person says so: it may send or delete something there.

    Raises:
        NotFound: there is no such call.
    """
    if sent.call is None:
        raise NotFound("The form names no call.")
    log_id, place = sent.call

    def prepare() -> Found:
        bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
        side = panes.side_of(session, bench, sent.draft, sent.side)
        found = conversing.prepare_result(session, principal, bench, side.draft, log_id, place)
        session.commit()  # gives the connection back while a service answers
        return found

    found = await run_in_threadpool(prepare)
    output, problem, tool_log, hint = "", "", "", found.hint
    if sent.by_itself and found.asks_service:
        hint = "It asks a service. Run it, or type what it gives."
    elif found.ready:
        tool_log, outcome = await call_and_log(found.ready)
        output, problem = outcome.output or "", outcome.error or ""

    return await run_in_threadpool(
        templating.render,
        request,
        "generations/tool_result.html",
        log_id=log_id,
        asked=found.asked,
        result=output,
        problem=problem,
        hint=hint,
        tool_log=tool_log,
        runs=found.ready is not None,
        side=sent.side,
        home=f"/w/{principal.workspace_slug}",
        base=f"/w/{principal.workspace_slug}/prompts/{file_id}",
    )
