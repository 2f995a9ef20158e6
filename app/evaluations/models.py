"""Tables of evaluations, their runs, the items and shards of a run, and what the scores came to."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Json
from app.files.models import File, FileKind, Version, kept_version
from app.logs.models import Usd
from app.workspaces.models import Membership, Workspace

EVALUATED = (FileKind.PROMPT, FileKind.FLOW, FileKind.AGENT)
"""What can be evaluated. Our workers run prompts only; of flows and agents, the caller sends the outputs."""
MOST_ITEMS = 1_000_000
"""Rows times repeats of a run."""


class Evaluation(Base):
    """A question about a file: which of these versions does better, on these rows, by these evaluators?"""

    __tablename__ = "evaluation"
    __table_args__ = (
        UniqueConstraint("file_id", "name"),
        Index(None, "workspace_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    name: Mapped[str]
    primary_evaluator_id: Mapped[str | None] = mapped_column(kept_version())
    """The evaluator version whose score the headline is about, chosen when the evaluation was made."""
    smallest_difference: Mapped[float | None]
    """The smallest change worth acting on, in the primary score's own unit."""
    stops_when_clear: Mapped[bool] = mapped_column(server_default="false")
    """Whether its runs end as soon as the primary score tells each candidate from the baseline. Chosen before the first run."""
    finding: Mapped[Json | None]
    """The sentence that lists show, and a hash of the state that it was worked out for (`findings`)."""
    created_by: Mapped[str | None]
    created_by_name: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class EvaluationEvaluator(Base):
    """An evaluator version of an evaluation."""

    __tablename__ = "evaluation_evaluator"

    evaluation_id: Mapped[str] = mapped_column(
        ForeignKey(Evaluation.id, ondelete="CASCADE"), primary_key=True
    )
    evaluator_version_id: Mapped[str] = mapped_column(kept_version(), primary_key=True)
    position: Mapped[int]
    orchestrated: Mapped[bool] = mapped_column(server_default="true")
    """Whether our workers judge by it, where they can; else the judgments are sent."""
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())

    version: Mapped[Version] = relationship(lazy="raise")


ENDED = ("completed", "cancelled")
"""The states of runs to which nothing is added, unless they are reopened."""


