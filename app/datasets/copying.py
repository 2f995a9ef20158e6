"""The rows of a dataset that is copied: in a few statements, however many there are."""

from sqlalchemy.orm import Session

from app.datasets import repository
from app.datasets.service import content_of
from app.files.models import Version


def copy_rows(session: Session, source: Version, copy: Version, *, earlier: bool) -> bytes:
    """Give `copy`, the newest version of a new dataset, the rows of `source`, each in its place and split; with `earlier`, the
    versions before have theirs, too, under the numbers that they have in the source. Returns what the hash of `copy` is
    taken over."""
    repository.copy_rows(
        session, source.file_id, source.number, copy.file_id, None if earlier else copy.number
    )
    repository.stage(session, copy.workspace_id, ())
    digest, _, _ = repository.want(session, copy.workspace_id, copy.file_id, copy.number, "remove")
    return content_of(digest, copy.spec)
