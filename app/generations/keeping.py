"""The draft between the editor and its keeping: bringing it back, keeping the form, and what the editor says of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Action, Principal
from app.core.errors import Conflict, Invalid, TooLarge
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.generations import draft_repository, drafts, editing
from app.generations.draft import Draft, Pane, draft_of
from app.generations.draft_content import restored, stored
from app.generations.draft_repository import Presence
from app.generations.drafts import Desk, Kept, Mark, desk_of, on
from app.generations.editing import NEW, Chosen, ChosenRow
from app.generations.merging import merge
from app.generations.models import PromptDraft, PromptDraftState

Json = dict[str, Any]
_PRESENT_MINUTES = 5
"""Whoever has touched their draft in the last few minutes is at it."""
VERBS = ("discard", "restore", "mine", "other", "rebase", "theirs")
"""What the editor's buttons ask of the draft that is kept, and not of the form."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the editor says of the draft that is kept."""

    mark: Mark
    """What the form carries along, and sends with what it saves."""
    draft: PromptDraft | None = None
    brought_back: bool = False
    """Whether the form was filled from it now."""
    lost: PromptDraftState | None = None
    """What this page typed, where another one has saved since."""
    refused: str = ""
    """Why it is not kept."""
    told: str = ""
    """What a button has just done."""
    undo: str = ""
    """The state that takes it back."""
    newer: Version | None = None
    """The newest version, where somebody committed it after the one that the draft stands on."""
    is_own: bool = False
    """Whether that was the person themselves."""
    others: Sequence[Presence] = ()
    elsewhere: Sequence[PromptDraft] = ()
    """The person's drafts of the prompt on other versions."""


@dataclass(slots=True)
class Opened:
    """What the editor opens with."""

    chosen: Chosen
    draft: Draft | None = None
    kept: PromptDraft | None = None


@dataclass(slots=True)
class Asked:
    """What became of a button that asks something of the kept draft: the form afterwards, and what to say."""

    draft: Draft
    chosen: Chosen
    kept: Kept = field(default_factory=lambda: Kept(None))
    told: str = ""
    undo: str = ""


def new_mark() -> Mark:
    """That of a page which has just been opened."""
    return Mark(ids.new_id("tab"))


def find_file(session: Session, principal: Principal, file_id: str) -> File | None:
    """The prompt that an address names; None where it is not saved yet.

    Raises:
        NotFound: there is none.
    """
    return None if file_id == NEW else files.get_file(session, principal, file_id, FileKind.PROMPT)


def find_desk(session: Session, principal: Principal, file_id: str, number: int | None) -> Desk:
    """Where the draft of this prompt on this version lies; on the newest where none is named, or it was deleted.

    Raises:
        NotFound: no such prompt.
    """
    file = find_file(session, principal, file_id)
    newest = files_repository.newest_version(session, file.id) if file else None
    base = newest
    if file and number is not None and (newest is None or number != newest.number):
        base = files_repository.find_version_by_number(session, file.id, number) or newest
    return desk_of(principal, file, base, newest)


def bring_back(session: Session, principal: Principal, file_id: str, chosen: Chosen) -> Opened:
    """What the principal typed when they were here last: on the version asked for, or wherever that was.

    Raises:
        NotFound: no such prompt.
    """
    file = find_file(session, principal, file_id)
    if not principal.may(Action.EDIT):
        return Opened(chosen)
    found = drafts.list_drafts(session, principal, file.id if file else None)
    kept = next((each for each in found if chosen.base in (None, each.base_number)), None)
    if kept is None:
        return Opened(chosen)
    if file and files_repository.find_version_by_number(session, file.id, kept.base_number) is None:
        kept = _on_newest(session, principal, file, kept)
    draft, content = restored(kept.content), kept.content
    dataset = content["dataset"]
    if chosen.dataset is None and (
        not dataset or files_repository.find_file(session, principal.workspace_id, dataset, FileKind.DATASET)
    ):
        chosen = replace(chosen, dataset=dataset, row=content["row"])
    if (chosen.dataset, chosen.row) != (dataset, content["row"]):
        draft.inputs = {}  # they were typed in the place of another row's
    return Opened(replace(chosen, base=kept.base_number or None), draft, kept)


