"""Tables of people, their sessions, and the one-time tokens that let them in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base


class User(Base):
    """A person. One account may belong to several workspaces."""

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    """Lower-cased: addresses are compared without regard to case."""
    full_name: Mapped[str]
    password_hash: Mapped[str | None]
    """None until a password is set: such a person signs in by link."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    """To the minute."""
    signed_in_by: Mapped[str | None]
    """How they came in last: password, link or sso."""
    address_proven_at: Mapped[datetime | None]
    """When a single sign-on provider first vouched that the address is theirs, or whoever runs the server said so."""


class UserSession(Base):
    """A signed-in browser. The cookie holds a random token, this row only its hash."""

    __tablename__ = "user_session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="raise")


class Purpose(StrEnum):
    """What a one-time link is for."""

    SIGN_IN = "sign_in"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password
    SET_UP = "set_up"


class OneTimeToken(Base):
    """A link that can be used once: to sign in, to set a password, or (without a user) to set the server up."""

    __tablename__ = "one_time_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(server_default="sign_in")
    """A `Purpose`: a link that signs in must not set passwords."""
    made_by: Mapped[str | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    """The admin who made the link for somebody else: it lasts no longer than their rights."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Throttle(Base):
    """How often something was tried of late: signing in to an account, from an address, guessing keys."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
    """When it was last tried; after a pause, its end."""
    level: Mapped[int]
    """How many pauses there were: each is twice as long as the one before."""
    blocked_until: Mapped[datetime]


class SignInFlow(Base):
    """A browser that was sent to the single sign-on provider and is not back yet."""

    __tablename__ = "sign_in_flow"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str]
    verifier: Mapped[bytes]
    """The PKCE code verifier, encrypted."""
    next: Mapped[str]
    expires_at: Mapped[datetime]