class Run(Base):
    """One version answering every row of one dataset version, each `repeats` times; or a collection of logs.

    Where the outputs come from elsewhere, a run may be without dataset, without version, or without both. Logs are then
    added to it, and those that are of none of its rows are rows of their own.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint("status in ('pending', 'running', 'completed', 'cancelled')", "status"),
        Index(None, "evaluation_id", "created_at"),
        Index(None, "status", postgresql_where=text("status in ('pending', 'running')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey(Evaluation.id, ondelete="CASCADE"))
    """The one that it was begun in, or was left to; those that show it beside are in `SharedRun`."""
    joined_at: Mapped[datetime | None]
    """Since when it is part of `evaluation_id`, where it was begun in another one."""
    version_id: Mapped[str | None] = mapped_column(kept_version(), index=True)
    dataset_version_id: Mapped[str | None] = mapped_column(kept_version(), index=True)
    control: Mapped[bool] = mapped_column(server_default="false")
    """Whether this is the baseline that the others of `evaluation_id` are compared with."""
    orchestrated: Mapped[bool] = mapped_column(server_default="true")
    """Whether our workers make the outputs."""
    status: Mapped[str] = mapped_column(server_default="pending")
    cancel_requested_at: Mapped[datetime | None]
    """When it was stopped: by somebody, or because it was clear. Empty again once it goes on."""
    end_requested_at: Mapped[datetime | None]
    """When somebody said that nothing more is sent, while outputs were being judged: their verdicts end it, whoever else is to
    judge. Empty again once it has ended, or another log has come."""
    split: Mapped[str | None]
    """Only the rows of this split were asked for."""
    repeats: Mapped[int] = mapped_column(server_default="1")
    concurrency: Mapped[int]
    fresh: Mapped[bool] = mapped_column(server_default="false")
    """Whether outputs of earlier runs must not be reused."""
    max_cost_usd: Mapped[Decimal | None] = mapped_column(Usd)
    """Nothing more is called once this is spent: rows that are left end with an error that says so."""
    max_calls: Mapped[int | None]
    stops_by: Mapped[str | None]
    """The evaluator version that is looked at while it runs, to end it as soon as it is clear: its rows come in random order,
    and the changes that it is part of have intervals that hold at every look. None: nobody looks."""
    comparisons: Mapped[int] = mapped_column(server_default="1")
    """How many candidates there are against one baseline: they share what may be wrong."""
    clear_after: Mapped[int | None]
    """After how many rows it was clear, where it was: it then ended, unless the rest was run all the same."""
    left_count: Mapped[int] = mapped_column(server_default="0")
    """Items that were left when it ended because it was clear; 0 again once somebody has the rest run."""
    left_reused_count: Mapped[int] = mapped_column(server_default="0")
    """Of those, the ones with an output of an earlier run: they would have taken no call of the version."""
    left_at: Mapped[datetime | None]
    """When they were left: it may be open again since, for other rows."""
    spent_usd: Mapped[Decimal] = mapped_column(Usd, server_default="0")
    """Of the run's own calls and its judges', as far as their prices are known."""
    calls_count: Mapped[int] = mapped_column(server_default="0")
    """Calls of models, those that were sent again included."""
    items_count: Mapped[int] = mapped_column(server_default="0")
    done_count: Mapped[int] = mapped_column(server_default="0")
    failed_count: Mapped[int] = mapped_column(server_default="0")
    """Done items without an output: their log, or losing the worker three times, says why."""
    reused_count: Mapped[int] = mapped_column(server_default="0")
    retried_count: Mapped[int] = mapped_column(server_default="0")
    """Calls sent again after a provider's error: part of what the run costs."""
    judgments_count: Mapped[int] = mapped_column(server_default="0")
    request_id: Mapped[str | None]
    """The request that started it, or that resumed it last: its workers' log lines carry the same."""
    created_by: Mapped[str | None]
    created_by_name: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    scored_at: Mapped[datetime | None]
    """When the scores of the finished run were worked out."""
    scoring_until: Mapped[datetime | None]
    """Until then somebody works them out, and nobody else needs to."""
    progressed_at: Mapped[datetime | None]
    """When a result last came in: a run without progress is shown as stuck."""

    version: Mapped[Version | None] = relationship(lazy="raise", foreign_keys=[version_id])
    dataset_version: Mapped[Version | None] = relationship(lazy="raise", foreign_keys=[dataset_version_id])

    @property
    def is_unfinished(self) -> bool:
        """Whether it was stopped, and can go on: cancelled, or completed by hand before every row was run."""
        stopped = self.status == "completed" and self.done_count < self.items_count
        return stopped or self.status == "cancelled"

    @property
    def rows_count(self) -> int:
        """Rows that it has: repeats of a row are one."""
        return self.items_count // self.repeats

    @property
    def ended_when_clear(self) -> bool:
        """Whether it ended because it was clear, and has rows that were not run for that reason."""
        return self.left_count > 0 and self.status == "completed"

    @property
    def not_run(self) -> str | None:
        """Why a row of it without a result was not run, where that is because it was clear."""
        return (
            f"not run: it was clear after {self.clear_after:,} of {self.rows_count:,} rows"
            if self.ended_when_clear
            else None
        )

    @property
    def takes_any_log(self) -> bool:
        """Whether logs are added to it that are of none of its rows: it has no dataset, or no version."""
        return self.dataset_version_id is None or self.version_id is None

    @property
    def name(self) -> str:
        """What people call it in a table: v3, or when it was made where it is of no one version."""
        return f"v{self.version.number}" if self.version else f"run of {self.created_at:%d %b, %H:%M}"

    @property
    def note(self) -> str:
        """Why its version was made; empty where nobody said, or it is of no one version."""
        return (self.version.note or "") if self.version else ""

    @property
    def rows_name(self) -> str:
        """What its rows are, in a table."""
        data = self.dataset_version
        return f"{data.file.name} v{data.number}" if data else "logs, no dataset"


