"""The page that starts an evaluation, or adds runs to one."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Reader, Runner
from app.core.request_bodies import read_form
from app.core.typed import whole
from app.evaluations.new_evaluation.choosing import Choices, Offer, make_offer, read_choices
from app.evaluations.new_evaluation.estimate import Estimate, Work, estimate
from app.evaluations.new_evaluation.sensitivity import measure
from app.evaluations.new_evaluation.starting import start

router = APIRouter(prefix="/w/{w}/evaluations", include_in_schema=False)


async def _choices(request: Request) -> Choices:
    return read_choices(await read_form(request) if request.method == "POST" else request.query_params)


Chosen = Annotated[Choices, Depends(_choices)]


@router.get("/new", name="evaluations:new")
def choose(request: Request, session: SessionDep, principal: Reader, choices: Chosen) -> Response:
    """What to run, what it can tell, and what it costs. Every change of the form asks for this page again."""
    return _page(request, session, principal, choices)


def _page(
    request: Request,
    session: Session,
    principal: Principal,
    choices: Choices,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
) -> Response:
    offer = make_offer(session, principal, choices)
    return templating.render(
        request,
        "evaluations/new.html",
        status=status,
        offer=offer,
        told=measure(session, offer),
        price=_estimate(session, offer),
        problems=problems or {},
    )


def _estimate(session: Session, offer: Offer) -> Estimate | None:
    if offer.dataset_version is None or not offer.rows:
        return None
    work = Work(
        versions=[one.version for one in offer.chosen],
        dataset_version=offer.dataset_version,
        evaluators=[one.version for one in offer.judges],
        rows=offer.rows,
        repeats=whole(offer.choices.repeats) or 1,
        concurrency=whole(offer.choices.concurrency) or 1,
        split=offer.choices.split or None,
    )
    return estimate(session, work)


@router.post("", name="evaluations:create")
def create(request: Request, session: SessionDep, principal: Runner, choices: Chosen) -> Response:
    """Start what was chosen."""
    offer = make_offer(session, principal, choices)
    try:
        evaluation = start(session, principal, offer)
    except (Invalid, Conflict) as error:
        session.rollback()
        problems = error.fields if isinstance(error, Invalid) and error.fields else {"name": error.message}
        return _page(request, session, principal, choices, error.status, problems)
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluations/{evaluation.id}", 303)
