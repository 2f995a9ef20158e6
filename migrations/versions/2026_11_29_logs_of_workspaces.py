"""List the logs of a workspace, newest first."""

import re

import sqlalchemy as sa
from alembic import op

revision = "a07c3e5b9d14"
down_revision = "5b2e9d07a4c8"
branch_labels = None
depends_on = None

_NAME = "ix_log_workspace_id_created_at_id"


_BROKEN_OFF = sa.text("""
    select indexrelid::regclass::text from pg_index where indrelid = 'log'::regclass and not indisvalid
""")
"""Indexes of logs whose making was broken off, by this or an earlier upgrade: they are there, and of no use."""


_HALF_MADE = re.compile(r"_cc(?:new|old)\d*\"?$")
"""What `reindex concurrently` leaves behind: a second index of what one has already."""


def upgrade() -> None:
    with op.get_context().autocommit_block():  # logs go on being written meanwhile
        for name in op.get_bind().scalars(_BROKEN_OFF).all():
            if name == _NAME or _HALF_MADE.search(name):
                op.execute(f"drop index concurrently if exists {name}")
            else:
                op.execute(f"reindex index concurrently {name}")
        op.create_index(
            op.f(_NAME), "log", ["workspace_id", "created_at", "id"],
            postgresql_concurrently=True, if_not_exists=True,
        )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f(_NAME), "log", postgresql_concurrently=True, if_exists=True)
