"""The SQL of the rows that are pinned beside a prompt."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.datasets.models import Datapoint, DatasetRow
from app.files.models import File
from app.generations.models import PinnedRow

Pin = tuple[PinnedRow, Datapoint]


def list_pins(session: Session, file_id: str) -> list[Pin]:
    """The pinned rows of a prompt, those pinned first first."""
    query = select(PinnedRow, Datapoint).join(Datapoint, Datapoint.id == PinnedRow.datapoint_id)
    found = session.execute(
        query.where(PinnedRow.file_id == file_id).order_by(PinnedRow.pinned_at, PinnedRow.datapoint_id)
    )
    return [(pin, datapoint) for pin, datapoint in found]


def list_outdated(session: Session, file_id: str) -> list[str]:
    """The pinned rows of a prompt that the newest version of their dataset does not have any more, or whose dataset is deleted."""
    there = select(DatasetRow.file_id).where(
        DatasetRow.file_id == PinnedRow.dataset_id,
        DatasetRow.datapoint_id == PinnedRow.datapoint_id,
        DatasetRow.until_number.is_(None),
    )
    query = select(PinnedRow.datapoint_id).join(File, File.id == PinnedRow.dataset_id)
    return list(
        session.scalars(
            query.where(PinnedRow.file_id == file_id, File.deleted_at.is_not(None) | ~there.exists())
        )
    )


def add(session: Session, file_id: str, dataset_id: str, datapoint_id: str) -> None:
    """Pin a row, unless it is."""
    values = {"file_id": file_id, "dataset_id": dataset_id, "datapoint_id": datapoint_id}
    session.execute(insert(PinnedRow).values(values).on_conflict_do_nothing())


def remove(session: Session, file_id: str, datapoint_ids: Sequence[str]) -> bool:
    """Unpin rows; whether any was pinned."""
    pinned = (PinnedRow.file_id == file_id, PinnedRow.datapoint_id.in_(datapoint_ids))
    return bool(session.execute(delete(PinnedRow).where(*pinned).returning(PinnedRow.datapoint_id)).all())


def holds(session: Session, dataset_id: str, datapoint_id: str) -> bool:
    """Whether any version of the dataset has the row."""
    query = select(DatasetRow.file_id).where(
        DatasetRow.file_id == dataset_id, DatasetRow.datapoint_id == datapoint_id
    )
    return session.scalar(query.limit(1)) is not None