def _on_newest(session: Session, principal: Principal, file: File, kept: PromptDraft) -> PromptDraft:
    """Its version was deleted: the draft goes on from the newest."""
    newest = files_repository.newest_version(session, file.id)
    to = desk_of(principal, file, newest, newest)
    gone = replace(to, place=replace(to.place, number=kept.base_number), base=None)
    if gone.place == to.place:
        return kept
    return drafts.move(session, gone, to, kept.content, Mark(kept.tab), kept.content)


def content_of(draft: Draft, chosen: Chosen, row: ChosenRow | None) -> Json:
    """The form as it is kept. Of the inputs only those that were typed: the others are the row's."""
    found = editing.inputs_of(row.datapoint.inputs, list(draft.inputs)) if row else {}
    typed = {
        name: text for name, text in draft.inputs.items() if text != found.get(name, "").replace("\r\n", "\n")
    }
    return stored(replace(draft, inputs=typed), dataset=chosen.dataset, row=chosen.row)


def keep_form(
    session: Session, desk: Desk, draft: Draft, chosen: Chosen, row: ChosenRow | None, mark: Mark
) -> tuple[Kept, str]:
    """Keep what the form holds; where it cannot be kept, the reason. What runs beside it is kept even where it is no
    draft, because it says what a version says already."""
    content = content_of(draft, chosen, row)
    try:
        kept = drafts.keep(session, desk, content, mark)
    except (TooLarge, Invalid, Conflict) as error:
        return Kept(draft_repository.find(session, desk.place)), error.message
    if desk.place.file_id and kept.lost is None:
        draft_repository.put_panes(session, desk.place, beside=content["beside"], panes=content["panes"])
    return kept, ""


def put_beside(session: Session, principal: Principal, file: File | None, draft: Draft) -> None:
    """Put beside a form that is no draft what the principal last ran beside the prompt."""
    if file is None or not principal.may(Action.EDIT):
        return
    if kept := draft_repository.find_panes(session, desk_of(principal, file, None, None).place):
        draft.beside, draft.panes = kept.beside, [Pane(**pane) for pane in kept.panes]


def find_kept(session: Session, desk: Desk) -> PromptDraft | None:
    """The draft that is kept on this version."""
    return draft_repository.find(session, desk.place)


def ask(
    session: Session, desk: Desk, action: str, draft: Draft, chosen: Chosen, row: ChosenRow | None, mark: Mark
) -> Asked:
    """Do what a button asks of the kept draft: `discard`, `restore:<state>`; of what two tabs typed keep `mine` or take the
    `other`; of a newer version take `theirs`, or `rebase` the draft on it. What is not taken stays in the history.

    Raises:
        NotFound: the state is gone.
        TooLarge, Invalid: what stands in the form cannot be kept.
    """
    verb, _, detail = action.partition(":")
    typed = content_of(draft, chosen, row)
    if verb == "restore":
        return _restore(session, desk, detail, typed, mark)
    if verb == "mine":
        kept = drafts.keep(session, desk, typed, mark, force=True)
        told = "This is your draft now. What you typed elsewhere is in its history."
        return Asked(draft, chosen, kept, told=told)
    if verb == "other" and (found := find_kept(session, desk)):
        return _take_other(session, desk, found, typed, mark)
    newer = newer_version(desk)
    if newer and verb in ("rebase", "theirs"):
        return (_rebase if verb == "rebase" else _take_newer)(session, desk, newer, draft, typed, mark)
    if verb != "discard":  # what it was about is gone meanwhile
        return Asked(draft, chosen, drafts.keep(session, desk, typed, mark))
    state = drafts.discard(session, desk, typed)
    fresh = draft_of(desk.base.spec) if desk.base else draft
    fresh.beside, fresh.panes = draft.beside, draft.panes
    told = "Your draft is discarded. It stays in its history."
    return Asked(fresh, chosen, told=told if state else "", undo=state.id if state else "")


