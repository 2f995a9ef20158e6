"""Tables of workspaces, memberships, API keys and the audit log."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.core.access import Role
from app.core.database import Base, Json

_ROLE_IS_KNOWN = "role in ({})".format(", ".join(f"'{role.value}'" for role in Role))


class Workspace(Base):
    """A team and everything it owns. Every row of users' data names its workspace."""

    __tablename__ = "workspace"

    id: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    webhook_key: Mapped[int] = mapped_column(server_default="1")
    """Which key signs what is sent to the workspace's services: a new one has the next number."""


class Membership(Base):
    """What a person is in a workspace."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint(_ROLE_IS_KNOWN, "role"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey(User.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    user: Mapped[User] = relationship(lazy="raise")
    workspace: Mapped[Workspace] = relationship(lazy="raise")


class ApiKey(Base):
    """A key for the API. The secret itself is shown once and never stored."""

    __tablename__ = "api_key"
    __table_args__ = (CheckConstraint(_ROLE_IS_KNOWN, "role"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    """Never more than its maker's: a key also stops when its maker leaves or is demoted below it."""
    hint: Mapped[str]
    """The first characters, enough to recognise the key by."""
    secret_hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    workspace: Mapped[Workspace] = relationship(lazy="raise")
    maker: Mapped[User] = relationship(lazy="raise")


class Invitation(Base):
    """A one-time link that makes whoever has it, and the address, a member. Only the link's hash is kept."""

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint(_ROLE_IS_KNOWN, "role"),
        Index(
            "uq_invitation_open",
            "workspace_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    invited_by: Mapped[str | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"), index=True)
    invited_by_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    workspace: Mapped[Workspace] = relationship(lazy="raise")


class AuditEntry(Base):
    """Something that a person or a key did. Rows are only ever added: a trigger refuses changes,
    but for taking the name and addresses of an erased person out of them."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(None, "workspace_id", "at", "id"),
        Index(None, "workspace_id", "actor_id", "at"),
        Index(None, "workspace_id", "action", "at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[str | None]
    actor_name: Mapped[str]
    """As it was then: the entry outlives the person's account."""
    key_id: Mapped[str | None]
    address: Mapped[str | None]
    """Where the request came from; None for the command line and workers."""
    action: Mapped[str]
    """`noun.verb`, for example `deployment.created`."""
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    detail: Mapped[Json]
