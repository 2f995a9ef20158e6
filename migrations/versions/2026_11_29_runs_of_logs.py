"""Let runs be without a dataset and without a version, and several evaluations show one run.

This only takes conditions away and adds a table: no row is read, let alone written.
"""

import sqlalchemy as sa
from alembic import op

revision = "c4d81f6a2e39"
down_revision = "c4f81d6a20e7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("run", "version_id", nullable=True)
    op.alter_column("run", "dataset_version_id", nullable=True)
    op.create_table(
        "shared_run",
        sa.Column("evaluation_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("control", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluation.id"],
            name=op.f("fk_shared_run_evaluation_id_evaluation"), ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_shared_run_run_id_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("evaluation_id", "run_id", name=op.f("pk_shared_run")),
    )  # fmt: skip
    op.create_index(op.f("ix_shared_run_run_id"), "shared_run", ["run_id"])


def downgrade() -> None:
    op.drop_table("shared_run")
    # What these runs are cannot be said in the older tables. Their logs stay, with every judgment.
    op.execute(sa.text("delete from run where version_id is null or dataset_version_id is null"))
    op.alter_column("run", "dataset_version_id", nullable=False)
    op.alter_column("run", "version_id", nullable=False)
