"""The SQL of accounts."""

from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from app.accounts.models import OneTimeToken, User, UserSession


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
    """Move a session's end to `until`, unless it already lies after `unless_after` (saves a write a request)."""
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == token_hash, UserSession.expires_at < unless_after)
        .values(expires_at=until)
    )


def delete_session(session: Session, token_hash: str) -> None:
    session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))


def use_token(session: Session, token_hash: str) -> OneTimeToken | None:
    """Mark the token used and return it; None when it is unknown, used or out of date.

    One conditional statement: of two requests with the same link only one wins.
    """
    return session.scalar(
        update(OneTimeToken)
        .where(
            OneTimeToken.token_hash == token_hash,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(OneTimeToken)
    )


def find_token(session: Session, token_hash: str) -> OneTimeToken | None:
    """The token if it could be used now, without using it."""
    return session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.token_hash == token_hash,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > func.now(),
        )
    )
