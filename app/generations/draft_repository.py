"""The SQL of drafts and of their history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from app.accounts.models import User
from app.core import ids
from app.core.database import Json
from app.generations.models import PromptDraft, PromptDraftState, PromptPanes

MOST_DRAFTS = 50
"""Of one person in one workspace: those touched longest ago go."""
MOST_STATES = 20
"""Of one person's drafts of one prompt: so many of typing, and as many that became something else."""
MOST_STATE_BYTES = 32 << 20
"""Of all states of one person in one workspace."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose draft, of what: `file_id` is None for a prompt that is not saved yet, `number` 0 then."""

    workspace_id: str
    user_id: str
    file_id: str | None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody else who has a draft of the same prompt, and when it was last touched."""

    name: str
    at: datetime


def find(session: Session, place: Place, *, locked: bool = False) -> PromptDraft | None:
    """The draft on this version."""
    query = select(PromptDraft).where(
        PromptDraft.workspace_id == place.workspace_id,
        PromptDraft.user_id == place.user_id,
        PromptDraft.file_id.is_not_distinct_from(place.file_id),
        PromptDraft.base_number == place.number,
    )
    if locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def list_of_file(session: Session, place: Place) -> list[PromptDraft]:
    """The person's drafts of a prompt, on whatever version, the one touched last first; what they say is read when asked for."""
    query = select(PromptDraft).where(
        PromptDraft.workspace_id == place.workspace_id,
        PromptDraft.user_id == place.user_id,
        PromptDraft.file_id.is_not_distinct_from(place.file_id),
    )
    query = query.options(defer(PromptDraft.content))
    return list(session.scalars(query.order_by(PromptDraft.saved_at.desc(), PromptDraft.id.desc())))


def add(session: Session, place: Place, content: Json, *, tab: str, turn: int) -> PromptDraft | None:
    """A first draft; None where somebody was faster."""
    values = {
        "id": ids.new_id("dr"), "workspace_id": place.workspace_id, "user_id": place.user_id,
        "file_id": place.file_id, "base_number": place.number, "revision": ids.new_id("rev"), "tab": tab,
        "turn": turn, "content": content,
    }  # fmt: skip
    made = session.scalar(
        insert(PromptDraft).values(values).on_conflict_do_nothing().returning(PromptDraft.id)
    )
    return session.get(PromptDraft, made) if made else None


def write(session: Session, draft: PromptDraft, content: Json, *, tab: str, turn: int) -> None:
    """Put other content into a draft that is locked."""
    draft.content, draft.tab, draft.turn = content, tab, turn
    draft.revision = ids.new_id("rev")
    draft.saved_at = session.scalar(select(func.clock_timestamp())) or draft.saved_at
    session.flush()


def remove(session: Session, draft: PromptDraft) -> None:
    session.delete(draft)
    session.flush()


def list_beyond(session: Session, place: Place) -> list[PromptDraft]:
    """The person's drafts that are too many, locked; but for those that somebody writes at this moment."""
    of_person = select(PromptDraft).where(
        PromptDraft.workspace_id == place.workspace_id, PromptDraft.user_id == place.user_id
    )
    newest_first = of_person.order_by(PromptDraft.saved_at.desc(), PromptDraft.id.desc())
    return list(session.scalars(newest_first.offset(MOST_DRAFTS).with_for_update(skip_locked=True)))


def list_states(session: Session, place: Place) -> list[PromptDraftState]:
    """The history of the person's drafts of a prompt, newest first; what they say is read when asked for."""
    query = select(PromptDraftState).where(
        PromptDraftState.workspace_id == place.workspace_id,
        PromptDraftState.user_id == place.user_id,
        PromptDraftState.file_id.is_not_distinct_from(place.file_id),
    )
    query = query.options(defer(PromptDraftState.content))
    return list(session.scalars(query.order_by(PromptDraftState.at.desc(), PromptDraftState.id.desc())))


def newest_state(session: Session, place: Place, *, tab: str | None = None) -> PromptDraftState | None:
    """The state on this version that was added last: to all of its history, or of what one tab typed."""
    query = select(PromptDraftState).where(
        PromptDraftState.workspace_id == place.workspace_id,
        PromptDraftState.user_id == place.user_id,
        PromptDraftState.file_id.is_not_distinct_from(place.file_id),
        PromptDraftState.base_number == place.number,
    )
    if tab is not None:
        query = query.where(PromptDraftState.tab == tab)
    newest = query.order_by(PromptDraftState.added_at.desc(), PromptDraftState.id.desc()).limit(1)
    return session.scalar(newest)


