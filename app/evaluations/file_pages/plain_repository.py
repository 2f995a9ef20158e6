"""The SQL of the pages of tools, flows and agents."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

_USES = """
with current as materialized (
    select f.id as file_id, newest.id as version_id
    from file f cross join lateral (
        select id from version where file_id = f.id order by number desc limit 1) as newest
    where f.workspace_id = :workspace and f.deleted_at is null and f.kind in ('prompt', 'agent')
    union
    select f.id, d.version_id from file f join deployment d on d.file_id = f.id and d.ended_at is null
    where f.workspace_id = :workspace and f.deleted_at is null and f.kind in ('prompt', 'agent')
)
select f.id, f.path, f.kind, max(v.number)
from current c join file f on f.id = c.file_id
cross join lateral (select number, spec from version where id = c.version_id offset 0) as v
where position(to_jsonb(cast(:file as text))::text in v.spec::text) > 0
group by f.id, f.path, f.kind order by f.path limit :limit
"""
"""Versions are chosen first, and fetched one by one (`offset 0`): only of those is the content looked through."""


class Use(NamedTuple):
    """A file whose newest version, or one that runs somewhere, names another."""

    file_id: str
    path: str
    kind: str
    number: int
    """Of the newest of these versions."""


def list_uses(session: Session, workspace_id: str, file_id: str, limit: int) -> list[Use]:
    """The prompts and agents that link a file, by path: in their newest version, or in one that runs somewhere."""
    statement = text(_USES)
    values = {"workspace": workspace_id, "file": file_id, "limit": limit}
    return [Use(*row) for row in session.execute(statement, values)]
