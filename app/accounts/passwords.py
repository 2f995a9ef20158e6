"""Passwords: changing one's own, and the one-time link that sets a new one."""

from sqlalchemy.orm import Session

from app.accounts import repository, throttle
from app.accounts.models import Purpose, User
from app.accounts.service import one_time_token, set_password, start_session
from app.core import security
from app.core.errors import Invalid, NotFound, Unauthenticated


def change_password(session: Session, user: User, *, current: str, new: str, keep: str) -> None:
    """Give `user` a new password. Every session but the one of the token `keep` ends, and every open link.

    Raises:
        Invalid: the current password is not right, or the new one is too short.
        TooMany: the current password was guessed at.
    """
    prove(session, user, current=current)
    set_password(user, new)
    repository.delete_sessions_of(session, user.id, keep=security.token_hash(keep))
    repository.delete_unused_tokens_of(session, user.id)


def prove(session: Session, user: User, *, current: str) -> None:
    """Let somebody go on who knows the password of `user`, or where there is none.

    Raises:
        Invalid: it is another one.
        TooMany: it was guessed at.
    """
    if user.password_hash is None:
        return
    keys = throttle.proof_keys(user.id)
    throttle.spend_try(session, keys)
    if not security.password_matches(current, user.password_hash):
        text = "This is not your current password. If you forgot it, ask an admin for a reset link."
        raise Invalid(text, fields={"current": text})
    throttle.forgive(session, keys)


def create_reset_link(session: Session, email: str, made_by: str | None = None) -> str:
    """A token for `/reset/{token}`, with which the person sets a new password once; `made_by` the admin, if one made it.

    Raises:
        NotFound: nobody has this address, or their account is disabled.
    """
    user = repository.find_user_by_email(session, email)
    if user is None or user.disabled_at:
        raise NotFound(f"Nobody signs in as {email}.")
    return one_time_token(session, Purpose.RESET_PASSWORD, user.id, made_by)


def find_reset(session: Session, token: str) -> User | None:
    """Whose password a reset link would set now. Looking does not use it up."""
    found = repository.find_token(session, security.token_hash(token), Purpose.RESET_PASSWORD)
    user = repository.find_user(session, found.user_id) if found and found.user_id else None
    return None if user is None or user.disabled_at else user


def reset_password(session: Session, token: str, password: str) -> tuple[str, User]:
    """Set the password by a reset link. Every session and every other link of the person ends.

    Returns:
        The token of a new session, and whose it is.

    Raises:
        Unauthenticated: the link is unknown, used or out of date.
        Invalid: the password is too short; the link can be used again.
    """
    user = find_reset(session, token)
    if user is None:
        raise Unauthenticated("This link was used already or is out of date. Ask for a new one.")
    set_password(user, password)
    if repository.use_token(session, security.token_hash(token), Purpose.RESET_PASSWORD) is None:
        raise Unauthenticated("This link was used already. Ask for a new one.")
    repository.delete_sessions_of(session, user.id)
    repository.delete_unused_tokens_of(session, user.id)
    return start_session(session, user, "link"), user
