"""Sharing a report by a link: the dialog that makes and ends links, and what a link shows."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.core import clock, templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict
from app.core.permissions import Editor, Public
from app.evaluations import service
from app.evaluations.models import Evaluation
from app.evaluations.reports import links as report_links

router = APIRouter(include_in_schema=False)
_SHARE = "/w/{w}/evaluations/{evaluation_id}/share"
_TO_STRANGERS = {
    "referrer-policy": "no-referrer",  # the address is the key
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cache-control": "no-store",
}


@router.get(_SHARE, name="evaluations:share")
def share_page(evaluation_id: str, request: Request, session: SessionDep, principal: Editor) -> Response:
    """The links to a report, and the question for how long a new one works."""
    return _share(request, session, service.get_evaluation(session, principal, evaluation_id))


def _share(
    request: Request, session: SessionDep, evaluation: Evaluation, url: str = "", problem: str = ""
) -> Response:
    return templating.render(
        request,
        "evaluations/share.html",
        status=409 if problem else 200,
        evaluation=evaluation,
        links=[(link, report_links.is_open(link)) for link in report_links.list_links(session, evaluation)],
        days=list(report_links.Days),
        default=report_links.Days.WEEK,
        url=url,
        problem=problem,
    )


@router.post(_SHARE)
def share(
    evaluation_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    days: Annotated[report_links.Days, Form()] = report_links.Days.WEEK,
) -> Response:
    """Make a link and show it, this once."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    try:
        _, url = report_links.make_link(session, principal, evaluation, days)
    except Conflict as error:
        return _share(request, session, evaluation, problem=error.message)
    return _share(request, session, evaluation, url)


@router.post(_SHARE + "/{link_id}/end")
def end(evaluation_id: str, link_id: str, session: SessionDep, principal: Editor) -> Response:
    """End a link, at once."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    report_links.end_link(session, principal, evaluation, link_id)
    return _back(principal, evaluation)


def _back(principal: Principal, evaluation: Evaluation) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/evaluations/{evaluation.id}/share", 303)


@router.get("/shared/{token}", dependencies=[Public], name="evaluations:shared")
def shared(token: str, request: Request, session: SessionDep, candidate: str | None = None) -> Response:
    """The report of a link, for whoever has it; nothing but that, and the same page for every link that opens nothing."""
    link = report_links.open_link(session, token)
    if link is None:
        return templating.render(request, "evaluations/not_shared.html", status=404, headers=_TO_STRANGERS)
    return templating.render(
        request,
        "evaluations/shared.html",
        headers=_TO_STRANGERS,
        view=report_links.shared_view(session, link.evaluation, candidate),
        link=link,
        now=clock.now(),
    )
