"""Everything about one row of a dataset, in the drawer and on its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.errors import NotFound
from app.core.formats import number
from app.core.template import as_text
from app.datasets import draft_repository, drafts, repository, suspects
from app.datasets.cells import shown
from app.datasets.draft_repository import DraftRow
from app.datasets.suspects import Suspect
from app.datasets.synthetic import mark_of
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, Version


@dataclass(frozen=True, slots=True)
class RowDetail:
    """The row page."""

    file: File
    version: Version | None
    """The version, or the one that the draft changes."""
    row: DraftRow
    inputs: Sequence[tuple[str, str]]
    targets: Sequence[tuple[str, str]]
    may_edit: bool = False
    suspect: Suspect | None = None
    """What speaks against its target."""

    @property
    def mark(self) -> Any:
        """Who wrote it, where a model did."""
        return mark_of(self.row.content.get("metadata"))

    @property
    def name(self) -> str:
        """“Row 7”, or what it is where it has no place yet."""
        return "Added row" if self.row.position is None else f"Row {number(self.row.position + 1)}"


def build_row(
    session: Session, principal: Principal, file: File, asked: int | None, row_id: str
) -> RowDetail:
    """Everything about one row: of a version, or of the principal's draft and the newest version.

    Raises:
        NotFound: it is not there.
    """
    newest = files_repository.newest_version(session, file.id)
    may_edit = asked is None and principal.may(Action.EDIT)
    draft = drafts.find(session, principal, file) if may_edit else None
    version = files.get_version_number(session, file, asked) if asked else newest
    if draft:
        version = files_repository.find_version_by_number(session, file.id, draft.base_number)
        row = drafts.get_row(session, draft, row_id)
    else:
        found = repository.find_row(session, version, row_id) if version else None
        if found is None:
            raise NotFound("This version of the dataset has no such row.")
        row = draft_repository.unchanged(*found)
    inputs, targets = row.content.get("inputs") or {}, row.content.get("target") or {}
    return RowDetail(
        file,
        version,
        row,
        [(name, as_text(value)) for name, value in inputs.items()],
        [(name, shown(value)) for name, value in targets.items()],
        may_edit,
        _suspect(session, version, row),
    )


def _suspect(session: Session, version: Version | None, row: DraftRow) -> Suspect | None:
    if version is None or row.changed:
        return None
    return next((one for one in suspects.of(session, version) if one.datapoint_id == row.row_id), None)
