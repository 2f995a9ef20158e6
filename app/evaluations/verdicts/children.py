"""The logs that are nested under those that are judged, as evaluators see them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators.kinds.answering import PROVIDER_BODIES, log_members
from app.files import repository as files
from app.logs import trace_repository, traces
from app.logs.models import Log

MOST = 100
"""Logs that are shown of one trace, the oldest first: a flow's may be ten thousand."""
Children = Sequence[dict[str, Any]]


def load_children(session: Session, workspace_id: str, logs: Sequence[Log]) -> dict[str, Children]:
    """What stands under each of the logs, by their ids: trees of the API's logs, each with the name of its file and version,
    and without the provider's bodies: what they say would be told a hundred times.

    Most logs are part of no trace, and cost nothing.
    """
    trace_ids = {log.trace_id for log in logs if log.trace_id}
    if not trace_ids:
        return {}
    found = trace_repository.find_traces(session, workspace_id, trace_ids, MOST + 1)
    file_ids = {log.file_id for trace in found.values() for log in trace}
    of_files = files.find_files_ever(session, workspace_id, file_ids)
    children: dict[str, Children] = {}
    for log in logs:
        below: dict[str, list[dict[str, Any]]] = {log.id: []}
        for placed in traces.below(log.id, found.get(log.trace_id or "", [])):
            child = log_members(execution_of_log(placed.log)) | dict.fromkeys(PROVIDER_BODIES)
            if file := of_files.get(placed.log.file_id):
                named = {
                    "id": file.id,
                    "path": file.path,
                    "name": file.name,
                    "type": str(file.kind),
                    "version_id": placed.log.version_id,
                }
                child[str(file.kind)] = named
            below[placed.log.id] = child["trace_children"]
            below[placed.above].append(child)
        children[log.id] = below[log.id]
    return children
