"""The routes of what was sent as spans and could not be read as logs: whoever sent it was told that all is well."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Reader
from app.logs import quarantine_repository as repository

router = APIRouter(prefix="/v5/quarantined-spans", tags=["Logs"])
Json = dict[str, Any]


@router.get("")
def list_quarantined_spans(
    session: SessionDep, principal: Reader, page: PageNumber = 1, size: PageSize = 10
) -> Page[Json]:
    """What could not be read, newest first, each with the reason. It is kept for 30 days, or as long as payloads where that is shorter."""
    found = repository.list_quarantined(session, principal.workspace_id, size, (page - 1) * size)
    records = [
        {
            "id": each.id,
            "problem": each.problem,
            "key_id": each.key_id,
            "size": each.size,
            "body": each.text,
            "created_at": each.created_at,
        }
        for each in found
    ]
    total = repository.count_quarantined(session, principal.workspace_id)
    return Page(records=records, page=page, size=size, total=total)


@router.get("/{span_id}")
def get_quarantined_span(
    span_id: Annotated[str, Path(description="As a list of them, or the answer to its spans, says it.")],
    session: SessionDep,
    principal: Reader,
) -> Json:
    """One, with the first 64 KiB of what was sent. Bytes that are no UTF-8 are shown as �."""
    found = repository.find_quarantined(session, principal.workspace_id, span_id)
    if found is None:
        raise NotFound(f"There is no unread span with the id {span_id}.")
    return {
        "id": found.id,
        "problem": found.problem,
        "key_id": found.key_id,
        "size": len(found.body),
        "body": found.body.decode(errors="replace"),
        "created_at": found.created_at,
    }
