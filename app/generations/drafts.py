"""Keeping what somebody types: their draft of a prompt, on one version of it, and what it said before.

A person may type in two tabs, or on two machines. Whoever writes says which saving they have seen last; where another
tab has saved since, the draft stays as it is, and what they typed goes to the history: nothing is lost, and they choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal
from app.core.errors import Conflict, NotFound
from app.files import repository as files_repository
from app.files.models import File, Version
from app.generations import draft_repository as repository
from app.generations.draft_content import (
    checked,
    is_form,
    is_version,
    restored,
    says_the_same,
    spec_like,
)
from app.generations.draft_repository import Place
from app.generations.editing import new_draft
from app.generations.models import PromptDraft, PromptDraftState
from app.prompts.changes import compare_specs
from app.prompts.spec import PromptSpec

Json = dict[str, Any]
TYPED, DISCARDED, REPLACED, ELSEWHERE = "typed", "discarded", "replaced", "elsewhere"
_KEPT_LEAST_FIRST = (TYPED, ELSEWHERE, REPLACED, DISCARDED)
"""What was typed ends with a commit, and what is typed elsewhere is written over while it grows."""
_EVERY = timedelta(minutes=1)
"""While somebody types, the history gets a state of the draft so often."""
_MANY = 100
"""A saving that loses so many characters puts what was there before into the history, however soon."""
_TRIES = 3
KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Mark:
    """Which page writes, and which saving of the draft it has seen last."""

    tab: str = ""
    revision: str = ""
    turn: int = 0
    """How far the page's script has counted, for a saving that comes after a later one; 0 where no script counts."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a draft is kept, and what it is compared with."""

    place: Place
    base: Version | None = None
    newest: Version | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a saving."""

    draft: PromptDraft | None
    """What is kept now; None where it says what a version says already."""
    lost: PromptDraftState | None = None
    """Set where another tab has saved since: what was sent went here, and `draft` is the other's."""


def desk_of(principal: Principal, file: File | None, base: Version | None, newest: Version | None) -> Desk:
    """The principal's own, of this prompt on this version; a key's are those of its maker."""
    file_id, number = (file.id if file else None), (base.number if base else 0)
    return Desk(Place(principal.workspace_id, principal.user_id, file_id, number), base, newest)


def keep(session: Session, desk: Desk, content: Json, mark: Mark, *, force: bool = False) -> Kept:
    """Keep what was typed. With `force` it takes the place of what another tab has saved, which goes to the history.

    What says the same as the version that it began on is no draft: there is none afterwards.

    Raises:
        TooLarge: it is over 4 MiB.
        Invalid: it holds what cannot be stored.
        Conflict: another page begins and discards the draft all the while.
    """
    checked(content)
    draft = repository.find(session, desk.place, locked=True)
    desk = _looked_at_again(session, desk)
    blank = _is_blank(session, desk, content)
    if draft is None and not blank:
        draft, _ = _held(session, desk, content, mark)
    if draft is None:
        return Kept(None)
    same = says_the_same(draft.content, content)
    seen = draft.revision == mark.revision or _goes_on(draft, mark)
    if not same and not seen and not force:
        return Kept(draft, _remember_elsewhere(session, desk, content, mark))
    if not same:
        # Another tab goes on: what the one before it typed is always there to go back to.
        _checkpoint(session, desk, draft, content, always=draft.tab != mark.tab)
    if blank:
        repository.remove(session, draft)
        return Kept(None)
    if not same or _where(draft.content) != _where(content):
        repository.write(session, draft, content, tab=mark.tab, turn=mark.turn)
    return Kept(draft)


def _held(session: Session, desk: Desk, content: Json, mark: Mark) -> tuple[PromptDraft, bool]:
    """The draft, locked, and whether it was begun with `content` now. Of two who begin at one moment, one finds the other's."""
    for _ in range(_TRIES):
        if found := repository.find(session, desk.place, locked=True):
            return found, False
        if begun := repository.add(session, desk.place, content, tab=mark.tab, turn=mark.turn):
            _bound(session, desk.place)
            return begun, True
    raise Conflict("Another page begins and discards this draft at this moment: try again.")


def _bound(session: Session, place: Place) -> None:
    """Of too many drafts, put those touched longest ago into the histories of their prompts."""
    for draft in repository.list_beyond(session, place):
        desk = Desk(replace(place, file_id=draft.file_id, number=draft.base_number))
        remember(session, desk, draft.content, REPLACED, draft=draft)
        repository.remove(session, draft)


