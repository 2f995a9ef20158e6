"""What was deleted at once, and by whom, so that it can be brought back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c4f7a1d92b60"
down_revision = "d2f60b8a417c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deletion",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=True),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("folders", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_deletion_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion")),
    )
    op.create_index(op.f("ix_deletion_workspace_id"), "deletion", ["workspace_id"])
    op.add_column("file", sa.Column("deletion_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_file_deletion_id_deletion"), "file", "deletion", ["deletion_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(op.f("ix_file_deletion_id"), "file", ["deletion_id"])
    op.create_index(
        "ix_file_trash",
        "file",
        ["workspace_id", "deleted_at"],
        postgresql_where=sa.text("deleted_at is not null"),
    )
    # Files that were deleted before are in the trash from now on; who deleted them, the audit log knows.
    op.execute("""
        insert into deletion (id, workspace_id, by_id, at)
        select 'del_' || f.id, f.workspace_id,
            (select a.actor_id from audit_entry a
             where a.workspace_id = f.workspace_id and a.subject_id = f.id and a.action = 'file.deleted'
             order by a.at desc limit 1),
            f.deleted_at
        from file f where f.deleted_at is not null
    """)
    op.execute("update file set deletion_id = 'del_' || id where deleted_at is not null")


def downgrade() -> None:
    op.drop_index("ix_file_trash", "file")
    op.drop_index(op.f("ix_file_deletion_id"), "file")
    op.drop_constraint(op.f("fk_file_deletion_id_deletion"), "file", type_="foreignkey")
    op.drop_column("file", "deletion_id")
    op.drop_table("deletion")