def _take_other(session: Session, desk: Desk, found: PromptDraft, typed: Json, mark: Mark) -> Asked:
    drafts.replace_with(session, desk, found.content, mark, typed)
    content = found.content
    chosen = Chosen(desk.place.number or None, content["dataset"], content["row"])
    told = "This is what you typed elsewhere. What stood here is in the draft’s history."
    return Asked(restored(content), chosen, Kept(found), told=told)


def newer_version(desk: Desk) -> Version | None:
    """The newest version, where it came after the one that the draft stands on."""
    newest = desk.newest
    return newest if newest and newest.number > desk.place.number else None


def _take_newer(
    session: Session, desk: Desk, newer: Version, _draft: Draft, typed: Json, _mark: Mark
) -> Asked:
    state = drafts.discard(session, desk, typed, drafts.REPLACED)
    told = f"This is v{newer.number}. Your draft on v{desk.place.number} is in its history."
    chosen = Chosen(newer.number, typed["dataset"], typed["row"])
    return Asked(draft_of(newer.spec), chosen, told=told, undo=state.id if state else "")


def _rebase(session: Session, desk: Desk, newer: Version, draft: Draft, typed: Json, mark: Mark) -> Asked:
    began = draft_of(desk.base.spec) if desk.base else Draft()
    merged = merge(began, draft, draft_of(newer.spec))
    there = on(desk, newer)
    chosen = Chosen(newer.number, typed["dataset"], typed["row"])
    content = stored(replace(merged.draft, inputs=typed["inputs"]), dataset=chosen.dataset, row=chosen.row)
    kept = drafts.move(session, desk, there, content, mark, typed)
    told = f"Your draft stands on v{newer.number} now, and has what that changed."
    if merged.both:
        listed = ", ".join(merged.both)
        told += f" Both changed {listed}: yours stands here, and v{newer.number} keeps the other."
    return Asked(merged.draft, chosen, Kept(kept), told=told)


def _restore(session: Session, desk: Desk, state_id: str, typed: Json, mark: Mark) -> Asked:
    state = drafts.get_state(session, desk, state_id)
    there = desk_at(session, desk, state)
    draft = drafts.replace_with(session, there, state.content, mark, typed, typed_on=desk)
    content = draft.content
    chosen = Chosen(there.place.number or None, content["dataset"], content["row"])
    return Asked(restored(content), chosen, Kept(draft), told="Your draft is back as it was.")


def restore(session: Session, desk: Desk, state_id: str) -> Desk:
    """Make a state the draft again, from outside the editor; what the draft says now stays in the history. Where it is.

    Raises:
        NotFound: there is no such state.
    """
    state = drafts.get_state(session, desk, state_id)
    there = desk_at(session, desk, state)
    drafts.replace_with(session, there, state.content, Mark())
    return there


def desk_at(session: Session, desk: Desk, state: PromptDraftState) -> Desk:
    """Where a state of the history belongs: on its version, or on the newest where that was deleted."""
    if desk.place.file_id is None:
        return desk
    base = files_repository.find_version_by_number(session, desk.place.file_id, state.base_number)
    return on(desk, base or desk.newest)


def say(
    session: Session,
    principal: Principal,
    desk: Desk,
    mark: Mark,
    kept: Kept,
    **more: Any,
) -> Keeping | None:
    """What the editor says; nothing to whoever may not type."""
    if not principal.may(Action.EDIT):
        return None
    place = desk.place
    others = draft_repository.list_others(session, place, _PRESENT_MINUTES) if place.file_id else ()
    found = drafts.list_drafts(session, principal, place.file_id)
    # Who has lost goes on not having seen what the other tab saved.
    revision = kept.draft.revision if kept.draft and kept.lost is None else mark.revision
    newer = newer_version(desk) if kept.draft else None
    return Keeping(
        Mark(mark.tab, revision if kept.draft else ""),
        draft=kept.draft,
        newer=newer,
        is_own=newer is not None and newer.author_id == principal.user_id,
        lost=kept.lost,
        others=others,
        elsewhere=[each for each in found if each.base_number != place.number],
        **more,
    )