def _looked_at_again(session: Session, desk: Desk) -> Desk:
    """The desk with what is the newest version now: the draft may have waited for the commit that ended it."""
    file_id = desk.place.file_id
    return replace(desk, newest=files_repository.newest_version(session, file_id)) if file_id else desk


def _goes_on(draft: PromptDraft, mark: Mark) -> bool:
    """Whether the page that wrote the draft writes on; what it sent before that, and came late, does not."""
    return mark.tab != "" and draft.tab == mark.tab and (mark.turn == 0 or mark.turn >= draft.turn)


def _where(content: Mapping[str, Any]) -> tuple[Any, ...]:
    """What it runs on, and beside what: no change of the draft, but kept with it."""
    return content["dataset"], content["row"], content.get("beside"), content.get("panes")


def _is_blank(session: Session, desk: Desk, content: Json) -> bool:
    """Whether a version says this already, or the form of a new prompt; and nobody typed inputs."""
    if content["inputs"]:
        return False
    draft = restored(content)
    if desk.place.file_id is None:
        return is_form(draft, new_draft(session, desk.place.workspace_id))
    return any(
        version is not None and is_version(draft, version.spec) for version in (desk.base, desk.newest)
    )


def _checkpoint(
    session: Session, desk: Desk, draft: PromptDraft, content: Json, *, always: bool = False
) -> None:
    """Put what the draft says into the history before it says something else, unless that has hardly changed."""
    last = repository.newest_state(session, desk.place, tab=draft.tab)
    since = last.added_at if last else draft.began_at
    if always or _loses_much(draft.content, content) or clock.now() - since >= _EVERY:
        remember(session, desk, draft.content, REPLACED if always else TYPED, draft=draft)


