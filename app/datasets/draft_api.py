"""The v5 routes of drafts of datasets: those of the key's maker, as the grid keeps them."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query, Response
from fastapi import Body as WholeBody
from pydantic import Field
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Editor
from app.datasets import draft_repository, drafts
from app.datasets.cells import place_of, seen
from app.datasets.draft_commit import DraftCommit, commit, rebase
from app.datasets.draft_repository import Filter
from app.datasets.drafts import BulkAction, RowEdit
from app.datasets.models import DatasetDraft
from app.datasets.presentation import present_draft, present_draft_row
from app.datasets.rows import Split
from app.datasets.schemas import DatapointContent
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind
from app.files.presentation import present_one

router = APIRouter(prefix="/v5/datasets", tags=["Datasets"])
Json = dict[str, Any]


class RowsAdded(Body):
    """Rows to add to a draft."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"datapoints": [{"inputs": {"question": "Where is my card?"}}]}

    datapoints: list[DatapointContent] = Field(min_length=1)


class RowEdited(Body):
    """Other values for a row of a draft."""

    id: str
    values: dict[str, Any] = Field(
        description="By place: `inputs.x`, `target.x`, `metadata.x`, `split`, `cluster` …; null takes a member away."
    )
    seen: dict[str, Any] = Field(
        default_factory=dict,
        description="What you read in these places: where one says something else by now, nothing is changed.",
    )


class RowsEdited(Body):
    """Rows of a draft to edit: all, or none."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "rows": [
            {"id": "dp_0123", "values": {"target.intent": "card_arrival"}, "seen": {"target.intent": "x"}}
        ]
    }

    rows: list[RowEdited] = Field(min_length=1)


class RowsChanged(Body):
    """Rows of a draft to change at once."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"action": "split", "ids": ["dp_0123"], "split": "test"}

    action: BulkAction = Field(
        description="`undo` lets rows be as the version has them; `settle` lets the draft's changes stand where both changed a row."
    )
    ids: list[str] | None = Field(None, description="These rows; else all that match.")
    query: str = Field("", description="Of all rows, those that hold this text in inputs or target.")
    in_split: str = Field("", description="Of all rows, those of this split.")
    changed: bool = Field(False, description="Of all rows, those that the draft changes.")
    synthetic: bool = Field(False, description="Of all rows, those that a model wrote.")
    split: Split | None = Field(None, description="Where `split` puts them; into none, if it is left out.")


class DraftCommitted(Body):
    """What to say of the version."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"note": "Corrected targets"}

    note: str | None = Field(None, max_length=1000)
    version_name: str | None = Field(None, max_length=200)


def _file(session: Session, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.DATASET)


def _opened(session: Session, principal: Principal, file_id: str) -> DatasetDraft:
    return drafts.opened(session, principal, _file(session, principal, file_id))


def _present(session: Session, draft: DatasetDraft) -> Json:
    newest = files_repository.newest_version(session, draft.file_id)
    return present_draft(draft, drafts.count(session, draft), newest)


@router.get("/{file_id}/draft")
def get_dataset_draft(file_id: str, session: SessionDep, principal: Editor) -> Json:
    """What the key's maker has changed in the dataset and not committed: how many rows, and of which version."""
    return _present(session, drafts.get(session, principal, _file(session, principal, file_id)))


@router.get("/{file_id}/draft/datapoints")
def list_draft_datapoints(
    file_id: str,
    session: SessionDep,
    principal: Editor,
    changed: Annotated[bool, Query(description="Only rows that the draft changes.")] = False,
    synthetic: Annotated[bool, Query(description="Only rows that a model wrote.")] = False,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[Json]:
    """The rows of the draft in their order, removed ones in their places, added ones at the end."""
    draft = drafts.get(session, principal, _file(session, principal, file_id))
    wanted = Filter(changed=changed, synthetic=synthetic)
    rows = draft_repository.list_rows(session, draft, wanted, offset=(page - 1) * size, limit=size)
    total = draft_repository.count_rows(session, draft, wanted)
    return Page(records=[present_draft_row(row) for row in rows], page=page, size=size, total=total)


@router.post("/{file_id}/draft/datapoints")
def add_draft_datapoints(file_id: str, body: RowsAdded, session: SessionDep, principal: Editor) -> Json:
    """Add rows to the draft, up to 10,000 at once; begins one on the newest version, if there is none. Rows of which every
    input is empty are not committed while they are."""
    draft = _opened(session, principal, file_id)
    return {"ids": drafts.add(session, draft, body.datapoints), "draft": _present(session, draft)}


@router.patch("/{file_id}/draft/datapoints")
def edit_draft_datapoints(file_id: str, body: RowsEdited, session: SessionDep, principal: Editor) -> Json:
    """Edit rows in the draft, up to 10,000 at once: all, or none. 409 where a place does not say any more what you read."""
    draft = _opened(session, principal, file_id)
    drafts.edit(session, draft, [_edit(each) for each in body.rows])
    return _present(session, draft)


def _edit(given: RowEdited) -> RowEdit:
    values = {place_of(name): value for name, value in given.values.items()}
    return RowEdit(given.id, values, {place_of(name): seen(value) for name, value in given.seen.items()})


@router.post("/{file_id}/draft/bulk")
def change_draft_datapoints(file_id: str, body: RowsChanged, session: SessionDep, principal: Editor) -> Json:
    """Remove rows, bring them back, or put them into a split: those that are named, or all that match."""
    draft = _opened(session, principal, file_id)
    wanted = Filter(body.query, body.in_split, body.changed, body.ids, body.synthetic)
    drafts.apply(session, draft, body.action, wanted, body.split)
    return _present(session, draft)


@router.post("/{file_id}/draft/rebase")
def rebase_dataset_draft(file_id: str, session: SessionDep, principal: Editor) -> Json:
    """Put the draft on the newest version. `clashes` counts the rows that both changed, each to something else: there the
    draft keeps what its owner made of them, until `settle` or `undo` says which is to stand."""
    draft = drafts.get(session, principal, _file(session, principal, file_id), locked=True)
    rebase(session, draft)
    return _present(session, draft)


@router.post("/{file_id}/draft/commit")
def commit_dataset_draft(
    file_id: str,
    body: Annotated[DraftCommitted, WholeBody(default_factory=DraftCommitted)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Make a version of the draft, on top of the newest one. 409 where somebody committed other changes of the same rows,
    or deleted the newest version, which the draft changes: `rebase` puts it on the one before."""
    file = _file(session, principal, file_id)
    written = commit(session, principal, file, DraftCommit(body.note, body.version_name))
    written.version.file = file
    return present_one(session, written.version)


@router.delete("/{file_id}/draft", status_code=204)
def discard_dataset_draft(file_id: str, session: SessionDep, principal: Editor) -> Response:
    """Throw the draft away. Until another one is thrown away, it can be brought back."""
    drafts.discard(session, principal, _file(session, principal, file_id))
    return Response(status_code=204)


@router.post("/{file_id}/draft/restore")
def restore_dataset_draft(file_id: str, session: SessionDep, principal: Editor) -> Json:
    """Bring back the draft that was thrown away last."""
    return _present(session, drafts.bring_back(session, principal, _file(session, principal, file_id)))
