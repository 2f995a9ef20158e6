"""The SQL of the home page: which files are in use, and what somebody worked on last."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.files.models import Deployment, File, FileKind, Version

_CALLED = (FileKind.PROMPT, FileKind.FLOW, FileKind.AGENT, FileKind.TOOL)


def list_in_use(session: Session, workspace_id: str, limit: int) -> list[File]:
    """Files that run in an environment and had a log in the last 8 days, of whatever source; the last ones first."""
    running = select(Deployment.id).where(Deployment.file_id == File.id, Deployment.ended_at.is_(None))
    query = select(File).where(
        File.workspace_id == workspace_id,
        File.deleted_at.is_(None),
        File.kind.in_(_CALLED),
        File.logs_count > 0,
        File.last_used_at > func.now() - text("interval '8 days'"),
        running.exists(),
    )
    return list(session.scalars(query.order_by(File.last_used_at.desc(), File.id).limit(limit)))


def list_committed_by(
    session: Session, workspace_id: str, user_id: str, limit: int
) -> list[tuple[File, int]]:
    """The files that somebody committed to last, newest first, each with the number of their last version of it."""
    at, number = func.max(Version.created_at), func.max(Version.number)
    query = (
        select(File, number)
        .join(Version, Version.file_id == File.id)
        .where(Version.workspace_id == workspace_id, Version.author_id == user_id, File.deleted_at.is_(None))
        .group_by(File.id)
        .order_by(at.desc(), File.id)
    )
    return [(file, last) for file, last in session.execute(query.limit(limit))]
