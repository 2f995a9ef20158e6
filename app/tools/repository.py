"""The SQL of tools, found by their names, and of their variables."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock
from app.files.models import File, FileKind
from app.tools.models import ToolVariable


def find_named(session: Session, workspace_id: str, names: Collection[str]) -> Sequence[File]:
    """The tools whose path, or the last part of it, is one of the names."""
    query = select(File).where(
        File.workspace_id == workspace_id,
        File.kind == FileKind.TOOL,
        File.deleted_at.is_(None),
        or_(File.path.in_(names), func.split_part(File.path, "/", -1).in_(names)),
    )
    return session.scalars(query.order_by(File.path)).all()


def list_variables(session: Session, file_id: str) -> Sequence[ToolVariable]:
    """The variables of a tool, by name."""
    query = select(ToolVariable).where(ToolVariable.file_id == file_id)
    return session.scalars(query.order_by(ToolVariable.name)).all()


def put_variable(
    session: Session, *, workspace_id: str, file_id: str, name: str, sealed_value: bytes, origin: str | None
) -> None:
    """Write a variable, in place of the one that has the name."""
    values = {"sealed_value": sealed_value, "origin": origin, "set_at": clock.now()}
    statement = insert(ToolVariable).values(file_id=file_id, name=name, workspace_id=workspace_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["file_id", "name"], set_=values))


def delete_variable(session: Session, file_id: str, name: str) -> bool:
    """Whether there was one."""
    statement = delete(ToolVariable).where(ToolVariable.file_id == file_id, ToolVariable.name == name)
    return session.scalar(statement.returning(ToolVariable.name)) is not None


def lock_all(session: Session) -> None:
    """Let nobody else read or write variables until the end of the transaction."""
    session.execute(text("lock table tool_variable in access exclusive mode"))


def list_every(session: Session) -> Sequence[ToolVariable]:
    """Those of all workspaces."""
    return session.scalars(select(ToolVariable)).all()
