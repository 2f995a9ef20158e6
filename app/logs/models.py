"""Tables of logs and judgments. Written by the engine in batches, so indexes and foreign keys are few."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Json
from app.workspaces.models import Workspace

Usd = Numeric(18, 10)
"""US dollars to a hundred-millionth of a cent: a token can cost as little."""


class Log(Base):
    """One execution of a version: what went in, what came out, what it cost."""

    __tablename__ = "log"
    __table_args__ = (
        Index(None, "workspace_id", "created_at", "id"),
        Index(None, "file_id", "created_at", "id"),
        Index(None, "version_id", "created_at", "id"),
        Index(None, "trace_id", postgresql_where=text("trace_id is not null")),
        Index(None, "workspace_id", "user", postgresql_where=text('"user" is not null')),
        Index(None, "parent_id", postgresql_where=text("source = 'judge'")),
        Index(None, "reuse_key", postgresql_where=text("reuse_key is not null and error is null")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    file_id: Mapped[str]
    """No foreign keys here and below: they would be checked for each of millions of rows, and deleting a file
    deletes its logs by a statement of its own."""
    version_id: Mapped[str]
    environment: Mapped[str | None]
    run_id: Mapped[str | None]
    """The run that made it; other runs may reuse it."""
    datapoint_id: Mapped[str | None]
    repeat: Mapped[int] = mapped_column(server_default="0")
    trace_id: Mapped[str | None]
    """The id of the log at the root of its trace, which has itself here; None: it is part of no trace."""
    parent_id: Mapped[str | None]
    """The log that it is nested under; it may come later, or never."""
    session_id: Mapped[str | None]
    user: Mapped[str | None]
    created_by: Mapped[str | None]
    """The member who sent it, or made the call: they may delete it. None: a run did, or nobody knows any more."""
    source: Mapped[str | None]
    """Where it came from: `evaluation`, `editor`, `judge`, or what a caller of the API says."""
    status: Mapped[str] = mapped_column(server_default="complete")
    """`complete`, or `incomplete` while more is to come."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """A caller of the API may say it: when what is logged took place."""
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was written, by the database's clock; of what was there before this was noted, when it began to be."""
    start_time: Mapped[datetime | None]
    end_time: Mapped[datetime | None]
    inputs: Mapped[Json | None]
    messages: Mapped[list[Any] | None]
    """Messages given at call time, after those of the template."""
    tool_choice: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    """A word, or an object that names a function."""
    output: Mapped[str | None]
    output_message: Mapped[Json | None]
    error: Mapped[str | None]
    details: Mapped[Json | None] = mapped_column("metadata")
    provider: Mapped[str | None]
    model: Mapped[str | None]
    finish_reason: Mapped[str | None]
    prompt_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    reasoning_tokens: Mapped[int | None]
    prompt_cost: Mapped[Decimal | None] = mapped_column(Usd)
    output_cost: Mapped[Decimal | None] = mapped_column(Usd)
    latency_ms: Mapped[float | None]
    """From sending the request to the last byte of the answer that counted; waiting and retries not included."""
    attempts: Mapped[int] = mapped_column(server_default="1")
    """Calls that the server made for it. None for what others logged: their money is not the workspace's budget."""
    stdout: Mapped[str | None]
    """What the code printed."""
    provider_request: Mapped[Json | None]
    """What was sent to the provider, where who logged it says so."""
    provider_response: Mapped[Json | None]
    """What the provider said beyond the answer (usage, ids, `x_practice`), or the raw body of a failure."""
    payload_cleared_at: Mapped[datetime | None]
    """When inputs, messages, output and the provider's answer were taken away, because they were too old; when it was
    written, where they were never to be kept."""
    included: Mapped[list[Any] | None]
    """What the template included, in its order: of each, `type`, `path`, `environment`, `file_id`, `version_id`, `number`."""
    reuse_key: Mapped[str | None]
    """Hash of version, datapoint, repeat, endpoint and model: the same key may reuse this output."""


