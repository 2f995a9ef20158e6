"""The SQL of exports: lists that are read on from where the last page ended, however long they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from app.datasets.models import Datapoint, DatasetRow
from app.evaluations.models import Evaluation
from app.files.models import File, Version
from app.logs.models import Judgment, Log

Row = TypeVar("Row", Log, Judgment)


class Place(NamedTuple):
    """Where a page of logs ended."""

    created_at: datetime
    id: str


def file_ids(session: Session, workspace_id: str) -> list[str]:
    """Every file that has a version, in the order in which they were made."""
    versioned = select(Version.id).where(Version.file_id == File.id).exists()
    query = select(File.id).where(File.workspace_id == workspace_id, File.deleted_at.is_(None), versioned)
    return list(session.scalars(query.order_by(File.created_at, File.id)))


def evaluation_ids(session: Session, file_id: str) -> list[str]:
    query = select(Evaluation.id).where(Evaluation.file_id == file_id)
    return list(session.scalars(query.order_by(Evaluation.created_at, Evaluation.id)))


def list_logs(
    session: Session, workspace_id: str, file_id: str, after: Place | None, limit: int
) -> list[Log]:
    """Logs of a file, newest first, older than those of the page before."""
    query = select(Log).where(Log.workspace_id == workspace_id, Log.file_id == file_id)
    return _page(session, query, Log, after, limit)


def list_judgments(
    session: Session, workspace_id: str, version_id: str, after: Place | None, limit: int
) -> list[Judgment]:
    """Judgments by a version of an evaluator, newest first, older than those of the page before."""
    query = select(Judgment).where(
        Judgment.workspace_id == workspace_id, Judgment.evaluator_version_id == version_id
    )
    return _page(session, query, Judgment, after, limit)


def _page(
    session: Session, query: Select[Any], table: type[Row], after: Place | None, limit: int
) -> list[Row]:
    if after:
        query = query.where(tuple_(table.created_at, table.id) < tuple_(*after))
    return list(session.scalars(query.order_by(table.created_at.desc(), table.id.desc()).limit(limit)))


def list_rows(
    session: Session, version: Version, after: int, limit: int
) -> Sequence[tuple[DatasetRow, Datapoint]]:
    """Rows of a dataset's version in their order, from the position `after`, which is not included."""
    query = (
        select(DatasetRow, Datapoint)
        .join(Datapoint, Datapoint.id == DatasetRow.datapoint_id)
        .where(
            DatasetRow.file_id == version.file_id,
            DatasetRow.from_number <= version.number,
            DatasetRow.until_number.is_(None) | (DatasetRow.until_number > version.number),
            DatasetRow.position > after,
        )
    )
    return list(session.execute(query.order_by(DatasetRow.position).limit(limit)))
