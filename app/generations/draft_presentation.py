"""A draft and its history as the v5 API answers them."""

from typing import Any

from app.core.errors import Invalid
from app.generations.draft import spec_of
from app.generations.draft_content import restored, spec_like
from app.generations.drafts import Desk
from app.generations.models import PromptDraft, PromptDraftState

Json = dict[str, Any]


def present_draft(draft: PromptDraft, desk: Desk) -> Json:
    """A draft with what it says."""
    return _said(draft) | {
        "id": draft.id,
        "prompt_id": draft.file_id,
        "base_version_id": desk.base.id if desk.base and desk.base.number == draft.base_number else None,
        "base_number": draft.base_number or None,
        "newest_version_id": desk.newest.id if desk.newest else None,
        "revision": draft.revision,
        "began_at": draft.began_at,
        "saved_at": draft.saved_at,
    }


def present_state(state: PromptDraftState, desk: Desk, *, whole: bool = False) -> Json:
    """A state of the history; with what it says, where the `whole` of it is asked for."""
    shown = {
        "id": state.id,
        "prompt_id": desk.place.file_id,
        "base_number": state.base_number or None,
        "saved_at": state.at,
        "reason": state.why,
        "added": state.added,
        "removed": state.removed,
    }
    return shown | (_said(state) if whole else {})


def _said(kept: PromptDraft | PromptDraftState) -> Json:
    draft = restored(kept.content)
    try:
        spec_of(draft)
        problems: dict[str, str] = {}
    except Invalid as error:
        problems = error.fields or {"": error.message}
    return {"path": draft.path or None, "content": spec_like(draft), "problems": problems}
