"""Let the names and addresses of an erased person be taken out of the audit log, and nothing else."""

from alembic import op

revision = "e2d94c7a05b1"
down_revision = "b83d0c6f41ea"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("drop trigger audit_entry_append_only on audit_entry")
    op.execute(
        "create trigger audit_entry_append_only before delete or truncate on audit_entry "
        "for each statement execute function refuse_audit_change()"
    )
    op.execute(
        """
        create function refuse_audit_rewrite() returns trigger language plpgsql as $$
        declare erased constant text[] := array['actor_name', 'address', 'detail'];
        begin
            if current_setting('whetstone.erases', true) = 'yes' and to_jsonb(new) - erased = to_jsonb(old) - erased then
                return new;
            end if;
            raise exception 'the audit log is append-only';
        end $$
        """
    )
    op.execute(
        "create trigger audit_entry_not_rewritten before update on audit_entry "
        "for each row execute function refuse_audit_rewrite()"
    )


def downgrade() -> None:
    op.execute("drop trigger audit_entry_not_rewritten on audit_entry")
    op.execute("drop function refuse_audit_rewrite")
    op.execute("drop trigger audit_entry_append_only on audit_entry")
    op.execute(
        "create trigger audit_entry_append_only before update or delete or truncate on audit_entry "
        "for each statement execute function refuse_audit_change()"
    )
