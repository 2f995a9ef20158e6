"""The page that starts an evaluation, or adds runs to one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Reader, Runner
from app.evaluations.choosing import Choices, make_offer, read_choices
from app.evaluations.sensitivity import measure
from app.evaluations.starting import start

router = APIRouter(prefix="/w/{w}/evaluations", include_in_schema=False)


async def _choices(request: Request) -> Choices:
    return read_choices(await request.form() if request.method == "POST" else request.query_params)


Chosen = Annotated[Choices, Depends(_choices)]


@router.get("/new", name="evaluations:new")
def choose(request: Request, session: SessionDep, principal: Reader, choices: Chosen) -> Response:
    """What to run, and what it can tell. Every change of the form asks for this page again."""
    offer = make_offer(session, principal, choices)
    return templating.render(
        request,
        "evaluations/new.html",
        offer=offer,
        told=measure(session, principal.workspace_id, offer),
        problems={},
    )


@router.post("", name="evaluations:create")
def create(request: Request, session: SessionDep, principal: Runner, choices: Chosen) -> Response:
    """Start what was chosen."""
    offer = make_offer(session, principal, choices)
    try:
        evaluation = start(session, principal, offer)
    except (Invalid, Conflict) as error:
        session.rollback()
        problems = error.fields if isinstance(error, Invalid) and error.fields else {"name": error.message}
        offer = make_offer(session, principal, choices)
        return templating.render(
            request,
            "evaluations/new.html",
            status=error.status,
            offer=offer,
            told=measure(session, principal.workspace_id, offer),
            problems=problems,
        )
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluations/{evaluation.id}", 303)