class SharedRun(Base):
    """A run of one evaluation that another one shows, too: its evaluators judge it as well."""

    __tablename__ = "shared_run"

    evaluation_id: Mapped[str] = mapped_column(
        ForeignKey(Evaluation.id, ondelete="CASCADE"), primary_key=True
    )
    run_id: Mapped[str] = mapped_column(ForeignKey(Run.id, ondelete="CASCADE"), primary_key=True, index=True)
    control: Mapped[bool] = mapped_column(server_default="false")
    """Whether this is the baseline there."""
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RunItem(Base):
    """One row, one repeat of a run. Done means: it has an output or an error, and every judgment.

    Left means: it has none, as a pending one, and nobody is to work on it while the run, which ended because it was clear, is open
    again for other rows.
    """

    __tablename__ = "run_item"
    __table_args__ = (
        CheckConstraint("state in ('pending', 'done', 'left')", "state"),
        Index(None, "log_id"),
        Index(None, "run_id", "datapoint_id"),
    )

    run_id: Mapped[str] = mapped_column(ForeignKey(Run.id, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """From 0, in the dataset's order, all repeats of a row together; in random order, the same for all runs of an evaluation,
    where they stop as soon as it is clear."""
    datapoint_id: Mapped[str]
    """Of the row; the log's own id where a log was added that is of no datapoint."""
    repeat: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="pending")
    log_id: Mapped[str | None]
    """Set at the start where an output is reused, else with the result."""
    reused: Mapped[bool] = mapped_column(server_default="false")
    losses: Mapped[int] = mapped_column(server_default="0")
    """How often a worker was lost while it may have been working on this item."""
    error: Mapped[str | None]
    """Why there is no output, in a sentence."""


class Shard(Base):
    """A range of a run's items that one worker slot works on at a time, under a lease."""

    __tablename__ = "shard"
    __table_args__ = (
        CheckConstraint("state in ('queued', 'running', 'done', 'cancelled')", "state"),
        Index(None, "run_id", "state"),
        Index(None, "state", "lease_until", postgresql_where=text("state in ('queued', 'running')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey(Run.id, ondelete="CASCADE"))
    first: Mapped[int]
    """Position of its first item."""
    until: Mapped[int]
    """Position after its last item."""
    state: Mapped[str] = mapped_column(server_default="queued")
    owner: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When its message was last sent: one that stays unclaimed is sent again."""


class RunScore(Base):
    """What a finished run came to by one evaluator: a mean, or a corpus metric such as macro-F1."""

    __tablename__ = "run_score"

    run_id: Mapped[str] = mapped_column(ForeignKey(Run.id, ondelete="CASCADE"), primary_key=True)
    evaluator_version_id: Mapped[str] = mapped_column(primary_key=True)
    slice: Mapped[str] = mapped_column(primary_key=True, server_default="")
    """The metric's name where the evaluator gives several (`macro_f1`); empty for the score itself."""
    value: Mapped[float | None]
    lo: Mapped[float | None]
    hi: Mapped[float | None]
    n: Mapped[int]
    clusters: Mapped[int | None]
    method: Mapped[str]
    detail: Mapped[Json | None]


class VersionScore(Base):
    """The last score of a version by an evaluator: what lists show without looking at runs."""

    __tablename__ = "version_score"

    version_id: Mapped[str] = mapped_column(ForeignKey(Version.id, ondelete="CASCADE"), primary_key=True)
    evaluator_version_id: Mapped[str] = mapped_column(
        ForeignKey(Version.id, ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey(Run.id, ondelete="CASCADE"))
    value: Mapped[float]
    lo: Mapped[float | None]
    hi: Mapped[float | None]
    n: Mapped[int]
    at: Mapped[datetime]


class SuspectTarget(Base):
    """A row of a dataset whose target several versions speak against, with one answer. Made anew when a run has been scored."""

    __tablename__ = "suspect_target"

    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), primary_key=True)
    """The dataset."""
    datapoint_id: Mapped[str] = mapped_column(primary_key=True)
    log_id: Mapped[str]
    """One that gave the answer. Its text is not copied, and goes with the log."""
    version_ids: Mapped[list[Any]]
    """Of those who gave it."""


class RunLimits(Base):
    """What a workspace lets its runs ask for; without a row, what the engine does."""

    __tablename__ = "run_limits"
    __table_args__ = (CheckConstraint("most_concurrency between 1 and 500", "most_concurrency"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    most_concurrency: Mapped[int]
    """Calls at once that one run may ask for."""


class ReportLink(Base):
    """A link that shows an evaluation's report to whoever has it, without an account. Only its hash is kept.

    It goes with the evaluation, and with its maker's membership.
    """

    __tablename__ = "report_link"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "created_by"], [Membership.workspace_id, Membership.user_id], ondelete="CASCADE"
        ),
        Index(None, "workspace_id", "created_by"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey(Evaluation.id, ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str]
    """It opens nothing while they may not make one, as an API key has never more than its maker."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    last_opened_at: Mapped[datetime | None]
    """To the minute."""

    maker: Mapped[Membership] = relationship(lazy="raise")
    evaluation: Mapped[Evaluation] = relationship(lazy="raise")
