"""The SQL of imported monitors: their table belongs to a package that this one may not import."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class SaidMonitor(NamedTuple):
    """An evaluator that judges a file's logs: a version, or the one that runs in an environment."""

    id: str
    version_id: str | None
    evaluator_id: str | None
    environment: str | None
    active: bool
    sampling: float
    created_at: datetime
    updated_at: datetime


_THERE = text("""
    select exists (
        select from monitor m left join environment n on n.id = m.environment_id
        where m.file_id = :file and m.workspace_id = :workspace
          and (m.evaluator_version_id = :version_id or (m.evaluator_id = :evaluator_id and n.name = :environment)))
""")
_WRITE = text("""
    insert into monitor (id, workspace_id, file_id, evaluator_version_id, evaluator_id, environment_id, active, sampling,
        created_at, updated_at)
    select :id, f.workspace_id, f.id, v.id, case when v.id is null then e.id end, case when v.id is null then n.id end,
        :active, :sampling, :created_at, :updated_at
    from file f
    left join (version v join file of on of.id = v.file_id and of.kind = 'evaluator' and of.deleted_at is null)
        on v.id = :version_id and v.workspace_id = f.workspace_id
    left join file e on e.id = :evaluator_id and e.workspace_id = f.workspace_id and e.kind = 'evaluator' and e.deleted_at is null
    left join environment n on n.name = :environment and n.workspace_id = f.workspace_id
    where f.id = :file and f.workspace_id = :workspace and (v.id is not null or (e.id is not null and n.id is not null))
    on conflict do nothing
""")


def is_there(session: Session, workspace_id: str, file_id: str, monitor: SaidMonitor) -> bool:
    """Whether the evaluator judges the file's logs already, or did."""
    return bool(session.scalar(_THERE, {"workspace": workspace_id, "file": file_id, **monitor._asdict()}))


def write(session: Session, workspace_id: str, file_id: str, monitor: SaidMonitor) -> bool:
    """Have an evaluator judge the file's logs; whether it, and its environment, are here."""
    values = {"workspace": workspace_id, "file": file_id, **monitor._asdict()}
    return session.execute(_WRITE, values).rowcount > 0  # type: ignore[attr-defined, no-any-return]
