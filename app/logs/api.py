"""The v5 routes of logs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.pagination import EXACT_TOTAL, Page, PageNumber, PageSize
from app.core.permissions import Administrator, Deleter, Reader
from app.files import repository as files_repository
from app.files import service as files
from app.files.presentation import present
from app.logs import deleting, repository
from app.logs.models import Log
from app.logs.presentation import present_log

router = APIRouter(prefix="/v5/logs", tags=["Logs"])
Json = dict[str, Any]


class OfUser(Body):
    """Whose logs are meant: in the body, because addresses are written down in many places."""

    user: str = Field(max_length=1000, description="The end user's id, exactly as it stands in the logs.")


@router.get("")
def list_logs(
    session: SessionDep,
    principal: Reader,
    file_id: str,
    version_id: str | None = None,
    search: str | None = None,
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Page[Json]:
    """The logs of a file, newest first. `total` is exact up to 10,000."""
    file = files.get_file(session, principal, file_id)
    found = repository.list_logs(
        session,
        principal.workspace_id,
        file.id,
        version_id=version_id,
        search=search,
        offset=(page - 1) * size,
        limit=size,
    )
    total = repository.count_logs(
        session, principal.workspace_id, file.id, version_id=version_id, search=search, most=EXACT_TOTAL
    )
    if total == EXACT_TOTAL and not search and not version_id:
        total = max(total, file.logs_count)
    return Page(records=_present(session, principal.workspace_id, found), page=page, size=size, total=total)


@router.get("/{log_id}")
def get_log(log_id: str, session: SessionDep, principal: Reader) -> Json:
    """One log with the judgments on it."""
    log = repository.find_log(session, principal.workspace_id, log_id)
    if log is None:
        raise NotFound(f"There is no log with the id {log_id}.")
    return _present(session, principal.workspace_id, [log])[0]


@router.delete("", status_code=204)
def delete_logs(session: SessionDep, principal: Deleter, id: Annotated[list[str], Query()]) -> Response:  # noqa: A002
    """Delete logs with their judgments, all or none. One that is the result of a row in a run stays: 409."""
    deleting.delete_logs(session, principal, id)
    return Response(status_code=204)


@router.post("/delete-of-user")
def delete_logs_of_user(body: OfUser, session: SessionDep, principal: Administrator) -> Json:
    """Delete every log whose `user` this is. Results of runs stay until their evaluation is deleted."""
    done = deleting.delete_logs_of_user(session, principal, body.user)
    return {"deleted": done.deleted, "kept": done.kept}


def _present(session: SessionDep, workspace_id: str, found: list[Log]) -> list[Json]:
    versions = files_repository.find_versions(session, workspace_id, {log.version_id for log in found})
    shown = {file["version_id"]: file for file in present(session, versions)}
    judgments = repository.list_judgments(session, [log.id for log in found])
    return [present_log(log, shown.get(log.version_id), judgments[log.id]) for log in found]