def find_state(session: Session, place: Place, state_id: str) -> PromptDraftState | None:
    return session.scalar(
        select(PromptDraftState).where(
            PromptDraftState.id == state_id,
            PromptDraftState.workspace_id == place.workspace_id,
            PromptDraftState.user_id == place.user_id,
            PromptDraftState.file_id.is_not_distinct_from(place.file_id),
        )
    )


def add_state(session: Session, state: PromptDraftState) -> None:
    """Add to the history. Where there is too much of it, what was added first goes, and never this one: of typing, before
    what was discarded, replaced or typed elsewhere, which nothing else holds any more."""
    session.add(state)
    session.flush()
    session.execute(
        text("""
        delete from prompt_draft_state where id in (
            select id from (
                select id,
                       row_number() over (
                           partition by file_id, why = 'typed'
                           order by id = :added desc, added_at desc, id desc) as place,
                       sum(size_bytes) over (
                           order by id = :added desc, why = 'typed', added_at desc, id desc) as bytes
                from prompt_draft_state where workspace_id = :workspace and user_id = :user) s
            where s.place > :states or s.bytes > :bytes)
        """),
        {
            "added": state.id,
            "workspace": state.workspace_id,
            "user": state.user_id,
            "states": MOST_STATES,
            "bytes": MOST_STATE_BYTES,
        },
    )


def remove_state(session: Session, state: PromptDraftState) -> None:
    session.delete(state)
    session.flush()


def forget_states(session: Session, place: Place, why: Sequence[str], *, tab: str) -> None:
    """Delete what led, in this tab, to a version that is committed now."""
    session.execute(
        delete(PromptDraftState).where(
            PromptDraftState.workspace_id == place.workspace_id,
            PromptDraftState.user_id == place.user_id,
            PromptDraftState.file_id.is_not_distinct_from(place.file_id),
            PromptDraftState.base_number == place.number,
            PromptDraftState.why.in_(why),
            PromptDraftState.tab == tab,
        )
    )


def list_others(session: Session, place: Place, minutes: int) -> list[Presence]:
    """Who else has touched a draft of the prompt in so many minutes, the last one first."""
    query = (
        select(User.full_name, func.max(PromptDraft.saved_at).label("at"))
        .join(User, User.id == PromptDraft.user_id)
        .where(
            PromptDraft.workspace_id == place.workspace_id,
            PromptDraft.file_id == place.file_id,
            PromptDraft.user_id != place.user_id,
            PromptDraft.saved_at > func.now() - func.make_interval(0, 0, 0, 0, 0, minutes),
        )
        .group_by(User.id, User.full_name)
    )
    return [Presence(name, at) for name, at in session.execute(query.order_by(text("at desc")).limit(10))]


def find_panes(session: Session, place: Place) -> PromptPanes | None:
    """What the person runs beside a prompt, on whatever version."""
    return session.get(PromptPanes, (place.workspace_id, place.user_id, place.file_id))


def put_panes(session: Session, place: Place, *, beside: bool, panes: Sequence[Json]) -> None:
    """Keep what runs beside a prompt; nothing is written where that is kept already, or is nothing."""
    owner = {"workspace_id": place.workspace_id, "user_id": place.user_id, "file_id": place.file_id}
    if not beside and not panes:
        session.execute(delete(PromptPanes).filter_by(**owner))
        return
    row = insert(PromptPanes).values(**owner, beside=beside, panes=list(panes))
    differs = tuple_(PromptPanes.beside, PromptPanes.panes).is_distinct_from(
        tuple_(row.excluded.beside, row.excluded.panes)
    )
    told = {"beside": row.excluded.beside, "panes": row.excluded.panes}
    session.execute(row.on_conflict_do_update(index_elements=list(owner), set_=told, where=differs))


def delete_old(session: Session, days: int) -> None:
    """Delete drafts and states that nobody has touched for so many days, or for as long as the workspace keeps what
    logs hold, of which inputs may come."""
    for table, moment in (("prompt_draft", "saved_at"), ("prompt_draft_state", "added_at")):
        session.execute(
            text(f"delete from {table} where {moment} < now() - make_interval(days => :days)"),  # noqa: S608 - the two above
            {"days": days},
        )
        session.execute(
            text(f"""
            delete from {table} d using retention r
            where r.workspace_id = d.workspace_id
              and d.{moment} < now() - make_interval(days => least(r.payload_days, r.log_days))
            """)  # noqa: S608 - the two above
        )
