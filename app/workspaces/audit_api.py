"""The route of the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from app.core.database import SessionDep
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Administrator
from app.workspaces.audit_export import present_entry
from app.workspaces.audit_repository import AuditFilter, count_entries, list_entries

router = APIRouter(prefix="/v5/audit", tags=["Audit log"])


@router.get("")
def list_audit_entries(
    session: SessionDep,
    principal: Administrator,
    page: PageNumber = 1,
    size: PageSize = 50,
    actor: Annotated[str, Query(description="The id of a person.")] = "",
    action: Annotated[str, Query(description="`key.created`, or `key` for all that happened to keys.")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    before: Annotated[
        str | None, Query(description="Only entries older than this one: cheap at any depth.")
    ] = None,
) -> Page[dict[str, Any]]:
    """Who did what, when, from where; newest first."""
    chosen = AuditFilter(actor, action, since, until)
    offset = (page - 1) * size
    found = list_entries(session, principal.workspace_id, chosen, limit=size, before=before, offset=offset)
    total = count_entries(session, principal.workspace_id, chosen)
    return Page(records=[present_entry(entry) for entry in found], page=page, size=size, total=total)
