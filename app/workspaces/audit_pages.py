"""The audit log as a page: filters in the address, older entries behind a link, the whole of it as a file."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.core import templating
from app.core.access import Action
from app.core.clock import LAST_MOMENT
from app.core.database import SessionDep
from app.core.permissions import Administrator, Reader
from app.workspaces import audit_export
from app.workspaces.audit_repository import AuditFilter, list_actions, list_actors, list_entries
from app.workspaces.audit_words import in_words

router = APIRouter(prefix="/w/{w}/audit", include_in_schema=False)
_A_PAGE = 50

Name = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("", name="workspaces:audit")
def audit_page(
    request: Request,
    session: SessionDep,
    principal: Reader,
    actor: Name = "",
    action: Name = "",
    from_: Annotated[str, Query(alias="from")] = "",
    to: str = "",
    before: Name = "",
) -> Response:
    """Who did what, when, from where; those who may not see it are told who may."""
    chosen = _filter(actor, action, from_, to)
    workspace_id = principal.workspace_id
    allowed = principal.may(Action.ADMINISTER)
    entries = (
        list_entries(session, workspace_id, chosen, limit=_A_PAGE + 1, before=before or None)
        if allowed
        else []
    )
    filters = {"actor": actor, "action": action, "from": from_, "to": to}
    query = urlencode({name: value for name, value in filters.items() if value})
    return templating.render(
        request,
        "workspaces/audit.html",
        entries=entries[:_A_PAGE],
        older=entries[_A_PAGE - 1].id if len(entries) > _A_PAGE else None,
        actors=list_actors(session, workspace_id) if allowed else [],
        actions=sorted(list_actions(session, workspace_id), key=in_words) if allowed else [],
        in_words=in_words,
        filters=filters,
        query=query,
        before=before,
        problem=_problem(from_) or _problem(to),
    )


@router.get("/export", name="workspaces:audit-export")
def export(
    principal: Administrator,
    format: Literal["csv", "jsonl"] = "csv",  # noqa: A002 - the name in the address
    actor: Name = "",
    action: Name = "",
    from_: Annotated[str, Query(alias="from")] = "",
    to: str = "",
) -> StreamingResponse:
    """What the filter finds, as a file."""
    chosen = _filter(actor, action, from_, to)
    name = f'attachment; filename="audit-{principal.workspace_slug}.{format}"'
    headers = {"content-disposition": name}
    if format == "csv":
        text = audit_export.export_csv(principal.workspace_id, chosen)
        return StreamingResponse(text, media_type="text/csv; charset=utf-8", headers=headers)
    lines = audit_export.export_jsonl(principal.workspace_id, chosen)
    return StreamingResponse(lines, media_type="application/jsonl", headers=headers)


def _filter(actor: str, action: str, first: str, last: str) -> AuditFilter:
    since, until = _day(first), _day(last)
    return AuditFilter(actor, action, since, until + timedelta(days=1) if until else None)


def _day(text: str) -> datetime | None:
    """The start of a day given as 2027-01-31, in UTC; None for what is no day, which the page says."""
    try:
        day = datetime.combine(date.fromisoformat(text), time(), UTC) if text else None
    except ValueError:
        return None
    return None if day and day >= LAST_MOMENT else day


def _problem(text: str) -> str:
    return f"“{text}” is no date: write it as 2027-01-31." if text and _day(text) is None else ""
