"""The v5 routes of links that show a report without an account."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Response
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor
from app.evaluations import service
from app.evaluations.models import ReportLink
from app.evaluations.reports import links as report_links

router = APIRouter(prefix="/v5/evaluations/{evaluation_id}/links", tags=["Evaluations"])
Json = dict[str, Any]


class ReportLinkCreate(Body):
    """A new link to a report."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"days": 30}

    days: report_links.Days = Field(default=report_links.Days.WEEK, description="How long it works.")


@router.get("")
def list_report_links(evaluation_id: str, session: SessionDep, principal: Editor) -> list[Json]:
    """The links that show the report to people without an account, newest first, until their time has passed."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    return [_present(link) for link in report_links.list_links(session, evaluation)]


@router.post("", status_code=201)
def create_report_link(
    evaluation_id: str,
    body: Annotated[ReportLinkCreate, WholeBody(default_factory=ReportLinkCreate)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Make a link that shows the report, but none of its rows, to whoever has it. `url` is shown this once."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    link, url = report_links.make_link(session, principal, evaluation, body.days)
    return _present(link) | {"url": url}


@router.delete("/{link_id}", status_code=204)
def end_report_link(evaluation_id: str, link_id: str, session: SessionDep, principal: Editor) -> Response:
    """End a link, at once."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    report_links.end_link(session, principal, evaluation, link_id)
    return Response(status_code=204)


def _present(link: ReportLink) -> Json:
    return {
        "id": link.id,
        "created_by": {"id": link.created_by, "full_name": link.maker.user.full_name, "email_address": ""},
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "last_opened_at": link.last_opened_at,
        "open": report_links.is_open(link),
    }
