"""The SQL of ids that callers chose: which workspace has one, and logs that wait for it."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session


def find_holders(session: Session, row_ids: Collection[str]) -> dict[str, str]:
    """The workspaces that have logs or judgments with these ids. No id is of both."""
    statement = text("""
        select id, workspace_id from log where id = any(:ids)
        union all select id, workspace_id from judgment where id = any(:ids)
    """)
    return dict(session.execute(statement, {"ids": list(row_ids)}).all())


def follow(session: Session, workspace_id: str, before: str, after: str) -> None:
    """Let the logs of a workspace that are nested under an id, or are of its trace, be of another one."""
    statement = text("""
        update log set trace_id = :after, parent_id = case parent_id when :before then :after else parent_id end
        where trace_id = :before and workspace_id = :workspace
    """)
    session.execute(statement, {"workspace": workspace_id, "before": before, "after": after})
