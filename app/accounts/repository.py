"""The SQL of accounts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.models import OneTimeToken, Purpose, SignInFlow, Throttle, User, UserSession

MOST_DAYS = 90
"""How long a person stays signed in without showing again who they are: pages that look for news would renew it for ever."""


def find_user(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def find_user_by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def any_user(session: Session) -> bool:
    return bool(session.scalar(select(exists().where(User.id.is_not(None)))))


def find_session_user(session: Session, token_hash: str) -> User | None:
    """The person behind a session that has not run out, unless their account is disabled."""
    return session.scalar(
        select(User)
        .join(UserSession, UserSession.user_id == User.id)
        .where(
            UserSession.token_hash == token_hash,
            UserSession.expires_at > func.now(),
            User.disabled_at.is_(None),
        )
    )


def extend_session(session: Session, token_hash: str, until: datetime, unless_after: datetime) -> None:
    """Move a session's end to `until`, unless it already lies after `unless_after` (saves a write a request). It never lasts
    longer than `MOST_DAYS` in all."""
    last = UserSession.created_at + timedelta(days=MOST_DAYS)
    session.execute(
        update(UserSession)
        .where(
            UserSession.token_hash == token_hash,
            UserSession.expires_at < func.least(unless_after, last),
        )
        .values(expires_at=func.least(until, last))
    )


def delete_session(session: Session, token_hash: str) -> None:
    session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))


def delete_sessions_of(session: Session, user_id: str, keep: str | None = None) -> None:
    """End all sessions of a person, but for the one whose token has the hash `keep`."""
    query = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(query.where(UserSession.token_hash != keep) if keep else query)


def delete_unused_tokens_of(session: Session, user_id: str) -> None:
    """Take the use out of every link that a person still has."""
    session.execute(
        delete(OneTimeToken).where(OneTimeToken.user_id == user_id, OneTimeToken.used_at.is_(None))
    )


def delete_unused_tokens_by(session: Session, user_id: str) -> None:
    """Take the use out of every link that somebody made for others."""
    session.execute(
        delete(OneTimeToken).where(OneTimeToken.made_by == user_id, OneTimeToken.used_at.is_(None))
    )


def note_seen(session: Session, user_id: str) -> None:
    """Note that a person is here now."""
    session.execute(
        update(User)
        .where(User.id == user_id)
        .values(last_seen_at=func.now())
        .execution_options(synchronize_session=False)
    )


def find_pause(session: Session, keys: Sequence[str]) -> datetime | None:
    """Until when the longest pause among these throttles lasts; None when there is none."""
    return session.scalar(
        select(func.max(Throttle.blocked_until)).where(
            Throttle.key.in_(keys), Throttle.blocked_until > func.clock_timestamp()
        )
    )


def lock_throttle(session: Session, key: str, now: datetime) -> Throttle:
    """The throttle of `key`, a new one if need be; whoever else wants it waits for this transaction."""
    fresh = insert(Throttle).values(key=key, tries=0, since=now, level=0, blocked_until=now)
    session.execute(fresh.on_conflict_do_nothing())
    return session.scalars(
        select(Throttle)
        .where(Throttle.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def delete_throttle(session: Session, key: str) -> None:
    session.execute(delete(Throttle).where(Throttle.key == key))


def delete_stale(session: Session, throttles_before: datetime) -> None:
    """Take away what has run out. Rows that somebody else is at are left for the next time."""
    now = func.now()
    for key, old in (
        (Throttle.key, (Throttle.since < throttles_before) & (Throttle.blocked_until < now)),
        (UserSession.token_hash, UserSession.expires_at < now),
        (OneTimeToken.token_hash, OneTimeToken.expires_at < now),
        (SignInFlow.state_hash, SignInFlow.expires_at < now),
    ):
        stale = select(key).where(old).limit(1000).with_for_update(skip_locked=True)
        session.execute(delete(key.class_).where(key.in_(stale)).execution_options(synchronize_session=False))


def take_flow(session: Session, state_hash: str) -> SignInFlow | None:
    """The flow of a browser that came back, taken away: a state works once."""
    return session.scalar(
        delete(SignInFlow)
        .where(SignInFlow.state_hash == state_hash, SignInFlow.expires_at > func.now())
        .returning(SignInFlow)
    )


def use_token(session: Session, token_hash: str, purpose: Purpose) -> OneTimeToken | None:
    """Mark the token used and return it; None when it is unknown, used or out of date.

    One conditional statement: of two requests with the same link only one wins.
    """
    return session.scalar(
        update(OneTimeToken)
        .where(
            OneTimeToken.token_hash == token_hash,
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(OneTimeToken)
    )


def find_token(session: Session, token_hash: str, purpose: Purpose) -> OneTimeToken | None:
    """The token if it could be used now, without using it."""
    return session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.token_hash == token_hash,
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > func.now(),
        )
    )
