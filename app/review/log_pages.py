"""The page that sends logs to review: those that were chosen on the page of logs, or all that match its filters."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid
from app.core.permissions import Editor
from app.core.request_bodies import read_form
from app.review import sending
from app.review.from_logs_view import ChosenLogs, make_logs_offer, read_chosen_logs, sending_of_logs

router = APIRouter(prefix="/w/{w}/review", include_in_schema=False)


async def _chosen(request: Request) -> ChosenLogs:
    return read_chosen_logs(await read_form(request) if request.method == "POST" else request.query_params)


WhatIsChosen = Annotated[ChosenLogs, Depends(_chosen)]


@router.get("/from-logs", name="review:from_logs")
def choose_logs(request: Request, session: SessionDep, principal: Editor, chosen: WhatIsChosen) -> Response:
    """Which logs to send to review, to whom, and what they are asked."""
    if (
        request.headers.get("hx-target") == "dialog"
    ):  # asked beside the boxes of the list: it is a page of its own
        return Response(headers={"HX-Redirect": f"{request.url.path}?{request.url.query}"})
    offer = make_logs_offer(session, principal, chosen)
    return templating.render(request, "review/from_logs.html", offer=offer, problems={})


@router.post("/from-logs", name="review:send_logs")
def send_logs(request: Request, session: SessionDep, principal: Editor, chosen: WhatIsChosen) -> Response:
    """Send what was chosen, or what matches, to review."""
    offer = make_logs_offer(session, principal, chosen)
    try:
        queue = sending.send(session, principal, sending_of_logs(principal, offer, chosen))
    except (Invalid, Conflict) as error:
        session.rollback()
        fields = error.fields if isinstance(error, Invalid) else {}
        return templating.render(
            request,
            "review/from_logs.html",
            status=error.status,
            offer=make_logs_offer(session, principal, chosen),
            problems=dict(fields) or {"": error.message},
        )
    at = "#guests" if chosen.form.guests else ""
    return RedirectResponse(f"/w/{principal.workspace_slug}/review/{queue.id}{at}", 303)
