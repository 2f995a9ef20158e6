"""The SQL of what evaluators hold."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import cast, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, insert
from sqlalchemy.orm import Session

from app.evaluators.models import EvaluatorDatabase
from app.files.models import Version


def find_database(session: Session, workspace_id: str, hash_: str) -> EvaluatorDatabase | None:
    """A database without its content."""
    return session.get(EvaluatorDatabase, (workspace_id, hash_))


def keep_database(session: Session, database: EvaluatorDatabase) -> None:
    """Store it; the same content keeps its row, and its name."""
    values = {column.name: getattr(database, column.name) for column in EvaluatorDatabase.__table__.columns}
    del values["given_at"]
    session.execute(
        insert(EvaluatorDatabase)
        .values(values)
        .on_conflict_do_update(
            index_elements=[EvaluatorDatabase.workspace_id, EvaluatorDatabase.hash],
            set_={"given_at": func.now()},
        )
    )


def load_contents(session: Session, workspace_id: str, hashes: Sequence[str]) -> dict[str, bytes]:
    """The files of these hashes that the workspace has."""
    found = session.execute(
        select(EvaluatorDatabase.hash, EvaluatorDatabase.content).where(
            EvaluatorDatabase.workspace_id == workspace_id, EvaluatorDatabase.hash.in_(hashes)
        )
    )
    return {row.hash: row.content for row in found}


def delete_unnamed(session: Session, workspace_id: str, before: datetime) -> None:
    """Delete the databases that were last given before that time and that no version names."""
    anywhere = cast("$.**.database ? (@ == $hash)", JSONPATH)  # of a part, too, and of a part's part
    hash_ = func.jsonb_build_object("hash", EvaluatorDatabase.hash)
    named = select(Version.id).where(
        Version.workspace_id == workspace_id,
        func.jsonb_path_exists(cast(Version.spec, JSONB), anywhere, hash_),
    )
    session.execute(
        delete(EvaluatorDatabase).where(
            EvaluatorDatabase.workspace_id == workspace_id,
            EvaluatorDatabase.given_at < before,
            ~named.exists(),
        )
    )
