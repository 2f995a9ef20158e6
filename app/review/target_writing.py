"""Writing what people said into a dataset: as a version of its own, or into the draft of whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import waiting
from app.core.access import Principal
from app.core.errors import Conflict, Invalid
from app.datasets import drafts
from app.datasets.draft_commit import DraftCommit, commit, newer_version
from app.datasets.drafts import RowEdit
from app.datasets.service import DatasetWritten
from app.files import repository as files
from app.review.models import ReviewQueue
from app.review.targets import LeftOut, Proposal, Wanted, propose
from app.workspaces import audit

LONGEST_NOTE = 1_000


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it."""

    rows: int
    left_out: tuple[LeftOut, ...]
    version: DatasetWritten | None
    """None where they stand in a draft."""


def note_of(queue: ReviewQueue, rows: int) -> str:
    """The reason of a version that has targets of a queue."""
    return f"{rows:,} target{'' if rows == 1 else 's'} from the review “{queue.name}” ({queue.id})"


def write_targets(
    session: Session,
    principal: Principal,
    queue: ReviewQueue,
    wanted: Wanted,
    chosen: Mapping[str, str] | None,
    *,
    as_version: bool,
    note: str = "",
) -> Written:
    """Write what is proposed into the principal's draft, or as a version, on top of the newest one. `chosen` are the rows that
    are meant, each with the mark of what was seen of it, or an empty one; None: all that are proposed.

    Raises:
        Invalid: nothing is proposed, or the note is too long.
        Conflict: a row is proposed no more, or something else is; or a version is asked for, and the draft has other changes.
    """
    if len(note) > LONGEST_NOTE:
        said = f"Keep it under {LONGEST_NOTE:,} characters."
        raise Invalid(said, fields={"note": said})
    with waiting.patient_with_locks(session):  # before the draft's own, as a commit takes them
        files.lock_file(session, wanted.file)
    draft = drafts.opened(session, principal, wanted.file)
    if as_version and (drafts.count(session, draft).changed or newer_version(session, draft)):
        raise Conflict(
            "You have a draft of this dataset with other changes, which would become part of the version. Put the targets into "
            "the draft, or commit or discard it first."
        )
    proposed = propose(session, principal, queue, wanted, draft)
    taken = _chosen(proposed.proposals, chosen)
    drafts.edit(session, draft, [RowEdit(one.row.row_id, {wanted.place: one.new}) for one in taken])
    version = None
    if as_version:
        said = note.strip() or note_of(queue, len(taken))
        version = commit(session, principal, wanted.file, DraftCommit(said))
    audit.record(
        session, principal, "review.targets_written", "review_queue", queue.id, name=queue.name, items=len(taken),
        dataset=wanted.file.id,
    )  # fmt: skip
    return Written(len(taken), tuple(proposed.left_out), version)


def _chosen(proposals: Sequence[Proposal], chosen: Mapping[str, str] | None) -> list[Proposal]:
    by_row = {one.row.row_id: one for one in proposals}
    if chosen is None:
        chosen = dict.fromkeys(by_row, "")
    if not chosen:
        raise Invalid("No row was chosen into which a target would be written.")
    stale = [
        row_id
        for row_id, mark in chosen.items()
        if row_id not in by_row or mark not in ("", by_row[row_id].mark)
    ]
    if stale:
        rows = "One of the rows is" if len(stale) == 1 else f"{len(stale):,} of the rows are"
        raise Conflict(
            f"{rows} not what you saw any more: the dataset, your draft, or what people said was changed since. Nothing was "
            "written: look again."
        )
    return [by_row[row_id] for row_id in chosen]
