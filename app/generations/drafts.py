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
from app.core.errors import NotFound
from app.files.models import File, Version
from app.generations import draft_repository as repository
from app.generations.draft_content import (
    checked,
    is_version,
    restored,
    says_the_same,
    spec_like,
)
from app.generations.draft_repository import Place
from app.generations.editing import STARTER
from app.generations.models import PromptDraft, PromptDraftState
from app.prompts.changes import compare_specs
from app.prompts.spec import PromptSpec

Json = dict[str, Any]
TYPED, DISCARDED, REPLACED, ELSEWHERE = "typed", "discarded", "replaced", "elsewhere"
_EVERY = timedelta(minutes=1)
"""While somebody types, the history gets a state of the draft so often."""
_MANY = 100
"""A saving that loses so many characters puts what was there before into the history, however soon."""
KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Mark:
    """Which page writes, and which saving of the draft it has seen last."""

    tab: str = ""
    revision: str = ""


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
        TooLarge: it is over 1 MiB.
        Invalid: it holds what cannot be stored.
    """
    checked(content)
    draft = repository.find(session, desk.place, locked=True)
    blank = _is_blank(desk, content)
    if draft is None:
        draft = None if blank else repository.add(session, desk.place, content, tab=mark.tab)
        if draft is not None or blank:
            return Kept(draft)
        draft = repository.find(session, desk.place, locked=True)
        if draft is None:  # added and taken away again, all at this moment
            return Kept(None)
    same = says_the_same(draft.content, content)
    seen = draft.revision == mark.revision or (mark.tab != "" and draft.tab == mark.tab)
    if not same and not seen and not force:
        return Kept(draft, _remember_elsewhere(session, desk, content, mark))
    if not same:
        # Another tab goes on: what the one before it typed is always there to go back to.
        _checkpoint(session, desk, draft, content, always=draft.tab != mark.tab)
    if blank:
        repository.remove(session, draft)
        return Kept(None)
    if not same or _where(draft.content) != _where(content):
        repository.write(session, draft, content, tab=mark.tab)
    return Kept(draft)


def _where(content: Mapping[str, Any]) -> tuple[Any, Any]:
    return content["dataset"], content["row"]


def _is_blank(desk: Desk, content: Json) -> bool:
    """Whether a version says this already, and nobody typed inputs."""
    if content["inputs"]:
        return False
    if desk.place.file_id is None and content["messages"] == STARTER["template"]:
        return set(content["values"]) <= {"model", "provider", "output"}
    draft = restored(content)
    return any(
        version is not None and is_version(draft, version.spec) for version in (desk.base, desk.newest)
    )


def _checkpoint(
    session: Session, desk: Desk, draft: PromptDraft, content: Json, *, always: bool = False
) -> None:
    """Put what the draft says into the history before it says something else, unless that has hardly changed."""
    last = repository.newest_state(session, desk.place)
    since = last.at if last else draft.began_at
    shrinks = _length(draft.content) - _length(content) >= _MANY
    if always or shrinks or clock.now() - since >= _EVERY:
        remember(session, desk, draft.content, REPLACED if always else TYPED, draft=draft)


def _length(content: Mapping[str, Any]) -> int:
    texts = [message.get("content") for message in content["messages"]]
    return sum(len(text) for text in (*texts, *content["values"].values()) if isinstance(text, str))


def _remember_elsewhere(session: Session, desk: Desk, content: Json, mark: Mark) -> PromptDraftState:
    """Put what a tab sends into the history; what it sends next takes its place there."""
    for state in repository.list_states(session, desk.place) if mark.tab else ():
        if (state.why, state.tab, state.base_number) == (ELSEWHERE, mark.tab, desk.place.number):
            state.content, state.size_bytes, state.at = content, checked(content), clock.now()
            session.flush()
            return state
    return remember(session, desk, content, ELSEWHERE, tab=mark.tab)


def remember(
    session: Session, desk: Desk, content: Json, why: str, *, tab: str = "", draft: PromptDraft | None = None
) -> PromptDraftState:
    """Put a state into the history, as of when the `draft` said it; the newest one, where that says the same already."""
    last = repository.newest_state(session, desk.place)
    if last and why != ELSEWHERE and says_the_same(last.content, content):
        return last
    before = spec_like(restored(last.content)) if last else (desk.base.spec if desk.base else {})
    changes = compare_specs(before, spec_like(restored(content)))
    settings = len(changes.changed_settings)
    place = desk.place
    state = PromptDraftState(
        id=ids.new_id("dst"), workspace_id=place.workspace_id, user_id=place.user_id, file_id=place.file_id,
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
    if typed is not None and not _is_blank(desk, typed):
        state = remember(session, desk, typed, why)
    return state


def replace_with(
    session: Session, desk: Desk, content: Json, mark: Mark, typed: Json | None = None
) -> PromptDraft:
    """Make `content` the draft; what was there, and what stood in the form, go to the history first."""
    checked(content)
    draft = repository.find(session, desk.place, locked=True)
    for present in (draft.content if draft else None, typed):
        if present is not None and not says_the_same(present, content) and not _is_blank(desk, present):
            remember(
                session, desk, present, REPLACED, draft=draft if draft and present is draft.content else None
            )
    if draft is None:
        draft = repository.add(session, desk.place, content, tab=mark.tab)
    if draft is None:
        draft = repository.find(session, desk.place, locked=True)
    if draft is None:
        raise NotFound("The draft was taken away at this moment: try again.")
    repository.write(session, draft, content, tab=mark.tab)
    return draft


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
    """End the draft that was committed. What another tab has typed since stays in the history."""
    draft = repository.find(session, desk.place, locked=True)
    if draft is None:
        return
    if not is_version(restored(draft.content), spec.content()):
        remember(session, desk, draft.content, ELSEWHERE, draft=draft)
    repository.remove(session, draft)
    repository.forget_states(session, desk.place, [TYPED])


def list_drafts(session: Session, principal: Principal, file_id: str | None) -> Sequence[PromptDraft]:
    """The principal's drafts of a prompt, the one touched last first."""
    return repository.list_of_file(session, Place(principal.workspace_id, principal.user_id, file_id))


def delete_old(session: Session) -> None:
    """Delete what nobody has touched for `KEPT_DAYS`, or for as long as the workspace keeps what logs hold."""
    repository.delete_old(session, KEPT_DAYS)
