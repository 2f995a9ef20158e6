"""The settings page where an admin takes the whole workspace along."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.core import clock, templating
from app.core.database import SessionDep
from app.core.permissions import Administrator, Reader
from app.transfer import repository
from app.transfer.archive import zip_stream
from app.transfer.exporting import export_members
from app.workspaces import audit

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)


@router.get("/export", name="transfer:export")
def export_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """What an export holds, and the button that makes one."""
    held = repository.count_held(session, principal.workspace_id)
    return templating.render(request, "transfer/export.html", held=held)


@router.post("/export")
def export(session: SessionDep, principal: Administrator) -> StreamingResponse:
    """The workspace as a ZIP file, which is made while it is read."""
    audit.record(session, principal, "workspace.exported", "workspace", principal.workspace_id)
    name = f"{principal.workspace_slug}-{clock.now():%Y%m%d-%H%M%S}"
    headers = {"content-disposition": f'attachment; filename="{name}.zip"'}
    content = zip_stream(export_members(principal.workspace_id), name)
    return StreamingResponse(content, media_type="application/zip", headers=headers)
