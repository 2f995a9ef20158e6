"""Pages of a file's logs as the API lists them, none of which holds more than a process should read at once."""

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.logs import repository, search_repository, size_repository
from app.logs.search_repository import LogFilter
from app.logs.showing import show_judgments, show_logs
from app.logs.traces import MOST_SHOWN

Json = dict[str, Any]


def list_logs(
    session: Session,
    workspace_id: str,
    file_id: str,
    wanted: LogFilter,
    *,
    offset: int,
    limit: int,
    children: bool,
) -> list[Json]:
    """The logs of a file, newest first; with `children`, those nested under each as well.

    Raises:
        Invalid: they are more than one log, and together too large to be read.
    """
    ids = search_repository.list_log_ids(session, workspace_id, file_id, wanted, offset=offset, limit=limit)
    with_nested = size_repository.ids_in_traces(session, workspace_id, ids, MOST_SHOWN) if children else []
    every = list({*ids, *with_nested})
    refuse_too_large(session, every, "the logs nested under them" if children else "")
    found = repository.find_logs(session, workspace_id, ids)
    return show_logs(session, workspace_id, [found[each] for each in ids if each in found], children=children)


def list_judgments(
    session: Session,
    workspace_id: str,
    file_id: str,
    wanted: LogFilter,
    *,
    offset: int,
    limit: int,
    parents: bool,
) -> list[Json]:
    """The judgments by an evaluator, newest first; with `parents`, each with the log that it is about.

    Raises:
        Invalid: they are more than one, and together too large to be read.
    """
    ids = search_repository.list_judgment_ids(
        session, workspace_id, file_id, wanted, offset=offset, limit=limit
    )
    if len(ids) > 1 and size_repository.judgments_exceed(session, ids):
        raise _too_large()
    said = search_repository.find_judgments(session, workspace_id, ids)
    judged = {each.log_id for each in said} if parents else set()
    refuse_too_large(session, judged, "the logs that are judged")
    return show_judgments(session, workspace_id, said, parents=parents)


def refuse_too_large(session: Session, log_ids: Collection[str], beside: str = "") -> None:
    """Do not read logs with their judgments that are more than a process should hold. One log can always be read: it came in
    one body, and is the least that can be asked for. `beside` is what else may be left out.

    Raises:
        Invalid: they are more than one log, and together too large.
    """
    if len(log_ids) > 1 and (
        size_repository.logs_exceed(session, log_ids) or size_repository.judged_exceed(session, log_ids)
    ):
        raise _too_large(beside)


def _too_large(beside: str = "") -> Invalid:
    most = size_repository.MOST_BYTES // 1024**2
    way = f"Ask for fewer by a smaller `size`{f', or without {beside}' if beside else ''}."
    return Invalid(f"This page holds more than {most} MiB. {way}")
