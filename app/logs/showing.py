"""Logs with all that belongs to them, in a fixed number of queries however many: files, judgments, traces."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.files import repository as files
from app.files.models import File, Version
from app.files.presentation import present
from app.logs import repository, trace_repository, traces
from app.logs.models import Judgment, Log
from app.logs.presentation import present_judgment, present_log

Json = dict[str, Any]


def show_logs(
    session: Session, workspace_id: str, logs: Sequence[Log], *, children: bool = False
) -> list[Json]:
    """Logs as the API shows them, with the judgments on them; with `children`, those nested under each as well."""
    nested = _nested(session, workspace_id, logs) if children else {}
    every = {log.id: log for log in logs}
    for below in nested.values():
        every |= {one.log.id: one.log for one in below}
    judgments = repository.list_judgments(session, list(every))
    judges = {one.evaluator_version_id for each in judgments.values() for one in each}
    shown = shown_files(session, workspace_id, every.values())
    evaluators = _evaluators(session, workspace_id, judges)
    trace_ids = {log.trace_id for log in every.values() if log.trace_id}
    roots = trace_repository.find_root_files(session, workspace_id, trace_ids)

    def made(log: Log) -> Json:
        flow_id = roots.get(log.trace_id or "")
        return present_log(log, shown.get(log.version_id), judgments[log.id], evaluators, flow_id)

    records = []
    for log in logs:
        tree = {log.id: made(log)}
        for placed in nested.get(log.id, []):
            tree[placed.log.id] = made(placed.log)
            tree[placed.above]["trace_children"].append(tree[placed.log.id])
        records.append(tree[log.id])
    return records


def show_judgments(
    session: Session, workspace_id: str, judgments: Sequence[Judgment], *, parents: bool = False
) -> list[Json]:
    """Judgments as the logs of their evaluators; with `parents`, each with the log that it is about."""
    evaluators = _evaluators(session, workspace_id, {one.evaluator_version_id for one in judgments})
    logs: dict[str, Json] = {}
    if parents:
        found = repository.find_logs(session, workspace_id, [one.log_id for one in judgments])
        logs = dict(zip(found, show_logs(session, workspace_id, list(found.values())), strict=True))
    return [
        present_judgment(one, evaluators.get(one.evaluator_version_id))
        | ({"parent": logs.get(one.log_id)} if parents else {})
        for one in judgments
    ]


def shown_files(session: Session, workspace_id: str, logs: Collection[Log]) -> dict[str, Json]:
    """The files of logs at the logs' versions, by the versions' ids. A version that was deleted is shown without content."""
    versions = files.find_versions(session, workspace_id, {log.version_id for log in logs})
    there = {version.id for version in versions}
    gone = {log.version_id: log.file_id for log in logs if log.version_id not in there}
    by_id = files.find_files_ever(session, workspace_id, set(gone.values()))
    stand_ins = [
        _deleted(by_id[file_id], version_id) for version_id, file_id in gone.items() if file_id in by_id
    ]
    return {
        shown["version_id"]: shown
        for shown in present(session, [*versions, *stand_ins], without={"evaluators"})
    }


def _evaluators(session: Session, workspace_id: str, version_ids: Collection[str]) -> dict[str, Json]:
    versions = files.find_versions(session, workspace_id, version_ids)
    return {shown["version_id"]: shown for shown in present(session, versions, without={"evaluators"})}


def _deleted(file: File, version_id: str) -> Version:
    """What is shown in place of a version that is there no more. It is never stored."""
    version = Version(
        id=version_id, workspace_id=file.workspace_id, file_id=file.id, number=0, spec={}, logs_count=0
    )
    version.file = file
    return version


def _nested(session: Session, workspace_id: str, logs: Sequence[Log]) -> dict[str, list[traces.Placed]]:
    """What stands below each log. All together it is at most `MOST_SHOWN`: a log's whole tree is told again with each log
    of the tree that is listed."""
    trace_ids = {log.trace_id for log in logs if log.trace_id}
    most = max(traces.LEAST_SHOWN, traces.MOST_SHOWN // max(1, len(trace_ids)))
    found = trace_repository.find_traces(session, workspace_id, trace_ids, most)
    left, nested = traces.MOST_SHOWN, {}
    for log in logs:
        nested[log.id] = traces.below(log.id, found.get(log.trace_id or "", []))[:left]
        left -= len(nested[log.id])
    return nested
