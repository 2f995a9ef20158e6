"""Logs with all that belongs to them, in a fixed number of queries however many: files, judgments, traces."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.files import repository as files
from app.files.models import File, Version
from app.files.presentation import present
from app.logs import repository, trace_repository
from app.logs.models import Judgment, Log
from app.logs.presentation import present_judgment, present_log

Json = dict[str, Any]


def show_logs(session: Session, workspace_id: str, logs: Sequence[Log]) -> list[Json]:
    """Logs as the API shows them, with the judgments on them. Those nested under each are listed by `nesting`."""
    judgments = repository.list_judgments(session, [log.id for log in logs])
    judges = {one.evaluator_version_id for each in judgments.values() for one in each}
    shown = shown_files(session, workspace_id, logs)
    evaluators = _evaluators(session, workspace_id, judges)
    trace_ids = {log.trace_id for log in logs if log.trace_id}
    roots = trace_repository.find_root_files(session, workspace_id, trace_ids)
    return [
        present_log(
            log, shown.get(log.version_id), judgments[log.id], evaluators, roots.get(log.trace_id or "")
        )
        for log in logs
    ]


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
