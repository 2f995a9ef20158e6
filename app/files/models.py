"""Tables shared by every kind of file: directories, files, versions, environments, deployments."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Json
from app.workspaces.models import Workspace


class FileKind(StrEnum):
    """What a file is."""

    PROMPT = "prompt"
    TOOL = "tool"
    DATASET = "dataset"
    EVALUATOR = "evaluator"
    FLOW = "flow"
    AGENT = "agent"


FILE_PREFIX = {
    FileKind.PROMPT: "pr",
    FileKind.TOOL: "tl",
    FileKind.DATASET: "ds",
    FileKind.EVALUATOR: "ev",
    FileKind.FLOW: "fl",
    FileKind.AGENT: "ag",
}
VERSION_PREFIX = {
    FileKind.PROMPT: "prv",
    FileKind.TOOL: "tv",
    FileKind.DATASET: "dsv",
    FileKind.EVALUATOR: "evv",
    FileKind.FLOW: "flv",
    FileKind.AGENT: "agv",
}


class Directory(Base):
    """A folder of the tree. The root of a workspace has the empty path and no parent."""

    __tablename__ = "directory"
    __table_args__ = (UniqueConstraint("workspace_id", "path"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("directory.id", ondelete="CASCADE"), index=True)
    path: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rsplit("/", 1)[-1]


class Deletion(Base):
    """What somebody put into the trash at once: a file, or a folder with all that lay in it. It goes when nothing of it is
    left there."""

    __tablename__ = "deletion"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    by_id: Mapped[str | None]
    """A user's id, as far as it is known."""
    folder: Mapped[str | None]
    """The path of the folder, where it was one."""
    folders: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """The paths of that folder and of those below it: they are made again with it, empty ones, too."""
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class File(Base):
    """A path that has versions. The id stays when the path changes."""

    __tablename__ = "file"
    __table_args__ = (
        Index(
            "uq_file_workspace_id_path",
            "workspace_id",
            "path",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        Index(None, "workspace_id", "kind", "updated_at"),
        Index("ix_file_trash", "workspace_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    directory_id: Mapped[str] = mapped_column(ForeignKey(Directory.id), index=True)
    kind: Mapped[str]
    path: Mapped[str]
    description: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    readme: Mapped[str | None]
    created_by: Mapped[str | None]
    """A user's id; imported ids are kept, so it is not a foreign key."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When a version was last added, or a property of the file or of a version changed."""
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
    deletion_id: Mapped[str | None] = mapped_column(ForeignKey(Deletion.id, ondelete="SET NULL"), index=True)
    """Set while it lies in the trash."""
    logs_count: Mapped[int] = mapped_column(server_default="0")
    last_number: Mapped[int] = mapped_column(server_default="0")
    """The highest number that a version of it ever had: a deleted version's number is not given again."""

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rsplit("/", 1)[-1]


class Version(Base):
    """What a file said at one moment. Content never changes; name and note may."""

    __tablename__ = "version"
    __table_args__ = (
        UniqueConstraint("file_id", "number"),
        UniqueConstraint("file_id", "content_hash"),
        Index(
            "uq_version_file_id_name",
            "file_id",
            "name",
            unique=True,
            postgresql_where=text("name is not null"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    number: Mapped[int]
    """From 1: what people read as v14."""
    content_hash: Mapped[str]
    spec: Mapped[Json] = mapped_column(JSON(none_as_null=True))
    """The typed content of the kind. A dataset's rows lie in `dataset_row`; its spec holds only attributes. It is json, for
    jsonb keeps no order, and models answer in the order of a schema's properties."""
    name: Mapped[str | None]
    note: Mapped[str | None]
    """Why: the reason given when it was committed."""
    author_id: Mapped[str | None]
    author_name: Mapped[str | None]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("version.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    logs_count: Mapped[int] = mapped_column(server_default="0")
    rows_count: Mapped[int | None]
    """Of a dataset version: how many rows it has."""
    summary: Mapped[Json | None]
    """Of a dataset version: what its rows come to (`datasets.summary`); content never changes, so it never does."""

    file: Mapped[File] = relationship(lazy="raise")


def kept_version() -> ForeignKey:
    """The foreign key of what keeps a version from being deleted. It is looked at when the transaction ends, so
    that both can go together, in any order, with their workspace."""
    return ForeignKey(Version.id, deferrable=True, initially="DEFERRED")


class VersionEvent(Base):
    """A reason for a version, where it was given more than once: commits that found their content there give it theirs, and
    each is kept."""

    __tablename__ = "version_event"

    id: Mapped[str] = mapped_column(primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey(Version.id, ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    author_id: Mapped[str | None]
    author_name: Mapped[str | None]
    note: Mapped[str]


class Environment(Base):
    """A place where a version can run. Every workspace has `production`, its default, and `staging`."""

    __tablename__ = "environment"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint("tag in ('default', 'other')", "tag"),
        Index(
            "uq_environment_default", "workspace_id", unique=True, postgresql_where=text("tag = 'default'")
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    name: Mapped[str]
    tag: Mapped[str] = mapped_column(server_default="other")
    protected: Mapped[bool] = mapped_column(server_default="false")
    """Only admins and the named approvers deploy to a protected environment."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EnvironmentApprover(Base):
    """Somebody beside the admins who deploys to a protected environment; ends with the membership."""

    __tablename__ = "environment_approver"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        Index(None, "workspace_id", "user_id"),
    )

    environment_id: Mapped[str] = mapped_column(
        ForeignKey(Environment.id, ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str]
    user_id: Mapped[str] = mapped_column(primary_key=True)


class Deployment(Base):
    """A version put into an environment. The one without an end is what runs there now."""

    __tablename__ = "deployment"
    __table_args__ = (
        Index(
            "uq_deployment_current",
            "file_id",
            "environment_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index(None, "file_id", "at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    environment_id: Mapped[str] = mapped_column(ForeignKey(Environment.id, ondelete="CASCADE"), index=True)
    version_id: Mapped[str] = mapped_column(kept_version(), index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    by_id: Mapped[str | None]
    by_name: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    environment: Mapped[Environment] = relationship(lazy="raise")
    version: Mapped[Version] = relationship(lazy="raise")
