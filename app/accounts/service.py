"""Accounts: creating people, signing them in and out, and the one-time links that do it without a password."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from app.accounts import repository, throttle
from app.accounts.models import OneTimeToken, Purpose, User, UserSession
from app.core import clock, ids, security
from app.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.core.settings import get_settings

log = structlog.get_logger()
_FEWEST_CHARACTERS = 5
_ROWS = (
    "0123456789" * 3,
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)
MINIMUM_PASSWORD = 12
_LONGEST_PASSWORD = 1024  # argon2 would hash more, at the server's expense


def create_user(session: Session, *, email: str, full_name: str, password: str | None = None) -> User:
    """A new account.

    Raises:
        Invalid: the address or the password cannot be used.
        Conflict: the address has an account already.
    """
    email = usable_email(email)
    if repository.find_user_by_email(session, email):
        raise Conflict(f"{email} has an account already.")
    user = User(id=ids.new_id("usr"), email=email, full_name=" ".join(full_name.split()) or email)
    if password is not None:
        set_password(user, password)
    session.add(user)
    session.flush()
    return user


def usable_email(email: str) -> str:
    """`email` as accounts are found by: trimmed, in lower case.

    Raises:
        Invalid: it is no e-mail address.
    """
    email = email.strip().lower()
    if not (3 <= len(email) <= 254 and "@" in email[1:-1] and email.isprintable() and " " not in email):
        text = "Enter an e-mail address, such as maya@example.com."
        raise Invalid(text, fields={"email": text})
    return email


def set_password(user: User, password: str) -> None:
    """Give `user` a password.

    Raises:
        Invalid: it is too short to be safe, or absurdly long.
    """
    if not MINIMUM_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        text = f"Use at least {MINIMUM_PASSWORD} characters: a sentence is easier to remember than a riddle."
        raise Invalid(text, fields={"password": text})
    if problem := _easily_guessed(password, user.email):
        raise Invalid(problem, fields={"password": problem})
    user.password_hash = security.hash_password(password)


def _easily_guessed(password: str, email: str) -> str | None:
    """Why a password of the right length is none: it is what is tried first."""
    plain = password.casefold()
    name = email.partition("@")[0].casefold()
    if len(set(plain)) < _FEWEST_CHARACTERS:
        return f"Use at least {_FEWEST_CHARACTERS} different characters."
    if any(plain in row or plain in row[::-1] for row in _ROWS):
        return "These characters stand next to each other: they are tried first."
    if plain == email.casefold() or (
        len(name) > 2 and plain.replace(name, "").strip("0123456789!?._- ") == ""
    ):
        return "This is your own address: it is tried first."
    return None


def sign_in(
    session: Session, email: str, password: str, address: str = "unknown", browser: str | None = None
) -> str:
    """The token of a new session. Commits once before the password is looked at: that takes its time.

    Raises:
        TooMany: too many tries for this account or from this network `address`; of a `browser` that is known to the
            account, too many of its own.
        Unauthenticated: no such account, wrong password or disabled, all alike and equally slow.
    """
    keys = throttle.sign_in_keys(email, address, browser)
    throttle.spend_try(session, keys)
    user = repository.find_user_by_email(session, email)
    session.commit()  # the try is counted, and no connection is held while argon2 works
    matches = security.password_matches(password[:_LONGEST_PASSWORD], user.password_hash if user else None)
    if not matches or user is None or user.disabled_at:
        log.info("sign-in refused", user=user.id if user else None)
        raise Unauthenticated("The address or the password is not right.")
    _refuse_if_changed(session, user)
    throttle.forgive(session, keys)
    return start_session(session, user)


def _refuse_if_changed(session: Session, user: User) -> None:
    """Refuse when the password was changed, or the account disabled, while the old password was looked at.

    The row stays locked until the session is there: a change that comes now ends it with all others.
    """
    checked = user.password_hash
    session.refresh(user, with_for_update=True)
    if user.password_hash != checked or user.disabled_at:
        raise Unauthenticated("The address or the password is not right.")


def start_session(session: Session, user: User, by: str = "password") -> str:
    """A new session for `user`; its token goes into the cookie, its hash into the database.

    `by` is how they showed who they are: password, link or sso.
    """
    token = security.new_token()
    expires_at = clock.now() + timedelta(days=get_settings().session_days)
    repository.delete_stale(session, throttles_before=clock.now() - timedelta(days=1))
    user.last_seen_at, user.signed_in_by = clock.now(), by
    session.add(UserSession(token_hash=security.token_hash(token), user_id=user.id, expires_at=expires_at))
    session.flush()
    log.info("signed in", user=user.id, by=by)
    return token


def session_user(session: Session, token: str) -> User | None:
    """The person whom a session's token belongs to; using it keeps the session alive."""
    token_hash = security.token_hash(token)
    user = repository.find_session_user(session, token_hash)
    if user:
        until = clock.now() + timedelta(days=get_settings().session_days)
        repository.extend_session(session, token_hash, until, unless_after=until - timedelta(days=1))
        if user.last_seen_at is None or user.last_seen_at < clock.now() - timedelta(minutes=1):
            repository.note_seen(session, user.id)
    return user


