"""Keep versions that a run, an evaluation or a deployment names, and never give a version's number again.

Numbers go on after the highest that a version, or the rows of a deleted version, still carry.
"""

import sqlalchemy as sa
from alembic import op

revision = "f07b3c52d9a8"
down_revision = "c3e8a95b7d10"
branch_labels = None
depends_on = None

_COUNT = """
update file set last_number = greatest(
    coalesce((select max(number) from version where file_id = file.id), 0),
    coalesce((select max(greatest(from_number, until_number)) from dataset_row where file_id = file.id), 0)
)
"""
_NAMES = (
    ("run", "version_id", "CASCADE"),
    ("run", "dataset_version_id", "CASCADE"),
    ("evaluation_evaluator", "evaluator_version_id", "CASCADE"),
    ("evaluation", "primary_evaluator_id", "SET NULL"),
    ("deployment", "version_id", "CASCADE"),
)


def _point(table: str, column: str, **how: object) -> None:
    name = f"fk_{table}_{column}_version"
    op.drop_constraint(name, table, type_="foreignkey")
    op.create_foreign_key(name, table, "version", [column], ["id"], **how)


def upgrade() -> None:
    op.add_column("file", sa.Column("last_number", sa.Integer(), server_default="0", nullable=False))
    op.execute(_COUNT)
    for table, column, _ in _NAMES:
        _point(table, column, deferrable=True, initially="DEFERRED")


def downgrade() -> None:
    for table, column, before in _NAMES:
        _point(table, column, ondelete=before)
    op.drop_column("file", "last_number")
