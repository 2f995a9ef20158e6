"""The v5 routes that take judgments from people and programs elsewhere, alone or beside logs."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from app.core import waiting
from app.core.access import Action, refusal
from app.core.bodies import Body
from app.core.database import SessionDep, unit_of_work
from app.core.errors import DomainError, Forbidden, about
from app.core.permissions import Reviewer, admit, declare
from app.core.plain_routes import PlainRoute
from app.evaluations.judgment_intake import JudgmentGiven, take_judgment
from app.logs import repository as logs
from app.logs.ingestion import BATCHES
from app.logs.logging_api import write
from app.logs.own_ids import said_id
from app.logs.schemas import (
    MOST_IN_BATCH,
    AgentLogInBatch,
    FlowLogInBatch,
    Name,
    PromptLogInBatch,
    ToolLogInBatch,
)
from app.logs.service import Entry, record_logs

router = APIRouter(prefix="/v5")
hot = APIRouter(prefix="/v5", route_class=PlainRoute)
"""Where logs come in all day."""
Json = dict[str, Any]


class JudgmentInBatch(JudgmentGiven):
    """A judgment of a log of the batch, or of one that is there."""

    type: Literal["evaluator"]
    version_id: Name | None = Field(None, description="As in the query of a single judgment.")


SaidInBatch = Annotated[
    PromptLogInBatch | AgentLogInBatch | ToolLogInBatch | FlowLogInBatch | JudgmentInBatch,
    Field(discriminator="type"),
]


class LogBatch(Body):
    """Logs that are written together, all or none, in this order, and then judgments."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "logs": [
            {
                "type": "flow",
                "path": "support/assistant",
                "log_id": "question-17",
                "output": "It is on its way.",
                "log_status": "incomplete",
            },
            {
                "type": "prompt",
                "path": "support/answer",
                "trace_parent_id": "question-17",
                "output": "It is on its way.",
            },
            {"type": "evaluator", "path": "support/rating", "parent_id": "question-17", "judgment": "good"},
        ]
    }

    logs: list[SaidInBatch] = Field(min_length=1, max_length=MOST_IN_BATCH)


@router.post("/evaluators/log", tags=["Evaluators"])
def log_judgment(
    body: JudgmentGiven,
    session: SessionDep,
    principal: Reviewer,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Judge a log, as a person or as a program of yours. Sent again it takes the place of what was said before."""
    record = take_judgment(session, principal, body, version_id, environment)
    judged = logs.find_log(session, principal.workspace_id, record.log_id)
    return {
        "id": said_id(record.workspace_id, record.id),
        "parent_id": said_id(record.workspace_id, record.log_id),
        "version_id": record.evaluator_version_id,
        "session_id": judged.session_id if judged else None,
    }


@hot.post("/logs/batch", tags=["Logs"], dependencies=[Depends(declare(Action.LOG))])
async def log_batch(body: LogBatch, request: Request) -> Json:
    """Log up to 1,000 executions and judgments at once, all or none: each is as in the routes of a single one, with its
    `type` (`prompt`, `agent`, `tool`, `flow`, `evaluator`), and may name its `version_id`. Logs may be nested under each other;
    judgments come after all logs, and may be of them."""
    try:
        if any(isinstance(said, JudgmentInBatch) for said in body.logs):
            return {"ids": await run_in_threadpool(_write_with_judgments, request, body.logs)}
        entries = [
            Entry(said, said.version_id) for said in body.logs if not isinstance(said, JudgmentInBatch)
        ]
        written = await write(request, entries, BATCHES)
    except DomainError as error:
        error.name_place("logs")
        raise
    return {"ids": [said_id(log.workspace_id, log.id) for log in written]}


def _write_with_judgments(request: Request, every: Sequence[SaidInBatch]) -> list[str]:
    """The ids of all, in their order. By itself: judgments have more to look at than shared trips are for."""
    ids = [""] * len(every)
    entries = {
        n: Entry(said, said.version_id)
        for n, said in enumerate(every)
        if not isinstance(said, JudgmentInBatch)
    }
    judgments = {n: said for n, said in enumerate(every) if isinstance(said, JudgmentInBatch)}
    with waiting.at_most(waiting.BULK_S), unit_of_work() as session:
        principal = admit(request, session, Action.LOG)
        if not principal.may(Action.JUDGE):
            raise Forbidden(refusal(Action.JUDGE))
        if entries:
            try:
                written = record_logs(session, principal, list(entries.values()))
            except DomainError as error:
                if error.number is not None:
                    error.number = list(entries)[error.number]
                raise
            for n, log in zip(entries, written, strict=True):
                ids[n] = said_id(log.workspace_id, log.id)
        # In one order for all, so that two batches never wait for each other.
        for n, said in sorted(judgments.items(), key=lambda pair: pair[1].parent_id):
            with about(n):
                judged = take_judgment(session, principal, said, said.version_id)
            ids[n] = said_id(principal.workspace_id, judged.id)
    return ids
