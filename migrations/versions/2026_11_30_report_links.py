"""Links that show a report without an account."""

import sqlalchemy as sa
from alembic import op

revision = "b3e9a1d47c52"
down_revision = "b37f0c95d2a4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_link",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("evaluation_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_opened_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["membership.workspace_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_report_link_evaluation_id"), "report_link", ["evaluation_id"])
    op.create_index(
        op.f("ix_report_link_workspace_id_created_by"), "report_link", ["workspace_id", "created_by"]
    )


def downgrade() -> None:
    op.drop_table("report_link")
