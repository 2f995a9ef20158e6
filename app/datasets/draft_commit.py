"""Making a version of a draft, on top of what was committed meanwhile."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import waiting
from app.core.access import Principal
from app.core.errors import Conflict, Invalid
from app.datasets import draft_commit_repository, draft_repository, drafts
from app.datasets.models import DatasetDraft
from app.datasets.service import DatasetChange, DatasetWritten, commit_wanted
from app.files import repository as files_repository
from app.files.models import File, Version


@dataclass(frozen=True, slots=True)
class DraftCommit:
    """What to say of the new version."""

    note: str | None = None
    name: str | None = None


def newer_version(session: Session, draft: DatasetDraft) -> Version | None:
    """The newest version, where it is not the one that the draft changes: committed after it, or left when it was deleted."""
    newest = files_repository.newest_version(session, draft.file_id)
    return newest if newest and newest.number != draft.base_number else None


def rebase(session: Session, draft: DatasetDraft) -> int:
    """Put a draft that is locked on the newest version; how many rows both have changed, each to something else.

    Of those the draft says what its owner made of them, until they settle it.
    """
    if newer := newer_version(session, draft):
        draft_commit_repository.rebase(session, draft, newer.number)
    return draft_repository.count_changes(session, draft).clashes


def commit(session: Session, principal: Principal, file: File, said: DraftCommit) -> DatasetWritten:
    """Make a version of the draft, on top of the newest one, and end the draft. Memory stays flat.

    Raises:
        NotFound: there is no draft.
        Invalid: it changes nothing.
        Conflict: somebody committed other changes of the same rows; or the version that it changes was the newest, and is
            deleted; or the version name is taken.
    """
    with waiting.patient_with_locks(session):
        files_repository.lock_file(session, file)
    draft = drafts.get(session, principal, file, locked=True)
    newer = newer_version(session, draft)
    if newer and newer.number < draft.base_number:
        raise Conflict(
            f"v{draft.base_number}, which the draft changes, was deleted. Nothing was committed: put the draft on "
            f"v{newer.number}, and look at what it changes there."
        )
    if clashes := rebase(session, draft):
        rows = "One row was" if clashes == 1 else f"{clashes:,} rows were"
        raise Conflict(
            f"{rows} changed in the newest version, too, to something else. Nothing was committed: put the draft on "
            "the newest version, and say for each of them which change is to stand."
        )
    counts = draft_repository.count_changes(session, draft)
    if not counts.added + counts.edited + counts.removed:
        raise Invalid("The draft changes nothing: there is nothing to commit.")
    base = files_repository.find_version_by_number(session, file.id, draft.base_number)
    wanted = draft_commit_repository.want_draft(session, draft)
    change = DatasetChange(
        (),
        file_id=file.id,
        attributes=base.spec.get("attributes") if base else None,
        name=said.name,
        note=said.note,
    )
    committed = commit_wanted(session, principal, change, base, wanted, may_return=True)
    draft_repository.remove(session, draft)
    _, rows_count, added = wanted
    kept = (base.rows_count or 0 if base else 0) - counts.removed + counts.added
    return DatasetWritten(
        committed.file, committed.version, committed.created, rows_count, added, kept - rows_count
    )
