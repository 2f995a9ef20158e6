"""What a draft, a state of its history or a version says, to be compared with another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.files import repository as files_repository
from app.generations import draft_repository, drafts
from app.generations.draft_content import restored, spec_like
from app.generations.drafts import Desk
from app.generations.models import PromptDraft, PromptDraftState
from app.prompts.changes import SpecChanges, compare_specs

DRAFT = "draft"
_NUMBER = re.compile(r"v(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a difference."""

    name: str
    """As the address has it: `v13`, `draft`, or the id of a state."""
    spec: dict[str, Any]
    at: datetime | None = None
    number: int | None = None
    """Of a version."""
    state: PromptDraftState | None = None


def find_side(session: Session, desk: Desk, name: str) -> Side:
    """What the address means. A draft that is not there says what its version does.

    Raises:
        NotFound: no such version, or no such state of the principal's.
    """
    if name == DRAFT:
        draft = draft_repository.find(session, desk.place)
        base = desk.base.spec if desk.base else {}
        return Side(name, _said(draft) if draft else base, draft.saved_at if draft else None)
    if found := _NUMBER.fullmatch(name):
        file_id = desk.place.file_id
        number = int(found[1])
        version = files_repository.find_version_by_number(session, file_id, number) if file_id else None
        if version is None and number:
            raise NotFound(f"There is no v{number}.")
        return Side(name, version.spec if version else {}, version.created_at if version else None, number)
    state = drafts.get_state(session, desk, name)
    return Side(name, _said(state), state.at, state=state)


def _said(kept: PromptDraft | PromptDraftState) -> dict[str, Any]:
    return spec_like(restored(kept.content))


def compare(before: Side, after: Side) -> SpecChanges:
    """What changed from one to the other."""
    return compare_specs(before.spec, after.spec)


def list_history(session: Session, desk: Desk) -> Sequence[PromptDraftState]:
    """What the principal's drafts of the prompt said, on whatever version, newest first."""
    return draft_repository.list_states(session, desk.place)
