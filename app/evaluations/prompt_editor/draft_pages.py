"""The part of the prompt editor that evaluations know: how its answers score on the row they were given."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import DomainError
from app.core.permissions import Runner
from app.evaluations.prompt_editor import draft_scores
from app.evaluations.prompt_editor.draft_scores import MOST_ANSWERS, Line, NoEvaluators, Wanted

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)


class Answers(BaseModel):
    """The answers that the editor shows, in its order."""

    log: list[str] = Field(min_length=1, max_length=MOST_ANSWERS)
    """Their logs' ids."""
    label: list[str] = Field([], max_length=MOST_ANSWERS)
    """What the editor calls each: Draft, v13."""
    asking: bool = False
    """Whether evaluators that ask models are wanted, too."""


@router.post("/{file_id}/scores", name="evaluations:draft-scores")
async def score_answers(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Runner,
    sent: Annotated[Answers, Form()],
) -> Response:
    """How the prompt's evaluators judge these answers."""

    def prepare() -> Wanted | DomainError:
        try:
            wanted = draft_scores.prepare(session, principal, file_id, sent.log, asking=sent.asking)
        except DomainError as error:
            return error
        session.commit()  # gives the connection back: a model may take its time
        return wanted

    wanted = await run_in_threadpool(prepare)
    lines: Sequence[Line] = [] if isinstance(wanted, DomainError) else await draft_scores.judge(wanted)
    refused = wanted.message if isinstance(wanted, DomainError) else ""
    return templating.render(
        request,
        "evaluations/draft_scores.html",
        lines=lines,
        refused=refused,
        nothing=isinstance(wanted, NoEvaluators),
        wanted=None if isinstance(wanted, DomainError) else wanted,
        sent=sent,
        file_id=file_id,
    )
