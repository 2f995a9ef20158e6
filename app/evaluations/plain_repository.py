"""The SQL of the pages of tools, flows and agents."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class Use(NamedTuple):
    """A file whose newest version, or one that runs somewhere, names another."""

    file_id: str
    path: str
    kind: str
    number: int
    """Of the newest of these versions."""


def list_uses(session: Session, workspace_id: str, file_id: str, limit: int) -> list[Use]:
    """The prompts and agents that link a file, by path: in their newest version, or in one that runs somewhere."""
    statement = text("""
        select f.id, f.path, f.kind, max(v.number)
        from file f join version v on v.file_id = f.id
        where f.workspace_id = :workspace and f.deleted_at is null and f.kind in ('prompt', 'agent')
          and (v.number = (select max(number) from version where file_id = f.id)
               or exists (select from deployment d where d.version_id = v.id and d.ended_at is null))
          and position(to_jsonb(cast(:file as text))::text in v.spec::text) > 0
        group by f.id, f.path, f.kind order by f.path limit :limit
    """)
    values = {"workspace": workspace_id, "file": file_id, "limit": limit}
    return [Use(*row) for row in session.execute(statement, values)]
