"""The shapes of drafts and of the states of their history."""

from typing import Literal

from app.reference.answers.files import Datapoint
from app.reference.answers.shape import Json, Shape


class Draft(Shape):
    id: str
    path: str | None
    """Where a prompt that is not saved yet is to lie."""
    content: Json
    """As a version of a prompt has it; settings that cannot be read yet are texts."""
    problems: dict[str, str]
    """Why it is no valid version yet, by field; empty where it is one."""
    prompt_id: str | None
    """Null for a prompt that is not saved yet."""
    base_version_id: str | None
    """The version that it began on."""
    base_number: int | None
    newest_version_id: str | None
    """Another one than its base: somebody has committed since, or it began on an older one."""
    revision: str
    """Another one with each saving."""
    began_at: str
    saved_at: str


class State(Shape):
    id: str
    prompt_id: str | None
    base_number: int | None
    saved_at: str
    reason: Literal["typed", "discarded", "replaced", "elsewhere"]
    """What became of it; `elsewhere` was typed in a tab that had not seen what another one saved."""
    added: int
    """Lines and settings that are new or changed since the state before it."""
    removed: int


class PinnedRow(Shape):
    """A row that is run beside a prompt in its editor."""

    dataset_id: str
    datapoint_id: str
    inputs: Json
    target: Json | None
    pinned_at: str


class DatasetDraft(Shape):
    """What somebody changes in a dataset and has not committed."""

    id: str
    dataset_id: str
    base_number: int | None
    """The version that it changes."""
    newest_number: int | None
    """Another one than its base: somebody has committed since."""
    added: int
    edited: int
    removed: int
    empty: int
    """Added rows that nothing is typed into yet: they are not committed."""
    clashes: int
    """Rows that the newest version has changed, too, to something else; nothing is committed until they are settled."""
    began_at: str
    saved_at: str


class AddedDatapoints(Shape):
    ids: list[str]
    """The names that the rows have in the draft."""
    draft: DatasetDraft


class DatapointContents(Shape):
    """What a row of the base says."""

    inputs: Json
    messages: list[Json] | None
    target: Json | None
    context: list[str] | None
    cluster: str | None
    metadata: Json | None
    split: Literal["train", "validation", "test", "sealed"] | None


class DraftDatapoint(Datapoint):
    """A row as the draft has it. Its id is the datapoint's of the base; of an added row, a name of its own."""

    state: Literal["unchanged", "added", "edited", "removed"]
    clash: bool
    """The newest version has changed it, too, to something else."""
    before: DatapointContents | None
    """Of a row that is changed: what the base says."""
