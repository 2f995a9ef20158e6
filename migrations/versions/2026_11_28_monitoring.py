"""evaluators that judge a file's new logs, and the logs that wait for them."""

import sqlalchemy as sa
from alembic import op

revision = "3b7e90d4c1f8"
down_revision = "8e4b61d09f3c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monitor",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("evaluator_version_id", sa.Text(), nullable=True),
        sa.Column("evaluator_id", sa.Text(), nullable=True),
        sa.Column("environment_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("sampling", sa.Float(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(evaluator_version_id is null) = (evaluator_id is not null)"
            " and (evaluator_id is null) = (environment_id is null)",
            name=op.f("ck_monitor_one_reference"),
        ),
        sa.CheckConstraint("sampling between 0 and 1", name=op.f("ck_monitor_sampling")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_monitor_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_monitor_file_id_file"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["evaluator_version_id"],
            ["version.id"],
            name=op.f("fk_monitor_evaluator_version_id_version"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["evaluator_id"], ["file.id"], name=op.f("fk_monitor_evaluator_id_file"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_monitor_environment_id_environment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor")),
    )
    op.create_index(
        "uq_monitor_version",
        "monitor",
        ["file_id", "evaluator_version_id"],
        unique=True,
        postgresql_where=sa.text("evaluator_version_id is not null"),
    )
    op.create_index(
        "uq_monitor_environment",
        "monitor",
        ["file_id", "evaluator_id", "environment_id"],
        unique=True,
        postgresql_where=sa.text("evaluator_id is not null"),
    )
    for column in ("workspace_id", "evaluator_version_id", "evaluator_id", "environment_id"):
        op.create_index(op.f(f"ix_monitor_{column}"), "monitor", [column])
    op.create_table(
        "log_to_judge",
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["log_id"], ["log.id"], name=op.f("fk_log_to_judge_log_id_log"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_log_to_judge_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_log_to_judge")),
    )
    op.create_index(op.f("ix_log_to_judge_workspace_id"), "log_to_judge", ["workspace_id"])
    op.create_index(
        op.f("ix_log_to_judge_claimed_until_queued_at"), "log_to_judge", ["claimed_until", "queued_at"]
    )


def downgrade() -> None:
    op.drop_table("log_to_judge")
    op.drop_table("monitor")
