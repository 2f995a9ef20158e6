"""Rows that prompts write into drafts of datasets, and finding rows that a model wrote."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c4a91e6d5b27"
down_revision = "d5a8c27e9b14"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)
_USD = sa.Numeric(18, 10)


def upgrade() -> None:
    with op.get_context().autocommit_block():  # rows go on being written meanwhile
        op.create_index(
            "ix_datapoint_synthetic",
            "datapoint",
            ["id"],
            postgresql_where=sa.text("coalesce(metadata->'synthetic', 'null') not in ('null', 'false')"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
    op.create_table(
        "row_generation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text()),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("rows_wanted", sa.Integer(), nullable=False),
        sa.Column("columns", _JSON, nullable=False),
        sa.Column("inputs", _JSON, nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("split", sa.Text()),
        sa.Column("max_cost_usd", _USD),
        sa.Column("spent_usd", _USD, server_default="0", nullable=False),
        sa.Column("calls_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("claimed_until", _TIME),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", _TIME),
        sa.CheckConstraint("status in ('running', 'stopped', 'done')", name=op.f("ck_row_generation_status")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_row_generation_file_id_file"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["version.id"],
            name=op.f("fk_row_generation_version_id_version"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_generation")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            name=op.f("fk_row_generation_workspace_id_user_id_membership"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_row_generation_file_id_created_at"), "row_generation", ["file_id", "created_at"])
    op.create_index(op.f("ix_row_generation_version_id"), "row_generation", ["version_id"])
    op.create_index(
        op.f("ix_row_generation_created_at"),
        "row_generation",
        ["created_at"],
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "row_generation_call",
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rows_asked", sa.Integer(), nullable=False),
        sa.Column("rows_added", sa.Integer(), server_default="0", nullable=False),
        sa.Column("left_out", _JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("log_id", sa.Text()),
        sa.Column("finished_at", _TIME),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["row_generation.id"],
            name=op.f("fk_row_generation_call_generation_id_row_generation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("generation_id", "number", name=op.f("pk_row_generation_call")),
    )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_datapoint_synthetic", "datapoint", postgresql_concurrently=True, if_exists=True)
    op.drop_table("row_generation_call")
    op.drop_table("row_generation")
