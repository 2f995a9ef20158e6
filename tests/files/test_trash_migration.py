"""Files that were deleted before there was a trash lie in it, with whoever the audit log says deleted them."""

import psycopg
from alembic import command

from app.commands.migrate import configuration
from app.embedded.external import psycopg_url
from tests.stack import Stack


def test_what_was_deleted_before_lies_in_the_trash(stack: Stack) -> None:
    url = stack.create_database()
    config = configuration()
    config.attributes["url"] = url
    command.downgrade(config, "d2f60b8a417c")
    with psycopg.connect(psycopg_url(url), autocommit=True) as connection:
        connection.execute("insert into workspace (id, name, slug) values ('w', 'W', 'w')")
        connection.execute("insert into directory (id, workspace_id, path) values ('d', 'w', '')")
        for file_id, deleted in (("old", "2026-01-02"), ("unknown", "2026-01-03"), ("there", None)):
            connection.execute(
                "insert into file (id, workspace_id, directory_id, kind, path, deleted_at) values (%s, 'w', 'd', 'flow', %s, %s)",
                (file_id, file_id, deleted),
            )
        for audit_id, at, actor in (("1", "2025-01-01", "usr_first"), ("2", "2026-01-02", "usr_last")):
            connection.execute(
                "insert into audit_entry (id, workspace_id, at, actor_id, actor_name, action, subject_type, subject_id, detail)"
                " values (%s, 'w', %s, %s, 'N', 'file.deleted', 'flow', 'old', '{}')",
                (audit_id, at, actor),
            )
    command.upgrade(config, "head")
    with psycopg.connect(psycopg_url(url)) as connection:
        found = connection.execute(
            "select f.id, d.by_id, d.at = f.deleted_at from file f left join deletion d on d.id = f.deletion_id order by f.id"
        ).fetchall()
        assert found == [("old", "usr_last", True), ("there", None, None), ("unknown", None, True)]
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from audit_entry")
        connection.execute("set session_replication_role = origin")
        connection.execute("delete from workspace")
        assert connection.execute("select count(*) from deletion").fetchone() == (0,)
