"""The SQL of guest reviewers."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.models import User
from app.core.access import ALLOWED, Action
from app.review.models import ReviewGuest, ReviewGuestSession, ReviewItem, ReviewQueue, ReviewTask
from app.workspaces.models import Membership


def _works() -> ColumnElement[bool]:
    """That a guest's link opens something: it was not ended, its time has not passed, and its maker may still make one."""
    maker = (
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.workspace_id == ReviewGuest.workspace_id,
            Membership.user_id == ReviewGuest.created_by,
            Membership.role.in_(ALLOWED[Action.EDIT]),
            User.disabled_at.is_(None),
        )
    )
    return and_(ReviewGuest.revoked_at.is_(None), ReviewGuest.expires_at > func.now(), exists(maker))


def list_guests(session: Session, queue_id: str) -> list[tuple[ReviewGuest, bool]]:
    """The guests of a queue, and whether the link of each works, in the order in which they were asked."""
    query = select(ReviewGuest, _works()).where(ReviewGuest.queue_id == queue_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(ReviewGuest.number))]


def list_names(session: Session, workspace_id: str) -> tuple[dict[str, str], set[str]]:
    """What the guests of a workspace are called, by id, and those whose links work."""
    query = select(ReviewGuest, _works()).where(ReviewGuest.workspace_id == workspace_id)
    found = [(row[0], row[1]) for row in session.execute(query)]
    return {guest.id: guest.label for guest, _ in found}, {guest.id for guest, works in found if works}


def find_guest(session: Session, queue_id: str, guest_id: str) -> ReviewGuest | None:
    query = select(ReviewGuest).where(ReviewGuest.queue_id == queue_id, ReviewGuest.id == guest_id)
    return session.scalar(query)


def find_by_link(session: Session, token_hash: str) -> ReviewGuest | None:
    """The guest whose link this is, if it works, with queue and workspace."""
    return session.scalar(_whole().where(ReviewGuest.token_hash == token_hash))


def find_by_session(session: Session, guest_id: str, token_hash: str) -> ReviewGuest | None:
    """The guest, where this is the token of a session of theirs and their link works; with queue and workspace."""
    mine = exists(
        select(ReviewGuestSession.guest_id).where(
            ReviewGuestSession.token_hash == token_hash, ReviewGuestSession.guest_id == ReviewGuest.id
        )
    )
    return session.scalar(_whole().where(ReviewGuest.id == guest_id, mine))


def _whole() -> Select[ReviewGuest]:
    return (
        select(ReviewGuest)
        .where(_works())
        .options(joinedload(ReviewGuest.queue), joinedload(ReviewGuest.workspace))
    )


def lock_queue(session: Session, queue_id: str) -> tuple[int, int]:
    """Make whoever else would ask guests wait for the end of this transaction; the number of the last guest, and how many
    links may work still."""
    session.execute(select(ReviewQueue.id).where(ReviewQueue.id == queue_id).with_for_update())
    last = select(func.max(ReviewGuest.number)).where(ReviewGuest.queue_id == queue_id)
    open_ones = select(func.count()).where(
        ReviewGuest.queue_id == queue_id,
        ReviewGuest.revoked_at.is_(None),
        ReviewGuest.expires_at > func.now(),
    )
    return session.scalar(last) or 0, session.scalar(open_ones) or 0


def hold_positions(session: Session, queue_id: str) -> list[int]:
    """The items of a queue, which stay until the transaction ends."""
    query = select(ReviewItem.position).where(ReviewItem.queue_id == queue_id).order_by(ReviewItem.position)
    return list(session.scalars(query.with_for_update(read=True, key_share=True)))


def insert_guests(
    session: Session,
    queue: ReviewQueue,
    guests: Sequence[ReviewGuest],
    tasks: Sequence[dict[str, Any]],
    per_item: int,
) -> None:
    """Write guests with what they are asked; `per_item` more people judge each output then."""
    session.add_all(guests)
    session.flush()
    if tasks:
        session.execute(insert(ReviewTask), list(tasks))
    per_item_now = session.scalar(
        update(ReviewQueue)
        .where(ReviewQueue.id == queue.id)
        .values(per_item=ReviewQueue.per_item + per_item)
        .returning(ReviewQueue.per_item)
        .execution_options(synchronize_session=False)
    )
    set_committed_value(queue, "per_item", per_item_now)


def insert_session(session: Session, guest_id: str, token_hash: str, most: int) -> None:
    """Begin a session of a guest, and end the oldest of more than `most`."""
    session.add(ReviewGuestSession(token_hash=token_hash, guest_id=guest_id))
    session.flush()
    kept = (
        select(ReviewGuestSession.token_hash)
        .where(ReviewGuestSession.guest_id == guest_id)
        .order_by(ReviewGuestSession.created_at.desc(), ReviewGuestSession.token_hash == token_hash)
        .limit(most)
    )
    _delete_sessions(session, guest_id, ReviewGuestSession.token_hash.not_in(kept.scalar_subquery()))


def delete_session(session: Session, guest_id: str, token_hash: str) -> None:
    _delete_sessions(session, guest_id, ReviewGuestSession.token_hash == token_hash)


def delete_sessions(session: Session, guest_id: str) -> None:
    """End every session of a guest."""
    _delete_sessions(session, guest_id)


def _delete_sessions(session: Session, guest_id: str, *which: ColumnElement[bool]) -> None:
    session.execute(
        delete(ReviewGuestSession)
        .where(ReviewGuestSession.guest_id == guest_id, *which)
        .execution_options(synchronize_session=False)
    )


def works(session: Session, queue_id: str, guest_ids: Collection[str]) -> set[str]:
    """Those of the guests that are of this queue and whose links work."""
    query = select(ReviewGuest.id).where(
        ReviewGuest.queue_id == queue_id, ReviewGuest.id.in_(guest_ids), _works()
    )
    return set(session.scalars(query))