def _loses_much(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether many characters go at once, or all inputs that were typed, as they do with the next row."""
    return _length(before) - _length(after) >= _MANY or (bool(before["inputs"]) and not after["inputs"])


def _length(content: Mapping[str, Any]) -> int:
    typed = [*content["values"].values(), *content["inputs"].values()]
    for message in content["messages"]:
        said = message.get("content")
        typed += [str(part) for part in said] if isinstance(said, list) else [said]
    return sum(len(text) for text in typed if isinstance(text, str))


def _remember_elsewhere(session: Session, desk: Desk, content: Json, mark: Mark) -> PromptDraftState:
    """Put what a tab sends into the history, as it does what it saves: what it sends next takes its place there, but once a
    minute, or where that loses much, the state stays and another begins."""
    last = repository.newest_state(session, desk.place, tab=mark.tab) if mark.tab else None
    if last is None or last.why != ELSEWHERE or _loses_much(last.content, content):
        return remember(session, desk, content, ELSEWHERE, tab=mark.tab)
    if clock.now() - last.added_at >= _EVERY:
        last.why = TYPED
        return remember(session, desk, content, ELSEWHERE, tab=mark.tab)
    repository.remove_state(session, last)
    return remember(session, desk, content, ELSEWHERE, tab=mark.tab, instead=last)


def remember(
    session: Session,
    desk: Desk,
    content: Json,
    why: str,
    *,
    tab: str = "",
    draft: PromptDraft | None = None,
    instead: PromptDraftState | None = None,
) -> PromptDraftState:
    """Put a state into the history, as of when the `draft` said it, or in the place of one that was taken out. Where the
    newest one says the same, it is that, and from then on kept for whichever reason keeps it longer."""
    last = repository.newest_state(session, desk.place)
    if last and says_the_same(last.content, content):
        last.why = max(last.why, why, key=_KEPT_LEAST_FIRST.index)
        last.added_at = clock.now()
        session.flush()
        return last
    before = spec_like(restored(last.content)) if last else (desk.base.spec if desk.base else {})
    changes = compare_specs(before, spec_like(restored(content)))
    settings = len(changes.changed_settings)
    place = desk.place
    state = PromptDraftState(
        id=instead.id if instead else ids.new_id("dst"),
        added_at=instead.added_at if instead else clock.now(),
        workspace_id=place.workspace_id, user_id=place.user_id, file_id=place.file_id,
        base_number=place.number, at=draft.saved_at if draft else clock.now(), why=why, tab=draft.tab if draft else tab, content=content, size_bytes=checked(content),
        added=changes.added + settings, removed=changes.removed + settings,
    )  # fmt: skip
    repository.add_state(session, state)
    return state


def discard(
    session: Session, desk: Desk, typed: Json | None = None, why: str = DISCARDED
) -> PromptDraftState | None:
    """Take the draft away; it stays in the history. `typed` is what stood in the form, where that is more recent.
    None where there was nothing."""
    draft = repository.find(session, desk.place, locked=True)
    return _put_by(session, desk, draft, typed, why)


def _put_by(
    session: Session, desk: Desk, draft: PromptDraft | None, typed: Json | None, why: str
) -> PromptDraftState | None:
    state = None
    if draft is not None:
        state = remember(session, desk, draft.content, why, draft=draft)
        repository.remove(session, draft)
    if typed is not None and not _is_blank(session, desk, typed):
        state = remember(session, desk, typed, why)
    return state


def replace_with(
    session: Session,
    desk: Desk,
    content: Json,
    mark: Mark,
    typed: Json | None = None,
    *,
    typed_on: Desk | None = None,
    revision: str | None = None,
) -> PromptDraft:
    """Make `content` the draft; what was there, and what stood in the form, on whatever version, go to the history first.

    Raises:
        TooLarge, Invalid: it cannot be kept.
        Conflict: the draft's `revision` is another one than that; empty is none of it.
    """
    checked(content)
    draft, begun = _held(session, desk, content, mark)
    if revision is not None and revision != ("" if begun else draft.revision):
        raise Conflict(
            "The draft was changed since you read it. Read it again, or leave the revision out to replace it."
        )
    _put_aside(session, desk, draft.content, content, draft=draft)
    if typed is not None:
        _put_aside(session, typed_on or desk, typed, content)
    repository.write(session, draft, content, tab=mark.tab, turn=mark.turn)
    return draft


def _put_aside(
    session: Session, desk: Desk, present: Json, content: Json, draft: PromptDraft | None = None
) -> None:
    if not says_the_same(present, content) and not _is_blank(session, desk, present):
        remember(session, desk, present, REPLACED, draft=draft)


def move(session: Session, desk: Desk, to: Desk, content: Json, mark: Mark, typed: Json) -> PromptDraft:
    """Make `content` the draft on another version: the one on this version ends, and stays in the history as it was typed."""
    _put_by(session, desk, repository.find(session, desk.place, locked=True), typed, REPLACED)
    return replace_with(session, to, content, mark)


def get_state(session: Session, desk: Desk, state_id: str) -> PromptDraftState:
    """A state of the principal's drafts of this prompt, on whatever version.

    Raises:
        NotFound: there is none of this id.
    """
    state = repository.find_state(session, desk.place, state_id)
    if state is None:
        raise NotFound("There is no such state of your draft: it may have gone by its age.")
    return state


def get_draft(session: Session, desk: Desk) -> PromptDraft:
    """The draft on this version.

    Raises:
        NotFound: there is none.
    """
    draft = repository.find(session, desk.place)
    if draft is None:
        raise NotFound("You have no draft of this on that version: nothing is typed that is not committed.")
    return draft


def on(desk: Desk, base: Version | None) -> Desk:
    """The desk of the same prompt, on another version."""
    return replace(desk, place=replace(desk.place, number=base.number if base else 0), base=base)


def settle(session: Session, desk: Desk, spec: PromptSpec) -> None:
    """End the draft that was committed, and what led to it. What another tab has typed stays in the history."""
    draft = repository.find(session, desk.place, locked=True)
    if draft is None:
        return
    if not is_version(restored(draft.content), spec.content()):
        remember(session, desk, draft.content, ELSEWHERE, draft=draft)
    repository.remove(session, draft)
    repository.forget_states(session, desk.place, [TYPED], tab=draft.tab)


def list_drafts(session: Session, principal: Principal, file_id: str | None) -> Sequence[PromptDraft]:
    """The principal's drafts of a prompt, the one touched last first."""
    return repository.list_of_file(session, Place(principal.workspace_id, principal.user_id, file_id))


def delete_old(session: Session) -> None:
    """Delete what nobody has touched for `KEPT_DAYS`, or for as long as the workspace keeps what logs hold."""
    repository.delete_old(session, KEPT_DAYS)