def sign_out(session: Session, token: str) -> User | None:
    """End the session that `token` belongs to, if there is one; whose it was."""
    token_hash = security.token_hash(token)
    user = repository.find_session_user(session, token_hash)
    repository.delete_session(session, token_hash)
    return user


def sign_out_everywhere(session: Session, user_id: str) -> None:
    """End every session of a person."""
    repository.delete_sessions_of(session, user_id)


def create_sign_in_link(session: Session, email: str) -> str:
    """A token for `/signin/link/{token}` that signs in the person once.

    Raises:
        NotFound: nobody has this address.
    """
    user = repository.find_user_by_email(session, email)
    if user is None or user.disabled_at:
        raise NotFound(f"Nobody signs in as {email}.")
    return one_time_token(session, Purpose.SIGN_IN, user.id)


def create_setup_token(session: Session) -> str | None:
    """A token for `/setup?token=…`; None once somebody has an account."""
    return None if repository.any_user(session) else one_time_token(session, Purpose.SET_UP)


def one_time_token(
    session: Session, purpose: Purpose, user_id: str | None = None, made_by: str | None = None
) -> str:
    """A token that can be used once for `purpose`, before it runs out; `made_by` an admin, if it was one."""
    token = security.new_token()
    expires_at = clock.now() + timedelta(minutes=get_settings().sign_in_link_minutes)
    session.add(
        OneTimeToken(
            token_hash=security.token_hash(token),
            user_id=user_id,
            purpose=purpose,
            made_by=made_by,
            expires_at=expires_at,
        )
    )
    session.flush()
    return token


def link_is_usable(session: Session, token: str) -> bool:
    """Whether a sign-in link would work now. Looking does not use it up: mail scanners look, too."""
    return repository.find_token(session, security.token_hash(token), Purpose.SIGN_IN) is not None


def sign_in_by_link(session: Session, token: str) -> tuple[str, User]:
    """The token of a new session, and whose it is; the link is used up.

    Raises:
        Unauthenticated: the link is unknown, used or out of date.
    """
    found = repository.use_token(session, security.token_hash(token), Purpose.SIGN_IN)
    user = repository.find_user(session, found.user_id) if found and found.user_id else None
    if user is None or user.disabled_at:
        raise Unauthenticated("This link was used already or is out of date. Ask for a new one.")
    return start_session(session, user, "link"), user


def setup_is_open(session: Session, token: str) -> bool:
    """Whether the server still has nobody, and `token` is the one that may change that."""
    found = repository.find_token(session, security.token_hash(token), Purpose.SET_UP)
    return found is not None and not repository.any_user(session)


def use_setup_token(session: Session, token: str) -> None:
    """Use up the set-up token.

    Raises:
        Unauthenticated: it is not valid, or the server was set up already.
    """
    used = setup_is_open(session, token) and repository.use_token(
        session, security.token_hash(token), Purpose.SET_UP
    )
    if not used:
        raise Unauthenticated(
            "This set-up link is not valid any more. Start the server again to get a new one."
        )