class Judgment(Base):
    """What an evaluator, or a person through one, said about a log."""

    __tablename__ = "judgment"
    __table_args__ = (
        UniqueConstraint("log_id", "evaluator_version_id", "author", "vote"),
        CheckConstraint("vote >= 0", "vote"),
        Index(None, "evaluator_version_id", "created_at", "id"),
        Index(None, "evaluator_version_id", "log_id", postgresql_where=text("author <> ''")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    log_id: Mapped[str] = mapped_column(ForeignKey(Log.id, ondelete="CASCADE"))
    evaluator_version_id: Mapped[str]
    author: Mapped[str] = mapped_column(server_default="")
    """A person's id; empty for machines, but `CALLER` where a judgment was sent that the server could have given."""
    vote: Mapped[int] = mapped_column(server_default="0")
    """Counts repeated judgments of one author."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    boolean_value: Mapped[bool | None]
    number_value: Mapped[float | None]
    text_value: Mapped[str | None]
    """A text, or the chosen option."""
    options_value: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    rationale: Mapped[str | None]
    error: Mapped[str | None]
    detail: Mapped[Json | None]
    judge_log_id: Mapped[str | None]
    """The log of the model's own call, where a model judged."""
    cost: Mapped[Decimal | None] = mapped_column(Usd)
    stdout: Mapped[str | None]
    """What a program printed."""
    marked_completed: Mapped[bool] = mapped_column(server_default="false")
    """Whether a person said that they are done with the log."""
    engine: Mapped[str | None]
    """Name and version of what ran a program: judgments of different engines may differ."""


class QuarantinedSpan(Base):
    """Something that was sent as spans and could not be read as logs. Whoever sent it was told that all is well."""

    __tablename__ = "quarantined_span"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    key_id: Mapped[str | None]
    """The API key that it came with."""
    problem: Mapped[str]
    body: Mapped[bytes]
    """What was sent: its first 64 KiB."""


class SpendDay(Base):
    """What the calls of a file to a provider's model came to on one day, in UTC: counted as logs are written, never recounted."""

    __tablename__ = "spend_day"

    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    file_id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True, server_default="")
    """By the name that it had; empty for what was counted before providers were told apart."""
    calls: Mapped[int]
    failed: Mapped[int]
    usd: Mapped[Decimal] = mapped_column(Usd)
    """Of the calls whose price was known."""


class Budget(Base):
    """What a workspace may spend in a calendar month, in UTC."""

    __tablename__ = "budget"

    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    monthly_usd: Mapped[Decimal] = mapped_column(Usd)
    """No model is called any more once this is spent."""
    warn_usd: Mapped[Decimal | None] = mapped_column(Usd)
    """Pages warn from here on."""


class Retention(Base):
    """How long a workspace keeps what its logs hold; None keeps it for good."""

    __tablename__ = "retention"

    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    payload_days: Mapped[int | None]
    log_days: Mapped[int | None]
    cleared: Mapped[int] = mapped_column(server_default="0")
    """Since the audit log was last told; so is `deleted`."""
    deleted: Mapped[int] = mapped_column(server_default="0")
    applied_at: Mapped[datetime | None]
    """When a walk ended that cleared or deleted something."""


class RetentionWalk(Base):
    """How far the one walk through the logs of all workspaces is."""

    __tablename__ = "retention_walk"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[str]
    """The last log that was looked at."""
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class LogView(Base):
    """A name for filters of the page of logs: somebody's own, or the workspace's."""

    __tablename__ = "log_view"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["membership.workspace_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("workspace_id", "owner_id", "name", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    owner_id: Mapped[str | None]
    """Whose it is; None where everybody of the workspace has it."""
    made_by_id: Mapped[str | None]
    name: Mapped[str]
    filters: Mapped[Json]
    """As they stand in the address of the page."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
