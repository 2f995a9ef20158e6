"""The settings page of spans that could not be read as logs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.permissions import Reader
from app.logs import quarantine_repository as repository

router = APIRouter(prefix="/w/{w}/settings/spans", include_in_schema=False)
_A_PAGE = 25


@router.get("", name="logs:unread-spans")
def unread_spans_page(
    request: Request,
    session: SessionDep,
    principal: Reader,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """What was sent and made no log, and why."""
    total = repository.count_quarantined(session, principal.workspace_id)
    return templating.render(
        request,
        "logs/unread_spans.html",
        spans=repository.list_quarantined(session, principal.workspace_id, _A_PAGE, (page - 1) * _A_PAGE),
        total=total,
        page=page,
        pages=max(1, -(-total // _A_PAGE)),
    )


@router.get("/{span_id}", name="logs:unread-span")
def download(span_id: str, session: SessionDep, principal: Reader) -> Response:
    """What was kept of one, byte for byte."""
    found = repository.find_quarantined(session, principal.workspace_id, span_id)
    if found is None:
        raise NotFound(
            "This span is not kept any more: they go after 30 days, or with payloads where these go sooner."
        )
    headers = {"content-disposition": f'attachment; filename="{found.id}.txt"'}
    return Response(found.body, media_type="application/octet-stream", headers=headers)
