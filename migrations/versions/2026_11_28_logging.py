"""What callers log: what was sent, chosen and printed; traces; logs by their time, since callers choose ids."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5c92e7f1a340"
down_revision = "8e4b61d09f3c"
branch_labels = None
depends_on = None

_NEW = {
    "ix_log_file_id_created_at_id": ("log", ["file_id", "created_at", "id"], None),
    "ix_log_version_id_created_at_id": ("log", ["version_id", "created_at", "id"], None),
    "ix_log_trace_id": ("log", ["trace_id"], "trace_id is not null"),
    "ix_judgment_evaluator_version_id_created_at_id": (
        "judgment", ["evaluator_version_id", "created_at", "id"], None,
    ),
}  # fmt: skip
_OLD = {
    "ix_log_file_id_id": ("log", ["file_id", "id"], None),
    "ix_log_version_id_id": ("log", ["version_id", "id"], None),
}


_INVALID = sa.text(
    "select exists (select from pg_index where indexrelid = to_regclass(:name) and not indisvalid)"
)


def _replace(new: dict, old: dict) -> None:
    with op.get_context().autocommit_block():  # logs go on being written meanwhile
        for name, (table, columns, where) in new.items():
            if op.get_bind().scalar(_INVALID, {"name": name}):  # one that broke off is there, and of no use
                op.drop_index(name, table, postgresql_concurrently=True)
            op.create_index(
                name, table, columns,
                postgresql_where=sa.text(where) if where else None,
                postgresql_concurrently=True, if_not_exists=True,
            )  # fmt: skip
        for name, (table, _, _) in old.items():
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)


def upgrade() -> None:
    op.add_column("log", sa.Column("stdout", sa.Text()), if_not_exists=True)
    op.add_column(
        "log", sa.Column("provider_request", postgresql.JSONB(none_as_null=True)), if_not_exists=True
    )
    op.add_column("log", sa.Column("tool_choice", postgresql.JSONB(none_as_null=True)), if_not_exists=True)
    marked = sa.Column("marked_completed", sa.Boolean(), server_default="false", nullable=False)
    op.add_column("judgment", marked, if_not_exists=True)
    _replace(_NEW, _OLD)


def downgrade() -> None:
    _replace(_OLD, _NEW)
    op.drop_column("judgment", "marked_completed", if_exists=True)
    for column in ("tool_choice", "provider_request", "stdout"):
        op.drop_column("log", column, if_exists=True)
