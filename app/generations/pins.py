"""Rows that are pinned beside a prompt, for everybody who edits it: a smoke test that is run at once, and is no evidence."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind
from app.generations import pin_repository as repository
from app.generations.pin_repository import Pin

MOST_PINS = 20
"""More are a question for an evaluation."""
_FULL = f"Up to {MOST_PINS} rows are pinned: unpin one, or evaluate the whole dataset."


def toggle(session: Session, file: File, dataset_id: str, datapoint_id: str) -> None:
    """Pin a row, or unpin it where it is.

    Raises:
        Invalid: as many are pinned as may be.
    """
    files_repository.lock_file(session, file)
    if repository.remove(session, file.id, [datapoint_id]):
        return
    if len(repository.list_pins(session, file.id)) >= MOST_PINS:
        raise Invalid(_FULL)
    repository.add(session, file.id, dataset_id, datapoint_id)


def remove_outdated(session: Session, file: File) -> None:
    """Unpin the rows that the newest versions of their datasets do not have any more."""
    files_repository.lock_file(session, file)
    repository.remove(session, file.id, repository.list_outdated(session, file.id))


def replace(
    session: Session, principal: Principal, file: File, wanted: Sequence[tuple[str, str]]
) -> list[Pin]:
    """Pin these rows, each by its dataset and its id, and no others. What is pinned already may stay, whatever became of its dataset.

    Raises:
        NotFound: a dataset is not there, or has no such row.
        Invalid: they are too many.
    """
    if len(wanted) > MOST_PINS:
        raise Invalid(_FULL)
    files_repository.lock_file(session, file)
    before = {(pin.dataset_id, pin.datapoint_id) for pin, _ in repository.list_pins(session, file.id)}
    repository.remove(session, file.id, [datapoint_id for _, datapoint_id in before])
    for dataset_id, datapoint_id in wanted:
        if (dataset_id, datapoint_id) in before:
            repository.add(session, file.id, dataset_id, datapoint_id)
            continue
        dataset = files.get_file(session, principal, dataset_id, FileKind.DATASET)
        if not repository.holds(session, dataset.id, datapoint_id):
            raise NotFound(f"The dataset has no row {datapoint_id:.80}.")
        repository.add(session, file.id, dataset.id, datapoint_id)
    return repository.list_pins(session, file.id)
