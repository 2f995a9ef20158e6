"""Saved views of the page of logs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e7b30d52c9f4"
down_revision = "c4a91e6d5b27"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_view",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text()),
        sa.Column("made_by_id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["membership.workspace_id", "membership.user_id"],
            name=op.f("fk_log_view_workspace_id_owner_id_membership"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_log_view_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_view")),
        sa.UniqueConstraint(
            "workspace_id",
            "owner_id",
            "name",
            name=op.f("uq_log_view_workspace_id_owner_id_name"),
            postgresql_nulls_not_distinct=True,
        ),
    )


def downgrade() -> None:
    op.drop_table("log_view")
