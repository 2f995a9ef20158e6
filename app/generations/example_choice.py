"""Choosing rows as examples: which there are, and putting those that were chosen into the draft."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.datasets import repository as datasets
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.generations import drafts, examples, keeping
from app.generations.draft import Draft, draft_of
from app.generations.draft_content import restored, stored
from app.generations.drafts import Desk, Mark
from app.generations.editing import STARTER
from app.generations.examples import MOST_ADDED, TRAIN, Made

PAGE_SIZE = 25
_MOST_DATASETS = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be chosen."""

    datasets: Sequence[File]
    dataset: File | None
    rows: Sequence[Made]
    total: int
    query: str
    page: int

    @property
    def pages(self) -> int:
        """How many there are."""
        return max(1, -(-self.total // PAGE_SIZE))


def make_offer(
    session: Session, principal: Principal, desk: Desk, dataset_id: str, query: str, page: int
) -> Offer:
    """The training rows of a dataset; of the one that the draft was last filled from, where none is named.

    Raises:
        NotFound: no such dataset.
    """
    found, _ = files_repository.list_files(
        session,
        principal.workspace_id,
        kinds=[FileKind.DATASET],
        sort_by="path",
        descending=False,
        limit=_MOST_DATASETS,
    )
    kept = keeping.find_kept(session, desk)
    wanted = dataset_id or (kept.content["dataset"] if kept else "") or ""
    dataset = next((each for each in found if each.id == wanted), None)
    if dataset_id and dataset is None:
        dataset = files.get_file(session, principal, dataset_id, FileKind.DATASET)
        found.append(dataset)
    dataset = dataset or (found[0] if found else None)
    version = _version(session, dataset)
    if version is None:
        return Offer(found, dataset, (), 0, query, 1)
    total = datasets.count_rows(session, version, query=query or None, split=TRAIN)
    rows = datasets.list_rows(
        session, version, query=query or None, split=TRAIN, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE
    )
    draft = _draft(session, desk)
    return Offer(
        found, dataset, [examples.make(draft, datapoint) for _, datapoint in rows], total, query, page
    )


def _version(session: Session, dataset: File | None) -> Version | None:
    return files_repository.newest_version(session, dataset.id) if dataset else None


def _draft(session: Session, desk: Desk) -> Draft:
    kept = keeping.find_kept(session, desk)
    if kept:
        return restored(kept.content)
    return draft_of(desk.base.spec if desk.base else STARTER)


def add_rows(
    session: Session, principal: Principal, desk: Desk, dataset_id: str, row_ids: Sequence[str]
) -> str:
    """Put rows of the training split into the principal's draft as examples; why not, where one of them makes none.

    Raises:
        NotFound: no such dataset.
        TooLarge: the draft would be over 4 MiB.
    """
    dataset = files.get_file(session, principal, dataset_id, FileKind.DATASET)
    version = _version(session, dataset)
    wanted = list(dict.fromkeys(row_ids))
    if not wanted:
        return "Choose a row at least."
    if len(wanted) > MOST_ADDED:
        return f"Choose up to {MOST_ADDED} rows at once."
    found = [datasets.find_row(session, version, row_id) for row_id in wanted] if version else []
    rows = [each[1] for each in found if each and each[0].split == TRAIN]
    if len(rows) != len(wanted):
        return "Some of these rows are not among the dataset’s training rows any more. Choose again."
    kept = keeping.find_kept(session, desk)
    draft = _draft(session, desk)
    made = examples.add(draft, rows)
    if problem := next((one.problem for one in made if one.problem), ""):
        return problem
    before = kept.content if kept else {}
    content = stored(draft, dataset=before.get("dataset"), row=before.get("row", 1))
    drafts.replace_with(session, desk, content, Mark())
    return ""
