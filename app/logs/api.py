"""The v5 routes of logs."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.pagination import EXACT_TOTAL, Page, PageNumber, PageSize
from app.core.parts import Reading, Writing, answer
from app.core.permissions import Administrator, Deleter, Reader
from app.files import service as files
from app.files.models import FileKind
from app.logs import deleting, own_ids, repository, search_repository, trace_repository
from app.logs.nesting import NESTED
from app.logs.schemas import Moment
from app.logs.search_repository import LogFilter
from app.logs.searching import judgments_in_parts, logs_in_parts, whole_log

router = APIRouter(prefix="/v5/logs", tags=["Logs"])
Json = dict[str, Any]


class OfUser(Body):
    """Whose logs are meant: in the body, because addresses are written down in many places."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"user": "customer-17"}

    user: str = Field(max_length=1000, description="The end user's id, exactly as it stands in the logs.")


@router.get("", response_model=Page[Json])
def list_logs(
    session: SessionDep,
    principal: Reader,
    file_id: str,
    version_id: str | None = None,
    id: Annotated[  # noqa: A002 - the name in the query
        list[str] | None, Query(max_length=100, description="Parts of ids: a log has one of them.")
    ] = None,
    search: Annotated[str | None, Query(description="In inputs and output.")] = None,
    metadata_search: str | None = None,
    start_date: Annotated[Moment | None, Query(description="Not before this moment.")] = None,
    end_date: Annotated[Moment | None, Query(description="Not after this moment.")] = None,
    in_trace_filter: Annotated[
        list[bool] | None, Query(description="true: part of a trace, false: of none.")
    ] = None,
    sample: Annotated[
        int | None, Query(ge=1, le=100_000, description="At most so many, chosen by chance.")
    ] = None,
    include_parent: Annotated[bool, Query(description="With judgments, the log that is judged.")] = False,
    include_trace_children: bool = False,
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Response:
    """The logs of a file, newest first; of an evaluator, its judgments. `total` is exact up to 10,000. A large page is sent
    while it is read: one that breaks off before its end is not whole."""
    file = files.get_file(session, principal, file_id)
    asked = set(in_trace_filter or [])
    wanted = LogFilter(
        version_id=version_id,
        ids=tuple(id or ()),
        search=search,
        metadata=metadata_search,
        since=start_date,
        until=end_date,
        in_trace=asked.pop() if len(asked) == 1 else None,
        sample=sample,
    )
    of_file, offset = (session, principal.workspace_id, file.id, wanted), (page - 1) * size
    reading = Reading(session)
    if file.kind == FileKind.EVALUATOR:
        total = search_repository.count_judgments(*of_file, most=EXACT_TOTAL)
        ids = search_repository.list_judgment_ids(*of_file, offset=offset, limit=size)
        writing = Writing.page(page, size, total)
        judged = judgments_in_parts(reading, principal.workspace_id, ids, writing, parents=include_parent)
        return answer(reading, judged)
    total = search_repository.count_logs(*of_file, most=EXACT_TOTAL)
    if total == EXACT_TOTAL and wanted.is_whole:
        total = max(total, file.logs_count)
    ids = search_repository.list_log_ids(*of_file, offset=offset, limit=size)
    children = include_trace_children
    writing = Writing.page(page, size, total, nested=NESTED if children else "")
    return answer(reading, logs_in_parts(reading, principal.workspace_id, ids, writing, children=children))


@router.get("/{log_id:path}", response_model=Json)
def get_log(log_id: str, session: SessionDep, principal: Reader) -> Response:
    """One log with the judgments on it and the logs nested under it; or one judgment, with the log that it is about."""
    reading = Reading(session)
    stored = own_ids.find_one(session, principal.workspace_id, log_id)
    if stored in trace_repository.find_parents(session, principal.workspace_id, [stored]):
        return answer(reading, whole_log(reading, principal.workspace_id, stored))
    if repository.find_judgment(session, principal.workspace_id, stored):
        ids, writing = [stored], Writing()
        return answer(
            reading, judgments_in_parts(reading, principal.workspace_id, ids, writing, parents=True)
        )
    raise NotFound(f"There is no log with the id {log_id}.")


@router.delete("", status_code=204)
def delete_logs(session: SessionDep, principal: Deleter, id: Annotated[list[str], Query()]) -> Response:  # noqa: A002
    """Delete logs with their judgments and judges' calls, all or none. One that is the result of a row in a run stays: 409."""
    deleting.delete_logs(session, principal, id)
    return Response(status_code=204)


@router.post("/delete-of-user")
def delete_logs_of_user(body: OfUser, session: SessionDep, principal: Administrator) -> Json:
    """Delete every log whose `user` this is. Results of runs stay until their evaluation is deleted; so do rows of datasets
    that were made from the logs: `datasets` says where they are, this once, and `prompt_drafts` of which prompts whose drafts,
    with their history, repeat an input or message of the user that is 8 characters or longer."""
    done = deleting.delete_logs_of_user(session, principal, body.user)
    copies = [{"id": each.id, "path": each.path, "rows": each.rows} for each in done.copies]
    drafts = [
        {"id": whose.file_id, "path": whose.path, "member": whose.member, "drafts": count}
        for whose, count in done.drafts
    ]
    return {"deleted": done.deleted, "kept": done.kept, "datasets": copies, "prompt_drafts": drafts}
