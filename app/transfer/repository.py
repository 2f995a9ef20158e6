"""The SQL of imports: what is there already, and rows whose ids, numbers and times are given."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import ids, waiting
from app.evaluations.models import Evaluation, Run
from app.files.models import Deployment, Directory, Environment, File, Version
from app.logs.models import Judgment, Log

_OWNED: dict[str, type[File | Version | Evaluation | Run]] = {
    "file": File,
    "version": Version,
    "evaluation": Evaluation,
    "run": Run,
}


def one_at_a_time(session: Session, workspace_id: str) -> None:
    """Let no other import write to the workspace until the transaction ends, however long the one before takes."""
    with waiting.patient_with_locks(session):
        session.execute(
            text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"import {workspace_id}"}
        )


def taken_elsewhere(session: Session, workspace_id: str, what: str, row_ids: Collection[str]) -> list[str]:
    """Those of the ids that another workspace has."""
    table = _OWNED[what]
    query = select(table.id).where(table.id.in_(row_ids), table.workspace_id != workspace_id)
    return sorted(session.scalars(query))


def logs_there(session: Session, log_ids: Collection[str]) -> dict[str, str]:
    """Those of the logs that are there, each with its workspace."""
    query = select(Log.id, Log.workspace_id).where(Log.id.in_(log_ids))
    return dict(session.execute(query).all())


def judgments_there(session: Session, judgment_ids: Collection[str]) -> dict[str, str]:
    """Those of the judgments that are there, each with its workspace."""
    query = select(Judgment.id, Judgment.workspace_id).where(Judgment.id.in_(judgment_ids))
    return dict(session.execute(query).all())


class Voice(NamedTuple):
    """Whose judgment of what: each may have several, which are numbered."""

    log_id: str
    evaluator_version_id: str
    author: str


def last_votes(session: Session, log_ids: Collection[str]) -> dict[Voice, int]:
    """The highest vote of each author by each evaluator on these logs."""
    by = Judgment.log_id, Judgment.evaluator_version_id, Judgment.author
    query = select(*by, func.max(Judgment.vote)).where(Judgment.log_id.in_(log_ids)).group_by(*by)
    return {Voice(*row[:3]): row[3] for row in session.execute(query)}


def files_of(session: Session, workspace_id: str) -> dict[str, str]:
    """The kind of each file of the workspace, deleted ones included."""
    query = select(File.id, File.kind).where(File.workspace_id == workspace_id)
    return dict(session.execute(query).all())


def count_logs(session: Session, workspace_id: str, added: Counter[tuple[str, str]]) -> None:
    """Keep the counters that pages show. `last_used_at` stays: nobody used the file now."""
    of_files: Counter[str] = Counter()
    of_versions: Counter[str] = Counter()
    for (file_id, version_id), count in added.items():
        of_files[file_id] += count
        of_versions[version_id] += count
    for table, counts in ((File, of_files), (Version, of_versions)):
        for row_id, count in sorted(counts.items()):
            which = table.id == row_id, table.workspace_id == workspace_id
            session.execute(update(table).where(*which).values(logs_count=table.logs_count + count))


def count_stored(session: Session, workspace_id: str, file_id: str, *, judgments: bool) -> int:
    """How many logs a file has; of an evaluator, how many judgments."""
    if judgments:
        versions = select(Version.id).where(Version.file_id == file_id)
        query = select(func.count()).where(
            Judgment.workspace_id == workspace_id, Judgment.evaluator_version_id.in_(versions)
        )
    else:
        query = select(func.count()).where(Log.workspace_id == workspace_id, Log.file_id == file_id)
    return session.scalar(query) or 0


def find_file_ever(session: Session, workspace_id: str, file_id: str) -> File | None:
    """A file by its id, a deleted one, too."""
    return session.scalar(select(File).where(File.workspace_id == workspace_id, File.id == file_id))


def version_ids(session: Session, file_id: str) -> set[str]:
    return set(session.scalars(select(Version.id).where(Version.file_id == file_id)))


def name_directory(
    session: Session, workspace_id: str, path: str, directory_id: str, parent_id: str | None
) -> None:
    """Make a directory with this id, unless its path or its id is taken."""
    values = {"id": directory_id, "workspace_id": workspace_id, "path": path, "parent_id": parent_id}
    session.execute(insert(Directory).values(values).on_conflict_do_nothing())


def environment_named(session: Session, workspace_id: str, name: str, environment_id: str) -> Environment:
    """The environment of this name; made with this id, if that is free, where there is none."""
    for row_id in (environment_id, ids.new_id("env")):
        values = {"id": row_id, "workspace_id": workspace_id, "name": name, "tag": "other"}
        session.execute(insert(Environment).values(values).on_conflict_do_nothing())
    query = select(Environment).where(Environment.workspace_id == workspace_id, Environment.name == name)
    return session.scalars(query).one()


def environments_used(session: Session, file_id: str) -> set[str]:
    """The environments where a version of the file runs or ran."""
    return set(session.scalars(select(Deployment.environment_id).where(Deployment.file_id == file_id)))


def paths_taken(session: Session, workspace_id: str, paths: Sequence[str]) -> set[str]:
    """Those of the paths that are a file's or a directory's."""
    there = File.workspace_id == workspace_id, File.deleted_at.is_(None), File.path.in_(paths)
    files = session.scalars(select(File.path).where(*there))
    directories = select(Directory.path).where(
        Directory.workspace_id == workspace_id, Directory.path.in_(paths)
    )
    return {*files, *session.scalars(directories)}


class Held(NamedTuple):
    """How much a workspace holds, by the counters that are kept."""

    files: int
    logs: int
    evaluations: int


def count_held(session: Session, workspace_id: str) -> Held:
    """How much an export would have."""
    there = File.workspace_id == workspace_id, File.deleted_at.is_(None)
    query = select(func.count(), func.coalesce(func.sum(File.logs_count), 0)).where(*there)
    files, logs = session.execute(query).one()
    evaluations = select(func.count()).where(Evaluation.workspace_id == workspace_id)
    return Held(files, int(logs), session.scalar(evaluations) or 0)
